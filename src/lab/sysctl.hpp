// Which settings has the calling thread's namespace?
#pragma once

#include <string>
#include <string_view>

#include "sim/model_engine.hpp"

namespace synwhy::lab {

/// The text without its newline; empty when it can't be read. @param name with dots
std::string read_sysctl(std::string_view name);
bool has_sysctl(std::string_view name);
/// errno of writing it; 0 when it was taken.
int write_sysctl(std::string_view name, std::string_view value);

/// Every one that TCP looks at, by name, with those of `interface`.
sim::SysctlValues tcp_sysctls(std::string_view interface);

/// Prepares a fresh namespace before its interfaces exist: no chatter of IPv6, no filters that were inherited.
void quieten_namespace();

}  // namespace synwhy::lab
