// Which sockets listen, and how full are their accept queues?
//
// Reads `ss -ltn` (also -m, -p, -e and all states: only LISTEN rows count). Left out: names instead of port numbers
// (`ss` without -n), because a service name is not a port.
#pragma once

#include <string_view>
#include <vector>

#include "core/host.hpp"

namespace synwhy::host {

/// Most listeners kept.
inline constexpr std::size_t kMaxListeners = 4096;

/// LISTEN rows in their order; a wildcard address ("*", "0.0.0.0", "[::]", "::") is all zero.
std::vector<core::ListenerFacts> parse_listeners(std::string_view text);

}  // namespace synwhy::host
