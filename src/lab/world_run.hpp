// What happens when a scenario's clients really connect?
//
// One loop, one thread: clients, server, floods, scheduled changes, in the time of this machine. Left out: which part
// of a scenario fits into a lab (worlds.hpp), and text.
#pragma once

#include "lab/kernel_engine.hpp"
#include "lab/worlds.hpp"
#include "sim/outcome.hpp"

namespace synwhy::lab {

enum class WorldEngine : std::uint8_t {
    kernel,  ///< the running kernel's listeners
    model,   ///< simulation: virtual time, no namespaces but one to ask for settings
    tun,     ///< the model behind a TUN device, real clients
};
const char* to_string(WorldEngine engine);

/// Plays the plan from its start to its end. An error when this machine can't, or when it was interrupted.
sim::Result<sim::Outcome> play_world(const WorldPlan& plan, WorldEngine engine, const Interrupted& interrupted);

}  // namespace synwhy::lab
