// What does a network driver say about the packets it lost, and about its receive ring?
//
// By the ioctl that every driver since 2.6 knows. Statistics have names of the driver's own choosing; those that
// sound like a loss are kept. Left out: everything else that ethtool shows.
#pragma once

#include <string_view>

#include "core/host_state.hpp"

namespace synwhy::host {

/// "rx_no_buffer_count", "rx_queue_0_drops", "rx_missed_errors": a name that counts lost packets.
bool names_a_loss(std::string_view statistic);

/// Fills nic_drops, rx_ring and rx_ring_max of the first kMaxInterfacesAsked interfaces.
void read_drivers(core::HostState& state);

}  // namespace synwhy::host
