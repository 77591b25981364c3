// Which addresses has the modelled host, and does it know a way back?
//
// One interface, any number of prefixes on it, and a default route that can be taken away. Enough to decide what
// net/ipv4/route.c:ip_route_input_slow decides about a SYN's addresses. Left out: policy routing, several interfaces.
#pragma once

#include <vector>

#include "core/address.hpp"

namespace synwhy::model {

struct Interface {
    core::Address address{};
    int prefix_length = 24;
};

class Network {
  public:
    /// 10.0.0.1/24 and fd00::1/64 unless told otherwise.
    Network();
    explicit Network(std::vector<Interface> interfaces);

    void set_default_route(bool present) { default_route_ = present; }

    [[nodiscard]] bool is_ours(const core::Address& address) const;
    /// On one of our prefixes.
    [[nodiscard]] bool on_link(const core::Address& address) const;
    /// Directed broadcast (all ones) of one of our IPv4 prefixes.
    /// @param zero_too so is the network address (all zeros)
    [[nodiscard]] bool is_subnet_broadcast(const core::Address& address, bool zero_too) const {
        if (address.family != core::Family::ipv4) return false;
        for (std::size_t i = 0; i < broadcasts_.size(); i += zero_too ? 1 : 2) {
            if (broadcasts_[i] == address) return true;
        }
        return false;
    }
    /// Losing the IPv4 default route says nothing about IPv6.
    [[nodiscard]] bool has_route_to(const core::Address& address) const {
        return default_route_ || address.family == core::Family::ipv6 || on_link(address);
    }
    [[nodiscard]] const std::vector<Interface>& interfaces() const { return interfaces_; }

  private:
    std::vector<Interface> interfaces_;
    std::vector<core::Address> broadcasts_{};  ///< all ones and all zeros of each IPv4 prefix, in turns
    bool default_route_ = true;
};

/// 224.0.0.0/4 or ff00::/8.
inline bool is_multicast(const core::Address& address) {
    return address.family == core::Family::ipv4 ? (address.bytes[12] & 0xf0U) == 0xe0U : address.bytes[0] == 0xff;
}
inline bool is_loopback(const core::Address& address) {
    if (address.family == core::Family::ipv4) return address.bytes[12] == 127;
    core::Address one{};
    one.family = core::Family::ipv6;
    one.bytes[15] = 1;
    return address == one;
}
/// Does `address` lie in `prefix`?
bool in_prefix(const core::Address& address, const Interface& prefix);

}  // namespace synwhy::model
