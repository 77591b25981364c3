// How are interfaces, addresses and routes of a namespace set up?
//
// The few rtnetlink requests that a lab needs, each acknowledged by the kernel. A Netlink speaks to the namespace in
// which it was opened. Left out: dumps, and everything that other tools do better.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/address.hpp"
#include "lab/descriptor.hpp"
#include "sim/engine.hpp"

namespace synwhy::lab {

using Mac = std::array<std::uint8_t, 6>;

/// An address and how many of its leading bits count.
struct Prefix {
    core::Address address{};
    std::uint8_t length = 0;
};

class Netlink {
  public:
    /// In the namespace of the calling thread.
    static sim::Result<Netlink> open();

    /// A pair of Ethernet interfaces without ARP, the second one in the namespace of `peer_namespace`.
    sim::Result<void> add_veth(std::string_view name, const Mac& mac, std::string_view peer, const Mac& peer_mac,
                               int peer_namespace);
    sim::Result<void> set_up(std::string_view interface);
    /// IPv4 gets the prefix's broadcast address, IPv6 skips duplicate address detection.
    sim::Result<void> add_address(std::string_view interface, const Prefix& prefix);
    /// A route without gateway; length 0 is the default route.
    sim::Result<void> add_route(std::string_view interface, const Prefix& prefix);
    sim::Result<void> remove_route(std::string_view interface, const Prefix& prefix);

  private:
    class Request;
    explicit Netlink(Descriptor socket) : socket_(std::move(socket)) {}
    sim::Result<void> talk(Request& request, std::string_view what);
    sim::Result<void> change_route(std::string_view interface, const Prefix& prefix, bool add);

    Descriptor socket_;
    std::uint32_t sequence_ = 0;
};

}  // namespace synwhy::lab
