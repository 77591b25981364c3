// Which namespaces does a scenario stand in, and how are they joined?
//
// One for the server, one for each NAT gateway, one for each group of clients, which holds the addresses of all its
// hosts. Pairs of veth interfaces join the clients to their gateway or to the server, and the gateways to the server.
// Both ends of a pair have the same MAC and no ARP: whatever one end sends is for the other. Left out: delays and loss.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "lab/netns.hpp"
#include "lab/tun_device.hpp"
#include "sim/scenario.hpp"

namespace synwhy::lab {

/// Where packets to the emulated server and those of floods cross into this process.
inline constexpr std::string_view kServerDevice = "server";
inline constexpr std::string_view kFloodDevice = "flood";

class Stage {
  public:
    enum class ServerIs : std::uint8_t {
        kernel,   ///< its address is the namespace's own
        process,  ///< its address is behind the TUN device kServerDevice
    };
    /// Everything up and answering. The scenario has one server.
    static sim::Result<std::unique_ptr<Stage>> create(const sim::Scenario& scenario, ServerIs server);

    [[nodiscard]] const NetworkNamespace& server() const { return server_; }
    [[nodiscard]] const NetworkNamespace& group(std::size_t number) const { return groups_[number]; }
    /// nullptr: the kernel is the server.
    [[nodiscard]] TunDevice* server_device() { return server_device_.get(); }
    /// nullptr: the scenario has no flood. What is written arrives at the server's namespace.
    [[nodiscard]] TunDevice* flood_device() { return flood_device_.get(); }

  private:
    explicit Stage(NetworkNamespace server) : server_(std::move(server)) {}
    sim::Result<void> build(const sim::Scenario& scenario, ServerIs server);
    sim::Result<void> build_server(const sim::Scenario& scenario, ServerIs server);
    sim::Result<void> build_gateway(const sim::GatewayPlan& plan);
    sim::Result<void> build_group(const sim::Scenario& scenario, std::size_t number);

    NetworkNamespace server_;
    std::vector<NetworkNamespace> gateways_{};
    std::vector<NetworkNamespace> groups_{};
    std::unique_ptr<TunDevice> server_device_{};
    std::unique_ptr<TunDevice> flood_device_{};
    std::uint16_t pairs_ = 0;
};

}  // namespace synwhy::lab
