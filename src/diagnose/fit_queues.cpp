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

/// Lengths that hang on a late timer count in favour of what was observed.
std::uint32_t requests_of(const Attempt& attempt) {
    return attempt.silent() ? attempt.requests_high : attempt.requests;
}
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
    return decision.kind == core::ListenDecision::Kind::refuse && decision.row != nullptr &&
           decision.row->cause == cause;
}

/// One attempt under a limit that is not known yet: it is refused by every limit up to `level`.
struct Levelled {
    std::uint32_t attempt = 0;
    std::uint32_t level = 0;  ///< 0: never refused
    bool silent = false;
};

/// May the limit have held for a part of the capture only?
enum class Span : std::uint8_t { whole_capture, interval };

/// Thresholds worth trying: the levels of the silences, least first, at most this many.
constexpr std::size_t kMaxThresholds = 128;

std::vector<std::uint32_t> thresholds(const std::vector<Levelled>& levels) {
    std::set<std::uint32_t> seen;
    for (const Levelled& one : levels) {
        if (one.silent && one.level > 0) seen.insert(one.level);
    }
    std::vector<std::uint32_t> all(seen.begin(), seen.end());
    if (all.size() > kMaxThresholds) all.resize(kMaxThresholds);
    return all;
}

Mechanism mechanism_at(const HostView& view, const std::vector<Levelled>& levels, std::uint32_t threshold) {
    Mechanism mechanism;
    mechanism.threshold = threshold;
    for (const Levelled& one : levels) {
        mechanism.predict(one.attempt, view.attempts[one.attempt],
                          one.level >= threshold ? Prediction::refuse : Prediction::answer);
    }
    return mechanism;
}

/// The threshold that separates silences from answers best; support 0 when none is worth its price.
Mechanism fit_threshold(const HostView& view, const std::vector<Levelled>& levels, Span span,
                        std::vector<std::uint32_t> candidates, double cost) {
    Mechanism best;
    double best_score = 0;
    std::vector<std::uint32_t> silent;
    std::vector<std::uint32_t> answered;
    for (const Levelled& one : levels) (one.silent ? silent : answered).push_back(one.level);
    std::sort(silent.begin(), silent.end());
    std::sort(answered.begin(), answered.end());
    const auto at_or_above = [](const std::vector<std::uint32_t>& sorted, std::uint32_t level) {
        return static_cast<std::uint64_t>(sorted.end() - std::lower_bound(sorted.begin(), sorted.end(), level));
    };
    for (const std::uint32_t threshold : candidates) {
        Mechanism mechanism;
        if (span == Span::interval) {
            mechanism = mechanism_at(view, levels, threshold);
            mechanism.cost = cost;
            fit_interval(view, mechanism);
        } else {
            mechanism.threshold = threshold;
            mechanism.cost = cost;
            mechanism.support = at_or_above(silent, threshold);
            mechanism.refute = at_or_above(answered, threshold);
        }
        if (const double score = gain(mechanism); score > best_score) {
            best_score = score;
            best = std::move(mechanism);
        }
    }
    if (best.support > 0 && span == Span::whole_capture) {
        best = mechanism_at(view, levels, best.threshold);
        best.cost = cost;
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

namespace {

/// Judged attempts of a listener, each with the largest limit under which `refused(attempt, limit)` holds.
template <class Length, class Refused>
std::vector<Levelled> levels_of(const HostView& view, std::uint32_t listener, Length length, Refused refused) {
    std::vector<Levelled> levels;
    for (const std::uint32_t i : view.listeners[listener].attempts) {
        const Attempt& attempt = view.attempts[i];
        if (!judged(attempt) || attempt.outcome == core::Outcome::cookie) continue;
        const std::uint32_t longest = length(attempt);
        levels.push_back({i, longest > 0 && refused(attempt, longest) ? longest : 0, attempt.silent()});
    }
    return levels;
}

/// A queue that explains less than a tenth of its listener's silences is more likely a coincidence.
void charge_coincidence(const HostView& view, Mechanism& mechanism) {
    constexpr double kCoincidence = 2.0;
    if (mechanism.support * 10 < view.listeners[mechanism.listener].silent) mechanism.cost += kCoincidence;
}

}  // namespace

std::vector<Mechanism> fit_accept_queues(const HostView& view, const Premises& premises) {
    std::vector<Mechanism> fitted;
    if (!view.traits.replies_visible) return fitted;  // nobody can tell served from waiting
    const auto kernels = one_of_each(premises, [](const core::Behaviours& b) { return b.accept_rule; });
    for (std::uint32_t l = 0; l < view.listeners.size(); ++l) {
        if (view.listeners[l].silent == 0) continue;
        const double cost = view.listeners[l].full_signs.empty() ? 0.6 : 0.2;
        for (const core::Kernel* kernel : kernels) {
            const auto levels = levels_of(
                view, l, [](const Attempt& attempt) { return attempt.unserved; },
                [&](const Attempt& attempt, std::uint32_t limit) {
                    core::Facts facts = open_queues(attempt);
                    facts.backlog = limit - 1;
                    facts.syncookies = 1;
                    facts.request_length = 0;
                    return refused_by(kernel->behaviours, facts, core::Cause::accept_queue_full);
                });
            std::vector<std::uint32_t> candidates = thresholds(levels);
            if (const auto backlog = premises.backlog_of(view.listeners[l].endpoint)) candidates = {*backlog + 1};
            Mechanism mechanism = fit_threshold(view, levels, Span::whole_capture, candidates, cost);
            // listen() may have been called again with another backlog.
            if (mechanism.support == 0) mechanism = fit_threshold(view, levels, Span::interval, candidates, cost);
            if (mechanism.support == 0) continue;
            mechanism.cause = core::Cause::accept_queue_full;
            mechanism.listener = l;
            mechanism.kernel_note = kernel->family;
            charge_coincidence(view, mechanism);
            fitted.push_back(std::move(mechanism));
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
Mechanism fit_quarter(const HostView& view, const Premises& premises, std::uint32_t listener) {
    Mechanism best;
    for (const core::Kernel* kernel : one_of_each(premises, [](const core::Behaviours& b) { return b.proven_peer; })) {
        const bool exempts = kernel->behaviours.proven_peer == core::ProvenPeer::by_rtt;
        const auto levels = levels_of(view, listener, requests_of, [&](const Attempt& attempt, std::uint32_t) {
            return !attempt.via_time_wait && !(exempts && attempt.proven_peer);
        });
        Mechanism mechanism = fit_threshold(view, levels, Span::whole_capture, thresholds(levels), 0.7);
        mechanism.kernel_note = kernel->family;
        if (mechanism.support > 0 && (best.support == 0 || gain(mechanism) > gain(best))) best = std::move(mechanism);
    }
    best.cause = core::Cause::syn_backlog_quarter;
    best.listener = listener;
    return best;
}

/// What each of the two rules costs, given the threshold it fitted and what is known of the limits.
void price(const Premises& premises, Mechanism& full, Mechanism& quarter) {
    const bool table_only =
        !premises.any_kernel([](const core::Behaviours& b) { return b.syn_queue_rule != core::SynQueueRule::table; });
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
        if (view.listeners[l].silent == 0) continue;
        const auto levels = levels_of(view, l, requests_of,
                                      [](const Attempt& attempt, std::uint32_t) { return !attempt.via_time_wait; });
        Mechanism full = fit_threshold(view, levels, Span::whole_capture, thresholds(levels), 0.6);
        full.cause = core::Cause::syn_queue_full;
        full.listener = l;
        Mechanism quarter = fit_quarter(view, premises, l);
        price(premises, full, quarter);
        charge_coincidence(view, full);
        charge_coincidence(view, quarter);
        const bool both = full.support > 0 && quarter.support > 0 && !premises.max_syn_backlog;
        if (both) {
            if (quarter.support * 2 >= full.support) full.siblings.push_back(core::Cause::syn_backlog_quarter);
            if (full.support * 2 >= quarter.support && full.refute * 20 <= full.support)
                quarter.siblings.push_back(core::Cause::syn_queue_full);
        }
        if (quarter.support > 0) fitted.push_back(std::move(quarter));
        if (full.support > 0) fitted.push_back(std::move(full));
    }
    return fitted;
}

}  // namespace synwhy::diagnose
