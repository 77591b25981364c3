// What does a packet's decoding not say that the model wants to know?
//
// Checksums, header faults and source routes of one raw IP packet, as Arrival. Left out: the link layer.
#pragma once

#include <cstdint>
#include <span>

#include "core/packet.hpp"
#include "model/server.hpp"

namespace synwhy::model {

/// @param decoded of this packet; tcp or tcp_malformed
Arrival arrival_of(const core::Decoded& decoded, std::span<const std::uint8_t> packet);

}  // namespace synwhy::model
