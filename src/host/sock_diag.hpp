// What does socket diagnosis say about the TCP sockets of a namespace?
//
// Dumps by state, see sock_diag(7): the kernel selects, so that sockets in other states are never copied.
// Left out: what the answers are used for (sockets.cpp).
#pragma once

#include <cstdint>
#include <functional>

#include "core/host_state.hpp"
#include "host/netlink.hpp"

namespace synwhy::host {

/// States of <net/tcp_states.h>.
enum TcpState : std::uint8_t { kTcpSynRecv = 3, kTcpTimeWait = 6, kTcpListen = 10, kTcpNewSynRecv = 12 };

/// A TCP socket of a dump. Wildcard addresses are all zero, v4-mapped ones are IPv4.
struct DiagSocket {
    core::Endpoint local{};
    core::Endpoint remote{};
    std::uint8_t state = 0;
    Bytes body{};  ///< the whole message, valid during the call
};

struct DiagSelection {
    std::uint32_t states = 0;        ///< bit 1 << TcpState
    bool details = false;            ///< with drops and MD5 keys
    std::uint16_t lowest_port = 0;   ///< of the local side
    std::uint16_t highest_port = 0;  ///< 0: any port
};

/// Both families at once. @return 0 or errno
int dump_tcp(Netlink& netlink, const DiagSelection& selection, const std::function<void(const DiagSocket&)>& each);

/// @param socket in LISTEN, dumped with `details`
core::Listener listener_of(const DiagSocket& socket);

}  // namespace synwhy::host
