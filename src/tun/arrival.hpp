// What does a packet's decoding not say that the model wants to know?
//
// Checksums, header faults and source routes of one raw IP packet, as model::Arrival. Left out: the link layer, which
// a TUN device does not have.
#pragma once

#include <cstdint>
#include <span>

#include "core/packet.hpp"
#include "model/server.hpp"

namespace synwhy::tun {

/// @param decoded of this packet; tcp or tcp_malformed
model::Arrival arrival_of(const core::Decoded& decoded, std::span<const std::uint8_t> packet);

}  // namespace synwhy::tun
