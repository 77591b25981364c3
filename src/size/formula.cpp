#include "size/formula.hpp"

#include <algorithm>
#include <cmath>

namespace synwhy::size {
namespace {

using sim::Distribution;

constexpr double kSecond_ns = 1e9;

/// E[(N - room)+] of a Poisson number: how many of a pause's arrivals find no room.
double poisson_excess(double mean, double room) {
    double excess = 0;
    double log_probability = -mean + (room + 1) * std::log(mean) - std::lgamma(room + 2);
    for (double n = room + 1;; ++n) {
        const double term = std::exp(log_probability) * (n - room);
        excess += term;
        if (n > mean && term < excess * 1e-12) return excess;
        if (n > mean + 60 * std::sqrt(mean) + 1000) return excess;
        log_probability += std::log(mean) - std::log(n + 1);
    }
}

double excess_of_pause(const Distribution& length, double rate, double room) {
    const double mean = rate * static_cast<double>(length.low) / kSecond_ns;
    if (length.kind == Distribution::Kind::exponential) return mean * std::pow(mean / (1 + mean), room);
    if (length.kind == Distribution::Kind::constant) return mean > 0 ? poisson_excess(mean, room) : 0;
    constexpr int kSlices = 64;
    double sum = 0;
    for (int i = 0; i < kSlices; ++i) {
        const double at =
            static_cast<double>(length.low) + (static_cast<double>(length.high - length.low)) * (i + 0.5) / kSlices;
        if (at > 0) sum += poisson_excess(rate * at / kSecond_ns, room);
    }
    return sum / kSlices;
}

/// Squared coefficient of variation.
double variation(const Distribution& d) {
    if (d.kind == Distribution::Kind::exponential) return 1;
    if (d.kind == Distribution::Kind::constant) return 0;
    const auto width = static_cast<double>(d.high - d.low);
    const double mean = mean_of(d);
    return mean > 0 ? width * width / 12 / (mean * mean) : 0;
}

bool pauses(const sim::Application& application) {
    return application.stall_every.low > 0 && mean_of(application.stall_length) > 0;
}

/// Share of time in pauses.
double paused(const sim::Application& application) {
    if (!pauses(application)) return 0;
    const double length = mean_of(application.stall_length);
    return length / (mean_of(application.stall_every) + length);
}

}  // namespace

double mean_of(const Distribution& d) {
    if (d.kind == Distribution::Kind::uniform) return (static_cast<double>(d.low) + static_cast<double>(d.high)) / 2;
    return static_cast<double>(d.low);
}

double utilisation(const sim::Application& application, double rate) {
    return rate * mean_of(application.accept_interval) / kSecond_ns / (1 - paused(application));
}

double overflow_probability(const sim::Application& application, double rate, std::uint32_t backlog) {
    const double room = static_cast<double>(backlog) + 1;  // a limit of n holds n + 1
    double probability = 0;
    if (pauses(application)) {
        const double period_s = (mean_of(application.stall_every) + mean_of(application.stall_length)) / kSecond_ns;
        probability += excess_of_pause(application.stall_length, rate, room) / (rate * period_s);
    }
    const double busy = rate * mean_of(application.accept_interval) / kSecond_ns;
    if (busy > 0 && busy < 1) {
        const Distribution& service = application.accept_interval;
        // M/M/1 exactly, else the decay of M/G/1 in heavy traffic (Kingman 1962).
        probability += service.kind == Distribution::Kind::exponential
                           ? std::pow(busy, room)
                           : busy * std::exp(-2 * (1 - busy) * room / (busy * (1 + variation(service))));
    }
    return busy >= 1 ? 1 : std::min(1.0, probability);
}

std::uint32_t smallest_backlog(const sim::Application& application, double rate, double target, std::uint32_t most) {
    std::uint32_t low = 0;
    std::uint32_t high = most + 1;
    if (overflow_probability(application, rate, most) > target) return high;
    while (high - low > 1) {
        const std::uint32_t middle = low + (high - low) / 2;
        (overflow_probability(application, rate, middle) > target ? low : high) = middle;
    }
    return high;
}

}  // namespace synwhy::size
