// What one segment after the SYN tells about its handshake.
#include <algorithm>

#include "capture/fold.hpp"
#include "core/seq.hpp"

namespace synwhy::capture {

namespace {

Reply reply_of(const Packet& packet, const core::Segment& segment, ReplyKind kind) {
    Reply reply;
    reply.time_ns = packet.time_ns;
    reply.file = packet.file;
    reply.kind = kind;
    reply.sequence = segment.sequence;
    reply.acknowledgment = segment.acknowledgment;
    reply.ts_value = segment.options.ts_value;
    reply.ts_echo = segment.options.ts_echo;
    reply.mss = segment.options.mss;
    reply.ip_id = segment.ip_id;
    reply.ttl = segment.ttl;
    reply.has_ack = (segment.flags & core::tcp_flag::ack) != 0;
    reply.has_timestamps = segment.options.has_timestamps;
    reply.has_window_scale = segment.options.has_window_scale;
    reply.has_sack_permitted = segment.options.has_sack_permitted;
    reply.options_cut = segment.options.cut_by_snaplen;
    return reply;
}

void first_time(std::int64_t& mark, std::int64_t time_ns) {
    if (mark == kNever) mark = time_ns;
}

void raise(std::uint32_t& highest, bool& known, std::uint32_t value) {
    if (!known || core::seq_after(value, highest)) highest = value;
    known = true;
}

/// Moves a mark forward in sequence space; the time stays that of the first arrival.
void advance(Mark& mark, const Mark& candidate) {
    if (!mark.seen() || core::seq_after(candidate.sequence, mark.sequence)) mark = candidate;
}

Mark mark_at(const Handshake& handshake, std::int64_t time_ns, std::uint32_t sequence) {
    return {time_ns, sequence, handshake.client_ts, handshake.client_ts_ns != kNever};
}

}  // namespace

void Fold::on_syn_ack(const Packet& packet, const core::Segment& segment) {
    const std::uint64_t hash = tuple_hash(segment.source, segment.destination);
    const std::uint32_t newest = find(segment.destination, segment.source, hash);
    std::uint32_t index = newest;
    for (int depth = 0; depth < 4 && index != kNoHandshake; ++depth, index = handshakes_[index].previous) {
        const Handshake& known = handshakes_[index];
        if (known.tuple.server == segment.source && known.isn_known && known.isn + 1 == segment.acknowledgment) break;
    }
    const bool answers_known_syn = index != kNoHandshake && handshakes_[index].tuple.server == segment.source &&
                                   handshakes_[index].isn_known && handshakes_[index].isn + 1 == segment.acknowledgment;
    if (!answers_known_syn) {
        const bool to_listener = listeners_.contains(core::hash_of(segment.destination));
        const bool from_listener = listeners_.contains(core::hash_of(segment.source));
        const bool towards_service = segment.destination.port < 1024 && segment.destination.port < segment.source.port;
        if (!from_listener && (to_listener || towards_service)) {
            // Sent *to* a server: backscatter or a probe, no reply to anything (tcp_rcv_state_process resets it).
            if (newest != kNoHandshake)
                handshakes_[newest].last_ns = std::max(handshakes_[newest].last_ns, packet.time_ns);
            return;
        }
        // The SYN was not captured; the SYN+ACK names its ISN.
        index = create({segment.destination, segment.source}, hash, packet.time_ns);
        handshakes_[index].isn = segment.acknowledgment - 1;
        handshakes_[index].isn_known = true;
    }
    note_listener(core::hash_of(segment.source));
    Handshake& handshake = handshakes_[index];
    handshake.last_ns = std::max(handshake.last_ns, packet.time_ns);
    if (!add_reply(handshake, reply_of(packet, segment, ReplyKind::synack))) ++counts_.duplicate_packets;
    handshake.server_isn = segment.sequence;
    handshake.server_isn_known = true;
    raise(handshake.server_next, handshake.server_next_known, segment.sequence + 1);
    handshake.server_window = segment.window;
}

std::uint32_t Fold::earlier_connection(std::uint32_t index) const {
    constexpr int kDepth = 8;  // refused SYNs may stand in between
    std::uint32_t older = handshakes_[index].previous;
    for (int depth = 0; depth < kDepth && older != kNoHandshake; ++depth, older = handshakes_[older].previous) {
        const Handshake& candidate = handshakes_[older];
        if (candidate.tuple == handshakes_[index].tuple && candidate.server_next_known) return older;
    }
    return kNoHandshake;
}

void Fold::on_client_segment(std::uint32_t index, const Packet& packet, const core::Segment& segment) {
    // A segment of the connection before this handshake's SYN (or the RST that answers a challenge ACK).
    const bool foreign = handshakes_[index].isn_known && !handshakes_[index].client_established() &&
                         !same_connection(segment.sequence, handshakes_[index].isn);
    if (const std::uint32_t older = foreign ? earlier_connection(index) : kNoHandshake;
        older != kNoHandshake && handshakes_[older].client_next_known &&
        same_connection(segment.sequence, handshakes_[older].client_next)) {
        if ((segment.flags & core::tcp_flag::rst) != 0) first_time(handshakes_[index].client_rst_ns, packet.time_ns);
        index = older;
    }
    Handshake& handshake = handshakes_[index];
    handshake.last_ns = std::max(handshake.last_ns, packet.time_ns);
    handshake.client_last_ns = std::max(handshake.client_last_ns, packet.time_ns);
    ++handshake.client_segments;
    if ((segment.flags & core::tcp_flag::rst) != 0) {
        first_time(handshake.client_rst_ns, packet.time_ns);
        return;
    }
    const bool in_order = !handshake.client_next_known || !core::seq_after(segment.sequence, handshake.client_next);
    if (segment.options.has_timestamps && in_order &&
        (handshake.client_ts_ns == kNever || !core::seq_before(segment.options.ts_value, handshake.client_ts))) {
        handshake.client_ts = segment.options.ts_value;
        handshake.client_ts_ns = packet.time_ns;
    }
    if ((segment.flags & core::tcp_flag::ack) != 0) {
        if (handshake.final_ack_ns == kNever) {
            handshake.final_ack_ns = packet.time_ns;
            handshake.final_ack = segment.acknowledgment;
        }
        advance(handshake.server_acked, mark_at(handshake, packet.time_ns, segment.acknowledgment));
    }
    if (segment.payload_length > 0) first_time(handshake.client_data_ns, packet.time_ns);
    const std::uint32_t end = segment.sequence + segment.sequence_length();
    raise(handshake.client_next, handshake.client_next_known, end);
    if ((segment.flags & core::tcp_flag::fin) != 0 && !handshake.client_fin.seen()) {
        handshake.client_fin = mark_at(handshake, packet.time_ns, end);
    }
}

void Fold::on_server_segment(std::uint32_t index, const Packet& packet, const core::Segment& segment) {
    const bool bare_ack = segment.sequence_length() == 0 && (segment.flags & core::tcp_flag::rst) == 0;
    // Data of the connection before this handshake's SYN. A bare ACK stays here: it is the reply to the SYN.
    if (!bare_ack && (segment.flags & core::tcp_flag::rst) == 0 && !handshakes_[index].server_isn_known) {
        const std::uint32_t older = earlier_connection(index);
        if (older != kNoHandshake && same_connection(segment.sequence, handshakes_[older].server_next)) index = older;
    }
    // An ACK that follows a segment of the older connection answers that segment, not the SYN before it.
    if (bare_ack && !handshakes_[index].server_isn_known && !handshakes_[index].syns.empty()) {
        const std::uint32_t older = earlier_connection(index);
        if (older != kNoHandshake && handshakes_[older].client_last_ns > handshakes_[index].syns.back().time_ns)
            index = older;
    }
    Handshake& handshake = handshakes_[index];
    handshake.last_ns = std::max(handshake.last_ns, packet.time_ns);
    handshake.server_last_ns = std::max(handshake.server_last_ns, packet.time_ns);
    ++handshake.server_segments;
    handshake.server_window = segment.window;
    if ((segment.flags & core::tcp_flag::rst) != 0) {
        first_time(handshake.server_rst_ns, packet.time_ns);
        add_reply(handshake, reply_of(packet, segment, ReplyKind::rst));
        return;
    }
    // ts_recent as the server holds it: what it echoes is what a close would leave behind (RFC 7323 4.3).
    if (segment.options.has_timestamps && handshake.client_ts_ns != kNever &&
        core::seq_after(segment.options.ts_echo, handshake.client_ts) &&
        same_connection(segment.options.ts_echo, handshake.client_ts)) {
        handshake.client_ts = segment.options.ts_echo;
        handshake.client_ts_ns = packet.time_ns;
    }
    const bool pending = !handshake.client_established();
    const bool after_syn = !handshake.syns.empty() && handshake.syns.back().time_ns > handshake.final_ack_ns;
    if (bare_ack && (pending || after_syn)) {
        add_reply(handshake, reply_of(packet, segment, ReplyKind::ack));
        if (handshake.isn_known) return;  // a TIME_WAIT or challenge ACK carries another connection's numbers
    }
    if (segment.payload_length > 0) first_time(handshake.server_data_ns, packet.time_ns);
    const std::uint32_t end = segment.sequence + segment.sequence_length();
    raise(handshake.server_next, handshake.server_next_known, end);
    if ((segment.flags & core::tcp_flag::ack) != 0) {
        advance(handshake.client_acked, mark_at(handshake, packet.time_ns, segment.acknowledgment));
    }
    if ((segment.flags & core::tcp_flag::fin) != 0 && !handshake.server_fin.seen()) {
        handshake.server_fin = mark_at(handshake, packet.time_ns, end);
    }
}

}  // namespace synwhy::capture
