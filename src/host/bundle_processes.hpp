// What did the processes that hold the listening sockets do?
//
// From the files of /proc/PID: one by one, or many in one text under lines "==> path <==", as head(1) writes them.
// Left out: who holds which socket (bundle_moment.cpp puts both together).
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "core/host_state.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxBundleProcesses = 1024;

/// Collects the files of processes, then gives the processes.
class ProcessFiles {
  public:
    /// @param path "/proc/812/task/815/wchan", "/sys/fs/cgroup/.../cpu.stat"; the latter belongs to the process before
    /// it
    void add(std::string_view path, std::string_view text);
    /// Text of many files.
    void add_all(std::string_view text);

    [[nodiscard]] bool empty() const { return processes_.empty(); }
    /// Threads that sleep in accept or poll first. Leaves this empty.
    std::map<int, core::ProcessState> take();
    /// Profiles of a security module that confine a process.
    [[nodiscard]] const std::vector<core::Refuser>& confined() const { return confined_; }

  private:
    void add_of_process(core::ProcessState& process, std::string_view name, std::string_view text);

    std::map<int, core::ProcessState> processes_{};
    std::vector<core::Refuser> confined_{};
    int current_ = 0;
};

}  // namespace synwhy::host
