// What does LISTEN do with a segment?
//
// net/ipv4/tcp_input.c:tcp_rcv_state_process (LISTEN) and tcp_conn_request. Whether a SYN is refused is decided by
// core::decide_listen; here its facts are gathered and its answer is carried out.
#include <algorithm>

#include "model/server_impl.hpp"

namespace synwhy::model {

using core::ListenDecision;
using core::Row;
using core::Segment;
namespace flag = core::tcp_flag;

/// What the listener's own options refuse, in tcp_v4_rcv's order: minimum TTL, MD5, socket filter.
const Row* Server::Impl::socket_refusal(Listener& listener, const Received& in) {
    const ListenOptions& options = listener.options;
    const core::TcpOptions& tcp = in.segment.options;
    if (behaviours().min_ttl_exists && in.segment.ttl < options.min_ttl) return row<"tcp.min-ttl">();
    if (config.md5_configured) {
        if (behaviours().malformed_md5_dropped && tcp.has_bad_auth) return row<"tcp.md5-malformed">();
        if (options.has_md5_key && !tcp.has_md5) return row<"tcp.md5-missing">();
        if (!options.has_md5_key && tcp.has_md5) return row<"tcp.md5-unexpected">();
    }
    if (options.filter_drops) return row<"tcp.socket-filter">();
    return nullptr;
}

/// net/core/sock.c:sk_add_backlog: the memory of what waits may not exceed both buffers of the socket.
Outcome Server::Impl::wait_for_lock(Listener& listener, const Received& in) {
    constexpr std::size_t kSegmentBytes = 768;  // about what a small segment occupies; drivers differ, not measured
    constexpr std::size_t kSendBufferBytes = 16'384;
    constexpr std::size_t kReceiveBufferBytes = 87'380;  // tcp_rmem's default
    const int chosen = listener.options.receive_buffer_bytes;
    const std::size_t room = (chosen > 0 ? static_cast<std::size_t>(chosen) : kReceiveBufferBytes) + kSendBufferBytes;
    const bool bounded = counters.has(Counter::tcp_backlog_drop);
    const bool full = bounded && (listener.backlog.size() + 1) * kSegmentBytes > room;
    if (full || listener.backlog.size() >= config.max_requests) {
        const Row* r = row<"tcp.listener-backlog">();
        count_row(r);
        return {Fate::silence, r};
    }
    listener.backlog.push_back({in.segment, in.arrival});
    return {Fate::processed, nullptr};
}

Outcome Server::Impl::listener_receive(std::uint32_t number, const Received& in, bool via_time_wait, std::uint32_t isn,
                                       Outbox& out) {
    Listener& listener = listeners[number];
    if (listener.locked) return wait_for_lock(listener, in);
    if (const Row* r = socket_refusal(listener, in)) {
        count_drop(listener, r);
        return {Fate::silence, r};
    }
    if (in.has(flag::ack)) {
        const bool may_be_cookie = !in.has(flag::syn) && !in.has(flag::rst) && config.settings.syncookies != 0;
        if (may_be_cookie) return cookie_ack(number, in, out);
        return no_socket(in, row<"final-ack.wrong-number">(), out);
    }
    if (in.has(flag::rst) || !in.has(flag::syn) || in.has(flag::fin)) return {Fate::silence, row<"listen.flags">()};
    return conn_request(number, in, via_time_wait, isn, out);
}

Agreed Server::Impl::agree(const core::TcpOptions& options) const {
    const Settings& settings = config.settings;
    Agreed agreed;
    // net/ipv4/tcp_input.c:tcp_parse_options ignores an MSS of 0, tcp_v4_init_req's floor is 536 (88 in the scan)
    agreed.peer_mss = options.has_mss && options.mss != 0 ? options.mss : std::uint16_t{536};
    agreed.timestamps = options.has_timestamps && settings.timestamps != 0;
    agreed.sack = options.has_sack_permitted && settings.sack != 0;
    agreed.window_scaling = options.has_window_scale && settings.window_scaling != 0;
    if (agreed.window_scaling) {
        agreed.send_scale = std::min<std::uint8_t>(options.window_scale, 14);
        agreed.receive_scale = receive_scale();
    }
    return agreed;
}

void Server::Impl::fill_peer_facts(const Received& in, core::Facts& facts) {
    if (memory.size() == 0) return;
    const auto peer = find_peer(in.segment.source.address);
    const auto local = destination_of(in.segment.destination).memory;
    if (!peer || !local) return;
    const PeerEntry* known = memory.find({*peer, *local, facts.ipv6});
    if (known == nullptr) return;
    facts.stamp_exists = (known->bits & PeerEntry::kStamp) != 0;
    facts.stamp_ts = known->ts;
    facts.stamp_age_s = std::int64_t{second_of(in.now_ns)} - known->second;
    facts.peer_proven = (known->bits & PeerEntry::kRtt) != 0;
}

void Server::Impl::fill_facts(const Listener& listener, const Received& in, bool via_time_wait, core::Facts& facts) {
    const Settings& settings = config.settings;
    facts.has_timestamps = in.segment.options.has_timestamps;
    facts.via_time_wait = via_time_wait;
    facts.ipv6 = in.segment.source.address.family == core::Family::ipv6;
    facts.route_back = config.network.has_route_to(in.segment.source.address);
    facts.broadcast_destination = !destination_of(in.segment.destination).ours;
    facts.backlog = listener.limit;
    facts.syn_table = listener.syn_table;
    facts.accept_length = static_cast<std::uint32_t>(listener.accept_queue.size());
    facts.request_length = listener.requests;
    facts.young_requests = listener.young;
    facts.syncookies = settings.syncookies;
    facts.max_syn_backlog = static_cast<std::uint32_t>(std::max(0, settings.max_syn_backlog));
    facts.tw_recycle = settings.tw_recycle != 0;
    facts.timestamps_on = settings.timestamps != 0;
    facts.syn_ts = in.segment.options.ts_value;
    fill_peer_facts(in, facts);
}

/// A SYN that asks for Fast Open falls back to the ordinary way here; only the counters tell.
/// net/ipv4/tcp_fastopen.c:tcp_try_fastopen
void Server::Impl::count_fast_open(Listener& listener, const Received& in) {
    const core::TcpOptions& tcp = in.segment.options;
    if (!tcp.has_fast_open) return;
    const bool registered = tcp.fast_open_registered;
    if (registered && !behaviours().fast_open_kind_34) return;
    if (tcp.fast_open_cookie_length == 0) {
        count(behaviours().fast_open_request_counts_passive ? Counter::tcp_fast_open_passive
                                                            : Counter::tcp_fast_open_cookie_reqd);
        return;
    }
    constexpr int kServerEnabled = 2;
    if ((config.settings.fastopen & kServerEnabled) == 0 || listener.options.fast_open_backlog == 0) return;
    count(Counter::tcp_fast_open_passive_fail);
}

/// With tw_recycle the route is looked up for per-host PAWS already, and once more before the SYN+ACK.
bool Server::Impl::looks_up_route_twice(const core::Facts& facts, const ListenDecision& decision) const {
    const bool no_route =
        decision.row != nullptr && !facts.route_back && decision.row->cause == core::Cause::no_route_back;
    if (!no_route || !facts.tw_recycle || facts.via_time_wait || decision.cookie_chosen) return false;
    switch (behaviours().host_paws) {
        case core::HostPaws::none: return false;
        case core::HostPaws::metrics_pair: return true;
        case core::HostPaws::inetpeer: return !facts.ipv6 && facts.has_timestamps && facts.timestamps_on;
        case core::HostPaws::inetpeer_v6:
        case core::HostPaws::metrics_peer:
        case core::HostPaws::metrics_pair_ts: break;
    }
    return facts.has_timestamps && facts.timestamps_on;
}

Outcome Server::Impl::conn_request(std::uint32_t number, const Received& in, bool via_time_wait, std::uint32_t isn,
                                   Outbox& out) {
    Listener& listener = listeners[number];
    core::Facts facts;
    fill_facts(listener, in, via_time_wait, facts);
    const ListenDecision decision = core::decide_listen(behaviours(), facts);
    if (decision.cookie_chosen) count(Counter::tcp_req_q_full_do_cookies);
    switch (decision.kind) {
        case ListenDecision::Kind::refuse:
            count_drop(listener, decision.row);
            if (looks_up_route_twice(facts, decision)) count(Counter::ip_out_no_routes);
            return {Fate::silence, decision.row};
        case ListenDecision::Kind::cookie: return send_cookie(number, in, out);
        case ListenDecision::Kind::answer: break;
    }
    if (requests.used() >= config.max_requests) {
        ++refused;
        const Row* r = row<"listen.request-alloc">();
        count_drop(listener, r);
        return {Fate::silence, r};
    }
    count_fast_open(listener, in);
    Received known = in;
    const auto local = destination_of(in.segment.destination).local;
    known.key = {make_peer(in.segment.source.address), in.segment.source.port,
                 local ? *local : make_local(in.segment.destination)};
    store_request(number, known, via_time_wait ? isn : fresh_isn(known.key, in.now_ns), out);
    return {Fate::answered, nullptr};
}

void Server::Impl::store_request(std::uint32_t number, const Received& in, std::uint32_t iss, Outbox& out) {
    Listener& listener = listeners[number];
    const Agreed agreed = agree(in.segment.options);
    const std::uint32_t i = requests.take();
    Request& r = requests[i];
    r.key = in.key;
    r.isn = in.seq();
    r.iss = iss;
    r.ts_recent = in.segment.options.ts_value;
    r.first_ms = r.last_ms = in.now_ms;
    r.listener = static_cast<std::uint16_t>(number);
    r.peer_mss = agreed.peer_mss;
    r.scales = static_cast<std::uint8_t>(agreed.send_scale | agreed.receive_scale << 4U);
    r.bits =
        static_cast<std::uint8_t>(Request::kAlive | (agreed.timestamps ? Request::kTimestamps : 0) |
                                  (agreed.sack ? Request::kSack : 0) | (agreed.window_scaling ? Request::kScaling : 0));
    flows.insert(handle_of(Kind::request, i));
    if (listener.requests++ == 0) {
        listener.sweep_ms = in.now_ms + static_cast<std::uint32_t>(behaviours().initial_rto_ms);
    }
    ++listener.young;
    set_request_timer(i, in.now_ms, static_cast<std::uint32_t>(behaviours().initial_rto_ms));
    send_synack(r, false, out);
}

}  // namespace synwhy::model
