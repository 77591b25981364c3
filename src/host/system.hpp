// Which kernel and distribution is this, and how loaded is the machine?
#pragma once

#include <string_view>

#include "host/tree.hpp"

namespace synwhy::host {

/// "Debian GNU/Linux 12 (bookworm)" of os-release's PRETTY_NAME; empty when it is not there.
std::string pretty_name(std::string_view os_release);
/// Per CPU from the lines "cpu0 ..." of /proc/stat.
void add_cpu_ticks(std::string_view stat, core::LoadState& load);
/// MemTotal and MemAvailable (since 3.14) of /proc/meminfo.
void add_memory(std::string_view meminfo, core::LoadState& load);

/// Fills facts.kernel and distribution.
void read_system(const Tree& tree, core::HostState& state);
void read_load(const Tree& tree, core::HostState& state);

}  // namespace synwhy::host
