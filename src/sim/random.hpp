// Where does chance come from?
//
// splitmix64 and integer arithmetic only, so that a seed gives the same run with every compiler and library. A draw
// can also be made from a hash, which costs no state. Left out: <random>, whose distributions differ, and <cmath>.
#pragma once

#include <cstdint>

#include "sim/scenario.hpp"

namespace synwhy::sim {

/// One round of splitmix64: every input bit reaches every output bit.
constexpr std::uint64_t mixed(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
}

/// 0 .. bound-1 from 64 random bits; 0 for bound 0.
std::uint64_t scaled(std::uint64_t bits, std::uint64_t bound);
/// -ln(u) * 2^32 for u = (bits + 1) / 2^64, exact to about 2^-30.
std::uint64_t minus_log(std::uint64_t bits);
/// A value of the distribution from 64 random bits; never negative.
std::int64_t draw(const Distribution& distribution, std::uint64_t bits);

class Random {
  public:
    /// Streams of one seed are independent of each other.
    Random(std::uint64_t seed, std::uint64_t stream) : state_(mixed(seed ^ mixed(stream))) {}

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15U;
        return mixed(state_);
    }
    std::uint64_t below(std::uint64_t bound) { return scaled(next(), bound); }
    bool chance(std::uint32_t ppm) { return ppm != 0 && below(1'000'000) < ppm; }
    std::int64_t draw(const Distribution& distribution);

  private:
    std::uint64_t state_;
};

}  // namespace synwhy::sim
