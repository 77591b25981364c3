// What does a host that opened a connection make of a segment?
//
// net/ipv4/tcp_input.c:tcp_rcv_synsent_state_process, tcp_validate_incoming; net/ipv4/tcp_minisocks.c
#include <algorithm>

#include "core/existing.hpp"
#include "core/seq.hpp"
#include "core/version.hpp"
#include "model/client.hpp"

namespace synwhy::model {

using core::Segment;
using core::since;
namespace flag = core::tcp_flag;

namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::uint32_t kMinRtoMs = 200;
constexpr std::uint32_t kMaxRtoMs = 120'000;
constexpr std::uint32_t kAfterLostSynMs = 3000;  ///< RFC 6298 5.7
constexpr std::uint32_t kFastRetransmit = 3;

bool has(const Segment& s, std::uint8_t bit) { return (s.flags & bit) != 0; }

}  // namespace

std::optional<Segment> reset_for(const Segment& to) {
    if (has(to, flag::rst)) return std::nullopt;
    Segment reply;
    reply.source = to.destination;
    reply.destination = to.source;
    reply.ttl = 64;
    reply.flags = flag::rst;
    if (has(to, flag::ack)) {
        reply.sequence = to.acknowledgment;
    } else {
        reply.flags |= flag::ack;
        reply.acknowledgment = to.sequence + to.sequence_length();
    }
    return reply;
}

void ClientHost::send_reset(const Segment& to, Outbox& out) {
    const auto reply = reset_for(to);
    if (!reply) return;
    ++counts_.resets_sent;
    out.push_back({*reply, 0, 0, false});
}

ClientEvent ClientHost::receive(const Segment& in, std::int64_t now_ns, Outbox& out) {
    ClientEvent event;
    const auto server = find_server(in.source);
    const std::uint32_t handle = server ? find(*server, in.destination.port) : FlowIndex<KeyOf>::kNone;
    if (handle == FlowIndex<KeyOf>::kNone) {
        send_reset(in, out);
        return event;
    }
    if ((handle & kWaitBit) != 0) {
        receive_time_wait(handle & ~kWaitBit, in, now_ns, out);
        return event;
    }
    event.connection = id_of(connections_[handle]);
    event.tag = connections_[handle].tag;
    if (connections_[handle].state == State::syn_sent) {
        receive_syn_sent(handle, in, now_ns, out, event);
    } else {
        receive_synchronized(handle, in, now_ns, out, event);
    }
    return event;
}

// ----------------------------------------------------------------------------------------------------------- SYN_SENT

void ClientHost::receive_syn_sent(std::uint32_t slot, const Segment& in, std::int64_t now_ns, Outbox& out,
                                  ClientEvent& event) {
    Connection& c = connections_[slot];
    if (has(in, flag::ack) && in.acknowledgment != c.isn + 1) {
        // A bare ACK of TIME_WAIT or of a connection the server still has: the RST it provokes clears the way.
        send_reset(in, out);
        if (since(shared_.kernel, 5, 6) && c.retransmits == 0) {
            arm(slot, now_ns, static_cast<std::uint32_t>(2 * 1000 / shared_.hz));
        }
        return;
    }
    if (has(in, flag::rst)) {
        if (!has(in, flag::ack)) return;
        event.refused = event.gone = true;
        return free_connection(slot);
    }
    if (has(in, flag::syn) && has(in, flag::ack)) establish(slot, in, now_ns, out, event);
}

void ClientHost::establish(std::uint32_t slot, const Segment& in, std::int64_t now_ns, Outbox& out,
                           ClientEvent& event) {
    Connection& c = connections_[slot];
    c.state = State::established;
    c.due_ns = 0;
    c.snd_una = c.snd_nxt;
    c.rcv_nxt = in.sequence + 1;
    c.timestamps = c.timestamps && in.options.has_timestamps;
    c.ts_recent = in.options.ts_value;
    c.ts_recent_s = second_of(now_ns);
    c.peer_mss = in.options.has_mss ? in.options.mss : std::uint16_t{536};
    c.peer_scale = in.options.has_window_scale && shared_.settings.window_scaling != 0
                       ? std::min<std::uint8_t>(in.options.window_scale, 14)
                       : std::uint8_t{0};
    c.send_window = in.window;
    const auto rtt_ms =
        static_cast<std::uint32_t>(std::clamp<std::int64_t>((now_ns - c.syn_sent_ns) / kMillisecond, 1, kMaxRtoMs));
    const bool repeated = c.retransmits != 0;
    c.base_rto_ms = repeated ? kAfterLostSynMs : std::min(rtt_ms + std::max(2 * rtt_ms, kMinRtoMs), kMaxRtoMs);
    c.rto_ms = c.base_rto_ms;
    c.retransmits = 0;
    event.established = true;
    send_ack(c, now_ns, out);
    push(slot, now_ns, out);
}

// ------------------------------------------------------------------------------------------------------- synchronized

/// True when the segment went no further than the checks in front.
bool ClientHost::refuse(std::uint32_t slot, const Segment& in, std::int64_t now_ns, Outbox& out, ClientEvent& event) {
    Connection& c = connections_[slot];
    const bool stamped = c.timestamps && in.options.has_timestamps;
    const std::int64_t age_s = std::int64_t{second_of(now_ns)} - c.ts_recent_s;
    const bool old =
        stamped && core::paws_refuses(shared_.kernel.behaviours, c.ts_recent, age_s, in.options.ts_value, 1);
    if (old && !has(in, flag::rst)) {
        ++counts_.paws_rejected;
        send_ack(c, now_ns, out);
        return true;
    }
    if (has(in, flag::rst)) {
        const bool exact = in.sequence == c.rcv_nxt;
        const bool inside = core::in_window(in.sequence, 1, c.rcv_nxt, 65535);
        if (!exact && (shared_.kernel.behaviours.rst_needs_exact_sequence || !inside)) return true;
        event.reset = event.gone = true;
        free_connection(slot);
        return true;
    }
    if (has(in, flag::syn)) {  // the SYN+ACK once more: our ACK was lost or refused
        send_ack(c, now_ns, out);
        return true;
    }
    if (!has(in, flag::ack)) return true;
    const std::uint32_t end = in.sequence + in.sequence_length();
    if (core::seq_before(end, c.rcv_nxt) || core::seq_after(in.sequence, c.rcv_nxt + 65535)) {
        send_ack(c, now_ns, out);
        return true;
    }
    return false;
}

void ClientHost::take_ack(std::uint32_t slot, const Segment& in, std::int64_t now_ns, Outbox& out) {
    Connection& c = connections_[slot];
    const std::uint32_t window = std::uint32_t{in.window} << c.peer_scale;
    if (core::seq_after(in.acknowledgment, c.snd_nxt) || core::seq_before(in.acknowledgment, c.snd_una)) return;
    if (in.acknowledgment == c.snd_una) {
        const bool duplicate = in.sequence_length() == 0 && c.snd_una != c.snd_nxt && window == c.send_window;
        c.send_window = window;
        if (duplicate && c.duplicate_acks < 255 && ++c.duplicate_acks == kFastRetransmit && !c.recovering) {
            c.recovering = true;
            c.recover = c.snd_nxt;
            retransmit(slot, now_ns, out);
        }
        return;
    }
    c.send_window = window;
    c.snd_una = in.acknowledgment;
    c.duplicate_acks = 0;
    c.retransmits = 0;
    c.rto_ms = c.base_rto_ms;
    c.due_ns = 0;
    if (c.recovering && !core::seq_before(in.acknowledgment, c.recover)) c.recovering = false;
    if (c.snd_una == c.snd_nxt) return;
    arm(slot, now_ns, c.rto_ms);
    if (c.recovering) retransmit(slot, now_ns, out);
}

/// Our FIN is acknowledged; true when the connection is gone.
bool ClientHost::after_fin_acked(std::uint32_t slot, std::int64_t now_ns, ClientEvent& event) {
    Connection& c = connections_[slot];
    switch (c.state) {
        case State::fin_wait1:
            c.state = State::fin_wait2;
            arm(slot, now_ns, static_cast<std::uint32_t>(std::max(1, shared_.settings.fin_timeout_s)) * 1000,
                Length::fin_wait2);
            return false;
        case State::closing:
            event.gone = true;
            enter_time_wait(slot, now_ns);
            return true;
        case State::last_ack:
            event.gone = true;
            free_connection(slot);
            return true;
        case State::unused:
        case State::syn_sent:
        case State::established:
        case State::fin_wait2:
        case State::close_wait: return false;
    }
    return false;
}

void ClientHost::take_fin(std::uint32_t slot, std::int64_t now_ns, Outbox& out, ClientEvent& event) {
    Connection& c = connections_[slot];
    ++c.rcv_nxt;
    event.peer_closed = true;
    send_ack(c, now_ns, out);
    switch (c.state) {
        case State::established: c.state = State::close_wait; return;
        case State::fin_wait1: c.state = State::closing; return;
        case State::fin_wait2: event.gone = true; return enter_time_wait(slot, now_ns);
        case State::unused:
        case State::syn_sent:
        case State::closing:
        case State::close_wait:
        case State::last_ack: return;
    }
}

void ClientHost::receive_synchronized(std::uint32_t slot, const Segment& in, std::int64_t now_ns, Outbox& out,
                                      ClientEvent& event) {
    if (refuse(slot, in, now_ns, out, event)) return;
    {
        Connection& c = connections_[slot];
        if (c.timestamps && in.options.has_timestamps && !core::seq_after(in.sequence, c.rcv_nxt)) {
            c.ts_recent = in.options.ts_value;
            c.ts_recent_s = second_of(now_ns);
        }
    }
    take_ack(slot, in, now_ns, out);
    Connection& c = connections_[slot];
    const bool fin_acked = c.fin_sent && c.snd_una == c.snd_nxt;
    if (fin_acked && after_fin_acked(slot, now_ns, event)) return;
    bool must_ack = false;
    const std::uint32_t length = in.payload_length;
    const bool takes_data = c.state == State::established || c.state == State::fin_wait1 || c.state == State::fin_wait2;
    if (length != 0) {
        must_ack = true;
        const bool next = !core::seq_after(in.sequence, c.rcv_nxt) && core::seq_after(in.sequence + length, c.rcv_nxt);
        if (takes_data && next) {
            event.new_bytes = in.sequence + length - c.rcv_nxt;
            c.rcv_nxt = in.sequence + length;
        }
    }
    if (has(in, flag::fin)) {
        if (takes_data && in.sequence + length == c.rcv_nxt) return take_fin(slot, now_ns, out, event);
        must_ack = true;
    }
    if (must_ack) send_ack(c, now_ns, out);
    if (c.state == State::established || c.state == State::close_wait || c.fin_queued) push(slot, now_ns, out);
}

void ClientHost::receive_time_wait(std::uint32_t slot, const Segment& in, std::int64_t now_ns, Outbox& out) {
    Wait& w = waits_[slot];
    if (has(in, flag::rst)) {
        if (in.sequence == w.rcv_nxt && shared_.settings.rfc1337 == 0) free_wait(slot);
        return;
    }
    if (in.sequence_length() == 0 && in.sequence == w.rcv_nxt) return;
    Connection c;  // only what an ACK needs
    c.server = w.server;
    c.port = w.port;
    c.snd_nxt = w.snd_nxt;
    c.rcv_nxt = w.rcv_nxt;
    c.timestamps = w.timestamps;
    c.ts_recent = w.ts_recent;
    send_ack(c, now_ns, out);
}

}  // namespace synwhy::model
