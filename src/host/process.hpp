// What does a process that should accept connections do instead?
//
// /proc/PID and its tasks: states, where threads sleep, descriptors against their limit, control group. A process may
// vanish at any moment: what was read until then stays. Left out: which processes matter (owners.hpp).
#pragma once

#include <string_view>

#include "host/tree.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxThreadsLooked = 1024;  ///< of one process; more are counted only
inline constexpr std::size_t kMaxProcessesRead = 256;   ///< owners described in one reading

/// Name (without parentheses) and state of /proc/PID/stat; '?' when the text has another form.
struct StatLine {
    std::string name{};
    char state = '?';
    std::uint64_t threads = 0;
};
StatLine parse_stat_line(std::string_view text);

/// The system call of /proc/PID/task/TID/syscall on x86-64; empty: running, of no interest, or a 32-bit process, whose
/// numbers mean others.
std::string_view syscall_of(std::string_view text);

/// "[<0>] do_accept+0x1/0x2" -> "do_accept", innermost first.
std::vector<std::string> parse_kernel_stack(std::string_view text);

/// @return nullopt when there is no such process
std::optional<core::ProcessState> read_process(const Tree& tree, int pid);

/// The owners of the listeners into state.processes, those of the longest accept queues first.
void read_processes(const Tree& tree, core::HostState& state);

}  // namespace synwhy::host
