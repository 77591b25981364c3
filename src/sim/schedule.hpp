// When does which client connect, and how much does it ask for?
//
// The draws of a scenario that do not depend on what happens: the simulation makes them one by one, the lab all at
// once, so that both play the same schedule. Every draw is a hash of the seed and of who draws. Left out: what comes of
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/packet.hpp"
#include "sim/random.hpp"
#include "sim/scenario.hpp"

namespace synwhy::sim {

/// ns between a client's connect number `ordinal` and the one before it, or its start; at least 1.
/// @param client number over all groups
std::int64_t arrival_gap_ns(const ClientGroup& group, std::uint64_t seed, std::uint32_t client, std::uint32_t ordinal);

/// Connect number `turn` of a group whose arrivals are one process.
struct GroupTurn {
    std::int64_t gap_ns = 1;  ///< until the next one
    std::uint32_t index = 0;  ///< of the client, within the group
};
GroupTurn group_turn(const ClientGroup& group, std::uint64_t seed, std::uint16_t number, std::uint32_t turn);

struct Sizes {
    std::uint64_t request_bytes = 0;
    std::uint64_t response_bytes = 0;
};
Sizes sizes_of(const Application& application, std::uint64_t seed, std::uint32_t client, std::uint32_t ordinal);

/// ns from the handshake to the request.
std::int64_t think_ns(const ClientGroup& group, std::uint64_t seed, std::uint32_t client, std::uint32_t ordinal);

/// The SYNs of a flood, one after the other.
class FloodSource {
  public:
    /// @param number of the flood within its scenario
    FloodSource(const FloodPlan& plan, const core::Address& server, std::uint64_t seed, std::size_t number);
    core::Segment next();
    /// ns from the start of the run to SYN number `sent`, from 0.
    [[nodiscard]] std::int64_t due_ns(std::uint64_t sent) const;

  private:
    const FloodPlan* plan_;
    core::Address server_;
    Random random_;
};

/// When a program can accept: between its accept() calls, outside its stalls.
class AcceptTimes {
  public:
    AcceptTimes() = default;
    /// @param server, listener their numbers within scenario and server
    AcceptTimes(const Application& plan, std::uint64_t seed, std::size_t server, std::size_t listener,
                std::int64_t start_ns);
    /// The first moment at or after `time_ns` at which the program does not stall; never asked for an earlier one
    /// again.
    std::int64_t open_at(std::int64_t time_ns);
    std::int64_t accept_gap_ns() { return random_.draw(plan_->accept_interval); }
    std::int64_t service_ns() { return random_.draw(plan_->service_time); }

  private:
    const Application* plan_ = nullptr;
    std::int64_t start_ns_ = 0;
    std::int64_t stall_start_ns_ = INT64_MAX, stall_end_ns_ = INT64_MAX;
    Random random_{0, 0};
};

/// One connect() that a scenario plans.
struct PlannedConnect {
    std::int64_t at_ns = 0;  ///< from the start of the run
    std::uint32_t client = 0;
    std::uint32_t index = 0;  ///< within its group
    std::uint32_t ordinal = 0;
    std::uint16_t group = 0;
};

/// All of them in time order, as far as `most` reach. @return one more than `most` when there are more
std::vector<PlannedConnect> planned_connects(const Scenario& scenario, std::size_t most);

}  // namespace synwhy::sim
