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
constexpr std::size_t kMaxThresholds = 128;

/// Lengths that hang on a late timer count in favour of what was observed.
std::uint32_t requests_of(const Attempt& attempt) { return attempt.silent() ? attempt.requests_high : attempt.requests; }
std::uint32_t young_of(const Attempt& attempt) { return attempt.silent() ? attempt.young_high : attempt.young; }

core::Facts open_queues(const Attempt& attempt) {
    core::Facts facts;
    facts.has_timestamps = attempt.has_timestamps;
    facts.via_time_wait = attempt.via_time_wait;
    facts.backlog = kNoLimit;
    facts.syn_table = kNoLimit;
    facts.max_syn_backlog = kNoLimit;
    facts.request_length = requests_of(attempt);
    facts.young_requests = young_of(attempt);
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
    for (const std::uint32_t i : view.listeners[listener].attempts) {
        const Attempt& attempt = view.attempts[i];
        if (judged(attempt) && attempt.silent() && attempt.*length > 0) seen.insert(attempt.*length);
    }
    std::vector<std::uint32_t> all(seen.begin(), seen.end());
    if (all.size() > kMaxThresholds) all.resize(kMaxThresholds);
    return all;
}

/// May the limit have held for a part of the capture only?
enum class Span : std::uint8_t { whole_capture, interval };

template <class Predict>
Mechanism fit_threshold(const HostView& view, std::uint32_t listener, core::Cause cause, Span span,
                        const std::vector<std::uint32_t>& candidates, double cost, Predict predict) {
    Mechanism best;
    double best_score = 0;
    for (const std::uint32_t threshold : candidates) {
        Mechanism mechanism;
        mechanism.cause = cause;
        mechanism.listener = listener;
        mechanism.threshold = threshold;
        mechanism.cost = cost;
        for (const std::uint32_t i : view.listeners[listener].attempts) {
            if (judged(view.attempts[i])) mechanism.predict(i, view.attempts[i], predict(view.attempts[i], threshold));
        }
        if (span == Span::interval) fit_interval(view, mechanism);
        const double score = gain(mechanism);
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
            const auto full = [&](const Attempt& attempt, std::uint32_t threshold) {
                core::Facts facts = open_queues(attempt);
                facts.backlog = threshold - 1;
                facts.syncookies = 1;
                facts.request_length = 0;
                if (attempt.outcome == core::Outcome::cookie) return Prediction::no_opinion;
                return refused_by(kernel->behaviours, facts, core::Cause::accept_queue_full) ? Prediction::refuse : Prediction::answer;
            };
            const double cost = signs ? 0.2 : 0.6;
            Mechanism mechanism = fit_threshold(view, l, core::Cause::accept_queue_full, Span::whole_capture, candidates, cost, full);
            if (mechanism.support == 0) {  // listen() may have been called again with another backlog
                mechanism = fit_threshold(view, l, core::Cause::accept_queue_full, Span::interval, candidates, cost, full);
            }
            mechanism.kernel_note = kernel->family;
            if (mechanism.support > 0) fitted.push_back(std::move(mechanism));
        }
    }
    return fitted;
}

namespace {

/// 3/4 of a power of two, plus one: the usual values of tcp_max_syn_backlog give 97, 193, 385, 769, 1537, 3073.
bool looks_like_quarter(std::uint32_t threshold) {
    for (std::uint32_t limit = 8; limit <= 65536; limit *= 2) {
        if (threshold == limit - (limit >> 2) + 1) return true;
    }
    return false;
}

bool near(std::uint32_t a, std::uint32_t b) { return (a > b ? a - b : b - a) <= 1 + b / 16; }

/// The 3/4 rule, with and without the exemption of proven peers where the kernel is open; the better of the two.
Mechanism fit_quarter(const HostView& view, const Premises& premises, std::uint32_t listener, const std::vector<std::uint32_t>& candidates) {
    Mechanism best;
    double best_score = -1e300;
    for (const core::Kernel* kernel : one_of_each(premises, [](const core::Behaviours& b) { return b.proven_peer; })) {
        Mechanism mechanism = fit_threshold(
            view, listener, core::Cause::syn_backlog_quarter, Span::whole_capture, candidates, 0.7, [&](const Attempt& attempt, std::uint32_t threshold) {
                const bool exempt = kernel->behaviours.proven_peer == core::ProvenPeer::by_rtt && attempt.proven_peer;
                if (attempt.via_time_wait || exempt) return Prediction::answer;
                return requests_of(attempt) >= threshold ? Prediction::refuse : Prediction::answer;
            });
        mechanism.kernel_note = kernel->family;
        if (mechanism.support == 0) continue;
        const double score = gain(mechanism);
        if (score <= best_score) continue;
        best_score = score;
        best = std::move(mechanism);
    }
    return best;
}

/// What each of the two rules costs, given the threshold it fitted and what is known of the limits.
void price(const Premises& premises, Mechanism& full, Mechanism& quarter) {
    const bool table_only = !premises.any_kernel([](const core::Behaviours& b) { return b.syn_queue_rule != core::SynQueueRule::table; });
    if (premises.max_syn_backlog) {
        const std::uint32_t limit = *premises.max_syn_backlog - (*premises.max_syn_backlog >> 2) + 1;
        quarter.cost = near(quarter.threshold, limit) ? 0.1 : 5.0;
        if (near(full.threshold, limit)) full.cost = 2.0;
    } else if (looks_like_quarter(quarter.threshold)) {
        quarter.cost = 0.4;
    }
    if (table_only && !table_capacity_possible(full.threshold, premises)) full.cost += 1.0;
}

}  // namespace

std::vector<Mechanism> fit_syn_queues(const HostView& view, const Premises& premises) {
    std::vector<Mechanism> fitted;
    if (!view.traits.replies_visible || premises.cookies_seen || premises.syncookies.value_or(0) != 0) return fitted;
    for (std::uint32_t l = 0; l < view.listeners.size(); ++l) {
        const std::vector<std::uint32_t> candidates = thresholds(view, l, &Attempt::requests_high);
        if (candidates.empty()) continue;
        Mechanism full = fit_threshold(view, l, core::Cause::syn_queue_full, Span::whole_capture, candidates, 0.6, [](const Attempt& attempt, std::uint32_t threshold) {
            if (attempt.via_time_wait) return Prediction::answer;
            return requests_of(attempt) >= threshold ? Prediction::refuse : Prediction::answer;
        });
        Mechanism quarter = fit_quarter(view, premises, l, candidates);
        price(premises, full, quarter);
        const bool both = full.support > 0 && quarter.support > 0 && !premises.max_syn_backlog;
        if (both) {
            if (quarter.support * 2 >= full.support) full.siblings.push_back(core::Cause::syn_backlog_quarter);
            if (full.support * 2 >= quarter.support && full.refute * 20 <= full.support) quarter.siblings.push_back(core::Cause::syn_queue_full);
        }
        if (quarter.support > 0) fitted.push_back(std::move(quarter));
        if (full.support > 0) fitted.push_back(std::move(full));
    }
    return fitted;
}

}  // namespace synwhy::diagnose
