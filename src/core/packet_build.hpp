// What bytes does a TCP segment have on the wire?
//
// The inverse of packet.hpp: an IPv4 or IPv6 packet from a decoded segment, checksums filled in. decode() of what this
// writes gives the segment back. Left out: link layer headers (the caller's), IP options, SACK blocks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/packet.hpp"

namespace synwhy::core {

/// Appends one raw IP packet to `out`. `segment.payload_length` bytes are taken from `payload`; where that is shorter
/// the rest is zeros. Options are written in the order Linux uses: MSS, SACK permitted, timestamps, window scale.
/// A ttl of 0 in the segment is written as 64. An endpoint pair of two families is written by the source's.
void append_packet(const Segment& segment, std::span<const std::uint8_t> payload, std::vector<std::uint8_t>& out);

/// Bytes of TCP options that append_packet() writes for these, a multiple of 4.
std::size_t option_bytes(const TcpOptions& options);

}  // namespace synwhy::core
