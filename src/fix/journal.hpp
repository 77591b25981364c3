// What has to be known to undo a fix?
//
// A journal holds every value and file as it was before the first change. It is written, whole, before that change, so
// that whoever finds one can go back, whatever happened since. Text, one thing a line; what a line may hold is bounded
// and checked, because it is root who acts on it. Left out: where it lies (state.hpp).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace synwhy::fix {

inline constexpr std::size_t kMaxJournalBytes = 1U << 20U;
inline constexpr std::size_t kMaxJournalSysctls = 64;
/// Longest content of a drop-in file that can be kept and put back.
inline constexpr std::size_t kMaxDropInBytes = 64U << 10U;

struct SysctlEntry {
    std::string path{};  ///< below /proc/sys
    std::string old_value{};
    std::string new_value{};
    bool operator==(const SysctlEntry&) const = default;
};

/// The file below etc/sysctl.d that makes a fix last; its name follows from the cause.
struct DropInEntry {
    bool existed = false;
    std::string old_content{};
    std::uint32_t mode = 0;  ///< permission bits
    std::uint32_t owner = 0;
    std::uint32_t group = 0;
    std::string new_content{};
    bool operator==(const DropInEntry&) const = default;
};

struct Journal {
    std::string cause{};           ///< slug
    std::string boot{};            ///< /proc/sys/kernel/random/boot_id
    std::uint64_t name_space = 0;  ///< inode of the network namespace; sysctls of another one are not these
    std::vector<SysctlEntry> sysctls{};
    std::optional<DropInEntry> drop_in{};
    bool operator==(const Journal&) const = default;
};

std::string print_journal(const Journal& journal);
/// @param name for errors: "name:line"
std::expected<Journal, core::Error> parse_journal(std::string_view text, const std::string& name);

}  // namespace synwhy::fix
