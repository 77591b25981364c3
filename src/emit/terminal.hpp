// What does a person at a terminal read about a report?
//
// Verdict before evidence, one block per finding, most harmful first, then what was ruled out, what could not be
// seen, a time line and the totals. Pure text: no terminal is touched here.
#pragma once

#include <cstddef>
#include <string>

#include "core/verdict.hpp"
#include "emit/time_text.hpp"

namespace synwhy::emit {

inline constexpr std::size_t kMaxFindingBlocks = 8;          ///< findings printed in full, all with verbose
inline constexpr std::size_t kMaxFindingLines = 40;          ///< further ones, a headline each; the rest is counted
inline constexpr std::size_t kMaxDetailedHandshakes = 1000;  ///< blocks that -v prints; the rest is counted

struct TerminalOptions {
    std::size_t width = 80;  ///< columns; values below 40 count as 40
    bool colour = false;
    bool utf8 = true;      ///< false: ASCII time line
    bool verbose = false;  ///< every SYN of every handshake that was not simply answered, reasons of the ruled-out
    bool all = false;      ///< with verbose: also the simply answered ones
    Zone zone = Zone::utc;
};

/// The whole report, ending in a newline. No line is wider than options.width columns but commands to be copied.
std::string render(const core::Report& report, const TerminalOptions& options);

}  // namespace synwhy::emit
