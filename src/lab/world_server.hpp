// What does a scenario's server look like to the loop that plays it?
//
// The edge between real clients and whoever answers them: the running kernel, or the model behind a TUN device. Times
// are ns on the loop's clock. Left out: who its clients are.
#pragma once

#include <cstdint>

#include "sim/counter_values.hpp"
#include "sim/engine.hpp"
#include "sim/outcome.hpp"

namespace synwhy::lab {

/// Events of the server in the loop's epoll carry this bit in data.u64; the rest is the server's own.
inline constexpr std::uint64_t kServerBit = std::uint64_t{1} << 63U;

class WorldServer {
  public:
    WorldServer() = default;
    WorldServer(const WorldServer&) = delete;
    WorldServer& operator=(const WorldServer&) = delete;
    virtual ~WorldServer() = default;

    /// Something is ready. @param token data.u64 without kServerBit
    virtual sim::Result<void> handle(std::uint64_t token, std::uint32_t events, std::int64_t now_ns) = 0;
    /// Does what is due. @return when there is something to do again, INT64_MAX when nothing is planned
    virtual sim::Result<std::int64_t> advance(std::int64_t now_ns) = 0;
    /// What the scenario's administrator does.
    virtual sim::Result<void> change(const sim::ChangePlan& change) = 0;
    /// How long are the accept queues? Cheap: asked often.
    virtual void look() = 0;
    /// How many requests and TIME_WAITs are there? Dear: asked a few times a second.
    virtual void look_closely() = 0;
    /// Fills listeners, counters and the queues' maxima, which count from construction on.
    virtual void report(sim::Outcome& outcome) = 0;
};

}  // namespace synwhy::lab
