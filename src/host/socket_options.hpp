// Which options does a listening socket have that no dump shows?
//
// A copy of the owner's descriptor is asked and closed at once (pidfd_getfd(2), Linux 5.6, and the right to trace the
// owner). Nothing is set, and nothing of the socket changes. Left out: what the dump shows (sock_diag.hpp).
#pragma once

#include <cstdint>
#include <map>

#include "host/owners.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxSocketsAsked = 1024;

/// Fills reuseport, socket_filter, min_ttl and defer_accept_s. @param holders by inode, see read_owners()
void read_socket_options(const std::map<std::uint64_t, Holder>& holders, core::HostState& state);

}  // namespace synwhy::host
