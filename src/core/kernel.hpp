// Which behaviours does a kernel release have?
//
// Version is not truth: stable point releases and distributions differ from their major.minor, so a release string
// resolves to a set of *named behaviours*, each of which can be overruled by a fact read from the host. What the
// string does not settle is listed in Kernel::open_questions, never guessed silently.
// Adding a kernel touches kernel.cpp only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synwhy::core {

/// A parsed release: "3.10.0-1160.el7.x86_64" -> 3.10.0, build 1160, distribution el7.
struct Release {
    int major = 0;
    int minor = 0;
    int patch = 0;  ///< -1 when the string does not say ("3.10")
    int build = 0;  ///< vendor build number after the dash, 0 = none
    enum class Vendor : std::uint8_t {
        upstream,
        el6,
        el7,
        el8,
        el9,
        el10,
        debian,
        ubuntu,
        amazon,
        suse,
        other
    } vendor{};
    std::string text{};  ///< as given

    friend bool operator<(const Release& a, const Release& b);  ///< by major, minor, patch only
};

/// Parses `uname -r`, optionally followed by `uname -v` (Debian names its stable release only there).
std::optional<Release> parse_release(std::string_view text);

/// When a SYN is refused for a full accept queue. net/ipv4/tcp_input.c:tcp_conn_request
enum class AcceptRule : std::uint8_t {
    full_and_young,  ///< length > limit and more than one young request (<= 4.3, el6, el7)
    full,            ///< length > limit (>= 4.4)
};

/// When the SYN queue is full.
enum class SynQueueRule : std::uint8_t {
    table,          ///< roundup_pow2(max(8, min(backlog, max_syn_backlog)) + 1) entries (<= 4.3, el6, el7)
    at_backlog,     ///< length >= backlog (4.4 .. 6.12.0)
    above_backlog,  ///< length > backlog (6.12.19, 6.14, 6.18, Debian 6.1.192)
};

/// Per-host PAWS on passive opens (tcp_tw_recycle).
enum class HostPaws : std::uint8_t {
    none,             ///< removed in 4.12
    inetpeer,         ///< keyed by peer, IPv4, a SYN needs TS to be refused (2.6.32, el6, 2.6.37)
    inetpeer_v6,      ///< the same with IPv6 (3.0 .. 3.4)
    metrics_peer,     ///< tcp_metrics keyed by peer, TS needed (3.6 .. 3.13)
    metrics_pair_ts,  ///< keyed by (local, peer), TS needed (3.14 .. 3.16)
    metrics_pair,     ///< keyed by (local, peer), a SYN without TS is refused too (3.17 .. 4.11, el7)
};

/// How tw_recycle and the 3/4 rule exclude each other.
enum class QuarterWithRecycle : std::uint8_t {
    known_peer_only,  ///< recycle lets only peers with a stamp skip the rule (2.6.32, el6 .. 3.4)
    timestamps_only,  ///< recycle skips the rule for SYNs with timestamps (3.6 .. 3.16)
    always,           ///< recycle skips the rule (3.17 .. 4.11, el7)
    absent,           ///< no recycle (>= 4.12)
};

/// What a SYN does to a socket in ESTABLISHED and the states after it.
enum class SynOnEstablished : std::uint8_t {
    reset_in_window,   ///< RST and the connection dies in window, duplicate ACK otherwise (2.6.32 .. 3.5)
    ignored,           ///< silently discarded, no counter (3.10.105; about 3.8 .. 3.17)
    challenge,         ///< challenge ACK; PAWS-old gets a duplicate ACK (el6, el7, 3.18 .. 6.5)
    challenge_always,  ///< challenge ACK, also when PAWS-old (>= 6.6)
};

enum class TimestampClock : std::uint8_t {
    jiffies,             ///< one line per host, HZ ticks (<= 4.9)
    jiffies_pair,        ///< jiffies plus an offset per address pair (4.10 .. 4.12)
    milliseconds,        ///< ms plus an offset per address pair (4.13 .. 6.18.16)
    milliseconds_tuple,  ///< ms plus an offset per 4-tuple (6.18.17+)
};

/// When the 3/4 rule lets a peer through because it is known.
enum class ProvenPeer : std::uint8_t {
    never,   ///< never effective without recycle (<= 4.13)
    by_rtt,  ///< tcp_metrics has an RTT for the pair (>= 4.14)
};

/// The named behaviours. Sources per field in kernel.cpp.
struct Behaviours {
    AcceptRule accept_rule = AcceptRule::full;
    SynQueueRule syn_queue_rule = SynQueueRule::at_backlog;
    HostPaws host_paws = HostPaws::none;
    QuarterWithRecycle quarter_with_recycle = QuarterWithRecycle::absent;
    ProvenPeer proven_peer = ProvenPeer::by_rtt;
    SynOnEstablished syn_on_established = SynOnEstablished::challenge;
    TimestampClock timestamp_clock = TimestampClock::milliseconds;
    bool cookies_always_mode = true;           ///< tcp_syncookies=2 answers every SYN with a cookie (>= 3.13, el7)
    bool cookie_counts_listen_drop = false;    ///< a cookie SYN+ACK also moves ListenDrops (3.10 .. 4.4, el7)
    bool cookie_ignores_accept_queue = false;  ///< the young rule: a cookie leaves no young request (<= 4.3, el7)
    bool listen_drop_counted_at_syn = true;    ///< ListenDrops/ListenOverflows move at SYN time (>= 3.9, el7)
    bool req_queue_full_counted = true;        ///< TCPReqQFullDrop/DoCookies exist (>= 3.2, el7)
    bool sk_drops_counted = true;              ///< sk_drops moves for a refused SYN (>= 4.9)
    bool rp_filter_counted = true;             ///< IPReversePathFilter exists (>= 2.6.37, el7)
    bool checksum_counted = true;              ///< InCsumErrors exists (>= 3.10)
    bool min_ttl_exists = true;                ///< IP_MINTTL on TCP (>= 2.6.34, el6)
    bool send_failure_drops_syn = false;       ///< a SYN+ACK that cannot be sent is a SYN drop (<= 4.3)
    bool duplicate_rate_limited = true;        ///< replies to repeated SYNs at most one per 500 ms (>= 4.0, el7)
    bool established_reply_rate_limited = true;
    bool request_in_ehash = true;           ///< lockless listeners (>= 4.4); else the listener can be locked
    bool paws_timewait_counter = false;     ///< PAWSTimewait instead of PAWSEstab (6.18)
    bool tsecr_checked = false;             ///< final ACK must echo a TSval we sent (6.18)
    bool linear_syn_timeouts = false;       ///< client: SYNs at 0,1,2,3,4,5,7,.. (>= 6.5)
    bool consume_skb_on_listen = true;      ///< LISTEN frees SYNs without a drop event (>= 4.7)
    bool drop_reasons = true;               ///< skb drop reasons exist (>= 5.17)
    bool v4_on_v6_listener_stamped = true;  ///< IPv4 client on [::] leaves a per-host stamp (not 3.10.105)
    bool recycle_rounds_to_15s = false;     ///< coarse wheel: recycled TIME_WAIT near 1 s RTO lasts 15 s (3.10, el7)
    bool fin_wait2_rounds_to_15s = false;   ///< FIN_WAIT2 of 5 s lasts 15 s (2.6.32, 3.10, el7)
    bool subnet_broadcast_source_dropped = false;  ///< 2.6.32, 4.4, 4.9
    bool land_is_martian = true;                   ///< not on 3.10.105, el7
    bool malformed_md5_dropped = false;            ///< 6.18
    bool requests_swept = false;                   ///< one 200 ms timer sweeps the SYN table: late timers (<= 4.0)
    bool time_wait_wheel = false;                  ///< TIME_WAIT ends on an 8-slot wheel of 7.5 s (<= 4.0)
    bool reopened_isn_is_fresh = false;  ///< a reopened TIME_WAIT gets a new ISN, not snd_nxt + 65537 (Debian 6.1.192)
    bool request_ack_rate_limited = true;   ///< so is the ACK for an unacceptable segment on SYN_RECV (>= 4.9)
    bool subnet_zero_is_broadcast = false;  ///< a subnet's lowest address is a broadcast address (<= 5.13)
    bool not_local_counted = true;          ///< InAddrErrors moves for a foreign destination (not 3.6 .. 3.10, el7)
    bool route_cache = false;               ///< loopback destinations count as InAddrErrors (<= 3.5)
    bool old_ack_window_by_bytes = false;   ///< an ACK older than all acknowledged bytes is challenged (>= 6.7)
    bool request_rst_needs_exact = false;   ///< so does a RST on SYN_RECV (6.18)
    bool unsent_ack_challenged = false;     ///< an ACK of data never sent gets a challenge ACK (6.18)
    bool timer_slots_grow = true;           ///< timers fire up to an eighth of their length late (>= 4.8)
    bool tw_counted_when_scheduled = true;  ///< TW, TWKilled move when the bucket is made (>= 4.17), else at its end
    bool synack_retransmit_counted = true;  ///< RetransSegs counts SYN+ACKs (>= 3.0)
    bool duplicate_restarts_timer = true;   ///< a repeated SYN restarts the SYN+ACK timer (>= 3.10)
    bool stray_cookie_ack_counted = false;  ///< SyncookiesFailed moves for any ACK to LISTEN (<= 4.3)
    bool zero_timestamp_exempt = true;      ///< a stored TSval of 0 passes every PAWS test (>= 3.0)
    bool rst_needs_exact_sequence = true;   ///< RFC 5961 3.2 (>= 3.6, el6)
    bool fast_open_kind_34 = true;          ///< reads the registered Fast Open option (>= 4.1, el7)
    bool fast_open_request_counts_passive = false;  ///< a cookie request moves TCPFastOpenPassive (3.10)
    bool cookie_counter_minutes = false;  ///< cookies of the last 4 minutes (<= 3.12); else of 2 periods of 64 s
    int initial_window_segments = 45;     ///< receive window offered in a SYN+ACK, segments (65535 bytes at most)
    int initial_rto_ms = 1000;            ///< SYN and SYN+ACK; 3000 up to 3.0
    int default_syn_retries = 6;
    int default_syncookies = 1;
    int default_somaxconn = 4096;
    bool backlog_is_16_bit = false;  ///< sk_max_ack_backlog is u16 (<= 4.0, el6, el7)
    int paws_expiry_s = 24 * 86400;  ///< 2147 from 6.7
    int cookie_validity_s = 120;     ///< since the last overflow; 3 or so in <= 3.18
};

/// A kernel as far as its name tells.
struct Kernel {
    Release release{};
    Behaviours behaviours{};
    std::string family{};                       ///< the row it resolved to, e.g. "el7", "4.9", "6.12.19"
    std::vector<std::string> open_questions{};  ///< what the name does not settle, one sentence each
};

/// Resolves a release string; nullopt only when it holds no version number.
std::optional<Kernel> resolve_kernel(std::string_view release);

/// Representative releases, oldest first: the rows that the table distinguishes. Used for golden prints, by
/// `path --diff` help, and by diagnosis as the kernel generations to try when no release is given.
const std::vector<std::string_view>& known_releases();

}  // namespace synwhy::core
