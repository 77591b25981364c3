// What does a connection do with a segment?
//
// net/ipv4/tcp_input.c:tcp_validate_incoming, then the ACK, the data and the FIN in tcp_rcv_state_process's order.
// Left out: out-of-order data is not kept (the sender repeats it), urgent data, window probes.
#include <algorithm>

#include "model/server_impl.hpp"

namespace synwhy::model {

using core::Existing;
using core::ExistingFacts;
using core::ExistingReply;
using core::Row;
namespace flag = core::tcp_flag;

namespace {

bool takes_data(State state) {
    return state == State::established || state == State::fin_wait1 || state == State::fin_wait2;
}

bool counts_as_reset(State state) { return state == State::established || state == State::close_wait; }

}  // namespace

/// net/ipv4/tcp_input.c:tcp_paws_discard; an ACK that only came late and says nothing new is let through.
bool Server::Impl::paws_discards(const Socket& s, const Received& in) const {
    if (!s.agreed.timestamps || !in.segment.options.has_timestamps) return false;
    const std::uint32_t value = in.segment.options.ts_value;
    const std::int64_t age_s = std::int64_t{second_of(in.now_ns)} - s.ts_recent_s;
    if (!core::paws_refuses(behaviours(), s.ts_recent, age_s, value, 1)) return false;
    const bool pure_ack = in.has(flag::ack) && in.seq() == in.end_seq() && in.seq() == s.rcv_nxt;
    const bool says_nothing =
        in.ack() == s.snd_una && (std::uint32_t{in.segment.window} << s.agreed.send_scale) == s.send_window;
    const auto behind = static_cast<std::int64_t>(core::ts_older_by(s.ts_recent, value));
    return !(pure_ack && says_nothing && behind <= std::int64_t{s.rto_ms} * 1024 / 1000);
}

/// net/ipv4/tcp_input.c:tcp_replace_ts_recent
void Server::Impl::store_timestamp(Socket& s, const Received& in) {
    if (!s.agreed.timestamps || !in.segment.options.has_timestamps || core::seq_after(in.seq(), s.rcv_nxt)) return;
    const std::uint32_t value = in.segment.options.ts_value;
    if (core::ts_older_by(s.ts_recent, value) > 0 &&
        core::paws_refuses(behaviours(), s.ts_recent, std::int64_t{second_of(in.now_ns)} - s.ts_recent_s, value, 0)) {
        return;
    }
    s.ts_recent = value;
    s.ts_recent_s = second_of(in.now_ns);
    s.has_ts_recent = true;
}

/// net/ipv4/tcp_input.c:tcp_send_dupack
void Server::Impl::send_duplicate_ack(Socket& s, const Received& in, Outbox& out) {
    if (in.end_seq() != in.seq() && core::seq_before(in.seq(), s.rcv_nxt)) {
        count(Counter::delayed_ack_lost);
        if (s.agreed.sack) count(Counter::tcp_dsack_old_sent);
    }
    send_ack(s, index_of(flows.find(s.key)), in.now_ns, out);
}

Outcome Server::Impl::challenge(std::uint32_t i, const Received& in, const Row* why, bool limited, Outbox& out) {
    Socket& s = sockets[i];
    if (limited) {
        count(Counter::tcp_ack_skipped_challenge);
        return {Fate::silence, row<"full-socket.rate-limit">(), id_of(i)};
    }
    const std::uint32_t second = in.now_ms / 1000;
    if (second != challenge_second) {
        challenge_second = second;
        challenges_this_second = 0;
    }
    if (challenges_this_second >= config.settings.challenge_ack_limit) {
        return {Fate::silence, row<"full-socket.host-limit">(), id_of(i)};
    }
    ++challenges_this_second;
    s.last_reply_ms = in.now_ms;
    count(Counter::tcp_challenge_ack);
    send_ack(s, i, in.now_ns, out);
    return {Fate::bare_ack, why, id_of(i)};
}

Outcome Server::Impl::socket_syn(std::uint32_t i, const Received& in, Outbox& out) {
    Socket& s = sockets[i];
    ExistingFacts facts;
    facts.state = s.state == State::established ? Existing::established : Existing::closing;
    facts.rcv_nxt = s.rcv_nxt;
    facts.window = s.receive_window;
    facts.sequence = in.seq();
    facts.sequence_length = in.segment.sequence_length();
    facts.has_timestamps = in.segment.options.has_timestamps;
    facts.ts_value = in.segment.options.ts_value;
    facts.ts_recent = s.ts_recent;
    facts.has_ts_recent = paws_discards(s, in);  // the window of one tick is the connection's own
    facts.ts_recent_age_s = std::int64_t{second_of(in.now_ns)} - s.ts_recent_s;
    facts.invalid_ratelimit_ms = config.settings.invalid_ratelimit_ms;
    facts.since_last_reply_ms = s.last_reply_ms == 0 ? -1 : std::int64_t{in.now_ms - s.last_reply_ms};
    core::Behaviours rules = behaviours();
    // A SYN that also has ACK gets past the test that throws plain SYNs away.
    if (in.has(flag::ack) && rules.syn_on_established == core::SynOnEstablished::ignored) {
        rules.syn_on_established = core::SynOnEstablished::challenge;
    }
    const auto decision = core::decide_existing(rules, facts);
    const Row* why = row(decision.row);
    const bool always = rules.syn_on_established == core::SynOnEstablished::challenge_always;
    if (decision.paws_old && !always && decision.row != "full-socket.ignored") {
        count(Counter::paws_estab);
        if (decision.reply == ExistingReply::silence) {
            count(Counter::tcp_ack_skipped_paws);
            return {Fate::silence, why, id_of(i)};
        }
        if (rules.duplicate_rate_limited) s.last_reply_ms = in.now_ms;
        send_duplicate_ack(s, in, out);
        return {Fate::bare_ack, why, id_of(i)};
    }
    if (decision.row == "full-socket.ignored") return {Fate::silence, why, id_of(i)};
    if (decision.row == "full-socket.duplicate-ack") {
        send_duplicate_ack(s, in, out);
        return {Fate::bare_ack, why, id_of(i)};
    }
    if (s.state == State::established) count(Counter::tcp_in_errs);
    if (decision.reply == ExistingReply::rst) {
        count(Counter::tcp_abort_on_syn);
        if (counts_as_reset(s.state)) count(Counter::tcp_estab_resets);
        const SocketId id = id_of(i);
        s.reset = true;
        kill_socket(i);
        send_reset(in, out);
        return {Fate::reset, why, id};
    }
    count(Counter::tcp_syn_challenge);
    return challenge(i, in, why, decision.reply == ExistingReply::silence, out);
}

Outcome Server::Impl::refuse_old(std::uint32_t i, const Received& in, Outbox& out) {
    Socket& s = sockets[i];
    count(Counter::paws_estab);
    if (request_reply_limited(s.last_reply_ms, in, Counter::tcp_ack_skipped_paws)) {
        return {Fate::silence, row<"full-socket.paws">(), id_of(i)};
    }
    send_duplicate_ack(s, in, out);
    return {Fate::bare_ack, row<"full-socket.paws">(), id_of(i)};
}

Outcome Server::Impl::refuse_outside(std::uint32_t i, const Received& in, Outbox& out) {
    Socket& s = sockets[i];
    if (in.has(flag::rst)) return {Fate::silence, nullptr, id_of(i)};
    if (request_reply_limited(s.last_reply_ms, in, Counter::tcp_ack_skipped_seq)) {
        return {Fate::silence, nullptr, id_of(i)};
    }
    send_duplicate_ack(s, in, out);
    return {Fate::bare_ack, nullptr, id_of(i)};
}

bool Server::Impl::challenge_limited(const Socket& s, std::uint32_t now_ms) const {
    const auto limit_ms = static_cast<std::uint32_t>(std::max(0, config.settings.invalid_ratelimit_ms));
    return behaviours().established_reply_rate_limited && s.last_reply_ms != 0 && now_ms - s.last_reply_ms < limit_ms;
}

/// RFC 5961 3.2: a RST anywhere in the window but at rcv_nxt is challenged.
Outcome Server::Impl::take_reset(std::uint32_t i, const Received& in, Outbox& out) {
    Socket& s = sockets[i];
    const SocketId id = id_of(i);
    if (behaviours().rst_needs_exact_sequence && in.seq() != s.rcv_nxt) {
        return challenge(i, in, nullptr, challenge_limited(s, in.now_ms), out);
    }
    if (counts_as_reset(s.state)) count(Counter::tcp_estab_resets);
    s.reset = true;
    kill_socket(i);
    return {Fate::processed, nullptr, id};
}

std::optional<Outcome> Server::Impl::refuse_segment(std::uint32_t i, const Received& in, Outbox& out) {
    Socket& s = sockets[i];
    const bool bare = !in.has(flag::ack) && !in.has(flag::rst);
    if (bare && behaviours().syn_on_established == core::SynOnEstablished::ignored) {
        return Outcome{Fate::silence, nullptr, id_of(i)};
    }
    if (paws_discards(s, in) && !in.has(flag::rst)) return refuse_old(i, in, out);
    const bool inside =
        !core::seq_before(in.end_seq(), s.rcv_nxt) && !core::seq_after(in.seq(), s.rcv_nxt + s.receive_window);
    if (!inside) return refuse_outside(i, in, out);
    if (in.has(flag::rst)) return take_reset(i, in, out);
    if (bare) return Outcome{Fate::silence, nullptr, id_of(i)};
    return std::nullopt;
}

// -------------------------------------------------------------------------------------------------- ACK, data, FIN

/// RFC 5961 5.2: an ACK of the far past, and in the newest kernels one of the future, is challenged.
Outcome Server::Impl::refuse_ack(std::uint32_t i, const Received& in, AckTaken why, Outbox& out) {
    const bool challenged = why == AckTaken::too_old || behaviours().unsent_ack_challenged;
    if (!challenged) return {Fate::silence, nullptr, id_of(i)};
    return challenge(i, in, nullptr, challenge_limited(sockets[i], in.now_ms), out);
}

/// net/ipv4/tcp_input.c:tcp_ack
Server::Impl::AckTaken Server::Impl::take_ack(std::uint32_t i, const Received& in, Outbox& out) {
    Socket& s = sockets[i];
    if (core::seq_after(in.ack(), s.snd_nxt)) return AckTaken::unsent;
    const std::uint32_t window = std::uint32_t{in.segment.window} << s.agreed.send_scale;
    if (core::seq_before(in.ack(), s.snd_una)) {
        const std::uint32_t acknowledged = s.snd_una - s.iss - 1;
        const std::uint32_t reach =
            behaviours().old_ack_window_by_bytes ? std::min(s.largest_window, acknowledged) : s.largest_window;
        const bool ancient = core::seq_before(in.ack(), s.snd_una - reach);
        return ancient && behaviours().rst_needs_exact_sequence ? AckTaken::too_old : AckTaken::fine;
    }
    s.largest_window = std::max(s.largest_window, window);
    if (in.ack() == s.snd_una) {
        const bool duplicate = in.seq() == in.end_seq() && s.snd_nxt != s.snd_una && window == s.send_window;
        s.send_window = window;
        if (duplicate && s.duplicate_acks < 255 && ++s.duplicate_acks == 3 && !s.recovering) {
            s.recovering = true;
            s.recover = s.snd_nxt;
            retransmit(i, in.now_ns, out);
        }
        return AckTaken::fine;
    }
    const std::uint32_t acked = in.ack() - s.snd_una;
    s.send_window = window;
    s.snd_una = in.ack();
    s.congestion_window = std::min(s.congestion_window + acked, 1U << 20U);
    s.duplicate_acks = 0;
    if (s.recovering && !core::seq_before(in.ack(), s.recover)) s.recovering = false;
    if (s.backoff == 0 && !s.recovering) measure_rtt(s, in.now_ms - s.sent_ms);
    set_rto(s);  // progress ends the backing off
    s.backoff = 0;
    s.due_ms = 0;
    if (s.snd_una != s.snd_nxt) {
        s.sent_ms = in.now_ms;
        set_socket_timer(i, in.now_ms, s.rto_ms);
        if (s.recovering) retransmit(i, in.now_ns, out);
    }
    return AckTaken::fine;
}

void Server::Impl::take_data(std::uint32_t i, const Received& in, Outcome& outcome, bool& must_ack) {
    Socket& s = sockets[i];
    const std::uint32_t length = in.segment.payload_length;
    if (length == 0) return;
    must_ack = true;
    const std::uint32_t start = in.seq() + (in.has(flag::syn) ? 1U : 0U);
    if (!core::seq_after(start + length, s.rcv_nxt)) {
        count(Counter::delayed_ack_lost);
        if (s.agreed.sack) count(Counter::tcp_dsack_old_sent);
        return;
    }
    if (core::seq_after(start, s.rcv_nxt)) return;
    outcome.skip_bytes = s.rcv_nxt - start;
    outcome.new_bytes = length - outcome.skip_bytes;
    s.rcv_nxt += outcome.new_bytes;
    s.unread += outcome.new_bytes;
}

void Server::Impl::take_fin(std::uint32_t i, const Received& in, Outbox& out) {
    Socket& s = sockets[i];
    ++s.rcv_nxt;
    s.peer_closed = true;
    switch (s.state) {
        case State::established:
            s.state = State::close_wait;
            send_ack(s, i, in.now_ns, out);
            return;
        case State::fin_wait1:
            s.state = State::closing;
            send_ack(s, i, in.now_ns, out);
            return;
        case State::fin_wait2:
            send_ack(s, i, in.now_ns, out);
            make_bucket(i, false, 0, in.now_ns);
            return;
        case State::syn_recv:
        case State::time_wait:
        case State::close_wait:
        case State::last_ack:
        case State::closing:
        case State::closed: return;
    }
}

/// Our FIN has just been acknowledged; true when the segment is done with (the socket may be gone).
bool Server::Impl::after_fin_acked(std::uint32_t i, const Received& in, Outbox& out, Outcome& outcome) {
    Socket& s = sockets[i];
    switch (s.state) {
        case State::fin_wait1: {
            s.state = State::fin_wait2;
            if (!s.orphan) return false;
            const std::uint32_t data_end = in.end_seq() - (in.has(flag::fin) ? 1U : 0U);
            if (in.seq() != in.end_seq() && core::seq_after(data_end, s.rcv_nxt)) {
                count(Counter::tcp_abort_on_data);
                kill_socket(i);
                send_reset(in, out);
                outcome.fate = Fate::reset;
                return true;
            }
            if (in.has(flag::fin)) return false;
            make_bucket(i, true, static_cast<std::uint32_t>(std::max(0, config.settings.fin_timeout_s)) * 1000,
                        in.now_ns);
            return true;
        }
        case State::closing: make_bucket(i, false, 0, in.now_ns); return true;
        case State::last_ack: {
            if (s.srtt_8 != 0) {
                const bool is_new = memory.find(memory_key(s.key)) == nullptr;
                if (PeerEntry* peer = memory.find_or_make(memory_key(s.key))) {
                    peer->bits |= PeerEntry::kRtt;
                    if (is_new && is_ipv6(s.key)) ++peer_uses[s.key.peer];
                }
            }
            kill_socket(i);
            return true;
        }
        case State::syn_recv:
        case State::established:
        case State::fin_wait2:
        case State::time_wait:
        case State::close_wait:
        case State::closed: return false;
    }
    return false;
}

Outcome Server::Impl::socket_receive(std::uint32_t i, const Received& in, Outbox& out) {
    const SocketId id = id_of(i);
    if (behaviours().min_ttl_exists && in.segment.ttl < listeners[sockets[i].listener].options.min_ttl &&
        sockets[i].accepted_ttl) {
        count(Counter::tcp_min_ttl_drop);
        return {Fate::silence, row<"tcp.min-ttl">(), id};
    }
    sockets[i].accepted_ttl = true;
    if (in.has(flag::syn) && !in.has(flag::rst) && sockets[i].rcv_nxt != in.seq() + 1) return socket_syn(i, in, out);
    if (in.has(flag::syn) && !in.has(flag::rst) && !in.has(flag::ack)) return socket_syn(i, in, out);
    if (auto refused_here = refuse_segment(i, in, out)) return *refused_here;
    Outcome outcome{Fate::processed, nullptr, id};
    if (const AckTaken taken = take_ack(i, in, out); taken != AckTaken::fine) return refuse_ack(i, in, taken, out);
    store_timestamp(sockets[i], in);
    const bool fin_acked = sockets[i].fin_sent && sockets[i].snd_una == sockets[i].snd_nxt;
    if (fin_acked && after_fin_acked(i, in, out, outcome)) return outcome;
    Socket& s = sockets[i];
    bool must_ack = false;
    if (takes_data(s.state)) {
        const std::uint32_t data_end = in.end_seq() - (in.has(flag::fin) ? 1U : 0U);
        if (s.orphan && in.segment.payload_length != 0 && core::seq_after(data_end, s.rcv_nxt)) {
            count(Counter::tcp_abort_on_data);
            kill_socket(i);
            send_reset(in, out);
            outcome.fate = Fate::reset;
            return outcome;
        }
        take_data(i, in, outcome, must_ack);
    } else if (in.segment.payload_length != 0) {
        must_ack = true;
    }
    if (in.has(flag::fin)) {
        if (in.end_seq() - 1 == s.rcv_nxt && takes_data(s.state)) {
            outcome.peer_closed = true;
            take_fin(i, in, out);
            return outcome;
        }
        must_ack = true;
    }
    if (must_ack) send_ack(s, i, in.now_ns, out);
    push(i, in.now_ns, out);
    return outcome;
}

}  // namespace synwhy::model
