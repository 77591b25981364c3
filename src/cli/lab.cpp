// synwhy lab: what does the running kernel do with a script, and does the model agree?
//
// list, run, compare: one function each. Everything happens in namespaces of the lab's own; the ones that a killed lab
// left behind are removed first.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/lab_world.hpp"
#include "cli/reading.hpp"
#include "cli/scenario_file.hpp"
#include "cli/talk.hpp"
#include "emit/ndjson.hpp"
#include "lab/kernel_engine.hpp"
#include "lab/print.hpp"
#include "lab/record.hpp"
#include "lab/scripts.hpp"
#include "lab/tun_engine.hpp"
#include "sim/model_engine.hpp"
#include "sim/scenario.hpp"

namespace synwhy::cli {
namespace {

using lab::Script;
using Results = std::vector<sim::StepResult>;

/// Played once in one engine.
struct Played {
    Results steps{};
    sim::CounterValues counters{};  ///< which the engine has
};

ExitCode could_not(const core::Error& error) {
    complain(to_string(error));
    return ExitCode::could_not_look;
}

/// A script, or a scenario with clients.
struct Target {
    std::optional<Script> script{};
    std::optional<sim::Scenario> world{};
};
using Targets = std::vector<Target>;

void append(Targets& targets, std::vector<Script> scripts) {
    for (Script& script : scripts) targets.push_back({.script = std::move(script)});
}

/// The scripts of a file that holds some: for `run` the first of them.
std::expected<void, Refusal> append_own_scripts(Targets& targets, const std::string& path, bool only_first) {
    const auto text = read_scenario_text(path);
    auto own = text ? lab::scripts_of(*text, path) : std::unexpected(text.error());
    if (!own) return std::unexpected(could_not(own.error()));
    if (only_first) own->erase(own->begin() + 1, own->end());
    append(targets, *std::move(own));
    return {};
}

/// What the names stand for: scripts of the library, scenarios, files. Without names: the library's scripts.
std::expected<Targets, ExitCode> find_targets(const LabCommand& options) {
    auto all = lab::library_scripts();
    if (!all) {
        complain(to_string(all.error()));
        return std::unexpected(ExitCode::bug);
    }
    Targets targets;
    if (options.names.empty()) append(targets, *std::move(all));
    for (const std::string& name : options.names) {
        const auto known = std::ranges::find(*all, name, &Script::name);
        if (known != all->end() && !is_regular_file(name)) {
            targets.push_back({.script = *known});
            continue;
        }
        auto scenario = find_scenario(name);
        if (!scenario) return std::unexpected(scenario.error());
        if (scenario->script.empty()) {
            targets.push_back({.world = *std::move(scenario)});
        } else if (const auto done = append_own_scripts(targets, name, options.action == LabCommand::Action::run);
                   !done) {
            return std::unexpected(done.error());
        }
    }
    return targets;
}

void sweep() {
    for (const std::string& name : lab::remove_leftovers()) complain("removed what a killed lab left behind: " + name);
}

std::string json_string(std::string_view text) {
    std::string out;
    emit::append_json_string(out, text);
    return out;
}

struct Listed {
    std::string_view kind;  ///< "script", "scenario"
    std::string name{};
    std::string title{};
    std::string obstacle{};
    std::int64_t seconds = 0;
};

std::string json_of(const Listed& one) {
    return "{\"name\":" + json_string(one.name) + ",\"title\":" + json_string(one.title) +
           ",\"shown\":" + (one.obstacle.empty() ? "true" : "false") + ",\"obstacle\":" + json_string(one.obstacle) +
           ",\"seconds\":" + std::to_string(one.seconds) + "}";
}

std::string lines_of(const Listed& one) {
    constexpr std::size_t kNameColumn = 30;
    const std::size_t gap = one.name.size() < kNameColumn ? kNameColumn - one.name.size() : 1;
    std::string text = one.name + std::string(gap, ' ') + one.title + '\n';
    if (!one.obstacle.empty()) text += "    not here: " + one.obstacle + '\n';
    return text;
}

ExitCode list(const LabCommand& options) {
    const auto scripts = lab::library_scripts();
    if (!scripts) return could_not(scripts.error());
    auto kernel = lab::KernelEngine::create(interrupted);
    std::vector<Listed> all;
    for (ListedWorld& world : listed_worlds()) {
        const std::string why = kernel ? world.obstacle : to_string(kernel.error());
        all.push_back({"scenario", world.name, world.title, why, (world.length_ns + 999'999'999) / 1'000'000'000});
    }
    for (const Script& script : *scripts) {
        const std::string why = kernel ? lab::obstacle(script, **kernel) : to_string(kernel.error());
        all.push_back({"script", script.name, script.title, why, (script.demands.duration_ms + 999) / 1000});
    }
    std::string out = options.json ? "{\"v\":1" : "";
    for (const std::string_view kind : {"scenario", "script"}) {
        bool first = true;
        if (options.json) out += ",\"" + std::string(kind) + "s\":[\n";
        if (!options.json) out += std::string(kind) + "s:\n";
        for (const Listed& one : all) {
            if (one.kind != kind) continue;
            if (options.json) out += (first ? "" : ",\n") + json_of(one);
            if (!options.json) out += lines_of(one);
            first = false;
        }
        if (options.json) out += "\n]";
    }
    if (options.json) out += "}\n";
    if (!print(out)) return ExitCode::could_not_look;
    return kernel ? ExitCode::nothing_found : could_not(kernel.error());
}

/// false: said on stderr.
bool write_file(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (file) return true;
    complain(path + ": cannot be written");
    return false;
}

ExitCode run_script(const LabCommand& options, const Script& script) {
    if (options.engine != "kernel" || options.from_s || options.seconds || options.ipv6) {
        complain("lab run: --engine, --from, --seconds and --ipv6 belong to scenarios; " + script.name +
                 " is a script");
        return ExitCode::usage;
    }
    const StopOnInterrupt stop;
    auto kernel = lab::KernelEngine::create(interrupted);
    if (!kernel) return could_not(kernel.error());
    if (const auto why = lab::obstacle(script, **kernel); !why.empty()) {
        return could_not({why, script.name});
    }
    lab::Recording recording{.script = script, .kernel = lab::running_kernel()};
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    recording.wall_start_s = std::chrono::duration<double>(now).count();
    recording.sysctls_at_start = (*kernel)->sysctls();
    if (!options.json && !print(script.name + ": " + script.title + "\nLinux " + recording.kernel.release + "\n\n")) {
        return ExitCode::could_not_look;
    }
    const std::size_t width = terminal_width(STDOUT_FILENO);
    const auto played = sim::run_script(script.steps, script.name, **kernel, [&](const sim::StepResult& result) {
        if (!options.json) print(lab::step_text(result, width));
    });
    if (!played) return could_not(played.error());
    recording.steps = *played;
    recording.sysctls_at_end = (*kernel)->sysctls();
    recording.duration_ns = (*kernel)->now_ns();
    if (!options.json && options.record.empty()) return ExitCode::nothing_found;
    const std::string text = to_json(recording);
    if (!options.record.empty() && !write_file(options.record, text)) return ExitCode::could_not_look;
    return !options.json || print(text) ? ExitCode::nothing_found : ExitCode::could_not_look;
}

std::expected<Played, core::Error> play(const Script& script, sim::Engine& engine) {
    auto steps = sim::run_script(script.steps, script.name, engine, {});
    if (!steps) return std::unexpected(steps.error());
    return Played{*std::move(steps), engine.counters()};
}

/// Differences of one engine to the kernel, printed. @return how many
std::size_t report(const Played& kernel, const Played& other, std::string_view name, std::string& out) {
    const auto differences = sim::compare_results(kernel.steps, kernel.counters, other.steps, other.counters);
    for (const sim::Difference& difference : differences) out += lab::difference_text(difference, "kernel", name);
    return differences.size();
}

struct Comparison {
    std::size_t differences = 0;
    std::string text{};
};

std::expected<Comparison, core::Error> compare(const Script& script) {
    auto kernel = lab::KernelEngine::create(interrupted);
    if (!kernel) return std::unexpected(kernel.error());
    if (auto why = lab::obstacle(script, **kernel); !why.empty()) {
        return Comparison{0, script.name + ": skipped, " + std::move(why) + '\n'};
    }
    const sim::SysctlValues sysctls = (*kernel)->sysctls();
    const auto config = lab::model_of(lab::running_kernel());
    if (!config) return std::unexpected(config.error());
    auto of_kernel = play(script, **kernel);
    if (!of_kernel) return std::unexpected(of_kernel.error());
    kernel->reset();
    sim::ModelEngine model(*config, sysctls);
    auto of_model = play(script, model);
    if (!of_model) return std::unexpected(of_model.error());
    auto tun = lab::TunEngine::create(*config, sysctls, interrupted);
    if (!tun) return std::unexpected(tun.error());
    auto of_tun = play(script, **tun);
    if (!of_tun) return std::unexpected(of_tun.error());

    Comparison comparison;
    std::string details;
    comparison.differences =
        report(*of_kernel, *of_model, "model", details) + report(*of_kernel, *of_tun, "tun", details);
    comparison.text = script.name + ": " +
                      (comparison.differences == 0 ? "kernel, model and tun agree in " : "differ in ") +
                      std::to_string(comparison.differences == 0 ? script.steps.size() : comparison.differences) +
                      (comparison.differences == 0 ? " steps\n" : " places\n") + details;
    return comparison;
}

ExitCode run(const LabCommand& options, const CommonOptions& common) {
    const auto targets = find_targets(options);
    if (!targets) return targets.error();
    const Target& target = targets->front();
    return target.script ? run_script(options, *target.script) : run_world(options, common, *target.world);
}

ExitCode compare_all(const LabCommand& options) {
    const auto targets = find_targets(options);
    if (!targets) return targets.error();
    const StopOnInterrupt stop;
    std::size_t differences = 0;
    for (const Target& target : *targets) {
        if (!target.script) {
            const ExitCode code = compare_world(options, *target.world, differences);
            if (code != ExitCode::nothing_found) return code;
            continue;
        }
        const auto comparison = compare(*target.script);
        if (!comparison) return could_not(comparison.error());
        differences += comparison->differences;
        if (!print(comparison->text)) return ExitCode::could_not_look;
    }
    return differences == 0 ? ExitCode::nothing_found : ExitCode::cause_found;
}

}  // namespace

ExitCode run_lab(const LabCommand& options, const CommonOptions& common) {
    sweep();
    switch (options.action) {
        case LabCommand::Action::list: return list(options);
        case LabCommand::Action::run: return run(options, common);
        case LabCommand::Action::compare: return compare_all(options);
    }
    return ExitCode::bug;
}

}  // namespace synwhy::cli
