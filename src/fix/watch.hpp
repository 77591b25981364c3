// Do the counters of a cause still move?
//
// Reads /proc/net/netstat and /proc/net/snmp of the process's network namespace. Left out: waiting, which is the
// caller's, and counters that live elsewhere (conntrack, devices).
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <vector>

#include "core/catalogue.hpp"
#include "core/error.hpp"

namespace synwhy::fix {

using CounterValues = std::map<std::string, std::int64_t>;

/// @param root directory that holds proc/net, "" for /
std::expected<CounterValues, core::Error> read_counters(const std::string& root);

struct WatchedCounter {
    std::string name{};       ///< "TcpExt.ListenDrops"
    std::int64_t before = 0;  ///< how far it moved while nothing was changed
    std::int64_t after = 0;   ///< and afterwards, in the same time
};

/// The counters of the page that this kernel has; from three readings: at the start, at the change, at the end.
std::vector<WatchedCounter> compare_counters(const core::CausePage& page, const CounterValues& start,
                                             const CounterValues& change, const CounterValues& end);

}  // namespace synwhy::fix
