// Which BPF programs are attached where a SYN passes?
//
// By bpf(2), read only; needs CAP_SYS_ADMIN, without it the lists are empty. Left out: what a program does, and
// everything that has counters of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace synwhy::host {

inline constexpr std::size_t kMaxBpfPrograms = 4096;  ///< of one list; loaded programs looked at

/// Attach types, as numbers so that headers older than the kernel will do.
inline constexpr std::uint32_t kBpfCgroupIngress = 0;
inline constexpr std::uint32_t kBpfCgroupEgress = 1;
inline constexpr std::uint32_t kBpfSkLookup = 36;    ///< since 5.9
inline constexpr std::uint32_t kBpfTcxIngress = 46;  ///< since 6.6

struct BpfProgram {
    std::uint32_t id = 0;
    std::uint32_t type = 0;
    std::string name{};  ///< at most 15 characters, often empty
};

/// Ids of what is attached. @param target a descriptor of a cgroup or network namespace, or an interface's index
/// @param inherited with what groups above attached
std::vector<std::uint32_t> attached_programs(int target, std::uint32_t attach_type, bool inherited = false);
std::optional<BpfProgram> describe_program(std::uint32_t id);
/// Programs of Linux Security Module hooks that are loaded now (since 5.7).
std::vector<BpfProgram> loaded_lsm_programs();

}  // namespace synwhy::host
