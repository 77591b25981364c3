// synwhy lab with scenarios: real clients against the running kernel, the model, or the model behind TUN.
#pragma once

#include <string>

#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "sim/scenario.hpp"

namespace synwhy::cli {

/// Plays it in one engine and prints the report.
ExitCode run_world(const LabCommand& options, const CommonOptions& common, const sim::Scenario& scenario);
/// Plays it in every engine that can and prints where they differ. @param differences is added to
ExitCode compare_world(const LabCommand& options, const sim::Scenario& scenario, std::size_t& differences);

struct ListedWorld {
    std::string name{};
    std::string title{};
    std::string obstacle{};  ///< why no lab can play it; empty when one can
    std::int64_t length_ns = 0;
};
/// Every built-in scenario with clients, sorted by name.
std::vector<ListedWorld> listed_worlds();

}  // namespace synwhy::cli
