// Can this sysctl be set to that, on the emulated kernel?
#pragma once

#include <expected>
#include <string_view>

#include "core/error.hpp"
#include "core/kernel.hpp"
#include "model/settings.hpp"

namespace synwhy::tun {

/// @param name full, with dots: "net.ipv4.tcp_tw_recycle"
/// @param value numbers separated by blanks
/// @return whether the model depends on it; an error when the kernel has no such sysctl or the value is no number
std::expected<bool, core::Error> set_sysctl(model::Settings& settings, const core::Kernel& kernel,
                                            std::string_view name, std::string_view value);

}  // namespace synwhy::tun
