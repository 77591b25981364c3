// Does the model behave on a real network as it does in virtual time?
//
// The model stands behind a TUN device, one routed hop away from the client: segments leave a client's namespace
// through a veth pair as Ethernet frames, the running kernel forwards them to the device, the model's replies come back
// the same way. The client's addresses are nobody's, so no kernel answers in its place. Left out: real client sockets;
// those are what `synwhy emulate` is for.
#pragma once

#include <chrono>
#include <memory>

#include "lab/kernel_engine.hpp"
#include "lab/netns.hpp"
#include "lab/tun_device.hpp"
#include "sim/model_engine.hpp"

namespace synwhy::lab {

class TunEngine final : public sim::Engine {
  public:
    static sim::Result<std::unique_ptr<TunEngine>> create(const model::ServerConfig& config,
                                                          const sim::SysctlValues& sysctls, Interrupted interrupted);

    [[nodiscard]] std::string_view name() const override { return "tun"; }
    std::int64_t now_ns() override;
    sim::Result<void> inject(std::span<const std::uint8_t> packet) override;
    sim::Result<void> collect(std::int64_t until_ns, std::vector<sim::Packet>& packets) override;
    sim::Result<std::optional<sim::Handle>> listen(const sim::ListenOptions& options) override;
    sim::Result<void> relisten(sim::Handle listener, int backlog) override;
    sim::Result<void> close_listener(sim::Handle listener) override;
    sim::Result<std::optional<sim::Accepted>> accept(sim::Handle listener) override;
    sim::Result<void> close(sim::Handle socket) override;
    sim::Result<void> reset(sim::Handle socket) override;
    sim::Result<void> shutdown_write(sim::Handle socket) override;
    sim::Result<std::int64_t> write(sim::Handle socket, std::uint64_t bytes) override;
    sim::Result<std::int64_t> read(sim::Handle socket, std::uint64_t bytes) override;
    sim::Result<sim::SysctlChange> set_sysctl(std::string_view name, std::string_view value) override;
    sim::Result<void> set_default_route(bool present) override;
    [[nodiscard]] std::optional<std::uint64_t> arrived() const override { return arrived_; }
    sim::CounterValues counters() override;
    sim::Sockets sockets() override;
    std::string state_of(const core::FourTuple& tuple) override;

  private:
    TunEngine(NetworkNamespace router, NetworkNamespace client, TunDevice server, tun::Descriptor wire,
              const model::ServerConfig& config, const sim::SysctlValues& sysctls, Interrupted interrupted);
    /// Lets the model's clock catch up and puts what it sends on the device.
    sim::Result<void> flush();
    /// Gives the model what the device holds.
    sim::Result<void> serve();
    /// Appends what came back to the client.
    void take_captured(std::vector<sim::Packet>& packets);
    void pause(std::int64_t pause_ns) const;
    /// Brings the model's clock to now, then makes the call, then sends what it caused.
    template <class Call>
    auto timed(Call call) -> decltype(call());

    NetworkNamespace router_;
    NetworkNamespace client_;
    TunDevice server_;
    tun::Descriptor wire_;
    sim::ModelEngine model_;
    Interrupted interrupted_;
    std::uint64_t arrived_ = 0;
    std::uint64_t on_the_way_ = 0;  ///< replies that have not come back to the client yet
    std::vector<sim::Packet> captured_{};
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace synwhy::lab
