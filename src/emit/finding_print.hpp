// How does one finding read? Who could not connect, to what, how often, why; then the evidence, then the remedy.
//
// Private to emit/: terminal.hpp is the entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/verdict.hpp"
#include "emit/style.hpp"
#include "emit/terminal.hpp"

namespace synwhy::emit {

/// "14 of 111 connection attempts to 10.0.0.1:80 got no answer: per-host PAWS (tcp_tw_recycle)", one line, not wrapped.
std::string headline(const core::Finding& finding);

/// The finding's block: headline, confidence and times, evidence, rivals, commands.
void append_finding(std::string& out, const core::Finding& finding, const TerminalOptions& options);

/// "refuted by 13 SYNs, they were answered in between", without saying a number twice.
std::string refutation(std::uint64_t refuted_by, std::string_view why);

/// A line of its own, bold.
void append_heading(std::string& out, const Style& style, std::string_view text);

/// Wrapped items with "  - " before each; at most `limit`, the rest is counted.
void append_items(std::string& out, const std::vector<std::string>& items, std::size_t limit, std::size_t width);

}  // namespace synwhy::emit
