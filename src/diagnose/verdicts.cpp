#include "diagnose/verdicts.hpp"

#include <algorithm>
#include <map>

namespace synwhy::diagnose {

using core::Cause;
using core::Confidence;
using core::HandshakeVerdict;
using core::Outcome;

namespace {

struct CauseCount {
    std::uint64_t copies = 0;
    std::uint64_t first = UINT64_MAX;  ///< position of the first copy it refused
    std::map<Confidence, std::uint64_t> confidence{};
};

/// The confidence most of the copies have; the weaker one on a tie.
Confidence common_confidence(const CauseCount& count) {
    Confidence best = Confidence::unknown;
    std::uint64_t most = 0;
    for (const auto& [confidence, copies] : count.confidence) {
        if (copies >= most) {
            most = copies;
            best = confidence;
        }
    }
    return best;
}

void add_rival(HandshakeVerdict& verdict, Cause rival) {
    if (verdict.cause == rival ||
        std::find(verdict.rivals.begin(), verdict.rivals.end(), rival) != verdict.rivals.end())
        return;
    verdict.rivals.push_back(rival);
}

void name_cause(HandshakeVerdict& verdict, const std::vector<const AttemptCause*>& copies) {
    std::map<Cause, CauseCount> counts;
    for (std::size_t i = 0; i < copies.size(); ++i) {
        if (!copies[i]->cause) continue;
        CauseCount& count = counts[*copies[i]->cause];
        ++count.copies;
        count.first = std::min<std::uint64_t>(count.first, i);
        ++count.confidence[copies[i]->confidence];
    }
    if (counts.empty()) return;
    const auto primary = std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
        const bool a_known = common_confidence(a.second) != Confidence::unknown;
        const bool b_known = common_confidence(b.second) != Confidence::unknown;
        if (a_known != b_known) return b_known;
        if (a.second.copies != b.second.copies) return a.second.copies < b.second.copies;
        return a.second.first > b.second.first;
    });
    verdict.cause = primary->first;
    verdict.confidence = common_confidence(primary->second);
    for (const auto& [cause, count] : counts) add_rival(verdict, cause);
    for (const AttemptCause* copy : copies) {
        for (const Cause rival : copy->rivals) add_rival(verdict, rival);
    }
}

/// Trouble after the SYN+ACK: the client believes it is connected, the server's queue says otherwise.
void note_final_ack(HandshakeVerdict& verdict, const capture::Handshake& handshake, const Reading& reading,
                    const ListenerView& listener, bool queue_full) {
    std::optional<Cause> cause;
    if (reading.aborted_ns != capture::kNever) cause = Cause::aborted_on_overflow;
    if (reading.refused_final_acks > 0) cause = Cause::final_ack_refused;
    if (!cause) return;
    if (verdict.cause && verdict.confidence != Confidence::unknown) return add_rival(verdict, *cause);
    if (verdict.cause) verdict.rivals.insert(verdict.rivals.begin(), *verdict.cause);
    verdict.cause = cause;
    // Several handshakes in the same trouble: the queue. One alone may be an ACK lost on its way to the server.
    const bool several = listener.full_signs.size() >= 4;
    // A RST alone also says that a cookie came too late or that the request had gone: the queue must show itself too.
    const bool queue_shown = *cause == Cause::final_ack_refused || queue_full;
    verdict.confidence = several && queue_shown ? Confidence::likely : Confidence::possible;
    if (*cause == Cause::final_ack_refused) {
        add_rival(verdict, Cause::final_ack_lost);
        if (handshake.client_data_ns != capture::kNever) add_rival(verdict, Cause::defer_accept);
    } else {
        add_rival(verdict, Cause::cookie_ack_refused);
    }
}

}  // namespace

std::vector<HandshakeVerdict> make_verdicts(const capture::Fold& fold, const std::vector<Reading>& readings,
                                            const HostView& view, const HostExplanation& explanation) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> attempts_of;  // handshake, attempt
    for (std::uint32_t i = 0; i < view.attempts.size(); ++i) attempts_of.emplace_back(view.attempts[i].handshake, i);
    std::sort(attempts_of.begin(), attempts_of.end());
    auto next = attempts_of.begin();
    std::map<core::Endpoint, const ListenerView*> listener_of;
    for (const ListenerView& listener : view.listeners) listener_of[listener.endpoint] = &listener;

    std::vector<HandshakeVerdict> verdicts;
    for (const std::uint32_t index : view.handshakes) {
        const capture::Handshake& handshake = fold.handshakes()[index];
        if (!handshake.isn_known) continue;
        HandshakeVerdict verdict;
        verdict.tuple = handshake.tuple;
        verdict.isn = handshake.isn;
        verdict.first_ns = handshake.first_ns;
        verdict.outcome = readings[index].outcome;
        verdict.answer_inferred = readings[index].answer_inferred;
        verdict.more_syns = handshake.more_syns;
        std::vector<const AttemptCause*> refused;
        while (next != attempts_of.end() && next->first < index) ++next;
        for (; next != attempts_of.end() && next->first == index; ++next) {
            const std::uint32_t i = next->second;
            const Attempt& attempt = view.attempts[i];
            const AttemptCause& cause = explanation.attempts[i];
            const capture::SynCopy& syn = handshake.syns[attempt.copy];
            verdict.syns.push_back(
                {attempt.time_ns, attempt.outcome, cause.cause, cause.detail, syn.ordinal, syn.file});
            if (cause.cause && !attempt.answered()) refused.push_back(&cause);
        }
        name_cause(verdict, refused);
        const ListenerView& listener = *listener_of.at(handshake.tuple.server);
        const bool queue_full =
            std::any_of(explanation.chosen.begin(), explanation.chosen.end(), [&](const Mechanism& mechanism) {
                return mechanism.cause == Cause::accept_queue_full && &view.listeners[mechanism.listener] == &listener;
            });
        note_final_ack(verdict, handshake, readings[index], listener, queue_full);
        verdicts.push_back(std::move(verdict));
    }
    return verdicts;
}

}  // namespace synwhy::diagnose
