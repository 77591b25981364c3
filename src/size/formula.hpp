// What does queueing theory say, without simulating?
//
// A cross-check, not the answer: Poisson arrivals, pauses that never follow each other closely, drops that do not come
// back. The queue a pause leaves behind is counted exactly; the queue behind a busy program only by its decay.
#pragma once

#include <cstdint>

#include "sim/scenario.hpp"

namespace synwhy::size {

/// Mean of a distribution, in its own unit.
double mean_of(const sim::Distribution& distribution);
/// Share of its time that the program needs to accept `rate` connections per second, pauses taken off; 1 and more:
/// the queue grows without end.
double utilisation(const sim::Application& application, double rate);
/// Share of connections that find the accept queue of this limit full.
double overflow_probability(const sim::Application& application, double rate, std::uint32_t backlog);
/// Smallest limit for which that is at most `target`, up to `most`; `most` + 1 when none is.
std::uint32_t smallest_backlog(const sim::Application& application, double rate, double target, std::uint32_t most);

}  // namespace synwhy::size
