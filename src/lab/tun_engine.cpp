#include "lab/tun_engine.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "core/bytes.hpp"
#include "lab/probe.hpp"
#include "lab/sysctl.hpp"
#include "sim/crafted.hpp"
#include "tun/netlink.hpp"
#include "tun/system_error.hpp"

namespace synwhy::lab {
namespace {

using sim::Result;
using tun::Descriptor;
using tun::Mac;
using tun::Netlink;
using tun::Prefix;

constexpr Mac kClientMac{0x02, 0, 0, 0, 0, 0x01};
constexpr Mac kRouterMac{0x02, 0, 0, 0, 0, 0x02};
constexpr std::size_t kEthernetHeader = 14;
constexpr std::int64_t kLongestHop_ns = 20'000'000;    // a packet that has not crossed by then was dropped
constexpr std::int64_t kLongestPoll_ns = 100'000'000;  // how late ^C may be noticed

Prefix prefix(const char* address, std::uint8_t length) { return {*core::parse_address(address), length}; }

Result<TunDevice> make_router(const NetworkNamespace& router, const NetworkNamespace& client) {
    const Inside inside(router);
    quieten_namespace();
    for (const char* name : {"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"}) write_sysctl(name, "1");
    for (const char* name : {"net.ipv4.conf.all.send_redirects", "net.ipv4.conf.default.send_redirects"}) {
        write_sysctl(name, "0");
    }
    auto netlink = Netlink::open();
    if (!netlink) return std::unexpected(netlink.error());
    if (auto done = netlink->add_veth("router", kRouterMac, "client", kClientMac, client.descriptor()); !done) {
        return std::unexpected(done.error());
    }
    auto server = TunDevice::open("server");
    if (!server) return server;
    for (const char* interface : {"lo", "router", "server"}) {
        if (auto done = netlink->set_up(interface); !done) return std::unexpected(done.error());
    }
    for (const Prefix& own : {prefix("10.0.0.1", 32), prefix("fd00::1", 128)}) {
        if (auto done = netlink->add_route("server", own); !done) return std::unexpected(done.error());
    }
    return server;
}

/// Routes need the other end of the pair to be up.
Result<void> add_default_routes(const NetworkNamespace& router) {
    const Inside inside(router);
    auto netlink = Netlink::open();
    if (!netlink) return std::unexpected(netlink.error());
    for (const Prefix& everywhere : {prefix("0.0.0.0", 0), prefix("::", 0)}) {
        if (auto done = netlink->add_route("router", everywhere); !done) return done;
    }
    return {};
}

Result<Descriptor> make_client(const NetworkNamespace& client) {
    const Inside inside(client);
    quieten_namespace();
    auto netlink = Netlink::open();
    if (!netlink) return std::unexpected(netlink.error());
    if (auto done = netlink->set_up("client"); !done) return std::unexpected(done.error());
    Descriptor wire(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL)));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(::if_nametoindex("client"));
    if (!wire || ::bind(wire.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return std::unexpected(tun::system_error("packet socket", errno, "client"));
    }
    return wire;
}

/// The hop to the model takes one from the TTL; the checksum moves along, right or wrong as it was.
void allow_for_hop(std::span<std::uint8_t> ip) {
    const bool ipv6 = ip[0] >> 4U == 6;
    const std::size_t at = ipv6 ? 7 : 8;
    if (ip.size() < 20 || ip[at] == 255) return;
    ++ip[at];
    if (ipv6) return;
    // RFC 1624: the word that holds the TTL grew by 0x100, so its complement sum falls by as much.
    std::uint32_t sum = core::load_be16(&ip[10]) + 0xfeffU;
    sum = (sum & 0xffffU) + (sum >> 16U);
    ip[10] = static_cast<std::uint8_t>(sum >> 8U);
    ip[11] = static_cast<std::uint8_t>(sum);
}

bool is_from_server(std::span<const std::uint8_t> ip) {
    static const core::Address v4 = *core::parse_address("10.0.0.1");
    static const core::Address v6 = *core::parse_address("fd00::1");
    if (ip.size() >= 20 && ip[0] >> 4U == 4) return core::Address::from_ipv4(&ip[12]) == v4;
    return ip.size() >= 40 && ip[0] >> 4U == 6 && core::Address::from_ipv6(&ip[8]) == v6;
}

}  // namespace

TunEngine::TunEngine(NetworkNamespace router, NetworkNamespace client, TunDevice server, Descriptor wire,
                     const model::ServerConfig& config, const sim::SysctlValues& sysctls, Interrupted interrupted)
    : router_(std::move(router)),
      client_(std::move(client)),
      server_(std::move(server)),
      wire_(std::move(wire)),
      model_(config, sysctls),
      interrupted_(std::move(interrupted)) {}

Result<std::unique_ptr<TunEngine>> TunEngine::create(const model::ServerConfig& config,
                                                     const sim::SysctlValues& sysctls, Interrupted interrupted) {
    auto router = NetworkNamespace::create("router");
    if (!router) return std::unexpected(router.error());
    auto client = NetworkNamespace::create("client");
    if (!client) return std::unexpected(client.error());
    auto server = make_router(*router, *client);
    if (!server) return std::unexpected(server.error());
    auto wire = make_client(*client);
    if (!wire) return std::unexpected(wire.error());
    if (auto done = add_default_routes(*router); !done) return std::unexpected(done.error());
    std::unique_ptr<TunEngine> engine(new TunEngine(*std::move(router), *std::move(client), *std::move(server),
                                                    *std::move(wire), config, sysctls, std::move(interrupted)));
    if (auto done = wait_until_answering(*engine); !done) return std::unexpected(done.error());
    return engine;
}

std::int64_t TunEngine::now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start_).count();
}

Result<void> TunEngine::flush() {
    std::vector<sim::Packet> out;
    if (auto done = model_.collect(now_ns(), out); !done) return done;
    for (const sim::Packet& packet : out) {
        const auto written = server_.write(packet.bytes);
        if (!written) return std::unexpected(written.error());
        ++on_the_way_;
    }
    return {};
}

Result<void> TunEngine::serve() {
    if (auto done = flush(); !done) return done;
    for (auto packet = server_.read(); !packet.empty(); packet = server_.read()) {
        if (!sim::read_arrival(packet)) continue;  // the router's own neighbour discovery
        ++arrived_;
        if (auto done = model_.inject(packet); !done) return done;
        if (auto done = flush(); !done) return done;
    }
    return {};
}

void TunEngine::take_captured(std::vector<sim::Packet>& packets) {
    std::array<std::uint8_t, 4096> frame;
    while (true) {
        sockaddr_ll from{};
        socklen_t length = sizeof from;
        const ssize_t size =
            ::recvfrom(wire_.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
        if (size < 0) return;
        if (from.sll_pkttype == PACKET_OUTGOING || size < static_cast<ssize_t>(kEthernetHeader)) continue;
        const std::span<const std::uint8_t> ip(frame.data() + kEthernetHeader,
                                               static_cast<std::size_t>(size) - kEthernetHeader);
        if (!is_from_server(ip)) continue;
        on_the_way_ -= on_the_way_ != 0;
        packets.push_back({now_ns(), {ip.begin(), ip.end()}});
    }
}

void TunEngine::pause(std::int64_t pause_ns) const {
    std::array<pollfd, 2> wait{pollfd{.fd = server_.descriptor(), .events = POLLIN, .revents = 0},
                               pollfd{.fd = wire_.get(), .events = POLLIN, .revents = 0}};
    const timespec time{.tv_sec = 0,
                        .tv_nsec = static_cast<long>(std::clamp<std::int64_t>(pause_ns, 0, kLongestPoll_ns))};
    ::ppoll(wait.data(), wait.size(), &time, nullptr);
}

Result<void> TunEngine::inject(std::span<const std::uint8_t> packet) {
    std::vector<std::uint8_t> frame(kRouterMac.begin(), kRouterMac.end());
    frame.insert(frame.end(), kClientMac.begin(), kClientMac.end());
    const std::uint16_t type = packet[0] >> 4U == 6 ? ETH_P_IPV6 : ETH_P_IP;
    frame.push_back(static_cast<std::uint8_t>(type >> 8U));
    frame.push_back(static_cast<std::uint8_t>(type));
    frame.insert(frame.end(), packet.begin(), packet.end());
    allow_for_hop(std::span(frame).subspan(kEthernetHeader));
    const std::uint64_t before = arrived_;
    if (::send(wire_.get(), frame.data(), frame.size(), 0) < 0)
        return std::unexpected(tun::system_error("send", errno, "veth"));
    // The forwarding kernel drops what no router forwards: that is no error, it only never arrives.
    const std::int64_t end_ns = now_ns() + kLongestHop_ns;
    while (true) {
        if (auto done = serve(); !done) return done;
        if (arrived_ != before || now_ns() >= end_ns) return {};
        pause(end_ns - now_ns());
        take_captured(captured_);  // what else arrives would wake the next pause at once
    }
}

Result<void> TunEngine::collect(std::int64_t until_ns, std::vector<sim::Packet>& packets) {
    std::ranges::move(captured_, std::back_inserter(packets));
    captured_.clear();
    const std::int64_t latest_ns = std::max(until_ns, now_ns() + kLongestHop_ns);
    while (true) {
        if (auto done = serve(); !done) return done;
        take_captured(packets);
        if (interrupted_ && interrupted_()) return std::unexpected(core::Error{"interrupted", "lab"});
        const std::int64_t now = now_ns();
        if (now >= until_ns && on_the_way_ == 0) return {};
        if (now >= latest_ns) break;
        const std::int64_t target_ns = now < until_ns ? until_ns : latest_ns;
        pause(std::min(target_ns, model_.next_deadline_ns()) - now);
    }
    on_the_way_ = 0;  // what is missing now was dropped on the way back
    return {};
}

template <class Call>
auto TunEngine::timed(Call call) -> decltype(call()) {
    if (auto done = serve(); !done) return std::unexpected(done.error());
    auto result = call();
    if (auto done = flush(); !done) return std::unexpected(done.error());
    return result;
}

Result<std::optional<sim::Handle>> TunEngine::listen(const sim::ListenOptions& options) {
    return timed([&] { return model_.listen(options); });
}
Result<void> TunEngine::relisten(sim::Handle listener, int backlog) {
    return timed([&] { return model_.relisten(listener, backlog); });
}
Result<void> TunEngine::close_listener(sim::Handle listener) {
    return timed([&] { return model_.close_listener(listener); });
}
Result<std::optional<sim::Accepted>> TunEngine::accept(sim::Handle listener) {
    return timed([&] { return model_.accept(listener); });
}
Result<void> TunEngine::close(sim::Handle socket) {
    return timed([&] { return model_.close(socket); });
}
Result<void> TunEngine::reset(sim::Handle socket) {
    return timed([&] { return model_.reset(socket); });
}
Result<void> TunEngine::shutdown_write(sim::Handle socket) {
    return timed([&] { return model_.shutdown_write(socket); });
}
Result<std::int64_t> TunEngine::write(sim::Handle socket, std::uint64_t bytes) {
    return timed([&] { return model_.write(socket, bytes); });
}
Result<std::int64_t> TunEngine::read(sim::Handle socket, std::uint64_t bytes) {
    return timed([&] { return model_.read(socket, bytes); });
}
Result<sim::SysctlChange> TunEngine::set_sysctl(std::string_view name, std::string_view value) {
    return timed([&] { return model_.set_sysctl(name, value); });
}
Result<void> TunEngine::set_default_route(bool present) {
    return timed([&] { return model_.set_default_route(present); });
}

sim::CounterValues TunEngine::counters() { return model_.counters(); }
sim::Sockets TunEngine::sockets() { return model_.sockets(); }
std::string TunEngine::state_of(const core::FourTuple& tuple) { return model_.state_of(tuple); }

}  // namespace synwhy::lab
