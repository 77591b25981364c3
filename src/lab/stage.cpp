// Namespaces of a scenario; see stage.hpp.
#include "lab/stage.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <span>

#include "lab/nft.hpp"
#include "lab/socket_address.hpp"
#include "lab/sysctl.hpp"
#include "sim/addresses.hpp"
#include "tun/device.hpp"
#include "tun/netlink.hpp"
#include "tun/system_error.hpp"

namespace synwhy::lab {
namespace {

using core::Address;
using sim::Result;
using tun::Netlink;
using tun::Prefix;

constexpr std::string_view kUplink = "up";
constexpr std::uint16_t kNobodysPort = 9;
constexpr int kProbes = 50;
constexpr int kProbe_ms = 100;

bool is_ipv6(const Address& address) { return address.family == core::Family::ipv6; }
Prefix alone(const Address& address) { return {address, static_cast<std::uint8_t>(is_ipv6(address) ? 128 : 32)}; }
Prefix everywhere(core::Family family) {
    return {*core::parse_address(family == core::Family::ipv6 ? "::" : "0.0.0.0"), 0};
}

/// An address of the server's namespace that no scenario uses, to ask whether the way is open.
Address probe_address(core::Family family) {
    return *core::parse_address(family == core::Family::ipv6 ? "fd5e::1" : "100.127.255.254");
}

std::vector<Address> hosts_of(const sim::ClientGroup& group) {
    std::vector<Address> hosts;
    for (std::uint32_t i = 0; i < group.count; ++i) hosts.push_back(address_of(group, i));
    return hosts;
}

void let_through() {
    for (const char* name : {"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"}) write_sysctl(name, "1");
    for (const char* scope : {"all", "default"}) {
        write_sysctl(std::string("net.ipv4.conf.") + scope + ".send_redirects", "0");
    }
}

/// The calling thread's namespace with its loopback.
Result<Netlink> fresh_netlink() {
    quieten_namespace();
    auto netlink = Netlink::open();
    if (!netlink) return netlink;
    if (auto done = netlink->set_up("lo"); !done) return std::unexpected(done.error());
    return netlink;
}

/// A pair between two namespaces, both ends up. `near` reaches `behind` through it, `far` everything else.
Result<void> join(const NetworkNamespace& near, std::string_view name, const NetworkNamespace& far,
                  std::span<const Address> behind, std::uint16_t number) {
    const tun::Mac mac{0x02, 0, 0, 0, static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)};
    const auto near_link = [&](auto work) -> Result<void> {
        const Inside inside(near);
        auto netlink = Netlink::open();
        if (!netlink) return std::unexpected(netlink.error());
        return work(*netlink);
    };
    auto done = near_link([&](Netlink& netlink) -> Result<void> {
        if (auto added = netlink.add_veth(name, mac, kUplink, mac, far.descriptor()); !added) return added;
        return netlink.set_up(name);
    });
    if (!done) return done;
    {
        const Inside inside(far);
        auto netlink = fresh_netlink();
        if (!netlink) return std::unexpected(netlink.error());
        if (done = netlink->set_up(kUplink); !done) return done;
        for (const Address& own : behind) {
            if (done = netlink->add_address(kUplink, alone(own)); !done) return done;
        }
        if (done = netlink->add_route(kUplink, everywhere(behind.front().family)); !done) return done;
    }
    return near_link([&](Netlink& netlink) -> Result<void> {
        for (const Address& host : behind) {
            if (auto added = netlink.add_route(name, alone(host)); !added) return added;
        }
        return {};
    });
}

/// errno of a connect() to the probe address; 0 while it has not ended.
int probe(const Address& from) {
    const tun::Descriptor socket(
        ::socket(is_ipv6(from) ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    SocketAddress local = to_system({from, 0});
    SocketAddress remote = to_system({probe_address(from.family), kNobodysPort});
    if (::bind(socket.get(), local.get(), local.length) != 0) return errno;
    if (::connect(socket.get(), remote.get(), remote.length) == 0 || errno != EINPROGRESS) return errno;
    pollfd wait{.fd = socket.get(), .events = POLLOUT, .revents = 0};
    if (::poll(&wait, 1, kProbe_ms) <= 0) return 0;
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
}

/// Interfaces and routes become usable some time after they were set up: until a RST comes back.
Result<void> wait_until_reachable(const NetworkNamespace& place, const Address& from) {
    const Inside inside(place);
    int error = 0;
    for (int i = 0; i < kProbes; ++i) {
        error = probe(from);
        if (error == ECONNREFUSED) return {};
        if (error == 0) continue;
        const timespec pause{.tv_sec = 0, .tv_nsec = kProbe_ms * 1'000'000L};
        ::nanosleep(&pause, nullptr);
    }
    return std::unexpected(tun::system_error("connect", error == 0 ? ETIMEDOUT : error, place.name(),
                                             "the lab's own network does not come up"));
}

}  // namespace

Result<std::unique_ptr<Stage>> Stage::create(const sim::Scenario& scenario, ServerIs server) {
    auto place = NetworkNamespace::create("server");
    if (!place) return std::unexpected(place.error());
    std::unique_ptr<Stage> stage(new Stage(*std::move(place)));
    if (auto done = stage->build(scenario, server); !done) return std::unexpected(done.error());
    return stage;
}

Result<void> Stage::build(const sim::Scenario& scenario, ServerIs server) {
    if (auto done = build_server(scenario, server); !done) return done;
    for (const sim::GatewayPlan& gateway : scenario.gateways) {
        if (auto done = build_gateway(gateway); !done) return done;
    }
    for (std::size_t i = 0; i < scenario.clients.size(); ++i) {
        if (auto done = build_group(scenario, i); !done) return done;
    }
    for (std::size_t i = 0; i < scenario.clients.size(); ++i) {
        auto done = wait_until_reachable(groups_[i], scenario.clients[i].addresses.front());
        if (!done) return done;
    }
    return {};
}

Result<void> Stage::build_server(const sim::Scenario& scenario, ServerIs server) {
    const Inside inside(server_);
    auto netlink = fresh_netlink();
    if (!netlink) return std::unexpected(netlink.error());
    const Address address = scenario.servers.front().address;
    if (auto done = netlink->add_address("lo", alone(probe_address(address.family))); !done) return done;
    const auto add_device = [&](const std::string& name, const Prefix& behind) -> Result<std::unique_ptr<TunDevice>> {
        auto device = TunDevice::open(name);
        if (!device) return std::unexpected(device.error());
        if (auto done = tun::bring_up(name); !done) return std::unexpected(done.error());
        if (auto done = netlink->add_route(name, behind); !done) return std::unexpected(done.error());
        return std::make_unique<TunDevice>(*std::move(device));
    };
    if (server == ServerIs::kernel) {
        if (auto done = netlink->add_address("lo", alone(address)); !done) return done;
    } else {
        let_through();
        auto device = add_device(std::string(kServerDevice), alone(address));
        if (!device) return std::unexpected(device.error());
        server_device_ = *std::move(device);
    }
    if (scenario.floods.empty()) return {};
    // Answers to the flood come back to this device and end there.
    auto device = add_device(std::string(kFloodDevice), everywhere(address.family));
    if (!device) return std::unexpected(device.error());
    flood_device_ = *std::move(device);
    return {};
}

Result<void> Stage::build_gateway(const sim::GatewayPlan& plan) {
    const std::size_t number = gateways_.size();
    auto place = NetworkNamespace::create("gateway" + std::to_string(number));
    if (!place) return std::unexpected(place.error());
    gateways_.push_back(*std::move(place));
    const NetworkNamespace& gateway = gateways_.back();
    auto done = join(server_, "gateway" + std::to_string(number), gateway, std::span(&plan.address, 1), ++pairs_);
    if (!done) return done;
    const Inside inside(gateway);
    let_through();
    const Masquerade masquerade{.family = plan.address.family,
                                .interface = kUplink,
                                .port_low = plan.port_low,
                                .port_high = plan.port_high,
                                .random_ports = plan.ports == sim::GatewayPlan::Ports::random};
    return load_ruleset(ruleset_of(masquerade));
}

Result<void> Stage::build_group(const sim::Scenario& scenario, std::size_t number) {
    const sim::ClientGroup& plan = scenario.clients[number];
    auto place = NetworkNamespace::create("clients" + std::to_string(number));
    if (!place) return std::unexpected(place.error());
    groups_.push_back(*std::move(place));
    const NetworkNamespace* before = &server_;
    if (!plan.gateway.empty()) {
        const auto gateway = std::ranges::find(scenario.gateways, plan.gateway, &sim::GatewayPlan::name);
        before = &gateways_[static_cast<std::size_t>(gateway - scenario.gateways.begin())];
    }
    return join(*before, "clients" + std::to_string(number), groups_.back(), hosts_of(plan), ++pairs_);
}

}  // namespace synwhy::lab
