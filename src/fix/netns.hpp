// In which network namespace are sysctls changed?
//
// /proc/sys/net shows the namespace of whoever opens it, so the process goes there first and stays. Left out: user and
// mount namespaces; files are always those of the caller.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "core/error.hpp"

namespace synwhy::fix {

/// A name as `ip netns` knows it, or a path when it holds a slash.
std::string namespace_file(const std::string& name);
/// Of a process.
std::string namespace_file(int pid);
/// Moves this process there. Needs CAP_SYS_ADMIN, and that no other thread runs.
std::expected<void, core::Error> enter_namespace(const std::string& file);
/// The inode that names this process's network namespace.
std::expected<std::uint64_t, core::Error> own_namespace();
/// The id of this boot.
std::expected<std::string, core::Error> boot_id();

}  // namespace synwhy::fix
