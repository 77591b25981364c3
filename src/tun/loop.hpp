// When does the emulated host wake up, and for what?
//
// One thread, epoll: packets from the device, one timer for whatever is due next, questions at the control socket,
// SIGINT and SIGTERM, which end it. Left out: what any of these mean (emulation.hpp, control.hpp).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>

#include "core/error.hpp"
#include "model/server.hpp"
#include "tun/clock.hpp"
#include "tun/control_socket.hpp"
#include "tun/device.hpp"
#include "tun/emulation.hpp"

namespace synwhy::tun {

/// Who wants to see every packet that crosses the device.
class Observer {
  public:
    Observer() = default;
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;
    virtual ~Observer() = default;
    /// @param outcome nullopt: no TCP segment
    virtual void received(std::span<const std::uint8_t> packet, std::int64_t now_ns,
                          const std::optional<model::Outcome>& outcome) = 0;
    virtual void sent(std::span<const std::uint8_t> packet, std::int64_t now_ns) = 0;
};

struct RunOptions {
    std::optional<std::int64_t> end_ns{};  ///< on the clock's time; nullopt: until a signal
    Observer* observer = nullptr;
};

struct RunCounts {
    std::uint64_t unsent_packets = 0;  ///< the device did not take them; they look lost on the way
    std::uint64_t wakeups = 0;
};

/// Runs until the end, a signal, or an error of the device (it was removed).
/// @param counts kept up to date, valid also after an error
std::expected<void, core::Error> run(const Device& device, ControlSocket& control, Emulation& emulation,
                                     const Clock& clock, const RunOptions& options, RunCounts& counts);

}  // namespace synwhy::tun
