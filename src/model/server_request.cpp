// What happens to a pending request: repeated SYNs, the final ACK, its timer?
//
// net/ipv4/tcp_minisocks.c:tcp_check_req; net/ipv4/inet_connection_sock.c:reqsk_timer_handler and its predecessor
// inet_csk_reqsk_queue_prune, which up to 4.0 swept the SYN table every 200 ms.
#include <algorithm>

#include "model/server_impl.hpp"

namespace synwhy::model {

using core::Existing;
using core::ExistingFacts;
using core::ExistingReply;
using core::Segment;
namespace flag = core::tcp_flag;

namespace {

constexpr std::uint32_t kSweepMs = 200;  ///< TCP_SYNQ_INTERVAL

}  // namespace

void Server::Impl::send_synack(const Request& r, bool again, Outbox& out) {
    const bool ipv6 = is_ipv6(r.key);
    const bool timestamps = (r.bits & Request::kTimestamps) != 0;
    Segment reply = reply_frame(r.key);
    reply.flags = flag::syn | flag::ack;
    reply.sequence = r.iss;
    reply.acknowledgment = r.isn + 1;
    reply.window = static_cast<std::uint16_t>(initial_window(ipv6, timestamps));
    reply.options.has_mss = true;
    reply.options.mss = advertised_mss(ipv6);
    reply.options.has_sack_permitted = (r.bits & Request::kSack) != 0;
    reply.options.has_timestamps = timestamps;
    if (timestamps) {
        // The same milliseconds that the TSecr of the final ACK is compared with.
        reply.options.ts_value = tsval_of(r.key, to_ns(again ? r.last_ms : r.first_ms));
        reply.options.ts_echo = r.ts_recent;
    }
    reply.options.has_window_scale = (r.bits & Request::kScaling) != 0;
    reply.options.window_scale = static_cast<std::uint8_t>(r.scales >> 4U);
    if (again) {
        if (behaviours().synack_retransmit_counted) count(Counter::tcp_retrans_segs);
        count(Counter::tcp_syn_retrans);
    }
    emit(reply, out, 0, again);
}

// --------------------------------------------------------------------------------------------------------- segments

/// net/ipv4/tcp_input.c:tcp_oow_rate_limited; true when the reply is suppressed. Data without SYN is never limited.
bool Server::Impl::request_reply_limited(std::uint32_t& last_reply_ms, const Received& in, Counter skipped) {
    if (!behaviours().duplicate_rate_limited) return false;
    const bool carries_data = in.seq() != in.end_seq();
    if (carries_data && !in.has(flag::syn)) return false;
    const auto limit_ms = static_cast<std::uint32_t>(std::max(0, config.settings.invalid_ratelimit_ms));
    if (last_reply_ms != 0 && in.now_ms - last_reply_ms < limit_ms) {
        count(skipped);
        return true;
    }
    last_reply_ms = in.now_ms;
    return false;
}

/// net/ipv4/tcp_ipv4.c:tcp_v4_reqsk_send_ack
void Server::Impl::send_request_ack(const Request& r, const Received& in, std::uint32_t window, Outbox& out) {
    const bool timestamps = (r.bits & Request::kTimestamps) != 0;
    Segment reply = reply_frame(r.key);
    reply.flags = flag::ack;
    reply.sequence = r.iss + 1;
    reply.acknowledgment = r.isn + 1;
    reply.window = static_cast<std::uint16_t>(window >> (r.scales >> 4U));
    reply.options.has_timestamps = timestamps;
    reply.options.ts_value = timestamps ? tsval_of(r.key, in.now_ns) : 0;
    reply.options.ts_echo = timestamps ? r.ts_recent : 0;
    emit(reply, out);
}

Outcome Server::Impl::request_receive(std::uint32_t i, const Received& in, Outbox& out) {
    if (!listeners[requests[i].listener].open) {
        drop_request(i);
        return dispatch(in, out);
    }
    const bool pure_syn = (in.segment.flags & (flag::syn | flag::ack | flag::rst)) == flag::syn;
    if (!behaviours().request_in_ehash) {
        // The request is found through its listener, whose own checks come first.
        Listener& listener = listeners[requests[i].listener];
        if (const core::Row* r = socket_refusal(listener, in)) {
            count_drop(listener, r);
            return {Fate::silence, r};
        }
    }
    return pure_syn ? request_syn(i, in, out) : request_ack(i, in, out);
}

Outcome Server::Impl::request_syn(std::uint32_t i, const Received& in, Outbox& out) {
    Request& r = requests[i];
    ExistingFacts facts;
    facts.state = Existing::request;
    facts.rcv_nxt = r.isn + 1;
    facts.window = initial_window(is_ipv6(r.key), (r.bits & Request::kTimestamps) != 0);
    facts.request_isn = r.isn;
    facts.has_ts_recent = (r.bits & Request::kTimestamps) != 0;
    facts.ts_recent = r.ts_recent;
    facts.invalid_ratelimit_ms = config.settings.invalid_ratelimit_ms;
    facts.sequence = in.seq();
    facts.sequence_length = in.segment.sequence_length();
    facts.has_timestamps = in.segment.options.has_timestamps;
    facts.ts_value = in.segment.options.ts_value;
    facts.since_last_reply_ms = r.last_reply_ms == 0 ? -1 : std::int64_t{in.now_ms - r.last_reply_ms};
    const auto decision = core::decide_existing(behaviours(), facts);
    const core::Row* why = decision.row.empty() ? nullptr : row(decision.row);
    switch (decision.reply) {
        case ExistingReply::synack_again:
            if (behaviours().duplicate_rate_limited) r.last_reply_ms = in.now_ms;
            r.last_ms = in.now_ms;
            if (r.resends < 255) ++r.resends;
            send_synack(r, true, out);
            if (behaviours().duplicate_restarts_timer) {
                const auto rto = static_cast<std::uint32_t>(behaviours().initial_rto_ms)
                                 << std::min<int>(r.timeouts, 7);
                set_request_timer(i, in.now_ms, std::min(rto, kMaxRtoMs));
            }
            return {Fate::synack_again, nullptr};
        case ExistingReply::rst:
            count(Counter::tcp_attempt_fails);
            count(Counter::embryonic_rsts);
            send_reset(in, out);
            drop_request(i);
            return {Fate::reset, why};
        case ExistingReply::ack:
        case ExistingReply::silence:
            if (decision.paws_old) count(Counter::paws_estab);
            if (decision.reply == ExistingReply::silence) {
                count(Counter::tcp_ack_skipped_syn_recv);
                return {Fate::silence, why};
            }
            if (behaviours().request_ack_rate_limited) r.last_reply_ms = in.now_ms;
            break;
        case ExistingReply::listen: break;  // not for a request
    }
    send_request_ack(r, in, facts.window, out);
    return {Fate::bare_ack, why};
}

/// Everything that is not a pure SYN, in tcp_check_req's order.
Outcome Server::Impl::request_ack(std::uint32_t i, const Received& in, Outbox& out) {
    Request& r = requests[i];
    const std::uint32_t number = r.listener;
    const core::TcpOptions& options = in.segment.options;
    const bool timestamps = (r.bits & Request::kTimestamps) != 0;
    if (in.has(flag::ack) && in.ack() != r.iss + 1) {
        // Goes on to the listener, which knows no ACK; from 4.4 on it may still be a cookie.
        if (behaviours().request_in_ehash) return listener_receive(number, in, false, 0, out);
        return no_socket(in, row<"final-ack.wrong-number">(), out);
    }
    const std::uint32_t window = initial_window(is_ipv6(r.key), timestamps);
    const bool saw_timestamp = timestamps && options.has_timestamps;
    bool paws_old = saw_timestamp && core::paws_refuses(behaviours(), r.ts_recent, 0, options.ts_value, 0);
    if (paws_old && in.has(flag::rst) && in.now_ms - r.first_ms >= kPawsMslS * 1000) paws_old = false;
    const std::uint32_t first_tsval = tsval_of(r.key, to_ns(r.first_ms));
    const std::uint32_t last_tsval = tsval_of(r.key, to_ns(r.last_ms));
    const bool echo_wrong = behaviours().tsecr_checked && saw_timestamp && options.ts_echo != 0 &&
                            options.ts_echo - first_tsval > last_tsval - first_tsval;
    const bool inside = core::in_window(in.seq(), in.segment.sequence_length(), r.isn + 1, window);
    if (paws_old || echo_wrong || !inside) {
        const bool limited =
            in.has(flag::rst) || (behaviours().request_ack_rate_limited &&
                                  request_reply_limited(r.last_reply_ms, in, Counter::tcp_ack_skipped_syn_recv));
        if (paws_old) {
            count(Counter::paws_estab);
        } else if (echo_wrong) {
            count(Counter::ts_ecr_rejected);
        }
        const core::Row* why = row(!paws_old && echo_wrong ? "final-ack.tsecr" : "final-ack.out-of-window");
        if (limited) return {Fate::silence, why};
        send_request_ack(r, in, window, out);
        return {Fate::bare_ack, why};
    }
    if (saw_timestamp && !core::seq_after(in.seq(), r.isn + 1)) r.ts_recent = options.ts_value;
    if (in.has(flag::rst) && behaviours().request_rst_needs_exact && in.seq() != r.isn + 1) {
        if (request_reply_limited(r.last_reply_ms, in, Counter::tcp_ack_skipped_challenge)) {
            return {Fate::silence, nullptr};
        }
        count(Counter::tcp_challenge_ack);
        send_request_ack(r, in, window, out);
        return {Fate::bare_ack, nullptr};
    }
    const bool syn_counts = in.has(flag::syn) && in.seq() != r.isn;
    if (in.has(flag::rst) || syn_counts) {
        count(Counter::tcp_attempt_fails);
        count(Counter::embryonic_rsts);
        const bool silent = in.has(flag::rst);
        if (!silent) send_reset(in, out);
        drop_request(i);
        return {silent ? Fate::processed : Fate::reset, silent ? nullptr : row<"request.in-window">()};
    }
    if (!in.has(flag::ack)) return {Fate::silence, nullptr};
    Listener& listener = listeners[number];
    if (r.timeouts < listener.defer_timeouts && in.end_seq() == r.isn + 1) {
        r.bits |= Request::kAcked;
        count(Counter::tcp_defer_accept_drop);
        return {Fate::silence, row<"final-ack.defer-accept">()};
    }
    if (listener.accept_queue.size() > listener.limit || sockets.used() >= config.max_sockets) {
        const bool full = listener.accept_queue.size() > listener.limit;
        if (full) {
            count(Counter::listen_overflows);
        } else {
            ++refused;
        }
        count(Counter::listen_drops);
        if (behaviours().sk_drops_counted) ++listener.sk_drops;
        if (config.settings.abort_on_overflow != 0) {
            count(Counter::embryonic_rsts);
            send_reset(in, out);
            drop_request(i);
            return {Fate::reset, row<"final-ack.abort">()};
        }
        r.bits |= Request::kAcked;
        return {Fate::silence, row(full ? "final-ack.accept-queue" : "final-ack.child-failed")};
    }
    const Request finished = r;
    // Out of the index, but the peer's number goes on with the connection.
    flows.erase(handle_of(Kind::request, i));
    --listener.requests;
    if (r.timeouts == 0) --listener.young;
    r.bits = 0;
    requests.give_back(i);
    return complete(number, in, finished, out);
}

/// net/ipv4/tcp_ipv4.c:tcp_v4_syn_recv_sock and the child's first segment.
Outcome Server::Impl::complete(std::uint32_t number, const Received& in, const Request& r, Outbox& out) {
    const std::uint32_t i = sockets.take();
    Socket& s = sockets[i];
    s.alive = s.hashed = true;
    s.generation = ++generation;
    s.key = r.key;
    s.listener = number;
    s.state = State::established;
    s.agreed = {r.peer_mss,
                static_cast<std::uint8_t>(r.scales & 0xfU),
                static_cast<std::uint8_t>(r.scales >> 4U),
                (r.bits & Request::kTimestamps) != 0,
                (r.bits & Request::kSack) != 0,
                (r.bits & Request::kScaling) != 0};
    s.isn = r.isn;
    s.iss = r.iss;
    s.rcv_nxt = r.isn + 1;
    s.receive_window = initial_window(is_ipv6(r.key), s.agreed.timestamps);
    s.snd_una = s.snd_nxt = r.iss + 1;
    s.congestion_window = 10U * s.agreed.peer_mss;
    s.ts_recent = r.ts_recent;
    s.ts_recent_s = second_of(in.now_ns);
    s.has_ts_recent = s.agreed.timestamps;
    s.rto_ms = static_cast<std::uint32_t>(behaviours().initial_rto_ms);
    if (r.resends == 0) {
        measure_rtt(s, in.now_ms - r.first_ms);
    } else if (behaviours().initial_rto_ms < 3000) {
        s.rto_ms = 3000;  // RFC 6298 5.7
    }
    flows.insert(handle_of(Kind::socket, i));
    count(Counter::tcp_passive_opens);
    listeners[number].accept_queue.push_back(id_of(i));
    Outcome rest = socket_receive(i, in, out);
    return {Fate::established, nullptr, id_of(i), rest.new_bytes, rest.skip_bytes, rest.peer_closed};
}

void Server::Impl::drop_request(std::uint32_t i) {
    Request& r = requests[i];
    flows.erase(handle_of(Kind::request, i));
    Listener& listener = listeners[r.listener];
    --listener.requests;
    if (r.timeouts == 0) --listener.young;
    release_peer(r.key);
    r.bits = 0;
    requests.give_back(i);
}

// ------------------------------------------------------------------------------------------------------------ timer

/// When the sweep of the SYN table that begins every 200 ms next reaches this request. Two fifths of the table (with
/// the 3 s timeout two fifteenths) are looked at in each.
std::uint32_t Server::Impl::swept_ms(const Request& r, const Listener& listener, std::uint32_t due_ms) const {
    if (!behaviours().requests_swept || lateness != nullptr) return due_ms;
    const std::uint32_t table = std::max<std::uint32_t>(listener.syn_table, 1);
    const auto parts = static_cast<std::uint32_t>(behaviours().initial_rto_ms) / kSweepMs;
    const std::uint32_t budget = std::max<std::uint32_t>(2 * (table / parts), 1);
    const auto place = static_cast<std::uint32_t>(hash_of(r.key, config.secret ^ 0x5e41U)) % table;
    std::uint32_t sweep = due_ms > listener.sweep_ms ? (due_ms - listener.sweep_ms + kSweepMs - 1) / kSweepMs : 0;
    for (;; ++sweep) {
        const auto hand = static_cast<std::uint32_t>(std::uint64_t{sweep} * budget % table);
        if ((place + table - hand) % table < budget) return listener.sweep_ms + sweep * kSweepMs;
    }
}

void Server::Impl::set_request_timer(std::uint32_t i, std::uint32_t now_ms, std::uint32_t delay_ms) {
    Request& r = requests[i];
    const std::uint32_t due = swept_ms(r, listeners[r.listener], now_ms + delay_ms);
    const bool first = r.timeouts == 0 && !behaviours().requests_swept;
    r.due_ms = due;
    r.bits &= static_cast<std::uint8_t>(~Request::kAskedLate);
    timers.add(due, handle_of(Kind::request, i), first ? TimerQueue::kFirstResend : TimerQueue::kHeap);
}

/// Half full: old requests have to make room earlier.
int Server::Impl::allowed_retries(const Listener& listener) const {
    int retries =
        listener.options.synack_retries != 0 ? listener.options.synack_retries : config.settings.synack_retries;
    const bool crowded = behaviours().request_in_ehash
                             ? listener.requests * 2 > std::max<std::uint32_t>(8, listener.limit)
                             : listener.requests >= listener.syn_table / 2;
    if (!crowded) return retries;
    std::uint64_t young = std::uint64_t{listener.young} * 2;
    while (retries > 2 && listener.requests >= young) {
        --retries;
        young *= 2;
    }
    return retries;
}

/// net/ipv4/inet_connection_sock.c:syn_ack_recalc
bool Server::Impl::request_expires(const Request& r, const Listener& listener) const {
    const bool spent = r.timeouts >= allowed_retries(listener);
    if (listener.defer_timeouts == 0) return spent;
    return spent && ((r.bits & Request::kAcked) == 0 || r.timeouts >= listener.defer_timeouts);
}

bool Server::Impl::request_resends(const Request& r, const Listener& listener) const {
    if (listener.defer_timeouts == 0) return true;
    return (r.bits & Request::kAcked) == 0 || r.timeouts + 1U >= listener.defer_timeouts;
}

void Server::Impl::request_timer(std::uint32_t i, std::int64_t now_ns, Outbox& out) {
    Request& r = requests[i];
    Listener& listener = listeners[r.listener];
    if (!listener.open) return drop_request(i);
    const bool expires = request_expires(r, listener);
    count(Counter::tcp_timeouts);
    if (expires) return drop_request(i);
    const bool resends = request_resends(r, listener);
    if (resends && !config.network.has_route_to(peer_address(r.key)) && (r.bits & Request::kAcked) == 0) {
        return drop_request(i);
    }
    const std::uint32_t now_ms = to_ms(now_ns);
    if (resends) {
        r.last_ms = now_ms;
        if (r.resends < 255) ++r.resends;
        send_synack(r, true, out);
    }
    if (r.timeouts++ == 0) --listener.young;
    const auto rto = static_cast<std::uint32_t>(behaviours().initial_rto_ms) << std::min<int>(r.timeouts, 7);
    set_request_timer(i, now_ms, std::min(rto, kMaxRtoMs));
}

}  // namespace synwhy::model
