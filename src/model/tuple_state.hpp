// In which state is the server's socket of a 4-tuple?
//
// Follows one connection through its close from what both ends sent: ESTABLISHED, the FIN states, the orphan's
// FIN_WAIT2 bucket, TIME_WAIT with its clock, or nothing. RFC 9293 3.3.2; net/ipv4/tcp_minisocks.c:tcp_time_wait.
#pragma once

#include <cstdint>

#include "core/existing.hpp"

namespace synwhy::model {

inline constexpr std::int64_t kUnseen = INT64_MIN;
inline constexpr std::int64_t kTimeWaitNs = 60'000'000'000;  ///< TCP_TIMEWAIT_LEN, all versions

/// What is known of a connection, times in ns since the epoch, kUnseen where it did not happen.
struct Connection {
    std::int64_t synack_ns = kUnseen;
    std::int64_t request_end_ns = kUnseen;  ///< when a never completed request disappears
    std::int64_t established_ns = kUnseen;
    std::int64_t client_fin_ns = kUnseen;
    std::int64_t server_fin_ns = kUnseen;
    std::int64_t server_fin_acked_ns = kUnseen;
    std::int64_t client_fin_acked_ns = kUnseen;
    std::int64_t reset_ns = kUnseen;  ///< first RST of either side that kills the socket
};

struct TupleState {
    core::Existing state = core::Existing::none;
    std::int64_t since_ns = kUnseen;
    std::int64_t expires_ns = INT64_MAX;  ///< TIME_WAIT and the FIN_WAIT2 bucket
    const char* name = "";                ///< the kernel's name: "TIME-WAIT", "ESTAB", ...
};

/// The state at `now_ns`. Both buckets are taken to last 60 s: tcp_fin_timeout's default, and TIME_WAIT's length.
TupleState state_at(const Connection& connection, std::int64_t now_ns);

}  // namespace synwhy::model
