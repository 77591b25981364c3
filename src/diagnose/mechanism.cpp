#include "diagnose/mechanism.hpp"

#include <algorithm>
#include <set>

namespace synwhy::diagnose {

namespace {

/// A lossless capture lets one counter-example kill a hypothesis; captures lose packets, so it costs three supports.
constexpr double kRefutePenalty = 3.0;

}  // namespace

void tally(const HostView& view, Mechanism& mechanism) {
    mechanism.support = mechanism.refute = mechanism.spared = 0;
    for (std::size_t i = 0; i < view.attempts.size(); ++i) {
        const Attempt& attempt = view.attempts[i];
        if (!judged(attempt)) continue;
        switch (mechanism.predictions[i]) {
            case Prediction::refuse: (attempt.silent() ? mechanism.support : mechanism.refute) += 1; break;
            case Prediction::answer: mechanism.spared += attempt.answered(); break;
            case Prediction::no_opinion: break;
        }
    }
}

void fit_interval(const HostView& view, Mechanism& mechanism) {
    double best = 0;
    double sum = 0;
    std::size_t best_from = 0;
    std::size_t best_to = 0;
    std::size_t from = 0;
    for (std::size_t i = 0; i < view.attempts.size(); ++i) {
        if (!mechanism.refuses(i)) continue;
        if (sum <= 0) {
            sum = 0;
            from = i;
        }
        sum += view.attempts[i].silent() ? 1.0 : -1.0;
        if (sum > best) {
            best = sum;
            best_from = from;
            best_to = i;
        }
    }
    if (best <= 0) return;
    bool refuted_before = false;
    bool refuted_after = false;
    for (std::size_t i = 0; i < view.attempts.size(); ++i) {
        if (!mechanism.refuses(i) || view.attempts[i].silent()) continue;
        refuted_before |= i < best_from;
        refuted_after |= i > best_to;
    }
    if (refuted_before) mechanism.from_ns = view.attempts[best_from].time_ns;
    if (refuted_after) mechanism.to_ns = view.attempts[best_to].time_ns;
    mechanism.cost += refuted_before + refuted_after;
    for (std::size_t i = 0; i < view.attempts.size(); ++i) {
        if (!mechanism.refuses(i)) continue;
        if ((refuted_before && i < best_from) || (refuted_after && i > best_to)) mechanism.predictions[i] = Prediction::no_opinion;
    }
}

double gain(const HostView& view, const Mechanism& mechanism, const std::vector<bool>& explained) {
    double fresh = 0;
    for (std::size_t i = 0; i < view.attempts.size(); ++i) {
        if (judged(view.attempts[i]) && view.attempts[i].silent() && !explained[i] && mechanism.refuses(i)) fresh += 1;
    }
    return fresh - kRefutePenalty * static_cast<double>(mechanism.refute) - mechanism.cost;
}

namespace {

constexpr std::int64_t kNearNs = 2'000'000'000;

/// Is the queue at least at seven tenths of the fitted limit?
bool nearly_full(const Attempt& attempt, const Mechanism& mechanism) {
    const std::uint32_t length = mechanism.cause == core::Cause::accept_queue_full ? attempt.unserved : attempt.requests_high;
    return length > 0 && length * 10 >= mechanism.threshold * 7;
}

std::vector<std::size_t> just_missed(const HostView& view, const Mechanism& mechanism, const std::vector<bool>& explained) {
    std::vector<std::int64_t> refusals;
    std::set<std::uint32_t> handshakes;
    for (std::size_t i = 0; i < view.attempts.size(); ++i) {
        if (!mechanism.refuses(i) || !view.attempts[i].silent()) continue;
        refusals.push_back(view.attempts[i].time_ns);
        handshakes.insert(view.attempts[i].handshake);
    }
    const bool queue = mechanism.listener != kNone && mechanism.prefix_length == 0 && mechanism.cause != core::Cause::min_ttl;
    std::vector<std::size_t> missed;
    for (std::size_t i = 0; i < view.attempts.size(); ++i) {
        const Attempt& attempt = view.attempts[i];
        if (!judged(attempt) || !attempt.silent() || explained[i]) continue;
        if (queue) {
            const auto near = std::lower_bound(refusals.begin(), refusals.end(), attempt.time_ns - kNearNs);
            const bool close = near != refusals.end() && *near <= attempt.time_ns + kNearNs;
            if (attempt.listener == mechanism.listener && close && nearly_full(attempt, mechanism)) missed.push_back(i);
        } else if (mechanism.cause == core::Cause::per_host_paws && handshakes.contains(attempt.handshake)) {
            missed.push_back(i);
        }
    }
    return missed;
}

}  // namespace

void stretch(const HostView& view, Mechanism& mechanism, std::vector<bool>& explained) {
    mechanism.stretched = just_missed(view, mechanism, explained);
    for (const std::size_t i : mechanism.stretched) {
        mechanism.predictions[i] = Prediction::refuse;
        explained[i] = true;
    }
}

}  // namespace synwhy::diagnose
