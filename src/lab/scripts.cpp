#include "lab/scripts.hpp"

#include <algorithm>

#include "sim/scenario.hpp"
#include "sim/shipped.hpp"

namespace synwhy::lab {

sim::Result<std::vector<Script>> scripts_of(std::string_view text, std::string_view file_name) {
    const auto scenario = sim::parse_scenario(text, file_name);
    if (!scenario) return std::unexpected(scenario.error());
    if (scenario->script.empty()) {
        return std::unexpected(core::Error{"has no [script]: it can be simulated, not played on a kernel",
                                           std::string(file_name), "synwhy sim"});
    }
    auto steps = sim::parse_script(scenario->script, file_name);
    if (!steps) return std::unexpected(steps.error());
    const sim::ScriptDemands demands = sim::demands_of(*steps);
    std::vector<Script> scripts;
    if (demands.ipv4) scripts.push_back({scenario->name, scenario->title, *steps, demands, false});
    if (demands.ipv6) {
        const std::string name = demands.ipv4 ? scenario->name + "-v6" : scenario->name;
        scripts.push_back({name, scenario->title, sim::ipv6_twin(*std::move(steps)), demands, true});
    }
    return scripts;
}

sim::Result<std::vector<Script>> library_scripts() {
    std::vector<Script> all;
    for (const sim::ShippedScenario& file : sim::shipped_scripts()) {
        auto scripts = scripts_of(file.text, "scripts/" + std::string(file.name) + ".toml");
        if (!scripts) return std::unexpected(scripts.error());
        std::ranges::move(*scripts, std::back_inserter(all));
    }
    std::ranges::sort(all, {}, &Script::name);
    return all;
}

std::string obstacle(const Script& script, KernelEngine& engine) {
    std::string missing;
    for (const std::string& name : script.demands.sysctls) {
        if (engine.has_sysctl(name)) continue;
        missing += (missing.empty() ? "" : ", ") + name;
    }
    return missing.empty() ? "" : "needs " + missing + ", which this kernel does not have";
}

sim::Result<model::ServerConfig> model_of(const KernelName& kernel) {
    const auto resolved = core::resolve_kernel(kernel.release + ' ' + kernel.version);
    if (!resolved) return std::unexpected(core::Error{"'" + kernel.release + "' is no Linux release", "uname"});
    model::ServerConfig config;
    config.kernel = *resolved;
    config.settings = model::Settings::defaults_of(*resolved);
    config.hz = kernel.hz;
    config.md5_configured = kernel.has_md5;
    return config;
}

}  // namespace synwhy::lab
