// What did the user tell us about the server?
//
// --kernel, --sysctl, --netstat and --bundle become one core::HostFacts. What is given directly wins over the bundle.
#pragma once

#include <expected>
#include <string>

#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "core/host.hpp"

namespace synwhy::cli {

/// A refusal that was already explained on stderr.
using Refusal = ExitCode;

/// The kernel of a release string; complains with the known releases when it names none.
std::expected<core::Kernel, Refusal> kernel_of(const std::string& release);

/// The kernel of `release`, or, when that is empty, the running one.
std::expected<core::Kernel, Refusal> kernel_or_running(const std::string& release);

/// Reads what the options name. Parts of a bundle that cannot be used are told on stderr and skipped.
std::expected<core::HostFacts, Refusal> gather_facts(const PcapOptions& options);

}  // namespace synwhy::cli
