// How likely is it, and how well is that known?
//
// Overflows come in bursts: one long pause of the program hits every connection that arrives in it. What was observed
// is therefore a number of bursts, not of connections, and the interval is that of a Poisson number of bursts of the
// observed mean size; the spread between independent runs widens it where bursts differ in size. Left out: what is
// simulated.
#pragma once

#include <cstdint>
#include <vector>

namespace synwhy::size {

/// What one run counted.
struct RunCount {
    std::uint64_t connections = 0;
    std::uint64_t stopped = 0;  ///< of these, how many met a full queue
    std::uint64_t bursts = 0;   ///< moments at which that happened
};

struct Probability {
    std::uint64_t connections = 0;
    std::uint64_t stopped = 0;
    std::uint64_t bursts = 0;
    double value = 0;
    double low = 0;  ///< 95 % interval
    double high = 1;
};

/// @param burst_size mean connections hit by one burst, for when none was seen; at least 1
Probability estimate(const std::vector<RunCount>& runs, double burst_size);

/// Limits of the 95 % interval of a Poisson mean of which `events` were counted (any number >= 0). Wilson-Hilferty,
/// exact to a few per cent. Garwood 1936
double poisson_low(double events);
double poisson_high(double events);

}  // namespace synwhy::size
