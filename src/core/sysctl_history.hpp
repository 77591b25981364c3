// Which kernels have a sysctl?
//
// Only those that came or went since 2.6.32 stand in the table; any other name is taken for one that every kernel has.
// Left out: sysctls that distributions added on their own.
#pragma once

#include <span>
#include <string_view>

#include "core/kernel.hpp"

namespace synwhy::core {

struct SysctlAge {
    std::string_view name;  ///< in dots, as sysctl(8) writes it
    bool (*exists)(const Kernel&);
};

/// Every sysctl of the path that came or went.
std::span<const SysctlAge> sysctl_ages();

/// true also for names that are not in the table.
bool has_sysctl(const Kernel& kernel, std::string_view name);

}  // namespace synwhy::core
