// The model behind a TUN device as a scenario's server: real clients, virtual kernel.
//
// The emulation of `synwhy emulate`, set up from a scenario. Its application answers every request with one size.
// Left out: random stalls, service times, listeners that behave differently.
#pragma once

#include <memory>
#include <vector>

#include "lab/tun_device.hpp"
#include "lab/world_server.hpp"
#include "tun/emulation.hpp"

namespace synwhy::lab {

/// What of the scenario this engine cannot play; empty: nothing.
std::string emulation_obstacle(const sim::Scenario& scenario);

class EmulatedServer final : public WorldServer {
  public:
    /// @param config the kernel and the settings of its fresh namespace; the scenario's own are added
    /// @param device, epoll outlive this
    static sim::Result<std::unique_ptr<EmulatedServer>> create(const sim::Scenario& scenario,
                                                               model::ServerConfig config, TunDevice& device, int epoll,
                                                               std::int64_t start_ns);

    sim::Result<void> handle(std::uint64_t token, std::uint32_t events, std::int64_t now_ns) override;
    sim::Result<std::int64_t> advance(std::int64_t now_ns) override;
    sim::Result<void> change(const sim::ChangePlan& change) override;
    void look() override;
    void look_closely() override;
    void report(sim::Outcome& outcome) override;

  private:
    EmulatedServer(tun::Emulation emulation, TunDevice& device) : emulation_(std::move(emulation)), device_(device) {}
    sim::Result<void> send();

    tun::Emulation emulation_;
    TunDevice& device_;
    tun::PacketBatch batch_{};
    std::vector<sim::ListenerOutcome> listeners_{};
    std::uint64_t most_requests_ = 0, most_time_wait_ = 0;
};

}  // namespace synwhy::lab
