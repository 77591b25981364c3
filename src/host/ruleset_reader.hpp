// What does the packet filter of this network namespace look like now?
//
// Runs the tools that print it, and only those that have something to print: asking an absent x_tables or nf_tables
// would load its modules, and a doctor changes nothing. The output is handed on unread. Needs CAP_NET_ADMIN.
#pragma once

#include "core/filter.hpp"
#include "host/tool_output.hpp"

namespace synwhy::host {

/// Every text that is missing has its reason.
core::FilterTexts read_filter_texts(const ToolLimits& limits = {});

}  // namespace synwhy::host
