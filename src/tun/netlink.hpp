// How does a network device get an address and a route, without a shell?
//
// Two rtnetlink requests, each acknowledged by the kernel. Left out: reading anything back, IPv6 options beyond
// skipping duplicate address detection, which a point-to-point device has no use for.
#pragma once

#include <expected>

#include "core/address.hpp"
#include "core/error.hpp"

namespace synwhy::tun::netlink {

/// `address`/32 or /128 on the device with this index.
std::expected<void, core::Error> add_address(unsigned device, const core::Address& address);

/// A route to the single host `destination`, with `source` as the address that connections leave from.
std::expected<void, core::Error> add_route(unsigned device, const core::Address& destination,
                                           const core::Address& source);

}  // namespace synwhy::tun::netlink
