// Which way would the SYN+ACK to a client take?
//
// The kernel's own lookup, with the local address as source where it is known, since rules may depend on it; and what
// is known of the next hop's link address. No packet is sent. Left out: firewalls on the way out.
#pragma once

#include <vector>

#include "host/sockets.hpp"
#include "host/tree.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxReturnPaths = 64;

/// Fills return_paths: first for the clients that the user named, then for those in SYN_RECV. Wants interfaces.
void read_return_paths(const std::vector<core::Address>& named, const std::vector<HalfOpen>& half_open,
                       core::HostState& state);

}  // namespace synwhy::host
