// Which counters did a host have, and how did they move?
//
// Understands three formats, also mixed in one file: `netstat -s` (sentences of net-tools 1.60 and 2.x), /proc/net/
// netstat and snmp (line pairs), `nstat -az`. A section that comes up again in the same format starts a second
// reading; of more than two the first and the last are kept. Left out: `nstat` without -a (already differences).
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/host.hpp"

namespace synwhy::host {

/// Most counters kept of one reading; kernels have about 400.
inline constexpr std::size_t kMaxCounters = 4096;

using Counters = std::map<std::string, std::int64_t>;

struct CounterFile {
    std::vector<Counters> readings{};       ///< one or two, oldest first; "TcpExt.PAWSPassive" -> value
    bool zeros_omitted = false;             ///< `netstat -s` leaves out counters that are 0
    std::vector<core::Error> complaints{};  ///< lines that could not be read, at most kMaxComplaints
};

inline constexpr std::size_t kMaxComplaints = 16;

/// @param name for complaints: "name:line"
/// @return an error when the text holds no counter at all
std::expected<CounterFile, core::Error> parse_counters(std::string_view text, const std::string& name);

/// Reads "FILE" or "BEFORE,AFTER". A name with a comma that exists as a file is one file.
std::expected<CounterFile, core::Error> read_counters(const std::string& spec);

/// Puts the readings into the facts: the last one as counters, the differences of two as deltas. A counter that the
/// first reading lacks started at 0 only when that format leaves zeros out; one that went backwards (reboot, other
/// namespace) gets no delta.
void add_counters(core::HostFacts& facts, const CounterFile& file);

}  // namespace synwhy::host
