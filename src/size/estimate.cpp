#include "size/estimate.hpp"

#include <algorithm>
#include <cmath>

namespace synwhy::size {
namespace {

constexpr double kZ = 1.959964;  // of 97.5 %

double wilson_hilferty(double shape, double z) {
    const double root = 1 - 1 / (9 * shape) + z / (3 * std::sqrt(shape));
    return shape * std::max(0.0, root) * std::max(0.0, root) * std::max(0.0, root);
}

/// So many equal bursts would spread as much as what was seen.
double effective_bursts(const std::vector<RunCount>& runs, double stopped, double bursts) {
    if (runs.size() < 2) return bursts;
    const auto count = static_cast<double>(runs.size());
    const double mean = stopped / count;
    double squares = 0;
    for (const RunCount& run : runs) {
        const double distance = static_cast<double>(run.stopped) - mean;
        squares += distance * distance;
    }
    const double variance = squares / (count - 1) * count;  // of the sum
    if (variance <= 0) return bursts;
    return std::clamp(stopped * stopped / variance, std::min(1.0, bursts), bursts);
}

}  // namespace

double poisson_low(double events) { return events <= 0 ? 0 : wilson_hilferty(events, -kZ); }
double poisson_high(double events) { return wilson_hilferty(std::max(0.0, events) + 1, kZ); }

Probability estimate(const std::vector<RunCount>& runs, double burst_size) {
    Probability p;
    for (const RunCount& run : runs) {
        p.connections += run.connections;
        p.stopped += run.stopped;
        p.bursts += run.bursts;
    }
    if (p.connections == 0) return p;
    const auto connections = static_cast<double>(p.connections);
    const auto stopped = static_cast<double>(p.stopped);
    p.value = stopped / connections;
    if (p.stopped == 0) {
        p.high = std::min(1.0, poisson_high(0) * std::max(1.0, burst_size) / connections);
        return p;
    }
    const double bursts = effective_bursts(runs, stopped, std::max(1.0, static_cast<double>(p.bursts)));
    p.low = p.value * poisson_low(bursts) / bursts;
    p.high = std::min(1.0, p.value * poisson_high(bursts) / bursts);
    return p;
}

}  // namespace synwhy::size
