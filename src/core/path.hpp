// THE table: every place where Linux can fail to answer a SYN, in the order a SYN meets them.
//
// Whoever reads path.cpp knows what the project knows. A row names its stage, the kernel function, the kernels it
// holds for, the cause, what the client sees, and the condition in words; rows that the model can evaluate also
// carry a predicate over plain facts. The model keeps state and asks this table to decide; it never decides itself.
// Left out: text for people (emit/path_print.hpp) and TCP Cookie Transactions (2.6.33 .. 3.9), which nobody used.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/cause.hpp"
#include "core/kernel.hpp"

namespace synwhy::core {

/// Where on its way the SYN (or the SYN+ACK) is.
enum class Stage : std::uint8_t {
    before_tap,  ///< a capture on the server cannot see the SYN
    ingress,     ///< tap to IP
    ip,
    netfilter,
    tcp_input,  ///< tcp_v4_rcv before the state machine
    lookup,
    time_wait,
    request,      ///< a pending request (SYN_RECV) has the 4-tuple
    full_socket,  ///< any other socket has the 4-tuple
    listen,       ///< tcp_conn_request, in its order
    reply,        ///< the SYN+ACK's own way out
    final_ack,    ///< after the SYN+ACK
};

/// What the client sees when a row applies.
enum class Seen : std::uint8_t { silence, rst, bare_ack, cookie, icmp, synack_repeated, synack };

/// Everything the rows' predicates look at. Filled by the model from its state, never by reading anything.
struct Facts {
    // the SYN
    bool has_timestamps = false;
    bool via_time_wait = false;  ///< reopened a TIME_WAIT (isn != 0 in tcp_conn_request)
    bool ipv6 = false;
    bool flags_fin_or_rst = false;  ///< SYN with FIN or RST
    bool ip_checksum_bad = false;
    bool tcp_checksum_bad = false;
    bool tcp_header_bad = false;
    bool below_min_ttl = false;
    bool filtered = false;  ///< socket filter says drop
    bool route_back = true;
    bool broadcast_destination = false;  ///< one of our broadcast or multicast addresses
    // the listener
    bool listening = true;
    std::uint32_t backlog = 128;    ///< sk_max_ack_backlog, after somaxconn
    std::uint32_t syn_table = 256;  ///< entries of the SYN table, only for SynQueueRule::table
    std::uint32_t accept_length = 0;
    std::uint32_t request_length = 0;  ///< pending requests
    std::uint32_t young_requests = 0;
    // the host
    int syncookies = 1;
    std::uint32_t max_syn_backlog = 128;
    bool tw_recycle = false;
    bool timestamps_on = true;  ///< net.ipv4.tcp_timestamps != 0
    bool peer_proven = false;
    // the peer's stored stamp (per-host PAWS)
    bool stamp_exists = false;
    std::uint32_t stamp_ts = 0;    ///< stored TSval
    std::int64_t stamp_age_s = 0;  ///< whole seconds
    std::uint32_t syn_ts = 0;      ///< the SYN's TSval
};

struct Row {
    std::string_view id;  ///< stable, unique: "listen.accept-queue"
    Stage stage;
    std::string_view function;  ///< kernel function(s)
    Cause cause;
    Seen seen;
    std::string_view condition;        ///< in words, one sentence
    std::string_view counters;         ///< space separated names over all kernels; row_counters() knows one kernel's
    bool (*holds_for)(const Kernel&);  ///< does this kernel have the row
    bool (*applies)(const Behaviours&, const Facts&);  ///< nullptr: not decidable from Facts
};

/// All rows, in path order. A stage may come up twice: netfilter stands before and after the routing decision.
std::span<const Row> path_rows();

/// The row with this id, nullptr when there is none.
const Row* find_row(std::string_view id);

/// The counters that move on this kernel when the row applies: "TcpExt.ListenDrops" (/proc/net/netstat and snmp),
/// "sk_drops" (`ss -m`), "dev.*" (interface statistics), "softnet.*", "conntrack.*", "rt_cache.*", "xfrm.*".
std::vector<std::string_view> row_counters(const Row& row, const Kernel& kernel);

/// Has this kernel a counter of that name ("TcpExt.TCPReqQFullDrop")? Names that are not known to have an age are
/// taken to exist everywhere.
bool kernel_has_counter(std::string_view name, const Kernel& kernel);

/// The first row between two stages (inclusive) whose predicate holds, in path order; nullptr when none does. Rows
/// that only change the outcome (Seen::cookie) are passed over.
const Row* first_refusal(Stage first, Stage last, const Behaviours& kernel, const Facts& facts);

/// How tcp_conn_request ends for a SYN that reached LISTEN.
struct ListenDecision {
    enum class Kind : std::uint8_t { answer, cookie, refuse } kind = Kind::answer;
    const Row* row = nullptr;    ///< the refusing row, or the one that made it a cookie
    bool cookie_chosen = false;  ///< TCPReqQFullDoCookies moved, even when a later row refused the SYN
};

/// Walks the rows of Stage::listen in order (net/ipv4/tcp_input.c:tcp_conn_request).
ListenDecision decide_listen(const Behaviours& kernel, const Facts& facts);

/// Entries of the SYN table made at listen(): net/core/request_sock.c:reqsk_queue_alloc (<= 4.3).
std::uint32_t syn_table_size(std::uint32_t backlog, std::uint32_t max_syn_backlog);

}  // namespace synwhy::core
