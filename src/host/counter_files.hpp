// Which counters does a host keep below /proc/net?
//
// netstat, snmp and snmp6 (netstat_file.hpp), and the tables that have no names of their own: sockstat, softnet_stat
// and stat/*, whose lines are one CPU each and are summed. Left out: counters of interfaces (interfaces.hpp).
#pragma once

#include <string_view>

#include "host/netstat_file.hpp"
#include "host/tree.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxCpus = 8192;  ///< lines of a table that are summed

/// "TCP: inuse 1 orphan 0 tw 0": adds "sockstat.TCP.inuse", "sockstat.TCP.orphan", ... Text of sockstat or sockstat6.
void add_sockstat(std::string_view text, Counters& counters);
/// Adds "softnet.processed", "softnet.dropped", "softnet.time_squeeze" and "softnet.flow_limit" over all CPUs.
void add_softnet(std::string_view text, Counters& counters);
/// A table of hexadecimal columns with their names in the first line. @param prefix "conntrack."
/// "entries" is the same number in every line; everything else is a CPU's share and summed.
void add_cpu_table(std::string_view text, std::string_view prefix, Counters& counters);

/// Fills facts.counters, wall_ns and monotonic_ns. Tables that the kernel does not have are no missing reading.
void read_counter_files(const Tree& tree, core::HostState& state);

}  // namespace synwhy::host
