// What did the kernel write about refused or lost SYNs?
//
// From /dev/kmsg, without waiting and without moving anybody else's place in it. Left out: log files of a copied tree;
// lines that say nothing about connections, memory or neighbours.
#pragma once

#include <optional>
#include <string_view>

#include "core/host_state.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxLogRecords = 262'144;  ///< looked at
inline constexpr std::size_t kMaxLogLines = 100;        ///< kept, the newest
inline constexpr std::size_t kMaxLogLineBytes = 300;

/// A record "6,383,19728599731,-;TCP: ..."; nullopt when it has another form or speaks of something else.
std::optional<core::KernelLogLine> parse_log_record(std::string_view record);

/// Fills kernel_log, live only.
void read_kernel_log(core::HostState& state);

}  // namespace synwhy::host
