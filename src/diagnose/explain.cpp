#include "diagnose/explain.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "core/path.hpp"
#include "core/seq.hpp"
#include "diagnose/counters.hpp"

namespace synwhy::diagnose {

using core::Cause;
using core::Confidence;

namespace {

/// An explanation must explain at least this much beyond its price.
constexpr double kMinGain = 0.05;
/// Groups of one pass do not overlap, so several may be taken before the rest is grouped anew.
constexpr std::size_t kPrefixesAtATime = 64;
constexpr std::size_t kMaxExplanations = 256;

/// Position on the SYN's way through the kernel: when several explanations hold for one SYN, the first test met it.
int path_position(Cause cause) {
    switch (cause) {
        case Cause::rp_filter: return 1;
        case Cause::netfilter_drop: return 2;
        case Cause::min_ttl: return 3;
        case Cause::socket_filter: return 4;
        case Cause::syn_queue_full: return 5;
        case Cause::accept_queue_full: return 6;
        case Cause::no_route_back: return 7;  // per-host PAWS is only asked when a route back exists
        case Cause::per_host_paws: return 8;
        case Cause::syn_backlog_quarter: return 9;
        default: return 10;
    }
}

/// Takes up to `most` of the candidates, the worthiest first.
void choose(const HostView& view, std::vector<Mechanism>& candidates, std::size_t most, std::vector<bool>& explained,
            HostExplanation& result) {
    for (std::size_t taken = 0; taken < most && !candidates.empty() && result.chosen.size() < kMaxExplanations;
         ++taken) {
        std::size_t best = 0;
        double best_gain = -1e300;
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            const double worth = gain(view, candidates[i], explained);
            if (worth > best_gain) {
                best_gain = worth;
                best = i;
            }
        }
        if (best_gain < kMinGain) return;
        Mechanism winner = std::move(candidates[best]);
        candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(best));
        for (const std::uint32_t i : winner.refusals) {
            winner.unique += view.attempts[i].silent() && !explained[i];
            explained[i] = true;
        }
        // Another variant of the same explanation has nothing to add.
        for (std::size_t i = candidates.size(); i-- > 0;) {
            if (candidates[i].cause == winner.cause && candidates[i].listener == winner.listener &&
                winner.prefix_length == 0) {
                candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(i));
            }
        }
        result.chosen.push_back(std::move(winner));
    }
}

void add_rival(AttemptCause& cause, Cause rival) {
    if (cause.cause == rival || std::find(cause.rivals.begin(), cause.rivals.end(), rival) != cause.rivals.end())
        return;
    cause.rivals.push_back(rival);
}

bool barely_refuted(const Mechanism& mechanism) { return mechanism.refute * 20 <= mechanism.support; }

/// What a single SYN shows beside the rule it fell under.
std::string detail_of(const Attempt& attempt, const Mechanism& mechanism) {
    switch (mechanism.cause) {
        case Cause::per_host_paws: {
            if (attempt.timestamps_unreadable)
                return "a connection of this client was closed by the server less than 60 s before; the capture cut "
                       "the timestamps";
            if (!attempt.stamp_exists) return "assumed: a stamp from before the capture";
            if (!attempt.has_timestamps)
                return "no timestamp, and the server remembers one of " + std::to_string(attempt.stamp_age_s) +
                       " s ago";
            const std::int32_t behind = core::ts_older_by(attempt.stamp_ts, attempt.ts);
            return "TSval " + std::to_string(attempt.ts) + " is " + std::to_string(behind) +
                   " ticks behind the remembered " + std::to_string(attempt.stamp_ts) + " (" +
                   std::to_string(attempt.stamp_age_s) + " s old)";
        }
        case Cause::accept_queue_full:
            return std::to_string(attempt.unserved) + " completed connections were waiting to be accepted";
        case Cause::syn_queue_full:
        case Cause::syn_backlog_quarter: return std::to_string(attempt.requests) + " requests were pending";
        case Cause::min_ttl: return "TTL below " + std::to_string(mechanism.threshold);
        default:
            return "source inside " + core::to_string(mechanism.prefix) + "/" + std::to_string(mechanism.prefix_length);
    }
}

Confidence confidence_of(const Mechanism& mechanism, const Premises& premises) {
    const bool unrefuted = mechanism.refute == 0 || mechanism.refute * 100 <= mechanism.support;
    switch (mechanism.cause) {
        case Cause::per_host_paws: {
            const bool known = premises.tw_recycle.value_or(false) && mechanism.support >= 3;
            return unrefuted && (known || (mechanism.support >= 5 && mechanism.spared >= 5)) ? Confidence::likely
                                                                                             : Confidence::possible;
        }
        case Cause::accept_queue_full:
            return unrefuted && mechanism.support >= 3 && mechanism.spared >= 5 ? Confidence::likely
                                                                                : Confidence::possible;
        case Cause::syn_queue_full:
        case Cause::syn_backlog_quarter: {
            const bool known = premises.syncookies.has_value() && premises.max_syn_backlog.has_value();
            return unrefuted && known && mechanism.support >= 3 ? Confidence::likely : Confidence::possible;
        }
        case Cause::min_ttl:
            return mechanism.support >= 10 && mechanism.spared >= 10 ? Confidence::likely : Confidence::possible;
        default: return Confidence::possible;
    }
}

/// An explanation of which most is explained by stronger ones anyway speaks last, wherever its test stands.
bool stands_in_line(const Mechanism& mechanism) {
    return mechanism.unique * 2 >= mechanism.support && !mechanism.assumed;
}

/// The SYN queue is tested before the accept queue, against the same limit since 4.4: with cookies known to be off,
/// a SYN that meets both full fails the first test.
void prefer_earlier_queue(const Attempt& attempt, const Mechanism& mechanism, const Premises& premises,
                          AttemptCause& cause) {
    if (mechanism.cause != Cause::accept_queue_full || premises.cookies_seen || premises.syncookies.value_or(0) != 0)
        return;
    const core::Behaviours& kernel = premises.kernels.front().behaviours;
    if (kernel.syn_queue_rule == core::SynQueueRule::table) return;
    core::Facts facts;
    facts.syncookies = 0;
    facts.backlog = mechanism.threshold - 1;
    facts.max_syn_backlog = premises.max_syn_backlog.value_or(UINT32_MAX / 2);
    facts.accept_length = attempt.unserved;
    facts.request_length = attempt.requests_high;
    facts.via_time_wait = attempt.via_time_wait;
    const core::ListenDecision decision = core::decide_listen(kernel, facts);
    if (decision.row == nullptr || decision.row->cause != Cause::syn_queue_full) return;
    if (premises.kernel_given && premises.syncookies) {
        cause.cause = Cause::syn_queue_full;
        add_rival(cause, Cause::accept_queue_full);
    } else {
        add_rival(cause, Cause::syn_queue_full);
    }
}

/// The first explanation on the SYN's way names the cause, the others are rivals.
void name_cause(const Attempt& attempt, std::size_t index, std::uint32_t m, const Premises& premises,
                HostExplanation& result) {
    AttemptCause& cause = result.attempts[index];
    const Mechanism& mechanism = result.chosen[m];
    if (cause.cause) return add_rival(cause, mechanism.cause);
    cause.cause = mechanism.cause;
    cause.mechanism = m;
    cause.confidence = confidence_of(mechanism, premises);
    const bool stretched =
        std::binary_search(mechanism.stretched.begin(), mechanism.stretched.end(), static_cast<std::uint32_t>(index));
    const bool unseen_stamp = mechanism.cause == Cause::per_host_paws && !attempt.stamp_exists;
    if (stretched || unseen_stamp) cause.confidence = Confidence::possible;
    cause.detail = detail_of(attempt, mechanism);
    prefer_earlier_queue(attempt, mechanism, premises, cause);
}

/// Gives every silent attempt at LISTEN the chosen explanations that refuse it, in the order of the SYN's way.
void assign(const HostView& view, const Premises& premises, HostExplanation& result) {
    std::vector<std::uint32_t> order(result.chosen.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        const Mechanism& first = result.chosen[a];
        const Mechanism& second = result.chosen[b];
        if (stands_in_line(first) != stands_in_line(second)) return stands_in_line(first);
        return path_position(first.cause) < path_position(second.cause);
    });
    for (const std::uint32_t m : order) {
        for (const std::uint32_t i : result.chosen[m].refusals) {
            if (view.attempts[i].silent()) name_cause(view.attempts[i], i, m, premises, result);
        }
    }
    for (AttemptCause& cause : result.attempts) {
        if (cause.mechanism == kNone) continue;
        for (const Cause sibling : result.chosen[cause.mechanism].siblings) add_rival(cause, sibling);
    }
    for (const Mechanism& loser : result.rejected) {
        if (!barely_refuted(loser)) continue;
        for (const std::uint32_t i : loser.refusals) {
            if (view.attempts[i].silent()) add_rival(result.attempts[i], loser.cause);
        }
    }
}

/// First or last address of a /24: the network's or its broadcast address, where masks are usual.
bool edge_of_subnet(const core::Address& address) {
    if (address.family != core::Family::ipv4) return false;
    const std::uint32_t host = address.ipv4_value() & 0xff;
    return host == 0 || host == 0xff;
}

/// Causes that leave no trace but silence and that nothing in this capture excludes for this SYN.
std::vector<Cause> open_silent_causes(const HostView& view, const Attempt& attempt, const Premises& premises) {
    std::vector<Cause> open;
    if (view.address_silent) {
        if (edge_of_subnet(view.address)) open.push_back(Cause::broadcast_destination);
        open.push_back(Cause::not_local);
    }
    const bool paws_kernel =
        premises.any_kernel([](const core::Behaviours& b) { return b.host_paws != core::HostPaws::none; });
    const bool without_timestamps_too =
        premises.any_kernel([](const core::Behaviours& b) { return b.host_paws == core::HostPaws::metrics_pair; });
    const bool comparable = attempt.has_timestamps || attempt.timestamps_unreadable || without_timestamps_too;
    if (paws_kernel && comparable && premises.tw_recycle.value_or(true) &&
        (attempt.stamp_exists || attempt.blind_stamp))
        open.push_back(Cause::per_host_paws);
    if (attempt.existing.state != core::Existing::none)
        open.push_back(attempt.existing.state == core::Existing::established ? Cause::established_collision
                                                                             : Cause::time_wait_refused);
    if (attempt.unserved > 0 || !view.traits.replies_visible) open.push_back(Cause::accept_queue_full);
    if (attempt.requests > 0 && premises.syncookies.value_or(0) == 0 && !premises.cookies_seen) {
        open.push_back(Cause::syn_queue_full);
        open.push_back(Cause::syn_backlog_quarter);
    }
    for (const Cause cause : {Cause::netfilter_drop, Cause::no_route_back, Cause::socket_filter, Cause::rp_filter,
                              Cause::min_ttl, Cause::accept_queue_full}) {
        if (std::find(open.begin(), open.end(), cause) == open.end()) open.push_back(cause);
    }
    return open;
}

/// Nothing fitted: name what remains, the most telling first, and say that it is open.
void leave_open(const HostView& view, const Premises& premises, HostExplanation& result) {
    for (std::size_t i = 0; i < view.attempts.size(); ++i) {
        const Attempt& attempt = view.attempts[i];
        AttemptCause& cause = result.attempts[i];
        if (!judged(attempt) || !attempt.silent()) continue;
        std::vector<Cause> open = open_silent_causes(view, attempt, premises);
        std::erase_if(open, [&](Cause other) { return counters_exclude(other, premises); });
        if (open.empty()) open.push_back(Cause::netfilter_drop);
        if (!cause.cause) {
            cause.cause = view.traits.replies_visible || view.address_silent ? open.front() : Cause::capture_blind;
            cause.confidence = Confidence::unknown;
            cause.detail = "silence that no explanation predicts better than another";
        }
        const bool weak = cause.mechanism == kNone ||
                          (cause.confidence == Confidence::possible && result.chosen[cause.mechanism].support < 3);
        if (weak) {
            for (const Cause other : open) add_rival(cause, other);
        }
    }
}

}  // namespace

HostExplanation explain_host(const capture::Fold& fold, const std::vector<Reading>& readings, const Premises& premises,
                             HostView& view) {
    HostExplanation result;
    result.attempts.resize(view.attempts.size());
    settle_before_listen(fold, readings, premises, view, result.attempts);

    std::vector<Mechanism> candidates = fit_host_paws(view, premises);
    for (auto fit : {fit_accept_queues, fit_syn_queues}) {
        std::vector<Mechanism> more = fit(view, premises);
        candidates.insert(candidates.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    // A cause whose own counter stands still is out, however well it would fit.
    std::erase_if(candidates, [&](const Mechanism& mechanism) { return counters_exclude(mechanism.cause, premises); });

    std::vector<bool> explained(view.attempts.size(), false);
    choose(view, candidates, kMaxExplanations, explained, result);
    for (Mechanism& mechanism : result.chosen) stretch(view, mechanism, explained);
    // What remains may be constant in the sender, or older than the capture. One at a time: each choice changes what
    // is left to group.
    std::vector<Mechanism> ttl = fit_min_ttl(view, fold, premises);
    if (counters_exclude(Cause::min_ttl, premises)) ttl.clear();
    for (std::size_t before = SIZE_MAX; before != result.chosen.size() && before != kMaxExplanations;) {
        before = result.chosen.size();
        std::vector<Mechanism> constant = fit_prefixes(view, premises, explained);
        for (const std::vector<Mechanism>& more :
             {ttl, assume_earlier_stamps(view, fold, premises, result.chosen, explained)}) {
            constant.insert(constant.end(), more.begin(), more.end());
        }
        choose(view, constant, ttl.empty() ? kPrefixesAtATime : 1, explained, result);
    }
    result.rejected = std::move(candidates);
    assign(view, premises, result);
    leave_open(view, premises, result);
    return result;
}

}  // namespace synwhy::diagnose
