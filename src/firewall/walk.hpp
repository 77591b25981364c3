// Which rules does a SYN meet on its way to the socket, or a SYN+ACK on its way out, and which of them stops it?
//
// The walk follows all packets that look like the given one at once: where a match cannot be decided it goes both ways
// and remembers that what comes after holds for some of them only. "Dropped" is said when no such packet survives,
// "passes" when none is stopped. Left out: what connection tracking itself drops (a full table), the forward hook, and
// the reverse translation of a SYN+ACK, which only chains behind priority 100 of postrouting see.
#pragma once

#include "core/filter.hpp"
#include "firewall/packet.hpp"
#include "firewall/ruleset.hpp"

namespace synwhy::firewall {

/// Rules tried and set elements compared in one walk; then the outcome is undecided.
inline constexpr std::uint64_t kMaxWalkWork = 2'000'000;
inline constexpr std::size_t kMaxSteps = 256;
inline constexpr std::size_t kMaxSuspects = 256;
/// nf_tables allows 16 nested jumps, x_tables as many as there are chains.
inline constexpr std::size_t kMaxJumpDepth = 64;

struct Walk {
    core::FilterVerdict verdict{};
    Packet after{};  ///< with the destination, marks and tracking that rules gave it; for answer_to()
};

/// A SYN is walked through ingress, prerouting and input, a SYN+ACK through output, postrouting and egress.
Walk walk(const Ruleset& ruleset, const Packet& packet);

}  // namespace synwhy::firewall
