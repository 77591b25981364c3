// Scenarios in the lab; see lab_world.hpp. The order of work: cut the part out, ask what is in the way, plan it for the
// running kernel, play it, answer.
#include "cli/lab_world.hpp"

#include <unistd.h>

#include <array>
#include <cmath>
#include <expected>
#include <vector>

#include "cli/reading.hpp"
#include "cli/talk.hpp"
#include "core/error.hpp"
#include "emit/outcome.hpp"
#include "emit/text.hpp"
#include "lab/emulated_server.hpp"
#include "lab/world_run.hpp"
#include "lab/worlds.hpp"
#include "sim/part.hpp"
#include "sim/shipped.hpp"

namespace synwhy::cli {
namespace {

using lab::WorldEngine;

ExitCode could_not(const core::Error& error) {
    complain(to_string(error));
    return ExitCode::could_not_look;
}

std::int64_t nanoseconds(double seconds) { return static_cast<std::int64_t>(std::llround(seconds * 1e9)); }

/// What was cut out of a scenario.
struct Part {
    sim::Scenario scenario{};
    std::int64_t from_ns = 0;
};

std::expected<Part, core::Error> cut(const LabCommand& options, const sim::Scenario& scenario) {
    Part part;
    part.from_ns = options.from_s ? nanoseconds(*options.from_s) : scenario.lab.from_ns;
    const std::int64_t length_ns = options.seconds ? nanoseconds(*options.seconds) : scenario.lab.length_ns;
    if (part.from_ns >= scenario.duration_ns) {
        return std::unexpected(core::Error{"is not before the end of " + scenario.name, "--from"});
    }
    part.scenario = sim::part_of(scenario, part.from_ns, length_ns);
    if (options.ipv6) part.scenario = sim::ipv6_twin(std::move(part.scenario));
    return part;
}

std::expected<lab::WorldPlan, core::Error> plan(const Part& part) {
    if (std::string why = lab::world_obstacle(part.scenario); !why.empty()) {
        return std::unexpected(core::Error{std::move(why), part.scenario.name, "\"synwhy sim\" simulates it"});
    }
    const auto fresh = lab::fresh_sysctls();
    if (!fresh) return std::unexpected(fresh.error());
    return lab::plan_world(part.scenario, lab::running_kernel(), *fresh);
}

std::expected<sim::Outcome, core::Error> play(const lab::WorldPlan& world, WorldEngine engine, const Part& part,
                                              const sim::Scenario& whole) {
    auto outcome = lab::play_world(world, engine, interrupted);
    if (!outcome) return outcome;
    outcome->from_ns = part.from_ns;
    outcome->whole_ns = whole.duration_ns;
    return outcome;
}

WorldEngine engine_of(const std::string& name) {
    for (const WorldEngine engine : {WorldEngine::model, WorldEngine::tun}) {
        if (name == to_string(engine)) return engine;
    }
    return WorldEngine::kernel;
}

}  // namespace

ExitCode run_world(const LabCommand& options, const CommonOptions& common, const sim::Scenario& scenario) {
    if (!options.record.empty()) {
        complain("lab run: --record belongs to scripts; a scenario has --json");
        return ExitCode::usage;
    }
    const StopOnInterrupt stop;
    const auto part = cut(options, scenario);
    if (!part) return could_not(part.error());
    const auto world = plan(*part);
    if (!world) return could_not(world.error());
    const auto outcome = play(*world, engine_of(options.engine), *part, scenario);
    if (!outcome) return could_not(outcome.error());
    const bool printed =
        print(options.json ? emit::outcome_json(*outcome)
                           : emit::outcome_text(*outcome, {.width = terminal_width(STDOUT_FILENO),
                                                           .colour = use_colour(common.colour, STDOUT_FILENO)}));
    if (!printed) return ExitCode::could_not_look;
    return emit::anything_wrong(*outcome) ? ExitCode::cause_found : ExitCode::nothing_found;
}

ExitCode compare_world(const LabCommand& options, const sim::Scenario& scenario, std::size_t& differences) {
    const auto part = cut(options, scenario);
    if (!part) return could_not(part.error());
    const auto world = plan(*part);
    if (!world) return could_not(world.error());
    std::vector<sim::Outcome> outcomes;
    std::string skipped;
    for (const WorldEngine engine : {WorldEngine::kernel, WorldEngine::model, WorldEngine::tun}) {
        const std::string why = engine == WorldEngine::tun ? lab::emulation_obstacle(world->scenario) : std::string();
        if (!why.empty()) {
            skipped = "  not behind TUN: " + why + '\n';
            continue;
        }
        auto outcome = play(*world, engine, *part, scenario);
        if (!outcome) return could_not(outcome.error());
        if (!outcomes.empty()) differences += sim::compare_outcomes(outcomes.front(), *outcome).size();
        outcomes.push_back(*std::move(outcome));
    }
    const bool printed = print(emit::comparison_text(outcomes, terminal_width(STDOUT_FILENO)) + skipped);
    return printed ? ExitCode::nothing_found : ExitCode::could_not_look;
}

std::vector<ListedWorld> listed_worlds() {
    std::vector<ListedWorld> worlds;
    for (const sim::ShippedScenario& shipped : sim::shipped_scenarios()) {
        const auto scenario = sim::parse_scenario(shipped.text, std::string(shipped.name) + ".toml");
        if (!scenario || !scenario->script.empty()) continue;  // a test parses every one of them
        const sim::Scenario part = sim::part_of(*scenario, scenario->lab.from_ns, scenario->lab.length_ns);
        worlds.push_back({scenario->name, scenario->title, lab::world_obstacle(part), part.duration_ns});
    }
    return worlds;
}

}  // namespace synwhy::cli
