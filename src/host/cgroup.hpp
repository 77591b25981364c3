// In which control group is a process, what is it called, and is it held back?
//
// Both hierarchies: the unified one (v2) and the controllers' own (v1). A container, pod or unit is named from the path
// alone, as container engines and systemd choose it. Left out: names that an engine keeps to itself (a docker name).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/tree.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxCgroupDepth = 32;

/// The paths of /proc/PID/cgroup that are needed; empty where the hierarchy is not there.
struct CgroupPaths {
    std::string unified{};  ///< "0::/..."
    std::string named{};    ///< systemd's own hierarchy of v1
    std::string freezer{};  ///< v1
    std::string cpu{};      ///< v1
    std::string memory{};   ///< v1: engines without systemd leave the others in "/"

    /// The one that says most about where the process belongs.
    [[nodiscard]] const std::string& best() const;
};

/// Text of /proc/PID/cgroup.
CgroupPaths parse_cgroups(std::string_view text);

/// "docker 3f2a91c04b7e", "pod 1b2c... container 77aa...", "nginx.service", "lxc web"; empty when the path names none.
std::string container_of(std::string_view path);

/// Frozen by its group or one above; nullopt when nothing could be read.
std::optional<bool> is_frozen(const Tree& tree, const CgroupPaths& paths);
/// Most time that its group, or one above, was kept from the CPUs by a quota, us; nullopt when nothing could be read.
std::optional<std::uint64_t> throttled_us(const Tree& tree, const CgroupPaths& paths);

/// Where the unified hierarchy is mounted, without a leading slash; empty when it is not.
std::string unified_mount(const Tree& tree);

}  // namespace synwhy::host
