// Which interfaces are there, and what do they lose or filter before TCP sees it?
//
// Live: rtnetlink for state, addresses, counters, XDP and ingress filters, and the driver's own statistics (ethtool).
// In a copied tree: /proc/net/dev. Left out: where packets to a client go (routes.hpp); nftables.
#pragma once

#include <string_view>

#include "host/tree.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxInterfaces = 4096;
inline constexpr std::size_t kMaxInterfacesAsked = 256;  ///< whose driver and filters are asked

/// A line of /proc/net/dev, "  eth0: 1 2 ...": name and counters by the names of IFLA_STATS64; nullopt for the
/// headings.
std::optional<core::InterfaceState> parse_dev_line(std::string_view line);

/// Fills interfaces in the order of their index. Wants facts.sysctls for rp_filter.
void read_interfaces(const Tree& tree, core::HostState& state);
/// Only names and counters.
void read_interface_counters(const Tree& tree, core::HostState& state);

}  // namespace synwhy::host
