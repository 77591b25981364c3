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
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/reading.hpp"
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

bool is_file_name(const std::string& name) { return name.contains('/') || name.ends_with(".toml"); }

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text(sim::kMaxScenarioBytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    return text;
}

/// The scripts that the names stand for: of the library, or of files.
std::expected<std::vector<Script>, ExitCode> find_scripts(const LabCommand& options) {
    const auto all = lab::library_scripts();
    if (!all) {
        complain(to_string(all.error()));
        return std::unexpected(ExitCode::bug);
    }
    if (options.names.empty()) return *all;
    std::vector<Script> scripts;
    for (const std::string& name : options.names) {
        if (is_file_name(name)) {
            auto own = ::access(name.c_str(), R_OK) == 0 ? lab::scripts_of(read_file(name), name)
                                                         : std::unexpected(core::Error{"cannot be read", name, {}});
            if (!own) return std::unexpected(could_not(own.error()));
            if (options.action == LabCommand::Action::run) own->erase(own->begin() + 1, own->end());
            std::ranges::move(*own, std::back_inserter(scripts));
            continue;
        }
        const auto found = std::ranges::find(*all, name, &Script::name);
        if (found == all->end()) {
            complain("lab: no script '" + name + "'; try: synwhy lab list");
            return std::unexpected(ExitCode::usage);
        }
        scripts.push_back(*found);
    }
    return scripts;
}

void sweep() {
    for (const std::string& name : lab::remove_leftovers()) complain("removed what a killed lab left behind: " + name);
}

std::string json_string(std::string_view text) {
    std::string out;
    emit::append_json_string(out, text);
    return out;
}

ExitCode list(const LabCommand& options) {
    const auto scripts = find_scripts({.action = options.action});
    if (!scripts) return scripts.error();
    auto kernel = lab::KernelEngine::create(interrupted);
    std::string out;
    for (const Script& script : *scripts) {
        const std::string why = kernel ? lab::obstacle(script, **kernel) : to_string(kernel.error());
        if (options.json) {
            out += out.empty() ? "{\"v\":1,\"scripts\":[\n" : ",\n";
            out += "{\"name\":" + json_string(script.name) + ",\"title\":" + json_string(script.title) +
                   ",\"shown\":" + (why.empty() ? "true" : "false") + ",\"obstacle\":" + json_string(why) +
                   ",\"seconds\":" + std::to_string((script.demands.duration_ms + 999) / 1000) + "}";
            continue;
        }
        out += script.name + (script.name.size() < 30 ? std::string(30 - script.name.size(), ' ') : " ") +
               script.title + '\n';
        if (!why.empty()) out += "    not here: " + why + '\n';
    }
    if (options.json) out += "\n]}\n";
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

ExitCode run(const LabCommand& options) {
    const auto scripts = find_scripts(options);
    if (!scripts) return scripts.error();
    const Script& script = scripts->front();
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

ExitCode compare_all(const LabCommand& options) {
    const auto scripts = find_scripts(options);
    if (!scripts) return scripts.error();
    const StopOnInterrupt stop;
    std::size_t differences = 0;
    for (const Script& script : *scripts) {
        const auto comparison = compare(script);
        if (!comparison) return could_not(comparison.error());
        differences += comparison->differences;
        if (!print(comparison->text)) return ExitCode::could_not_look;
    }
    return differences == 0 ? ExitCode::nothing_found : ExitCode::cause_found;
}

}  // namespace

ExitCode run_lab(const LabCommand& options) {
    sweep();
    switch (options.action) {
        case LabCommand::Action::list: return list(options);
        case LabCommand::Action::run: return run(options);
        case LabCommand::Action::compare: return compare_all(options);
    }
    return ExitCode::bug;
}

}  // namespace synwhy::cli
