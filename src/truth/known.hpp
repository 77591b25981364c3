// Which differences between model and measurement are known, and why?
//
// A text file, one difference a line: KERNEL SCENARIO STEP: reason. STEP is a number, a range "34-88", or "*".
// "#" starts a comment.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "truth/replay.hpp"

namespace synwhy::truth {

struct Known {
    std::string kernel;
    std::string scenario;
    int first = 0;
    int last = 0;
    std::string reason;
};

/// @param name of the file, for errors ("name:LINE")
std::expected<std::vector<Known>, core::Error> parse_known(std::string_view text, const std::string& name);

/// Gives every difference that is listed its reason and counts the steps that differ for known reasons only.
void mark_known(Replayed& replayed, const std::vector<Known>& known);

}  // namespace synwhy::truth
