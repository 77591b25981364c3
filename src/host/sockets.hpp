// Which sockets listen, how full are their queues, and who waits in SYN_RECV?
//
// Asked by socket diagnosis (sock_diag(7)) for LISTEN and SYN_RECV only, so that a hundred thousand connections cost
// nothing but the kernel's walk over its table; without it, and in a copied tree, from /proc/net/tcp. Left out: who
// owns the sockets (owners.hpp), options that no dump shows (socket_options.hpp).
#pragma once

#include <vector>

#include "core/address.hpp"
#include "host/tree.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxListeningSockets = 65'536;  ///< listeners kept; more are counted in `missing`
inline constexpr std::size_t kMaxHalfOpenClients = 64;
inline constexpr std::size_t kMaxDestinations = 65'536;  ///< told apart while counting; the ten most used are kept

/// A request for a connection, by whom and to which address of ours.
struct HalfOpen {
    core::Endpoint local{};
    core::Address client{};
};

/// Fills listeners, facts.listeners, half_open_clients and, when ports are short, destinations.
/// Wants facts.counters and facts.sysctls. @return one request of each client in half_open_clients
std::vector<HalfOpen> read_sockets(const Tree& tree, core::HostState& state);

/// Gives every request to the listener that answers it: the address itself before the wildcard, IPv4 before IPv6.
/// @param requests how many there are for each local address and port
void share_half_open(const std::map<core::Endpoint, std::uint64_t>& requests, std::vector<core::Listener>& listeners);

}  // namespace synwhy::host
