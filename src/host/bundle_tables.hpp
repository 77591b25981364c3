// What do the tables of /proc and of ip(8), ethtool(8) in a bundle say?
//
// Each function reads one text and adds to a value; lines that are none of the table are passed over. Names of counters
// are those of a live reading. Left out: netstat and snmp (netstat_file.hpp), sockets (ss_text.hpp).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/host_state.hpp"
#include "host/netstat_file.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxInterfaces = 4096;  ///< of one bundle; more are passed over

/// /proc/net/stat/FILE: hexadecimal columns with names in the first line, a line per CPU -> "arp.table_fulls", ...
void add_cpu_statistics(std::string_view text, std::string_view file, Counters& counters);

using Interfaces = std::map<std::string, core::InterfaceState>;  ///< by name

/// `ip link` and `ip addr`, with and without -o: flags, addresses, XDP.
void add_addresses(std::string_view text, Interfaces& interfaces);
/// /proc/net/dev
void add_devices(std::string_view text, Interfaces& interfaces);
/// `ethtool -S`: those statistics that count losses.
void add_nic_counters(std::string_view text, core::InterfaceState& interface);
/// `ethtool -g`
void add_nic_rings(std::string_view text, core::InterfaceState& interface);
/// `tc filter show dev X ingress`
void add_tc_ingress(std::string_view text, core::InterfaceState& interface);

void add_load(std::string_view text, core::LoadState& load);
/// /proc/stat
void add_cpu_time(std::string_view text, core::LoadState& load);

/// `dmesg`: the last kMaxKernelLogLines that speak about refused or lost SYNs.
void add_kernel_log(std::string_view text, std::vector<core::KernelLogLine>& lines);
inline constexpr std::size_t kMaxKernelLogLines = 100;
inline constexpr std::size_t kMaxKernelLogBytes = 300;  ///< of one line

}  // namespace synwhy::host
