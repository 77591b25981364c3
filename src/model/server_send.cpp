// What does a connection send of its own: data, FIN, ACK, RST, and when again?
//
// A sender with a growing window, RFC 6298 timers and fast retransmit: enough to serve a response over a lossy path.
// net/ipv4/tcp_output.c:tcp_write_xmit, net/ipv4/tcp_timer.c:tcp_retransmit_timer
#include <algorithm>

#include "model/server_impl.hpp"

namespace synwhy::model {

using core::Segment;
namespace flag = core::tcp_flag;

namespace {

constexpr int kRetries = 15;       ///< net.ipv4.tcp_retries2
constexpr int kOrphanRetries = 8;  ///< net.ipv4.tcp_orphan_retries=0 means this

}  // namespace

void Server::Impl::send_ack(Socket& s, std::uint32_t i, std::int64_t now_ns, Outbox& out) {
    Segment reply = reply_frame(s.key);
    reply.flags = flag::ack;
    reply.sequence = s.snd_nxt;
    reply.acknowledgment = s.rcv_nxt;
    const std::uint64_t room = s.receive_window > s.unread ? s.receive_window - s.unread : 0;
    reply.window = static_cast<std::uint16_t>(std::min<std::uint64_t>(room >> s.agreed.receive_scale, 65535));
    if (s.agreed.timestamps) {
        reply.options.has_timestamps = true;
        reply.options.ts_value = tsval_of(s.key, now_ns);
        reply.options.ts_echo = s.ts_recent;
    }
    emit(reply, out, id_of(i));
}

namespace {

/// Where in the application's stream a sequence number lies.
std::uint64_t offset_of(const Socket& s, std::uint32_t sequence) {
    // `written` is the only 64-bit number: count back from its end.
    const std::uint32_t end = s.iss + 1 + static_cast<std::uint32_t>(s.written);
    return s.written - (end - sequence);
}

std::uint32_t payload_of_segment(const Socket& s, std::uint32_t own_mss) {
    const std::uint32_t mss = std::clamp<std::uint32_t>(s.agreed.peer_mss, 88, own_mss);
    return mss - (s.agreed.timestamps ? 12U : 0U);
}

}  // namespace

void Server::Impl::push(std::uint32_t i, std::int64_t now_ns, Outbox& out) {
    Socket& s = sockets[i];
    const std::uint32_t end = s.iss + 1 + static_cast<std::uint32_t>(s.written);
    while (!s.fin_sent && core::seq_before(s.snd_nxt, end)) {
        const std::uint32_t in_flight = s.snd_nxt - s.snd_una;
        const std::uint32_t allowed = std::min(s.send_window, s.congestion_window);
        if (in_flight >= allowed) break;
        const std::uint32_t length =
            std::min({payload_of_segment(s, advertised_mss(is_ipv6(s.key))), end - s.snd_nxt, allowed - in_flight});
        send_ack(s, i, now_ns, out);
        Outgoing& sent = out.back();
        sent.segment.flags |= flag::psh;
        sent.segment.payload_length = length;
        sent.stream_offset = offset_of(s, s.snd_nxt);
        if (in_flight == 0) {
            s.sent_ms = to_ms(now_ns);
            set_socket_timer(i, s.sent_ms, s.rto_ms);
        }
        s.snd_nxt += length;
    }
    const bool shut_out = s.send_window == 0 && s.snd_una == s.snd_nxt && core::seq_before(s.snd_nxt, end);
    if (shut_out && s.due_ms == 0) set_socket_timer(i, to_ms(now_ns), s.rto_ms);
    if (s.fin_queued && !s.fin_sent && s.snd_nxt == end) send_fin(i, now_ns, out);
}

void Server::Impl::send_fin(std::uint32_t i, std::int64_t now_ns, Outbox& out) {
    Socket& s = sockets[i];
    send_ack(s, i, now_ns, out);
    out.back().segment.flags |= flag::fin;
    if (s.snd_nxt == s.snd_una) s.sent_ms = to_ms(now_ns);
    ++s.snd_nxt;
    s.fin_sent = true;
    if (s.due_ms == 0) set_socket_timer(i, to_ms(now_ns), s.rto_ms);
}

void Server::Impl::send_socket_reset(Socket& s, std::uint32_t i, std::int64_t now_ns, Outbox& out) {
    send_ack(s, i, now_ns, out);
    out.back().segment.flags |= flag::rst;
    count(Counter::tcp_out_rsts);
}

/// The oldest unacknowledged segment once more.
void Server::Impl::retransmit(std::uint32_t i, std::int64_t now_ns, Outbox& out) {
    Socket& s = sockets[i];
    if (s.snd_una == s.snd_nxt) return;
    const std::uint32_t end = s.iss + 1 + static_cast<std::uint32_t>(s.written);
    send_ack(s, i, now_ns, out);
    Outgoing& sent = out.back();
    sent.retransmission = true;
    sent.segment.sequence = s.snd_una;
    const std::uint32_t data_end = core::seq_before(s.snd_nxt, end) ? s.snd_nxt : end;
    if (core::seq_before(s.snd_una, data_end)) {
        sent.segment.flags |= flag::psh;
        sent.segment.payload_length =
            std::min(payload_of_segment(s, advertised_mss(is_ipv6(s.key))), data_end - s.snd_una);
        sent.stream_offset = offset_of(s, s.snd_una);
    } else {
        sent.segment.flags |= flag::fin;
    }
    count(Counter::tcp_retrans_segs);
}

/// net/ipv4/tcp_input.c:tcp_rtt_estimator (Jacobson and Karels, with a floor of 200 ms under the deviation)
void Server::Impl::measure_rtt(Socket& s, std::uint32_t rtt_ms) {
    const auto m = static_cast<std::int32_t>(std::min(std::max(rtt_ms, 1U), kMaxRtoMs));
    if (s.srtt_8 == 0) {
        s.srtt_8 = static_cast<std::uint32_t>(m) * 8;
        s.mdev_4 = static_cast<std::uint32_t>(m) * 2;
        s.rttvar_4 = std::max(s.mdev_4, kMinRtoMs);
    } else {
        std::int32_t error = m - static_cast<std::int32_t>(s.srtt_8 >> 3U);
        s.srtt_8 = static_cast<std::uint32_t>(static_cast<std::int32_t>(s.srtt_8) + error);
        const auto deviation = static_cast<std::int32_t>(s.mdev_4 >> 2U);
        if (error < 0) {
            error = -error - deviation;
            if (error > 0) error >>= 3;  // a sudden fall says little
        } else {
            error -= deviation;
        }
        s.mdev_4 = static_cast<std::uint32_t>(static_cast<std::int32_t>(s.mdev_4) + error);
        const std::uint32_t wanted = std::max(s.mdev_4, kMinRtoMs);
        s.rttvar_4 = wanted > s.rttvar_4 ? wanted : s.rttvar_4 - (s.rttvar_4 - wanted) / 4;
    }
    set_rto(s);
}

/// net/ipv4/tcp_input.c:tcp_set_rto; without any measured round trip the timeout stays what it is.
void Server::Impl::set_rto(Socket& s) {
    if (s.srtt_8 != 0) s.rto_ms = std::min((s.srtt_8 >> 3U) + s.rttvar_4, kMaxRtoMs);
}

void Server::Impl::set_socket_timer(std::uint32_t i, std::uint32_t now_ms, std::uint32_t delay_ms) {
    Socket& s = sockets[i];
    s.due_ms = now_ms + delay_ms;
    s.asked_late = false;
    timers.add(s.due_ms, handle_of(Kind::socket, i), TimerQueue::kHeap);
}

void Server::Impl::socket_timer(std::uint32_t i, std::int64_t now_ns, Outbox& out) {
    Socket& s = sockets[i];
    s.due_ms = 0;
    if (s.snd_una == s.snd_nxt) return probe_window(i, now_ns, out);
    count(Counter::tcp_timeouts);
    if (++s.backoff > (s.orphan ? kOrphanRetries : kRetries)) {
        s.reset = true;
        kill_socket(i);
        return;
    }
    s.recovering = true;
    s.recover = s.snd_nxt;
    retransmit(i, now_ns, out);
    s.rto_ms = std::min(s.rto_ms * 2, kMaxRtoMs);
    set_socket_timer(i, to_ms(now_ns), s.rto_ms);
}

/// The peer's window is closed and data waits: an old sequence number makes it say what it allows now.
/// net/ipv4/tcp_output.c:tcp_xmit_probe_skb
void Server::Impl::probe_window(std::uint32_t i, std::int64_t now_ns, Outbox& out) {
    Socket& s = sockets[i];
    const std::uint32_t end = s.iss + 1 + static_cast<std::uint32_t>(s.written);
    if (s.send_window != 0 || !core::seq_before(s.snd_nxt, end)) return;
    if (++s.backoff > kRetries) return kill_socket(i);
    send_ack(s, i, now_ns, out);
    out.back().segment.sequence = s.snd_una - 1;
    const auto delay_ms = std::min<std::uint64_t>(std::uint64_t{s.rto_ms} << s.backoff, kMaxRtoMs);
    set_socket_timer(i, to_ms(now_ns), static_cast<std::uint32_t>(delay_ms));
}

/// The process has closed it: FIN, or whatever its state leaves to do.
void Server::Impl::close_socket(std::uint32_t i, std::int64_t now_ns, Outbox& out) {
    Socket& s = sockets[i];
    s.orphan = true;
    if (!s.hashed) return free_socket(i);
    if (s.unread != 0) {
        count(Counter::tcp_abort_on_close);
        if (s.state == State::established || s.state == State::close_wait) count(Counter::tcp_estab_resets);
        send_socket_reset(s, i, now_ns, out);
        return kill_socket(i);
    }
    switch (s.state) {
        case State::established: s.state = State::fin_wait1; break;
        case State::close_wait: s.state = State::last_ack; break;
        case State::fin_wait2:
            return make_bucket(i, true, static_cast<std::uint32_t>(std::max(0, config.settings.fin_timeout_s)) * 1000,
                               now_ns);
        case State::syn_recv:
        case State::fin_wait1:
        case State::time_wait:
        case State::last_ack:
        case State::closing:
        case State::closed: break;
    }
    s.fin_queued = true;
    push(i, now_ns, out);
}

void Server::Impl::unhash(std::uint32_t i) {
    Socket& s = sockets[i];
    if (!s.hashed) return;
    flows.erase(handle_of(Kind::socket, i));
    release_peer(s.key);
    s.hashed = false;
}

void Server::Impl::free_socket(std::uint32_t i) {
    sockets[i].alive = false;
    sockets.give_back(i);
}

/// Gone for the network; the process may still hold it.
void Server::Impl::kill_socket(std::uint32_t i) {
    Socket& s = sockets[i];
    unhash(i);
    s.state = State::closed;
    s.due_ms = 0;
    if (s.orphan) free_socket(i);
}

}  // namespace synwhy::model
