// What does a tool of this machine print?
//
// Started by posix_spawn with an argument list: no shell, no PATH of the caller, an empty environment, no descriptor
// but its output. Bounded in bytes and in time; a tool that exceeds either is killed and its output is not used. It
// runs in the network namespace of the calling thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace synwhy::host {

struct ToolLimits {
    std::size_t output_bytes = 64U << 20;  ///< a ruleset with a million set elements prints 40 MiB
    std::chrono::milliseconds time{5000};
};

/// Where a system tool is: the first of /usr/sbin, /sbin, /usr/bin, /bin that has it executable.
std::optional<std::string> find_tool(std::string_view name);

/// Its standard output. An exit status other than 0 is an error that quotes the first line of standard error.
/// @param path absolute
std::expected<std::string, core::Error> run_tool(const std::string& path, const std::vector<std::string>& arguments,
                                                 const ToolLimits& limits = {});

}  // namespace synwhy::host
