// Which scenarios can be played with real clients, and what becomes of them here?
//
// A lab has one kernel, one clock and no delays: the plan says what of a scenario is left out. Left out: the playing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lab/kernel_engine.hpp"
#include "sim/scenario.hpp"

namespace synwhy::lab {

/// Bounds of a lab; a scenario that needs more can only be simulated.
inline constexpr std::size_t kMaxWorldHosts = 1024;  ///< addresses of clients
inline constexpr std::size_t kMaxWorldNamespaces = 64;
inline constexpr std::size_t kMaxWorldConnects = 50'000;
inline constexpr std::uint64_t kMaxFloodRate_pps = 20'000;
inline constexpr std::int64_t kMaxWorldLength_ns = 3600LL * 1'000'000'000;

struct WorldPlan {
    sim::Scenario scenario{};                 ///< the part to play, on the running kernel
    model::ServerConfig model;                ///< the running kernel with the settings of a fresh namespace
    std::vector<sim::SysctlSetting> fresh{};  ///< those settings, for hosts of the simulation
    std::string kernel{};                     ///< uname -r
    std::vector<std::string> remarks{};       ///< what is not played as the scenario says
};

/// Why no lab can play it; empty when one can. @param scenario the part that is to be played
std::string world_obstacle(const sim::Scenario& scenario);

/// @param part what part_of() made of the whole; its obstacle is empty
/// @param fresh settings of a fresh namespace
sim::Result<WorldPlan> plan_world(const sim::Scenario& part, const KernelName& kernel, const sim::SysctlValues& fresh);

/// Settings of TCP in a namespace that was just made; needs root.
sim::Result<sim::SysctlValues> fresh_sysctls();

}  // namespace synwhy::lab
