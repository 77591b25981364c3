// How are interfaces, addresses and routes of a namespace set up?
//
// The few rtnetlink requests that the emulation and the lab need, each acknowledged by the kernel. A Netlink speaks to
// the namespace in which it was opened. Left out: dumps, and everything that other tools do better.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "core/address.hpp"
#include "core/error.hpp"
#include "tun/descriptor.hpp"

namespace synwhy::tun {

using Mac = std::array<std::uint8_t, 6>;

/// An address and how many of its leading bits count.
struct Prefix {
    core::Address address{};
    std::uint8_t length = 0;
};

class Netlink {
  public:
    /// In the namespace of the calling thread.
    static std::expected<Netlink, core::Error> open();

    /// A pair of Ethernet interfaces without ARP, the second one in the namespace of `peer_namespace`.
    std::expected<void, core::Error> add_veth(std::string_view name, const Mac& mac, std::string_view peer,
                                              const Mac& peer_mac, int peer_namespace);
    std::expected<void, core::Error> set_up(std::string_view interface);
    /// IPv4 gets the prefix's broadcast address, IPv6 skips duplicate address detection.
    std::expected<void, core::Error> add_address(std::string_view interface, const Prefix& prefix);
    /// A route without gateway; length 0 is the default route.
    /// @param source the address that connections along it leave from; nullopt leaves the choice to the kernel
    std::expected<void, core::Error> add_route(std::string_view interface, const Prefix& prefix,
                                               const std::optional<core::Address>& source = {});
    std::expected<void, core::Error> remove_route(std::string_view interface, const Prefix& prefix);

  private:
    class Request;
    explicit Netlink(Descriptor socket) : socket_(std::move(socket)) {}
    std::expected<void, core::Error> talk(Request& request, const char* what, std::string subject);
    std::expected<void, core::Error> change_route(std::string_view interface, const Prefix& prefix, bool add,
                                                  const std::optional<core::Address>& source);

    Descriptor socket_;
    std::uint32_t sequence_ = 0;
};

}  // namespace synwhy::tun
