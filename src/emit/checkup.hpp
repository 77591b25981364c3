// What does a person at a terminal read about a host?
//
// The first line is the verdict, the second the evidence, the third the fix; then why the process does not accept,
// other remedies, what was ruled out in the order a person checks, and what could not be seen.
#pragma once

#include <string>

#include "core/verdict.hpp"
#include "emit/terminal.hpp"

namespace synwhy::emit {

/// @param seconds watched; 0: one look
std::string render_checkup(const core::Report& report, double seconds, const TerminalOptions& options);

}  // namespace synwhy::emit
