// What does a SYN meet when its 4-tuple is already taken?
//
// TIME_WAIT, an orphan's FIN_WAIT2 bucket, a pending request, or a live socket: each answers in its own way, none of
// it is LISTEN's business. Pure decisions over plain facts; the model keeps the state.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/cause.hpp"
#include "core/kernel.hpp"

namespace synwhy::core {

enum class Existing : std::uint8_t {
    none,
    request,           ///< SYN_RECV: a SYN+ACK is out
    established,       ///< ESTABLISHED
    closing,           ///< FIN_WAIT1, full FIN_WAIT2, CLOSE_WAIT, LAST_ACK, CLOSING
    fin_wait2_bucket,  ///< orphan that waits for the peer's FIN in a TIME_WAIT bucket
    time_wait,
};

struct ExistingFacts {
    Existing state = Existing::none;
    std::uint32_t rcv_nxt = 0;      ///< next byte expected from the client
    std::uint32_t window = 65535;   ///< receive window, bytes
    std::uint32_t request_isn = 0;  ///< state request: the stored SYN's ISN
    bool has_ts_recent = false;
    std::uint32_t ts_recent = 0;
    std::int64_t ts_recent_age_s = 0;         ///< whole seconds since ts_recent was stored
    std::int64_t invalid_ratelimit_ms = 500;  ///< net.ipv4.tcp_invalid_ratelimit
    // the SYN
    std::uint32_t sequence = 0;
    std::uint32_t sequence_length = 1;  ///< 1, more with payload or FIN
    bool has_timestamps = false;
    std::uint32_t ts_value = 0;
    std::int64_t since_last_reply_ms = -1;  ///< since the last ACK this socket sent to such a segment; -1 = none yet
};

enum class ExistingReply : std::uint8_t {
    listen,  ///< the bucket gives way, LISTEN judges the SYN (TIME_WAIT reopened)
    synack_again,
    ack,
    rst,
    silence,
};

struct ExistingDecision {
    ExistingReply reply = ExistingReply::listen;
    Cause cause = Cause::time_wait_refused;  ///< meaningful unless reply is listen or synack_again
    std::string_view row{};                  ///< id of the path row; empty when reply is listen or synack_again
    bool paws_old = false;                   ///< the SYN failed the PAWS test
};

/// Is a TSval too old for a stored one? include/net/tcp.h:tcp_paws_check
/// @param window how many ticks older still pass: 0 for buckets and requests, 1 for connections
bool paws_refuses(const Behaviours& kernel, std::uint32_t ts_recent, std::int64_t ts_recent_age_s,
                  std::uint32_t ts_value, std::int32_t window);

/// Does a segment touch the receive window? net/ipv4/tcp_minisocks.c:tcp_in_window
bool in_window(std::uint32_t sequence, std::uint32_t sequence_length, std::uint32_t window_start,
               std::uint32_t window_length);

/// net/ipv4/tcp_minisocks.c:tcp_timewait_state_process, tcp_check_req; net/ipv4/tcp_input.c:tcp_validate_incoming.
/// With Existing::none the answer is `listen`.
ExistingDecision decide_existing(const Behaviours& kernel, const ExistingFacts& facts);

}  // namespace synwhy::core
