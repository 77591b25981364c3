// Which scenario did the user name: a file, a built-in one, or a variant of either?
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "cli/facts.hpp"
#include "core/error.hpp"
#include "sim/scenario.hpp"

namespace synwhy::cli {

bool is_regular_file(const std::string& path);
/// Of a scenario file; one byte more than the limit of its size where it is larger.
std::expected<std::string, core::Error> read_scenario_text(const std::string& path);

/// Text of the built-in scenario; nullopt: there is none of this name.
std::optional<std::string_view> shipped_text(std::string_view name);

/// A file wins over a built-in name; what follows the last slash of a name that is neither is a variant. Complains.
std::expected<sim::Scenario, Refusal> find_scenario(const std::string& given);

}  // namespace synwhy::cli
