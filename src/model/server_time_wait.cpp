// What do TIME_WAIT and the FIN_WAIT2 of a closed socket do with a segment, and how long do they last?
//
// net/ipv4/tcp_minisocks.c:tcp_timewait_state_process, tcp_time_wait; net/ipv4/inet_timewait_sock.c
#include <algorithm>

#include "model/server_impl.hpp"

namespace synwhy::model {

using core::Existing;
using core::ExistingFacts;
using core::ExistingReply;
using core::Segment;
namespace flag = core::tcp_flag;

namespace {

constexpr std::uint32_t kShortMs = 4000;  ///< up to here a bucket counts as TWKilled
constexpr std::uint32_t kSlotMs = 7500;   ///< slow wheel: 8 slots over 60 s
constexpr std::uint32_t kTickMs = 128;    ///< fast wheel: 32 ticks over 4 s, a power of two of jiffies

}  // namespace

void Server::Impl::send_bucket_ack(const Bucket& b, std::int64_t now_ns, Outbox& out) {
    Segment reply = reply_frame(b.key);
    reply.flags = flag::ack;
    reply.sequence = b.snd_nxt;
    reply.acknowledgment = b.rcv_nxt;
    reply.window = b.window;
    if ((b.bits & Bucket::kTimestamps) != 0) {
        reply.options.has_timestamps = true;
        reply.options.ts_value = tsval_of(b.key, now_ns);
        reply.options.ts_echo = b.ts_recent;
    }
    emit(reply, out);
}

Outcome Server::Impl::bucket_receive(std::uint32_t i, const Received& in, Outbox& out) {
    const Bucket& b = buckets[i];
    if ((in.segment.flags & (flag::syn | flag::ack | flag::rst)) == flag::syn) return bucket_syn(i, in, out);
    bool old = (b.bits & Bucket::kTimestamps) != 0 && in.segment.options.has_timestamps &&
               core::paws_refuses(behaviours(), b.ts_recent, std::int64_t{second_of(in.now_ns)} - b.ts_recent_s,
                                  in.segment.options.ts_value, 0);
    // A RST with an old timestamp is still honoured when that timestamp is from another minute.
    if (old && in.has(flag::rst) && second_of(in.now_ns) - b.ts_recent_s >= kPawsMslS) old = false;
    if ((b.bits & Bucket::kFinWait2) == 0) return time_wait_receive(i, in, old, out);
    const bool inside =
        core::in_window(in.seq(), in.segment.sequence_length(), b.rcv_nxt, std::uint32_t{b.window} << b.receive_scale);
    if (old || !inside) {
        if (in.has(flag::rst) && behaviours().duplicate_rate_limited && inside) return {Fate::silence, nullptr};
        return bucket_ack(i, in, false, out);
    }
    return fin_wait2_receive(i, in, out);
}

Outcome Server::Impl::bucket_syn(std::uint32_t i, const Received& in, Outbox& out) {
    Bucket& b = buckets[i];
    ExistingFacts facts;
    const bool fin_wait2 = (b.bits & Bucket::kFinWait2) != 0;
    facts.state = fin_wait2 ? Existing::fin_wait2_bucket : Existing::time_wait;
    facts.rcv_nxt = b.rcv_nxt;
    facts.window = std::uint32_t{b.window} << b.receive_scale;
    facts.has_ts_recent = (b.bits & Bucket::kTimestamps) != 0;
    facts.ts_recent = b.ts_recent;
    facts.ts_recent_age_s = std::int64_t{second_of(in.now_ns)} - b.ts_recent_s;
    facts.invalid_ratelimit_ms = config.settings.invalid_ratelimit_ms;
    facts.sequence = in.seq();
    facts.sequence_length = in.segment.sequence_length();
    facts.has_timestamps = in.segment.options.has_timestamps;
    facts.ts_value = in.segment.options.ts_value;
    facts.since_last_reply_ms = b.last_reply_ms == 0 ? -1 : std::int64_t{in.now_ms - b.last_reply_ms};
    const auto decision = core::decide_existing(behaviours(), facts);
    switch (decision.reply) {
        case ExistingReply::listen: {
            const auto listener = destination_of(in.segment.destination).listener;
            if (!listener) {
                send_bucket_ack(b, in.now_ns, out);
                return {Fate::bare_ack, row<"time-wait.no-listener">()};
            }
            constexpr std::uint32_t kApart = 65535 + 2;
            const std::uint32_t isn =
                behaviours().reopened_isn_is_fresh ? fresh_isn(b.key, in.now_ns) : std::max(b.snd_nxt + kApart, 1U);
            end_bucket(i, false);
            Outcome outcome = listener_receive(*listener, in, true, isn, out);
            outcome.reopened = true;
            return outcome;
        }
        case ExistingReply::rst:
            send_reset(in, out);
            end_bucket(i, false);
            return {Fate::reset, row(decision.row)};
        case ExistingReply::ack:
        case ExistingReply::silence:
        case ExistingReply::synack_again: break;
    }
    const std::size_t before = out.size();
    bucket_ack(i, in, decision.paws_old && !fin_wait2, out);
    return {out.size() > before ? Fate::bare_ack : Fate::silence, row(decision.row)};
}

/// The ACK that answers what TIME_WAIT does not accept; an old timestamp or an ACK starts the minute again.
Outcome Server::Impl::bucket_ack(std::uint32_t i, const Received& in, bool paws_old, Outbox& out) {
    Bucket& b = buckets[i];
    const bool fin_wait2 = (b.bits & Bucket::kFinWait2) != 0;
    if (paws_old) {
        count(behaviours().paws_timewait_counter ? Counter::paws_timewait : Counter::paws_estab);
    }
    if (in.has(flag::rst) && !fin_wait2) return {Fate::silence, nullptr};
    if (!fin_wait2 && (paws_old || in.has(flag::ack))) schedule_bucket(i, in.now_ms, kTimeWaitMs, false);
    const Counter skipped = fin_wait2 ? Counter::tcp_ack_skipped_fin_wait2 : Counter::tcp_ack_skipped_time_wait;
    if (request_reply_limited(b.last_reply_ms, in, skipped)) return {Fate::silence, row<"time-wait.rate-limit">()};
    send_bucket_ack(b, in.now_ns, out);
    return {Fate::bare_ack, nullptr};
}

/// Inside the window of an orphan that waits for the peer's FIN.
Outcome Server::Impl::fin_wait2_receive(std::uint32_t i, const Received& in, Outbox& out) {
    Bucket& b = buckets[i];
    if (in.has(flag::rst)) {
        end_bucket(i, false);
        return {Fate::processed, nullptr};
    }
    const bool syn_inside = in.has(flag::syn) && !core::seq_before(in.seq(), b.rcv_nxt);
    const bool nothing_new =
        !in.has(flag::ack) || !core::seq_after(in.end_seq(), b.rcv_nxt) || in.seq() == in.end_seq();
    if (!syn_inside && nothing_new) return {Fate::processed, nullptr};
    if (syn_inside || !in.has(flag::fin) || in.end_seq() != b.rcv_nxt + 1) {
        send_reset(in, out);
        end_bucket(i, false);
        return {Fate::reset, nullptr};
    }
    b.bits &= static_cast<std::uint8_t>(~Bucket::kFinWait2);
    b.rcv_nxt = in.end_seq();
    if ((b.bits & Bucket::kTimestamps) != 0 && in.segment.options.has_timestamps) {
        b.ts_recent = in.segment.options.ts_value;
        b.ts_recent_s = second_of(in.now_ns);
    }
    if (config.settings.tw_recycle != 0 && (b.bits & Bucket::kTimestamps) != 0) {
        if (PeerEntry* peer = memory.find_or_make(memory_key(b.key))) {
            const bool first = (peer->bits & PeerEntry::kStamp) == 0;
            if ((b.bits & Bucket::kUnstamped) == 0 &&
                (first || stamp_replaces(peer->ts, peer->second, b.ts_recent, b.ts_recent_s, second_of(in.now_ns)))) {
                peer->ts = b.ts_recent;
                peer->second = b.ts_recent_s;
                peer->bits |= PeerEntry::kStamp;
            }
        }
        schedule_bucket(i, in.now_ms, b.length_ms, false);
    } else {
        schedule_bucket(i, in.now_ms, kTimeWaitMs, false);
    }
    send_bucket_ack(b, in.now_ns, out);
    return {Fate::processed, nullptr, 0, 0, 0, true};
}

Outcome Server::Impl::time_wait_receive(std::uint32_t i, const Received& in, bool paws_old, Outbox& out) {
    Bucket& b = buckets[i];
    const bool empty_here = in.seq() == b.rcv_nxt && (in.seq() == in.end_seq() || in.has(flag::rst));
    if (!paws_old && empty_here) {
        if (in.has(flag::rst)) {
            if (config.settings.rfc1337 == 0) {
                end_bucket(i, false);
                return {Fate::processed, nullptr};
            }
        } else {
            schedule_bucket(i, in.now_ms, kTimeWaitMs, false);
        }
        if ((b.bits & Bucket::kTimestamps) != 0 && in.segment.options.has_timestamps) {
            b.ts_recent = in.segment.options.ts_value;
            b.ts_recent_s = second_of(in.now_ns);
        }
        return {Fate::processed, nullptr};
    }
    return bucket_ack(i, in, paws_old, out);
}

// --------------------------------------------------------------------------------------------------------- lifetime

/// How long the old wheels really take: whole slots of 7.5 s above 4 s, 128 ms ticks below.
std::uint32_t Server::Impl::wheel_ms(std::uint32_t delay_ms) const {
    if (!behaviours().time_wait_wheel) return delay_ms;
    if (delay_ms > kShortMs) {
        const std::uint32_t slots = std::clamp((delay_ms + kSlotMs - 1) / kSlotMs, 2U, 8U);
        return slots * kSlotMs;
    }
    return (delay_ms + kTickMs - 1) / kTickMs * kTickMs;
}

void Server::Impl::schedule_bucket(std::uint32_t i, std::uint32_t now_ms, std::uint32_t delay_ms, bool first) {
    Bucket& b = buckets[i];
    const bool is_short = delay_ms <= kShortMs;
    b.bits =
        static_cast<std::uint8_t>((b.bits & ~(Bucket::kShort | Bucket::kAskedLate)) | (is_short ? Bucket::kShort : 0));
    if (first && behaviours().tw_counted_when_scheduled) count(is_short ? Counter::tw_killed : Counter::tw);
    b.due_ms = now_ms + wheel_ms(delay_ms);
    timers.add(b.due_ms, handle_of(Kind::bucket, i),
               delay_ms == kTimeWaitMs ? TimerQueue::kTimeWait : TimerQueue::kHeap);
}

void Server::Impl::end_bucket(std::uint32_t i, bool by_timer) {
    Bucket& b = buckets[i];
    if (by_timer && !behaviours().tw_counted_when_scheduled) {
        count((b.bits & Bucket::kShort) != 0 ? Counter::tw_killed : Counter::tw);
    }
    flows.erase(handle_of(Kind::bucket, i));
    release_peer(b.key);
    b.bits = 0;
    buckets.give_back(i);
}

/// 3.6 to 3.13 file the stamp of an IPv4 client of a [::] listener where no IPv4 SYN looks.
bool Server::Impl::files_elsewhere(const Socket& s) const {
    const bool mapped = !is_ipv6(s.key) && listeners[s.listener].options.local.address.family == core::Family::ipv6;
    return mapped && !behaviours().v4_on_v6_listener_stamped;
}

/// net/ipv4/tcp_ipv4.c:tcp_v4_remember_stamp; true when the peer is remembered and TIME_WAIT may be short.
bool Server::Impl::remember_peer(const Socket& s, std::int64_t now_ns) {
    if (!s.has_ts_recent) return false;
    const bool ipv6 = is_ipv6(s.key);
    if (ipv6 && behaviours().host_paws == core::HostPaws::inetpeer) return false;
    if (files_elsewhere(s)) return true;
    const bool is_new = memory.find(memory_key(s.key)) == nullptr;
    PeerEntry* peer = memory.find_or_make(memory_key(s.key));
    if (peer == nullptr) {
        ++refused;
        return false;
    }
    if (is_new && ipv6) ++peer_uses[s.key.peer];  // the memory outlives the connection
    const bool first = (peer->bits & PeerEntry::kStamp) == 0;
    if (first || stamp_replaces(peer->ts, peer->second, s.ts_recent, s.ts_recent_s, second_of(now_ns))) {
        peer->ts = s.ts_recent;
        peer->second = s.ts_recent_s;
        peer->bits |= PeerEntry::kStamp;
    }
    return true;
}

/// net/ipv4/tcp_minisocks.c:tcp_time_wait. The connection's socket is gone afterwards.
void Server::Impl::make_bucket(std::uint32_t socket, bool fin_wait2, std::uint32_t timeout_ms, std::int64_t now_ns) {
    Socket& s = sockets[socket];
    const bool recycles = config.settings.tw_recycle != 0 && remember_peer(s, now_ns);
    const std::uint32_t rto_ms = s.rto_ms * 4 - s.rto_ms / 2;
    if (s.srtt_8 != 0 && s.backoff == 0) {
        const bool is_new = memory.find(memory_key(s.key)) == nullptr;
        if (PeerEntry* peer = memory.find_or_make(memory_key(s.key))) {
            peer->bits |= PeerEntry::kRtt;
            if (is_new && is_ipv6(s.key)) ++peer_uses[s.key.peer];
        }
    }
    const std::size_t most = static_cast<std::size_t>(std::max(0, config.settings.max_tw_buckets));
    if (buckets.used() >= std::min<std::size_t>(most, kMostEntries)) {
        count(Counter::tcp_time_wait_overflow);
        kill_socket(socket);
        return;
    }
    const std::uint32_t i = buckets.take();
    Bucket& b = buckets[i];
    b.key = s.key;
    b.rcv_nxt = s.rcv_nxt;
    b.snd_nxt = s.snd_nxt;
    b.ts_recent = s.ts_recent;
    b.ts_recent_s = s.ts_recent_s;
    b.receive_scale = s.agreed.receive_scale;
    b.window = static_cast<std::uint16_t>(std::min(s.receive_window >> b.receive_scale, 65535U));
    b.length_ms = recycles ? rto_ms : kTimeWaitMs;
    b.bits =
        static_cast<std::uint8_t>(Bucket::kAlive | (s.has_ts_recent ? Bucket::kTimestamps : 0) |
                                  (fin_wait2 ? Bucket::kFinWait2 : 0) | (files_elsewhere(s) ? Bucket::kUnstamped : 0));
    std::uint32_t timeout = std::max(timeout_ms, rto_ms);
    if (!recycles && !fin_wait2) timeout = kTimeWaitMs;
    // The bucket takes the 4-tuple and the peer's number over from the socket.
    flows.replace(handle_of(Kind::socket, socket), handle_of(Kind::bucket, i));
    s.hashed = false;
    schedule_bucket(i, to_ms(now_ns), timeout, true);
    kill_socket(socket);
}

}  // namespace synwhy::model
