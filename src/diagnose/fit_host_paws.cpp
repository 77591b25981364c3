// Does per-host PAWS (tcp_tw_recycle) predict which SYNs were refused?
//
// Every SYN is put to the path table with the stamp that the replay says the server remembered at that moment. Stamps
// left by closes before the capture are unknown; where one value could explain all silences of a client and none of
// its answers, it is assumed, and the mechanism says so.
#include <algorithm>
#include <map>

#include "core/path.hpp"
#include "core/seq.hpp"
#include "diagnose/mechanism.hpp"
#include "model/peer_memory.hpp"

namespace synwhy::diagnose {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

core::Facts facts_of(const Attempt& attempt, const Premises& premises, bool ipv6) {
    core::Facts facts;
    facts.has_timestamps = attempt.has_timestamps;
    facts.via_time_wait = attempt.via_time_wait;
    facts.ipv6 = ipv6;
    facts.backlog = UINT32_MAX / 2;
    facts.syn_table = UINT32_MAX / 2;
    facts.max_syn_backlog = UINT32_MAX / 2;
    facts.tw_recycle = true;
    facts.timestamps_on = premises.timestamps.value_or(true);
    facts.stamp_exists = attempt.stamp_exists;
    facts.stamp_ts = attempt.stamp_ts;
    facts.stamp_age_s = attempt.stamp_age_s;
    facts.syn_ts = attempt.ts;
    return facts;
}

bool refused_by_paws(const core::Behaviours& kernel, const core::Facts& facts) {
    const core::ListenDecision decision = core::decide_listen(kernel, facts);
    return decision.kind == core::ListenDecision::Kind::refuse && decision.row != nullptr &&
           decision.row->cause == core::Cause::per_host_paws;
}

Prediction predict(const core::Behaviours& kernel, const Attempt& attempt, const Premises& premises, bool ipv6) {
    if (!judged(attempt) || attempt.outcome == core::Outcome::cookie) return Prediction::no_opinion;
    if (attempt.timestamps_unreadable) {
        // The order of the timestamps cannot be seen; a fresh close by the server is the necessary condition.
        if (!attempt.blind_stamp) return Prediction::answer;
        return attempt.silent() ? Prediction::refuse : Prediction::no_opinion;
    }
    core::Facts facts = facts_of(attempt, premises, ipv6);
    const bool refused = refused_by_paws(kernel, facts);
    // The server's whole seconds are not ours: one second and one tick either way must not change the answer.
    for (const std::int64_t shift : {-1, 1}) {
        core::Facts near = facts;
        near.stamp_age_s += shift;
        if (refused_by_paws(kernel, near) != refused)
            return attempt.silent() && refused ? Prediction::refuse : Prediction::no_opinion;
        near = facts;
        near.syn_ts += static_cast<std::uint32_t>(static_cast<std::int32_t>(shift));
        if (refused_by_paws(kernel, near) != refused)
            return attempt.silent() && refused ? Prediction::refuse : Prediction::no_opinion;
    }
    return refused ? Prediction::refuse : Prediction::answer;
}

/// One client's attempts in the first minute, when stamps from before the capture can still be alive.
struct EarlyClient {
    std::vector<std::size_t> silent;
    std::vector<std::size_t> answered;
};

/// How many candidates for the unknown stamp are tried per client.
constexpr std::size_t kMaxStampsTried = 64;

/// Would a stamp with this TSval refuse the attempt?
bool behind(const Attempt& attempt, std::uint32_t stamp_ts, bool refuses_without_timestamps) {
    if (attempt.timestamps_unreadable) return true;
    if (!attempt.has_timestamps) return refuses_without_timestamps;
    return core::ts_older_by(stamp_ts, attempt.ts) > 1;
}

/// Finds the stored TSval, and how long it lived, that explains most silences for the fewest refuted answers.
std::vector<std::size_t> best_unknown_stamp(const HostView& view, const EarlyClient& client,
                                            bool refuses_without_timestamps) {
    std::vector<std::size_t> best;
    double best_score = 0.5;
    for (std::size_t c = 0; c < client.silent.size() && c < kMaxStampsTried; ++c) {
        const std::uint32_t stamp_ts = view.attempts[client.silent[c]].ts + 2;
        std::vector<std::size_t> explained;
        std::size_t next_answered = 0;
        double refuted = 0;
        for (const std::size_t i : client.silent) {
            for (; next_answered < client.answered.size() && client.answered[next_answered] < i; ++next_answered) {
                const Attempt& answered = view.attempts[client.answered[next_answered]];
                if (!answered.timestamps_unreadable && behind(answered, stamp_ts, refuses_without_timestamps))
                    refuted += 3.0;
            }
            if (!behind(view.attempts[i], stamp_ts, refuses_without_timestamps)) continue;
            explained.push_back(i);
            const double score = static_cast<double>(explained.size()) - refuted;
            if (score > best_score) {
                best_score = score;
                best = explained;
            }
        }
    }
    return best;
}

}  // namespace

namespace {

/// Signs that the trouble is older than the capture: connections already open, or SYNs first seen deep in their
/// retransmission schedule (a gap well above the first timeout).
bool begun_before(const HostView& view, const capture::Fold& fold) {
    constexpr std::int64_t kOpening = 10 * kSecond;
    constexpr std::int64_t kLateGap = kSecond * 18 / 10;
    return std::any_of(view.handshakes.begin(), view.handshakes.end(), [&](std::uint32_t i) {
        const capture::Handshake& h = fold.handshakes()[i];
        if (h.midstream) return true;
        return h.syns.size() >= 2 && h.first_ns < view.traits.capture_first_ns + kOpening &&
               h.syns[1].time_ns - h.syns[0].time_ns > kLateGap;
    });
}

std::map<core::Address, EarlyClient> early_clients(const HostView& view, const capture::Fold& fold,
                                                   const std::vector<bool>& explained) {
    const std::int64_t until = view.traits.capture_first_ns + (model::kStampLifeS + 1) * kSecond;
    std::map<core::Address, EarlyClient> clients;
    for (std::size_t i = 0; i < view.attempts.size(); ++i) {
        const Attempt& attempt = view.attempts[i];
        if (!judged(attempt) || attempt.time_ns >= until || attempt.outcome == core::Outcome::cookie) continue;
        EarlyClient& client = clients[fold.handshakes()[attempt.handshake].tuple.client.address];
        if (attempt.answered()) {
            client.answered.push_back(i);
        } else if (!explained[i]) {
            client.silent.push_back(i);
        }
    }
    return clients;
}

}  // namespace

std::vector<Mechanism> assume_earlier_stamps(const HostView& view, const capture::Fold& fold, const Premises& premises,
                                             const std::vector<Mechanism>& chosen, const std::vector<bool>& explained) {
    const auto paws = std::find_if(chosen.begin(), chosen.end(), [](const Mechanism& m) {
        return m.cause == core::Cause::per_host_paws && !m.assumed;
    });
    const bool believed = premises.tw_recycle.value_or(false) ||
                          (paws != chosen.end() && paws->support >= 3 && paws->refute * 20 <= paws->support);
    const bool possible_kernel =
        premises.any_kernel([](const core::Behaviours& b) { return b.host_paws != core::HostPaws::none; });
    if (!believed || !premises.tw_recycle.value_or(true) || !possible_kernel) return {};
    const bool without_timestamps =
        std::all_of(premises.kernels.begin(), premises.kernels.end(),
                    [](const core::Kernel& k) { return k.behaviours.host_paws == core::HostPaws::metrics_pair; });
    // The price of assuming what nobody saw: just above a refusal of this one client where nothing hints at a past.
    const double price = begun_before(view, fold) ? 1.2 : 1.6;
    std::vector<Mechanism> assumed;
    for (const auto& [address, client] : early_clients(view, fold, explained)) {
        const std::vector<std::size_t> explains = best_unknown_stamp(view, client, without_timestamps);
        if (explains.empty()) continue;
        Mechanism mechanism;
        mechanism.cause = core::Cause::per_host_paws;
        mechanism.assumed = true;
        mechanism.cost = client.answered.empty() ? price : 1.0;
        mechanism.prefix = address;
        mechanism.prefix_length = address.family == core::Family::ipv4 ? 32 : 128;
        for (const std::size_t i : explains) mechanism.predict(i, view.attempts[i], Prediction::refuse);
        assumed.push_back(std::move(mechanism));
    }
    return assumed;
}

std::vector<Mechanism> fit_host_paws(const HostView& view, const Premises& premises) {
    std::vector<Mechanism> fitted;
    if (premises.tw_recycle.has_value() && !*premises.tw_recycle) return fitted;
    std::vector<core::HostPaws> tried;
    const bool ipv6 = view.address.family == core::Family::ipv6;
    for (const core::Kernel& kernel : premises.kernels) {
        const core::HostPaws variant = kernel.behaviours.host_paws;
        if (variant == core::HostPaws::none || std::find(tried.begin(), tried.end(), variant) != tried.end()) continue;
        tried.push_back(variant);
        Mechanism mechanism;
        mechanism.cause = core::Cause::per_host_paws;
        mechanism.cost = 0.3;
        mechanism.kernel_note = kernel.family;
        for (std::size_t i = 0; i < view.attempts.size(); ++i) {
            mechanism.predict(i, view.attempts[i], predict(kernel.behaviours, view.attempts[i], premises, ipv6));
        }
        fit_interval(view, mechanism);  // recycle may have been switched while the capture ran
        if (mechanism.support > 0) fitted.push_back(std::move(mechanism));
    }
    return fitted;
}

}  // namespace synwhy::diagnose
