// What happens when clients, gateways, links and servers meet?
//
// Runs a scenario: the same scenario and seed give the same events, packets and result with every compiler. Memory is
// about 24 bytes for a client that never connected or has no connection open, 40 for its next arrival where each
// client has its own arrivals, and 0.5 to 1 KB for one with a connection or a TIME_WAIT; most_bytes of the result.
// Left out: files and text. Packets are handed to a callback.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>

#include "core/error.hpp"
#include "core/packet.hpp"
#include "sim/result.hpp"
#include "sim/scenario.hpp"

namespace synwhy::sim {

/// A packet at a server's interface, ns since the epoch; in time order.
using PacketCallback = std::function<void(std::int64_t time_ns, const core::Segment& segment, bool to_server)>;

/// Bounds of a run; what is beyond is counted or said in the result's remarks.
inline constexpr std::size_t kMaxAttemptsOpen = 5'000'000;
inline constexpr std::size_t kMaxPacketsInFlight = 5'000'000;
inline constexpr std::uint64_t kMaxEvents = 20'000'000'000;

/// Runs to the end. The scenario has no script.
Result run(const Scenario& scenario, const PacketCallback& on_packet = {});

}  // namespace synwhy::sim
