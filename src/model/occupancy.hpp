// How long was a queue at a given moment?
//
// The SYN queue and the accept queue as a set of stays: each entry came at one time and left at another, both known
// from what was observed. The length at a moment is what the fullness tests of core::path are asked about.
#pragma once

#include <cstdint>
#include <vector>

namespace synwhy::model {

/// Stays [start, end) in ns since the epoch; add all, sort() once, then ask.
class Occupancy {
  public:
    void add(std::int64_t start_ns, std::int64_t end_ns);
    void sort();
    /// Entries whose stay holds the moment; one that starts at this very moment is not in yet.
    [[nodiscard]] std::uint32_t at(std::int64_t time_ns) const;

  private:
    std::vector<std::int64_t> starts_{};
    std::vector<std::int64_t> ends_{};
};

}  // namespace synwhy::model
