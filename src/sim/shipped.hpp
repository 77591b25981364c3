// Which scenarios come with the program? The files of scenarios/, embedded at build time.
#pragma once

#include <span>
#include <string_view>

namespace synwhy::sim {

struct ShippedScenario {
    std::string_view name;  ///< file name without ".toml"
    std::string_view text;
};

/// Sorted by name.
std::span<const ShippedScenario> shipped_scenarios();
/// Those of scenarios/scripts/: single steps, for the lab. Sorted by name.
std::span<const ShippedScenario> shipped_scripts();

}  // namespace synwhy::sim
