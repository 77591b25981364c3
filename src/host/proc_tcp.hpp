// Which sockets do /proc/net/tcp and tcp6 list?
//
// The fallback for kernels without socket diagnosis, and all that a copied tree has. A line per socket, LISTEN and
// SYN_RECV are understood. Left out: the limit of the accept queue, which these files have since 2.6.28 in no column
// that means it; drops; whether a socket is for IPv6 only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/address.hpp"

namespace synwhy::host {

enum class ProcTcpState : std::uint8_t { syn_recv = 3, time_wait = 6, listen = 10, other = 0 };

struct ProcTcpLine {
    core::Endpoint local{};  ///< wildcard addresses are all zero
    core::Endpoint remote{};
    ProcTcpState state = ProcTcpState::other;
    std::uint32_t receive_queue = 0;  ///< LISTEN: connections that wait for accept()
    std::uint32_t uid = 0;
    std::uint64_t inode = 0;
};

/// nullopt for the heading and for lines that are no socket. The format is that of little-endian machines.
std::optional<ProcTcpLine> parse_proc_tcp_line(std::string_view line);

}  // namespace synwhy::host
