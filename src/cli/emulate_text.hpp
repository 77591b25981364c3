// How does a running emulation look in the words of the tools that people know?
//
// The control socket's tables as `ss -lnt`, `ss -nt`, `ip tcp_metrics` and `netstat -s` would print them. Pure:
// text in, text out.
#pragma once

#include <string>
#include <string_view>

#include "emit/emulation_report.hpp"

namespace synwhy::cli {

/// The control socket's text of one table; lines that do not fit are dropped.
emit::ControlTable parse_table(std::string_view name, std::string_view text);

/// A table in its tool's format; tables that no tool has are aligned columns.
std::string table_as_tool(const emit::ControlTable& table);

}  // namespace synwhy::cli
