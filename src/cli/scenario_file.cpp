// Scenarios by name; see scenario_file.hpp.
#include "cli/scenario_file.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "cli/suggest.hpp"
#include "cli/talk.hpp"
#include "sim/shipped.hpp"

namespace synwhy::cli {
namespace {

ExitCode no_such_scenario(const std::string& name) {
    std::vector<std::string_view> names;
    for (const sim::ShippedScenario& scenario : sim::shipped_scenarios()) names.push_back(scenario.name);
    const auto near = near_matches(name, names);
    complain("'" + name + "' is no file and no built-in scenario; " +
             (near.empty() ? "\"synwhy sim list\" names them" : "did you mean " + either(near) + "?"));
    return ExitCode::usage;
}

std::expected<sim::Scenario, Refusal> parse(std::string_view text, const std::string& name, std::string_view variant) {
    auto scenario = sim::parse_scenario(text, name);
    if (!scenario) {
        complain(core::to_string(scenario.error()));
        return std::unexpected(ExitCode::usage);
    }
    if (!variant.empty() && !sim::apply_variant(*scenario, variant)) {
        std::string names;
        for (const auto& known : scenario->variants) names += (names.empty() ? "" : ", ") + known.name;
        complain(name + " has no variant '" + std::string(variant) + "'" + (names.empty() ? "" : "; it has: " + names));
        return std::unexpected(ExitCode::usage);
    }
    return *std::move(scenario);
}

}  // namespace

std::expected<std::string, core::Error> read_scenario_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::unexpected(core::Error{std::string("open: ") + std::strerror(errno), path});
    std::string text(sim::kMaxScenarioBytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return std::unexpected(core::Error{"cannot be read", path});
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

bool is_regular_file(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
}

std::optional<std::string_view> shipped_text(std::string_view name) {
    for (const sim::ShippedScenario& scenario : sim::shipped_scenarios()) {
        if (scenario.name == name) return scenario.text;
    }
    return std::nullopt;
}

std::expected<sim::Scenario, Refusal> find_scenario(const std::string& given) {
    std::string name = given;
    std::string variant;
    for (;;) {
        if (is_regular_file(name)) {
            const auto text = read_scenario_text(name);
            if (text) return parse(*text, name, variant);
            complain(core::to_string(text.error()));
            return std::unexpected(ExitCode::could_not_look);
        }
        if (const auto text = shipped_text(name)) return parse(*text, name + ".toml", variant);
        const auto slash = name.rfind('/');
        if (slash == std::string::npos || !variant.empty()) return std::unexpected(no_such_scenario(given));
        variant = name.substr(slash + 1);
        name.resize(slash);
    }
}

}  // namespace synwhy::cli
