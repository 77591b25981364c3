// Which scripts are there to be played, and can the running kernel show them?
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lab/kernel_engine.hpp"
#include "sim/script.hpp"

namespace synwhy::lab {

struct Script {
    std::string name{};  ///< file name without folder and ".toml"; "-v6" is added to the IPv6 twin
    std::string title{};
    std::vector<sim::Step> steps{};
    sim::ScriptDemands demands{};
    bool ipv6 = false;  ///< the twin of an IPv4 script
};

/// The scripts of one scenario file: the one it holds and its IPv6 twin. An error when it holds none, or one with
/// faults.
sim::Result<std::vector<Script>> scripts_of(std::string_view text, std::string_view file_name);
/// Every script that comes with the binary, sorted by name.
sim::Result<std::vector<Script>> library_scripts();

/// Why this kernel can't show the script; empty when it can.
std::string obstacle(const Script& script, KernelEngine& engine);

/// The model of the running kernel, with the settings a fresh namespace has.
sim::Result<model::ServerConfig> model_of(const KernelName& kernel);

}  // namespace synwhy::lab
