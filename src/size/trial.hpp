// What happens to so many connections with this backlog?
//
// Builds the scenario, runs it several times with seeds of its own on as many threads as there are, and counts. Private
// to size/.
#pragma once

#include <cstdint>

#include "size/listener.hpp"

namespace synwhy::size {

class TestBench {
  public:
    explicit TestBench(const ListenerQuestion& question);

    /// @param burst_size see estimate()
    [[nodiscard]] Trial run(std::uint32_t backlog, std::uint64_t connections, double burst_size) const;
    /// From now on tcp_max_syn_backlog is what so many requests need, a quarter to spare; until then it is out of the
    /// way.
    void expect_requests(std::uint32_t requests);
    /// Connections per second.
    [[nodiscard]] double rate() const { return rate_; }
    /// Independent runs in a trial of many connections.
    [[nodiscard]] static std::uint32_t runs();

  private:
    [[nodiscard]] sim::Scenario scenario(std::uint32_t backlog, std::uint64_t connections) const;

    const ListenerQuestion& question_;
    double rate_ = 0;
    std::uint32_t syn_backlog_ = 0;
};

}  // namespace synwhy::size
