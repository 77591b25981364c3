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
    [[nodiscard]] bool is_subnet_broadcast(const core::Address& address, bool zero_too) const;
    [[nodiscard]] bool has_route_to(const core::Address& address) const;
    [[nodiscard]] const std::vector<Interface>& interfaces() const { return interfaces_; }

  private:
    std::vector<Interface> interfaces_;
    std::vector<core::Address> broadcasts_{};  ///< all ones and all zeros of each IPv4 prefix, in turns
    bool default_route_ = true;
};

/// 224.0.0.0/4 or ff00::/8.
bool is_multicast(const core::Address& address);
bool is_loopback(const core::Address& address);
/// Does `address` lie in `prefix`?
bool in_prefix(const core::Address& address, const Interface& prefix);

}  // namespace synwhy::model
