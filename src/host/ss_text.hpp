// Which sockets listen, and how full are their accept queues?
//
// Reads `ss -ltn` (also -m, -p, -e and all states: only LISTEN rows count) and `ss -tn state syn-recv`. Left out: names
// instead of port numbers
// (`ss` without -n), because a service name is not a port.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/host.hpp"
#include "core/host_state.hpp"

namespace synwhy::host {

/// Most listeners kept.
inline constexpr std::size_t kMaxListeners = 4096;

/// LISTEN rows in their order; a wildcard address ("*", "0.0.0.0", "[::]", "::") is all zero.
std::vector<core::ListenerFacts> parse_listeners(std::string_view text);

/// The same with all that -m, -p and -e add: drops, processes, inode, user, interface.
std::vector<core::Listener> parse_listener_details(std::string_view text);

/// A socket as one row shows it.
struct SocketRow {
    core::Endpoint local{};
    core::Endpoint peer{};
};

/// Rows "Recv-Q Send-Q Local Peer" without a state, as `ss -tn state syn-recv` prints them; nullopt for any other line.
std::optional<SocketRow> parse_stateless_row(std::string_view line);

}  // namespace synwhy::host
