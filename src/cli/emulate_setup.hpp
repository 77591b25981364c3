// What does the command line of `synwhy emulate` ask for?
//
// Texts become values: kernel, sysctls, addresses, listeners, stalls. Every refusal names the option. Nothing is
// opened here.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "cli/facts.hpp"
#include "cli/options.hpp"
#include "tun/clock.hpp"
#include "tun/device.hpp"
#include "tun/emulation.hpp"

namespace synwhy::cli {

/// Connections that the emulated host holds at most; a connection costs half a kilobyte here and in the model.
inline constexpr std::size_t kMaxConnections = 200'000;

struct EmulationSetup {
    tun::DeviceOptions device{};
    tun::EmulationOptions emulation;
    std::vector<std::string> listeners{};  ///< "10.0.0.1:80", for people
};

/// Complains and refuses where an option makes no sense. @param clock started; stalls count from its present
/// @param setup default-constructed
std::expected<void, Refusal> set_up_emulation(const EmulateCommand& options, const tun::Clock& clock,
                                              EmulationSetup& setup);

}  // namespace synwhy::cli
