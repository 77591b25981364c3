// Which values do the files below /proc/sys have?
//
// All of net.core, net.ipv4, net.ipv6 and net.netfilter but what is set per interface: of those, the ones that decide
// about a SYN or its answer. A host with a thousand interfaces has a quarter of a million settings, a SYN looks at ten.
// Left out: what the settings mean; `sysctl -a` output (sysctl_text.hpp).
#pragma once

#include "host/tree.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxSysctlInterfaces = 1024;  ///< interfaces whose settings are read

/// Adds to state.facts.sysctls.
void read_sysctl_tree(const Tree& tree, core::HostState& state);

}  // namespace synwhy::host
