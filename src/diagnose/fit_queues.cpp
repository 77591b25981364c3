// Does a full queue predict which SYNs were refused?
//
// The lengths come from the replay (connections nobody served yet, requests nobody completed); the limits are unknown
// unless the host told them. A limit is fitted as the one threshold that separates silences from answers best, and
// the path table decides each SYN under it.
#include <algorithm>
#include <set>

#include "core/path.hpp"
#include "diagnose/mechanism.hpp"

namespace synwhy::diagnose {

namespace {

constexpr std::uint32_t kNoLimit = UINT32_MAX / 2;
/// Distinct thresholds tried per listener.
constexpr std::size_t kMaxThresholds = 256;

core::Facts open_queues(const Attempt& attempt) {
    core::Facts facts;
    facts.has_timestamps = attempt.has_timestamps;
    facts.via_time_wait = attempt.via_time_wait;
    facts.backlog = kNoLimit;
    facts.syn_table = kNoLimit;
    facts.max_syn_backlog = kNoLimit;
    facts.request_length = attempt.requests;
    facts.young_requests = attempt.young;
    facts.accept_length = attempt.unserved;
    facts.peer_proven = attempt.proven_peer;
    return facts;
}

bool refused_by(const core::Behaviours& kernel, const core::Facts& facts, core::Cause cause) {
    const core::ListenDecision decision = core::decide_listen(kernel, facts);
    return decision.kind == core::ListenDecision::Kind::refuse && decision.row != nullptr && decision.row->cause == cause;
}

/// The lengths at which this listener's silences happened, as candidate thresholds, most promising (lowest) first.
std::vector<std::uint32_t> thresholds(const HostView& view, std::uint32_t listener, std::uint32_t Attempt::* length) {
    std::set<std::uint32_t> seen;
    for (const Attempt& attempt : view.attempts) {
        if (attempt.listener == listener && judged(attempt) && attempt.silent() && attempt.*length > 0) seen.insert(attempt.*length);
    }
    std::vector<std::uint32_t> all(seen.begin(), seen.end());
    if (all.size() > kMaxThresholds) all.resize(kMaxThresholds);
    return all;
}

template <class Predict>
Mechanism fit_threshold(const HostView& view, std::uint32_t listener, core::Cause cause,
                        const std::vector<std::uint32_t>& candidates, double cost, Predict predict) {
    Mechanism best;
    double best_score = 0;
    for (const std::uint32_t threshold : candidates) {
        Mechanism mechanism;
        mechanism.cause = cause;
        mechanism.listener = listener;
        mechanism.threshold = threshold;
        mechanism.cost = cost;
        for (const Attempt& attempt : view.attempts) {
            const bool mine = attempt.listener == listener && judged(attempt);
            mechanism.predictions.push_back(mine ? predict(attempt, threshold) : Prediction::no_opinion);
        }
        tally(view, mechanism);
        const double score = gain(view, mechanism, std::vector<bool>(view.attempts.size(), false));
        if (score > best_score) {
            best_score = score;
            best = std::move(mechanism);
        }
    }
    return best;
}

/// Kernels that differ in the given respect, one of each.
template <class Key>
std::vector<const core::Kernel*> one_of_each(const Premises& premises, Key key) {
    std::vector<const core::Kernel*> chosen;
    for (const core::Kernel& kernel : premises.kernels) {
        const bool known = std::any_of(chosen.begin(), chosen.end(), [&](const core::Kernel* other) {
            return key(other->behaviours) == key(kernel.behaviours);
        });
        if (!known) chosen.push_back(&kernel);
    }
    return chosen;
}

bool table_capacity_possible(std::uint32_t capacity, const Premises& premises) {
    // 16, 32, 64, ...: the table is a power of two, bounded by max_syn_backlog and somaxconn.
    if (capacity < 16 || (capacity & (capacity - 1)) != 0) return false;
    if (!premises.max_syn_backlog) return true;
    return capacity <= core::syn_table_size(premises.somaxconn.value_or(UINT32_MAX), *premises.max_syn_backlog);
}

}  // namespace

std::vector<Mechanism> fit_accept_queues(const HostView& view, const Premises& premises) {
    std::vector<Mechanism> fitted;
    if (!view.traits.replies_visible) return fitted;  // nobody can tell served from waiting
    for (std::uint32_t l = 0; l < view.listeners.size(); ++l) {
        std::vector<std::uint32_t> candidates = thresholds(view, l, &Attempt::unserved);
        if (const auto backlog = premises.backlog_of(view.listeners[l].endpoint)) candidates = {*backlog + 1};
        if (candidates.empty()) continue;
        const bool signs = !view.listeners[l].full_signs.empty();
        for (const core::Kernel* kernel : one_of_each(premises, [](const core::Behaviours& b) { return b.accept_rule; })) {
            Mechanism mechanism = fit_threshold(
                view, l, core::Cause::accept_queue_full, candidates, signs ? 0.2 : 0.6,
                [&](const Attempt& attempt, std::uint32_t threshold) {
                    core::Facts facts = open_queues(attempt);
                    facts.backlog = threshold - 1;
                    facts.syncookies = 1;
                    facts.request_length = 0;
                    if (attempt.outcome == core::Outcome::cookie) return Prediction::no_opinion;
                    return refused_by(kernel->behaviours, facts, core::Cause::accept_queue_full) ? Prediction::refuse : Prediction::answer;
                });
            mechanism.kernel_note = kernel->family;
            if (mechanism.support > 0) fitted.push_back(std::move(mechanism));
        }
    }
    return fitted;
}

std::vector<Mechanism> fit_syn_queues(const HostView& view, const Premises& premises) {
    std::vector<Mechanism> fitted;
    if (!view.traits.replies_visible || premises.cookies_seen || premises.syncookies.value_or(0) != 0) return fitted;
    for (std::uint32_t l = 0; l < view.listeners.size(); ++l) {
        const std::vector<std::uint32_t> candidates = thresholds(view, l, &Attempt::requests);
        if (candidates.empty()) continue;
        const auto whole_queue = [&](const Attempt& attempt, std::uint32_t threshold) {
            if (attempt.via_time_wait) return Prediction::answer;
            return attempt.requests >= threshold ? Prediction::refuse : Prediction::answer;
        };
        Mechanism full = fit_threshold(view, l, core::Cause::syn_queue_full, candidates, 0.6, whole_queue);
        // A proven peer passes the last quarter where that works (>= 4.14).
        const bool proven_works = premises.any_kernel([](const core::Behaviours& b) { return b.proven_peer == core::ProvenPeer::by_rtt; });
        Mechanism quarter = fit_threshold(view, l, core::Cause::syn_backlog_quarter, candidates, 0.7,
                                          [&](const Attempt& attempt, std::uint32_t threshold) {
                                              if (proven_works && attempt.proven_peer) return Prediction::no_opinion;
                                              return whole_queue(attempt, threshold);
                                          });
        const auto quarter_limit = premises.max_syn_backlog
                                       ? std::optional<std::uint32_t>(*premises.max_syn_backlog - (*premises.max_syn_backlog >> 2) + 1)
                                       : std::nullopt;
        const auto near = [](std::uint32_t a, std::uint32_t b) { return (a > b ? a - b : b - a) <= 1 + b / 16; };
        const bool table_kernels_only = !premises.any_kernel([](const core::Behaviours& b) { return b.syn_queue_rule != core::SynQueueRule::table; });
        if (quarter.support > 0) {
            if (quarter_limit) quarter.cost = near(quarter.threshold, *quarter_limit) ? 0.1 : 5.0;
            fitted.push_back(quarter);
        }
        if (full.support > 0) {
            if (quarter_limit && near(full.threshold, *quarter_limit)) full.cost = 2.0;
            if (table_kernels_only && !table_capacity_possible(full.threshold, premises)) full.cost += 1.0;
            fitted.push_back(full);
        }
    }
    return fitted;
}

}  // namespace synwhy::diagnose
