#include "diagnose/mechanism.hpp"

#include <algorithm>
#include <iterator>
#include <set>

namespace synwhy::diagnose {

namespace {

/// A lossless capture lets one counter-example kill a hypothesis; captures lose packets, so it costs three supports.
constexpr double kRefutePenalty = 3.0;

}  // namespace

void Mechanism::predict(std::size_t index, const Attempt& attempt, Prediction prediction) {
    if (!judged(attempt)) return;
    switch (prediction) {
        case Prediction::refuse:
            refusals.push_back(static_cast<std::uint32_t>(index));
            (attempt.silent() ? support : refute) += 1;
            return;
        case Prediction::answer: spared += attempt.answered(); return;
        case Prediction::no_opinion: return;
    }
}

void fit_interval(const HostView& view, Mechanism& mechanism) {
    const std::vector<std::uint32_t>& refusals = mechanism.refusals;
    double best = 0;
    double sum = 0;
    std::size_t best_from = 0;
    std::size_t best_to = 0;
    std::size_t from = 0;
    for (std::size_t i = 0; i < refusals.size(); ++i) {
        if (sum <= 0) {
            sum = 0;
            from = i;
        }
        sum += view.attempts[refusals[i]].silent() ? 1.0 : -1.0;
        if (sum > best) {
            best = sum;
            best_from = from;
            best_to = i;
        }
    }
    if (best <= 0) return;
    const auto answered = [&](std::uint32_t i) { return view.attempts[i].answered(); };
    const auto begin = refusals.begin() + static_cast<std::ptrdiff_t>(best_from);
    const auto end = refusals.begin() + static_cast<std::ptrdiff_t>(best_to) + 1;
    const bool cut_front = std::any_of(refusals.begin(), begin, answered);
    const bool cut_back = std::any_of(end, refusals.end(), answered);
    mechanism.cost += cut_front + cut_back;
    if (cut_front) mechanism.from_ns = view.attempts[*begin].time_ns;
    if (cut_back) mechanism.to_ns = view.attempts[*(end - 1)].time_ns;
    mechanism.refusals =
        std::vector<std::uint32_t>(cut_front ? begin : refusals.begin(), cut_back ? end : refusals.end());
    mechanism.refute =
        static_cast<std::uint64_t>(std::count_if(mechanism.refusals.begin(), mechanism.refusals.end(), answered));
    mechanism.support = mechanism.refusals.size() - mechanism.refute;
}

double gain(const HostView& view, const Mechanism& mechanism, const std::vector<bool>& explained) {
    const auto fresh = std::count_if(mechanism.refusals.begin(), mechanism.refusals.end(),
                                     [&](std::uint32_t i) { return view.attempts[i].silent() && !explained[i]; });
    return static_cast<double>(fresh) - kRefutePenalty * static_cast<double>(mechanism.refute) - mechanism.cost;
}

double gain(const Mechanism& mechanism) {
    return static_cast<double>(mechanism.support) - kRefutePenalty * static_cast<double>(mechanism.refute) -
           mechanism.cost;
}

namespace {

constexpr std::int64_t kNearNs = 2'000'000'000;

/// Is the queue at least at seven tenths of the fitted limit?
bool nearly_full(const Attempt& attempt, const Mechanism& mechanism) {
    const std::uint32_t length =
        mechanism.cause == core::Cause::accept_queue_full ? attempt.unserved : attempt.requests_high;
    return length > 0 && length * 10 >= mechanism.threshold * 7;
}

std::vector<std::uint32_t> just_missed(const HostView& view, const Mechanism& mechanism,
                                       const std::vector<bool>& explained) {
    std::vector<std::int64_t> times;
    std::set<std::uint32_t> handshakes;
    for (const std::uint32_t i : mechanism.refusals) {
        if (!view.attempts[i].silent()) continue;
        times.push_back(view.attempts[i].time_ns);
        handshakes.insert(view.attempts[i].handshake);
    }
    const auto open = [&](std::uint32_t i) {
        return judged(view.attempts[i]) && view.attempts[i].silent() && !explained[i];
    };
    const bool queue =
        mechanism.listener != kNone && mechanism.prefix_length == 0 && mechanism.cause != core::Cause::min_ttl;
    std::vector<std::uint32_t> missed;
    if (queue) {
        for (const std::uint32_t i : view.listeners[mechanism.listener].attempts) {
            if (!open(i) || !nearly_full(view.attempts[i], mechanism)) continue;
            const auto near = std::lower_bound(times.begin(), times.end(), view.attempts[i].time_ns - kNearNs);
            if (near != times.end() && *near <= view.attempts[i].time_ns + kNearNs) missed.push_back(i);
        }
    } else if (mechanism.cause == core::Cause::per_host_paws) {
        for (std::uint32_t i = 0; i < view.attempts.size(); ++i) {
            if (open(i) && handshakes.contains(view.attempts[i].handshake)) missed.push_back(i);
        }
    }
    return missed;
}

}  // namespace

void stretch(const HostView& view, Mechanism& mechanism, std::vector<bool>& explained) {
    mechanism.stretched = just_missed(view, mechanism, explained);
    std::vector<std::uint32_t> all;
    std::merge(mechanism.refusals.begin(), mechanism.refusals.end(), mechanism.stretched.begin(),
               mechanism.stretched.end(), std::back_inserter(all));
    mechanism.refusals = std::move(all);
    for (const std::uint32_t i : mechanism.stretched) explained[i] = true;
}

}  // namespace synwhy::diagnose
