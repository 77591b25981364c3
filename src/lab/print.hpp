// What does a person read while a script is played?
#pragma once

#include <cstddef>
#include <string>

#include "sim/script.hpp"

namespace synwhy::lab {

/// One line per step: time, step, what came back, which counters moved; with its newline. Empty for a description.
/// @param width columns of the terminal
std::string step_text(const sim::StepResult& result, std::size_t width);

/// Two lines: the step, and what each engine says.
std::string difference_text(const sim::Difference& difference, std::string_view reference, std::string_view other);

}  // namespace synwhy::lab
