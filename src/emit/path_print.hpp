// How does one kernel's path look as text, and what changes between two kernels?
//
// Rendering only: the facts are core's path table and named behaviours. 80 columns, plain text, stable order, so that
// a kernel change shows up as a text diff. Left out: colour and JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/kernel.hpp"
#include "core/path.hpp"

namespace synwhy::emit {

/// A named behaviour in words.
struct BehaviourText {
    std::string_view name;
    std::string value;
};

/// All behaviours of a kernel, always the same names in the same order.
std::vector<BehaviourText> describe_behaviours(const core::Behaviours& behaviours);

/// Words for what the client sees: "silence", "RST", "ACK", "cookie", "ICMP", "SYN+ACK", "SYN+ACK again".
std::string_view to_text(core::Seen seen);
/// Heading of a stage.
std::string_view to_text(core::Stage stage);

/// The path of one kernel: behaviours, open questions, rows grouped by stage.
std::string print_path(const core::Kernel& kernel);

/// What differs between two kernels: behaviours, rows, counters, sysctls. Empty when nothing does.
std::string print_path_diff(const core::Kernel& from, const core::Kernel& to);

}  // namespace synwhy::emit
