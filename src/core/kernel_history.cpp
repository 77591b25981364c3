// How did Linux's passive open change from 2.6.32 to 7.0?
//
// One entry per change, oldest first, each with the trees that pin it down (read or measured) and
// the mainline version where it is taken to begin. Left out: distributions (kernel.cpp).
#include "core/kernel_history.hpp"

namespace synwhy::core::history {

namespace {

/// 3479c7549fb1 "tcp/dccp: allow a connection when sk_max_ack_backlog is zero" and the stable reviews of January 2025
/// that queued it; 6.12.19 and 6.1.192 are known to have it, 6.1.20, 6.6.9, 5.15.85, 5.10.7 and 5.4.18 not to.
constexpr Backport kAboveBacklog[] = {
    {5, 4, 18, 290, kNever}, {5, 10, 7, 234, kNever}, {5, 15, 85, 177, kNever},
    {6, 1, 20, 125, 192},    {6, 6, 9, 72, kNever},   {6, 12, 0, 10, 19},
};

/// 165573e41f2f "tcp: secure_seq: add back ports to TS offset"; 6.18.17 was read, 6.12.94 is from its review.
constexpr Backport kTupleOffset[] = {
    {6, 1, 192, kNever, kNever}, {6, 6, 9, kNever, kNever},   {6, 12, 19, 94, kNever},
    {6, 18, 16, 17, 17},         {6, 19, -1, kNever, kNever},
};

constexpr Backport kFreshReopen[] = {{6, 1, 20, 192, 192}};

/// RFC 5961 challenge ACKs reached the last point releases of 3.0 and 3.4.
constexpr Backport kChallengeAck[] = {{3, 0, 0, 86, 86}, {3, 4, 0, 113, 113}};

/// 3.10.105 still throws the SYN away.
constexpr Backport kChallengeRepaired[] = {{3, 10, 105, kNever, kNever}};

constexpr Change kChanges[] = {
    // net/ipv4/tcp_ipv4.c:tcp_v4_rcv tests min_ttl, v2.6.37
    {{2, 6, 32}, {2, 6, 34}, {2, 6, 37}, "IP_MINTTL on TCP sockets", [](Behaviours& b) { b.min_ttl_exists = true; }},
    // net/ipv4/fib_frontend.c:fib_validate_source; net/ipv4/tcp.c:sysctl_tcp_syncookies, v2.6.37
    {{2, 6, 32},
     {2, 6, 37},
     {2, 6, 37},
     "IPReversePathFilter counter and tcp_syncookies=1 by default",
     [](Behaviours& b) {
         b.rp_filter_counted = true;
         b.default_syncookies = 1;
     }},
    // net/ipv4/tcp_minisocks.c, include/net/tcp.h:tcp_paws_check, v3.0; net/ipv4/tcp_output.c:tcp_retransmit_skb's count
    {{2, 6, 37},
     {3, 0, 0},
     {3, 0, 86},
     "a stored TSval of 0 passes PAWS; repeated SYN+ACKs count in RetransSegs",
     [](Behaviours& b) {
         b.zero_timestamp_exempt = true;
         b.synack_retransmit_counted = true;
     }},
    // net/ipv6/tcp_ipv6.c:tcp_v6_conn_request, v3.0
    {{2, 6, 37},
     {3, 0, 0},
     {3, 0, 86},
     "per-host PAWS for IPv6",
     [](Behaviours& b) { b.host_paws = HostPaws::inetpeer_v6; }},
    // include/net/tcp.h:TCP_TIMEOUT_INIT, RFC 6298
    {{3, 0, 86},
     {3, 1, 0},
     {3, 4, 113},
     "initial RTO of 1 s instead of 3 s",
     [](Behaviours& b) { b.initial_rto_ms = 1000; }},
    // measured on 3.10.105 and el7 only, where the timer was above 4 s and so on the 7.5 s wheel
    {{3, 0, 86},
     {3, 1, 0},
     {3, 10, 105},
     "15 s TIME_WAIT after recycling with an RTO near 1 s",
     [](Behaviours& b) { b.recycle_rounds_to_15s = true; }},
    // net/ipv4/tcp_input.c:tcp_syn_flood_action
    {{3, 0, 86},
     {3, 2, 0},
     {3, 4, 113},
     "TCPReqQFullDrop and TCPReqQFullDoCookies counters",
     [](Behaviours& b) { b.req_queue_full_counted = true; }},
    // net/ipv4/tcp_metrics.c:tcp_peer_is_proven, v3.6
    {{3, 4, 113},
     {3, 6, 0},
     {3, 6, 5},
     "per-host PAWS kept in tcp_metrics",
     [](Behaviours& b) {
         b.host_paws = HostPaws::metrics_peer;
         b.quarter_with_recycle = QuarterWithRecycle::timestamps_only;
     }},
    // net/ipv4/tcp_metrics.c:__tcp_get_metrics_tw files a v4-mapped peer under IPv6; measured on 3.10.105: n6_v4mapped
    {{3, 4, 113},
     {3, 6, 0},
     {3, 10, 105},
     "no per-host stamp for IPv4 clients of a [::] listener",
     [](Behaviours& b) { b.v4_on_v6_listener_stamped = false; }},
    // net/ipv4/fib_frontend.c:fib_validate_source returns early with rp_filter off; measured on 3.10.105: n12_addr
    {{3, 4, 113},
     {3, 6, 0},
     {3, 10, 105},
     "no source check without rp_filter (land and subnet broadcast sources answered)",
     [](Behaviours& b) {
         b.land_is_martian = false;
         b.subnet_broadcast_source_dropped = false;
     }},
    // net/ipv4/tcp_input.c:tcp_validate_incoming, RFC 5961 4.2
    {{3, 4, 0},
     {3, 6, 0},
     {3, 6, 5},
     "challenge ACK for a SYN on a live connection",
     [](Behaviours& b) { b.syn_on_established = SynOnEstablished::challenge; },
     kChallengeAck},
    // net/ipv4/route.c without its cache: ip_error; measured on 3.10.105: n12_addr
    {{3, 4, 113},
     {3, 6, 0},
     {3, 6, 5},
     "no route cache: a foreign destination moves no InAddrErrors",
     [](Behaviours& b) {
         b.route_cache = false;
         b.not_local_counted = false;
     }},
    // net/ipv4/tcp_input.c:tcp_validate_incoming, RFC 5961 3.2
    {{3, 4, 0},
     {3, 6, 0},
     {3, 6, 5},
     "a RST must hit rcv_nxt exactly",
     [](Behaviours& b) { b.rst_needs_exact_sequence = true; },
     kChallengeAck},
    // net/ipv4/tcp_minisocks.c:tcp_check_req, inet_rtx_syn_ack; measured on 3.10.105: n8_synrecv
    {{3, 6, 5},
     {3, 9, 0},
     {3, 10, 105},
     "a repeated SYN restarts the SYN+ACK timer; 10 segments of initial window",
     [](Behaviours& b) {
         b.duplicate_restarts_timer = true;
         b.initial_window_segments = 10;
         b.fast_open_request_counts_passive = true;
     }},
    // include/net/tcp.h:tcp_cookie_time, v3.13
    {{3, 10, 105},
     {3, 13, 0},
     {3, 14, 1},
     "cookies carry a counter of 64 s",
     [](Behaviours& b) { b.cookie_counter_minutes = false; }},
    // net/ipv4/tcp_output.c:tcp_default_init_rwnd, v3.14 (20 segments: tcp_init_rwnd twice the initial window)
    {{3, 10, 105},
     {3, 12, 0},
     {3, 14, 1},
     "20 segments of initial window",
     [](Behaviours& b) {
         b.initial_window_segments = 20;
         b.fast_open_request_counts_passive = false;
     }},
    // net/ipv4/tcp_input.c:tcp_parse_options, TCPOPT_FASTOPEN, v4.1
    {{3, 19, 8}, {4, 1, 0}, {4, 2, 0}, "Fast Open option kind 34", [](Behaviours& b) { b.fast_open_kind_34 = true; }},
    // net/ipv4/inet_connection_sock.c:reqsk_timer_handler; net/ipv4/inet_timewait_sock.c:tw_timer_handler
    {{3, 19, 8},
     {4, 1, 0},
     {4, 2, 0},
     "a timer per pending request and per TIME_WAIT bucket",
     [](Behaviours& b) {
         b.requests_swept = false;
         b.time_wait_wheel = false;
     }},
    // include/net/tcp.h:TCP_SYN_RETRIES
    {{3, 6, 5},
     {3, 7, 0},
     {3, 10, 105},
     "tcp_syn_retries=6 by default",
     [](Behaviours& b) { b.default_syn_retries = 6; }},
    // net/ipv4/tcp_input.c:tcp_rcv_established drops segments without ACK or RST first; measured: n8_syn_est_each
    {{3, 6, 5},
     {3, 8, 0},
     {3, 10, 105},
     "a SYN on a live connection is ignored silently",
     [](Behaviours& b) { b.syn_on_established = SynOnEstablished::ignored; }},
    // net/ipv4/tcp_ipv4.c:tcp_v4_conn_request, label drop
    {{3, 6, 5},
     {3, 9, 0},
     {3, 10, 105},
     "ListenDrops and ListenOverflows move for a refused SYN (ListenDrops also for a cookie)",
     [](Behaviours& b) {
         b.listen_drop_counted_at_syn = true;
         b.cookie_counts_listen_drop = true;
     }},
    // include/uapi/linux/snmp.h:TCP_MIB_CSUMERRORS
    {{3, 6, 5}, {3, 10, 0}, {3, 10, 105}, "InCsumErrors counters", [](Behaviours& b) { b.checksum_counted = true; }},
    // net/ipv4/tcp_ipv4.c:tcp_v4_conn_request, sysctl_tcp_syncookies == 2
    {{3, 10, 105}, {3, 13, 0}, {3, 14, 1}, "tcp_syncookies=2", [](Behaviours& b) { b.cookies_always_mode = true; }},
    // net/ipv4/tcp_metrics.c: tcpm_saddr, v3.14
    {{3, 10, 105},
     {3, 14, 0},
     {3, 14, 1},
     "per-host PAWS keyed by (local, peer)",
     [](Behaviours& b) { b.host_paws = HostPaws::metrics_pair_ts; }},
    {{3, 10, 105},
     {3, 14, 0},
     {4, 4, 178},
     "a per-host stamp for IPv4 clients of a [::] listener",
     [](Behaviours& b) { b.v4_on_v6_listener_stamped = true; }},
    // net/ipv4/tcp_input.c:tcp_conn_request, v3.17: PAWS and the 3/4 rule became if / else if
    {{3, 16, 0},
     {3, 17, 0},
     {3, 18, 0},
     "per-host PAWS refuses SYNs without timestamps",
     [](Behaviours& b) {
         b.host_paws = HostPaws::metrics_pair;
         b.quarter_with_recycle = QuarterWithRecycle::always;
     }},
    // net/ipv4/tcp_input.c:tcp_rcv_established accepts SYN without ACK again, v3.18
    {{3, 16, 0},
     {3, 18, 0},
     {3, 18, 0},
     "challenge ACK for a SYN on a live connection, repaired",
     [](Behaviours& b) { b.syn_on_established = SynOnEstablished::challenge; },
     kChallengeRepaired},
    // net/ipv4/fib_frontend.c:__fib_validate_source; measured on 4.4.178: n12_addr
    {{3, 10, 105},
     {3, 19, 0},
     {4, 4, 178},
     "source checks without rp_filter are back",
     [](Behaviours& b) {
         b.land_is_martian = true;
         b.subnet_broadcast_source_dropped = true;
     }},
    // net/ipv4/tcp_input.c:tcp_oow_rate_limited; net/ipv4/tcp_minisocks.c:tcp_check_req, v4.2
    {{3, 19, 8},
     {4, 0, 0},
     {4, 2, 0},
     "tcp_invalid_ratelimit (replies at most every 500 ms)",
     [](Behaviours& b) {
         b.duplicate_rate_limited = true;
         b.established_reply_rate_limited = true;
     }},
    // include/net/sock.h:sk_max_ack_backlog; include/net/tcp.h:TCP_SYNCOOKIE_VALID; one timer per TIME_WAIT
    {{3, 19, 8}, {4, 1, 0}, {4, 2, 0}, "32-bit backlog", [](Behaviours& b) { b.backlog_is_16_bit = false; }},
    {{3, 19, 8},
     {4, 1, 0},
     {4, 4, 178},
     "cookies valid for 2 minutes after the last overflow, exact TIME_WAIT timers",
     [](Behaviours& b) {
         b.cookie_validity_s = 120;
         b.recycle_rounds_to_15s = false;
         b.fin_wait2_rounds_to_15s = false;
     }},
    // net/ipv4/tcp_input.c:tcp_conn_request, include/net/inet_connection_sock.h:inet_csk_reqsk_queue_is_full, v4.4
    {{4, 3, 0},
     {4, 4, 0},
     {4, 4, 0},
     "lockless listeners",
     [](Behaviours& b) {
         b.accept_rule = AcceptRule::full;
         b.syn_queue_rule = SynQueueRule::at_backlog;
         b.cookie_ignores_accept_queue = false;
         b.send_failure_drops_syn = false;
         b.request_in_ehash = true;
         b.stray_cookie_ack_counted = false;
     }},
    // net/ipv4/tcp_input.c:tcp_rcv_state_process (consume_skb), include/net/tcp.h:tcp_listendrop, v4.9
    {{4, 4, 178},
     {4, 7, 0},
     {4, 9, 229},
     "LISTEN frees SYNs without a drop event, sk_drops counts, cookies leave ListenDrops alone",
     [](Behaviours& b) {
         b.consume_skb_on_listen = true;
         b.sk_drops_counted = true;
         b.cookie_counts_listen_drop = false;
     }},
    // net/ipv4/route.c:ip_error; measured: 3.10.105 does not count, 4.9.229 does (n12_addr)
    {{3, 10, 105},
     {3, 12, 0},
     {4, 9, 229},
     "InAddrErrors moves for a foreign destination again",
     [](Behaviours& b) { b.not_local_counted = true; }},
    // net/ipv4/tcp_minisocks.c:tcp_check_req, v4.9
    {{4, 4, 178},
     {4, 7, 0},
     {4, 9, 229},
     "ACKs on SYN_RECV at most every 500 ms",
     [](Behaviours& b) { b.request_ack_rate_limited = true; }},
    // kernel/time/timer.c:calc_wheel_index, v4.8
    {{4, 4, 178},
     {4, 8, 0},
     {4, 9, 229},
     "a timer wheel whose slots grow with the distance",
     [](Behaviours& b) { b.timer_slots_grow = true; }},
    // net/core/secure_seq.c:secure_tcp_ts_off, v4.12
    {{4, 9, 229},
     {4, 10, 0},
     {4, 10, 17},
     "timestamp offset per address pair (the first 4.10 releases: per connection)",
     [](Behaviours& b) { b.timestamp_clock = TimestampClock::jiffies_pair; }},
    // tcp_tw_recycle removed: net/ipv4/tcp_input.c:tcp_conn_request, v4.12
    {{4, 11, kNever},
     {4, 12, 0},
     {4, 12, 0},
     "tcp_tw_recycle removed",
     [](Behaviours& b) {
         b.host_paws = HostPaws::none;
         b.quarter_with_recycle = QuarterWithRecycle::absent;
     }},
    // include/net/tcp.h:tcp_time_stamp_raw, v4.14
    {{4, 12, 0},
     {4, 13, 0},
     {4, 14, 0},
     "timestamps in milliseconds",
     [](Behaviours& b) { b.timestamp_clock = TimestampClock::milliseconds; }},
    // net/ipv4/tcp_input.c:tcp_conn_request has the route before the 3/4 rule, v4.14
    {{4, 13, kNever},
     {4, 14, 0},
     {4, 14, 0},
     "known peers pass the 3/4 rule",
     [](Behaviours& b) { b.proven_peer = ProvenPeer::by_rtt; }},
    // net/ipv4/fib_frontend.c:fib_validate_source fast path; measured: 4.9.229 drops, 6.1 answers (n12_addr)
    {{4, 9, 229},
     {4, 15, 0},
     {6, 1, 20},
     "a subnet broadcast source is answered",
     [](Behaviours& b) { b.subnet_broadcast_source_dropped = false; }},
    // net/ipv4/inet_timewait_sock.c:__inet_twsk_schedule; measured: 4.9.229 counts at the end, 6.1 at the start
    {{4, 9, 229},
     {4, 17, 0},
     {6, 1, 20},
     "TW and TWKilled move when a bucket is scheduled",
     [](Behaviours& b) { b.tw_counted_when_scheduled = true; }},
    // net/ipv4/tcp_output.c:tcp_select_initial_window, v4.20; measured: 4.9.229 offers 28960 bytes, 6.1 65160
    {{4, 19, 78},
     {4, 20, 0},
     {5, 4, 18},
     "an initial window of up to 65535 bytes",
     [](Behaviours& b) { b.initial_window_segments = 45; }},
    // net/ipv4/fib_frontend.c:fib_add_ifaddr; measured: 4.9.229 drops, 6.1 answers (n12_addr)
    {{4, 9, 229},
     {5, 14, 0},
     {6, 1, 20},
     "the lowest address of a subnet is an ordinary one",
     [](Behaviours& b) { b.subnet_zero_is_broadcast = false; }},
    // measured on Debian's 6.1.192 only: n7_tw_*; 6.18.44 keeps the old rule
    {{kNever, 0, 0},
     {kNever, 0, 0},
     {kNever, 0, 0},
     "a reopened TIME_WAIT starts at a fresh ISN",
     [](Behaviours& b) { b.reopened_isn_is_fresh = true; },
     kFreshReopen},
    // include/linux/socket.h:SOMAXCONN, v5.4
    {{4, 20, 0}, {5, 4, 0}, {5, 4, 18}, "somaxconn=4096 by default", [](Behaviours& b) { b.default_somaxconn = 4096; }},
    // net/ipv4/tcp_ipv4.c:tcp_v4_rcv (SKB_DROP_REASON_*), v5.17; 5.15.85 carries a few of them
    {{5, 15, 85}, {5, 17, 0}, {5, 17, 0}, "skb drop reasons", [](Behaviours& b) { b.drop_reasons = true; }},
    // net/ipv4/tcp_timer.c:tcp_retransmit_timer, tcp_syn_linear_timeouts
    {{6, 1, kNever},
     {6, 5, 0},
     {6, 6, 9},
     "tcp_syn_linear_timeouts=4",
     [](Behaviours& b) { b.linear_syn_timeouts = true; }},
    // net/ipv4/tcp_input.c:tcp_validate_incoming, v6.6
    {{6, 1, kNever},
     {6, 6, 0},
     {6, 6, 9},
     "challenge ACK also for a SYN with an old timestamp",
     [](Behaviours& b) { b.syn_on_established = SynOnEstablished::challenge_always; }},
    // net/ipv4/tcp_input.c:tcp_ack; measured on 6.18.44
    {{6, 1, kNever},
     {6, 7, 0},
     {6, 18, 44},
     "an ACK of bytes before the first is challenged",
     [](Behaviours& b) { b.old_ack_window_by_bytes = true; }},
    // include/net/tcp.h:TCP_PAWS_WRAP, v6.8
    {{6, 6, kNever}, {6, 7, 0}, {6, 8, 0}, "PAWS expiry of 2147 s", [](Behaviours& b) { b.paws_expiry_s = 2147; }},
    // net/ipv4/tcp_input.c:tcp_parse_auth_options; measured on 6.18.44: n12_md5
    {{6, 1, kNever},
     {6, 7, 0},
     {6, 18, 19},
     "a malformed MD5 option drops the SYN",
     [](Behaviours& b) { b.malformed_md5_dropped = true; }},
    // include/net/inet_connection_sock.h:inet_csk_reqsk_queue_is_full
    {{6, 12, 0},
     {6, 13, 0},
     {6, 13, 2},
     "SYN-queue rule '>' (backlog+1 requests) instead of '>=' (backlog)",
     [](Behaviours& b) { b.syn_queue_rule = SynQueueRule::above_backlog; },
     kAboveBacklog},
    // net/ipv4/tcp_input.c:tcp_ack; measured on 6.18.44
    {{6, 1, kNever},
     {6, 13, 0},
     {6, 18, 44},
     "a challenge ACK for an ACK of data never sent",
     [](Behaviours& b) { b.unsent_ack_challenged = true; }},
    // net/ipv4/tcp_minisocks.c:tcp_check_req; measured on 6.18.44
    {{6, 14, kNever},
     {6, 15, 0},
     {6, 18, 44},
     "a RST on SYN_RECV must hit ISN+1 exactly",
     [](Behaviours& b) { b.request_rst_needs_exact = true; }},
    // net/ipv4/tcp_minisocks.c:tcp_timewait_state_process and tcp_check_req, v6.18
    {{6, 14, kNever},
     {6, 15, 0},
     {6, 18, 0},
     "PAWSTimewait counter and TSecr check of the final ACK",
     [](Behaviours& b) {
         b.paws_timewait_counter = true;
         b.tsecr_checked = true;
     }},
    // net/core/secure_seq.c:secure_tcp_seq_and_ts_off, v6.18.17
    {{6, 18, 16},
     {7, 0, 0},
     {7, 0, 0},
     "timestamp offset per 4-tuple",
     [](Behaviours& b) { b.timestamp_clock = TimestampClock::milliseconds_tuple; },
     kTupleOffset},
};

}  // namespace

/// Measured on 2.6.32.69; net/ipv4/tcp_ipv4.c:tcp_v4_conn_request, v2.6.32.
Behaviours oldest_behaviours() {
    Behaviours b;
    b.accept_rule = AcceptRule::full_and_young;  // include/net/inet_connection_sock.h:inet_csk_reqsk_queue_young
    b.syn_queue_rule = SynQueueRule::table;      // net/core/request_sock.c:reqsk_queue_alloc
    b.host_paws = HostPaws::inetpeer;            // net/ipv4/tcp_ipv4.c:tcp_v4_remember_stamp
    b.quarter_with_recycle = QuarterWithRecycle::known_peer_only;  // measured: n6q_proven_rec
    b.proven_peer = ProvenPeer::never;
    b.syn_on_established = SynOnEstablished::reset_in_window;  // net/ipv4/tcp_input.c:tcp_validate_incoming
    b.timestamp_clock = TimestampClock::jiffies;               // include/net/tcp.h:tcp_time_stamp
    b.cookies_always_mode = false;
    b.cookie_counts_listen_drop = false;
    b.cookie_ignores_accept_queue = true;
    b.listen_drop_counted_at_syn = false;
    b.req_queue_full_counted = false;
    b.sk_drops_counted = false;
    b.rp_filter_counted = false;
    b.checksum_counted = false;
    b.min_ttl_exists = false;
    b.send_failure_drops_syn = true;
    b.duplicate_rate_limited = false;
    b.established_reply_rate_limited = false;
    b.request_in_ehash = false;  // net/ipv4/tcp_ipv4.c:tcp_v4_hnd_req searches the listener's own table
    b.requests_swept = true;     // net/ipv4/inet_connection_sock.c:inet_csk_reqsk_queue_prune
    b.time_wait_wheel = true;    // net/ipv4/inet_timewait_sock.c:inet_twdr_hangman
    b.request_ack_rate_limited = false;
    b.subnet_zero_is_broadcast = true;
    b.route_cache = true;
    b.timer_slots_grow = false;
    b.tw_counted_when_scheduled = false;
    b.synack_retransmit_counted = false;  // measured: n8_synrecv
    b.duplicate_restarts_timer = false;   // measured: n8_synrecv
    b.stray_cookie_ack_counted = true;    // net/ipv4/syncookies.c:cookie_v4_check
    b.zero_timestamp_exempt = false;      // include/net/tcp.h:tcp_paws_check
    b.rst_needs_exact_sequence = false;
    b.fast_open_kind_34 = false;
    b.cookie_counter_minutes = true;  // include/net/tcp.h: jiffies / (HZ * 60)
    b.initial_window_segments = 4;    // net/ipv4/tcp_output.c:tcp_select_initial_window
    b.linear_syn_timeouts = false;
    b.consume_skb_on_listen = false;
    b.drop_reasons = false;
    b.fin_wait2_rounds_to_15s = true;          // measured: n11_fintimeout; net/ipv4/inet_timewait_sock.c
    b.subnet_broadcast_source_dropped = true;  // measured: n12_addr
    b.initial_rto_ms = 3000;                   // include/net/tcp.h:TCP_TIMEOUT_INIT
    b.default_syn_retries = 5;                 // include/net/tcp.h:TCP_SYN_RETRIES
    b.default_syncookies = 0;
    b.default_somaxconn = 128;   // include/linux/socket.h:SOMAXCONN
    b.backlog_is_16_bit = true;  // include/net/sock.h:sk_max_ack_backlog
    b.cookie_validity_s = 3;     // net/ipv4/tcp_input.c:tcp_synq_no_recent_overflow
    return b;
}

std::span<const Change> changes() { return kChanges; }

}  // namespace synwhy::core::history
