#include "capture/handshake.hpp"

#include <algorithm>

#include "core/seq.hpp"

namespace synwhy::capture {

bool Handshake::has_synack() const {
    return std::any_of(replies.begin(), replies.end(), [](const Reply& reply) { return reply.kind == ReplyKind::synack; });
}

bool Handshake::answered() const {
    // A client only acknowledges a server it has heard, and a server only sends data to a client it has accepted.
    return has_synack() || client_established() || server_data_ns != kNever;
}

bool Handshake::server_closed_first() const {
    return server_fin.seen() && (!client_fin.seen() || server_fin.time_ns < client_fin.time_ns);
}

bool Handshake::server_fin_acked() const {
    return server_fin.seen() && server_acked.seen() && !core::seq_before(server_acked.sequence, server_fin.sequence);
}

bool Handshake::client_fin_acked() const {
    return client_fin.seen() && client_acked.seen() && !core::seq_before(client_acked.sequence, client_fin.sequence);
}

bool same_packet(const SynCopy& a, const SynCopy& b) {
    if (a.ip_id != b.ip_id || a.ts_value != b.ts_value || a.ts_echo != b.ts_echo || a.flags != b.flags) return false;
    const std::int64_t apart = a.time_ns < b.time_ns ? b.time_ns - a.time_ns : a.time_ns - b.time_ns;
    return apart <= (a.file == b.file ? kMirrorWindowNs : kOtherEndWindowNs);
}

bool add_reply(Handshake& handshake, const Reply& reply) {
    for (const Reply& seen : handshake.replies) {
        const std::int64_t apart = reply.time_ns - seen.time_ns;
        const bool same = seen.kind == reply.kind && seen.sequence == reply.sequence &&
                          seen.acknowledgment == reply.acknowledgment && seen.ts_value == reply.ts_value &&
                          seen.ip_id == reply.ip_id;
        if (same && apart >= -kMirrorWindowNs && apart <= kMirrorWindowNs) return false;
    }
    if (handshake.replies.size() < kMaxReplies) {
        handshake.replies.push_back(reply);
    } else {
        ++handshake.more_replies;
    }
    return true;
}

namespace {

void keep_earliest(std::int64_t& into, std::int64_t from) {
    if (from != kNever && (into == kNever || from < into)) into = from;
}

void keep_earliest(Mark& into, const Mark& from) {
    if (from.seen() && (!into.seen() || from.time_ns < into.time_ns)) into = from;
}

void keep_highest(Mark& into, const Mark& from) {
    if (!from.seen()) return;
    if (!into.seen() || core::seq_after(from.sequence, into.sequence) ||
        (from.sequence == into.sequence && from.time_ns < into.time_ns)) {
        into = from;
    }
}

void keep_highest(std::uint32_t& into, bool& into_known, std::uint32_t from, bool from_known) {
    if (from_known && (!into_known || core::seq_after(from, into))) into = from;
    into_known = into_known || from_known;
}

void combine_lists(Handshake& into, const Handshake& from) {
    into.more_syns += from.more_syns;
    into.more_replies += from.more_replies;
    for (const SynCopy& copy : from.syns) {
        const auto known = std::find_if(into.syns.begin(), into.syns.end(), [&](const SynCopy& s) { return same_packet(s, copy); });
        if (known == into.syns.end()) {
            into.syns.push_back(copy);
        } else {
            known->sightings = static_cast<std::uint16_t>(known->sightings + copy.sightings);
            if (copy.time_ns < known->time_ns) known->time_ns = copy.time_ns;
        }
    }
    std::sort(into.syns.begin(), into.syns.end(), [](const SynCopy& a, const SynCopy& b) { return a.time_ns < b.time_ns; });
    if (into.syns.size() > kMaxSynCopies) {
        into.more_syns += static_cast<std::uint32_t>(into.syns.size() - kMaxSynCopies);
        into.syns.resize(kMaxSynCopies);
    }
    std::vector<Reply> replies = std::move(into.replies);
    replies.insert(replies.end(), from.replies.begin(), from.replies.end());
    std::sort(replies.begin(), replies.end(), [](const Reply& a, const Reply& b) { return a.time_ns < b.time_ns; });
    into.replies.clear();
    for (const Reply& reply : replies) add_reply(into, reply);
}

}  // namespace

void combine(Handshake& into, const Handshake& from) {
    combine_lists(into, from);
    keep_earliest(into.first_ns, from.first_ns);
    into.last_ns = std::max(into.last_ns, from.last_ns);
    if (!into.isn_known && from.isn_known) {
        into.isn = from.isn;
        into.isn_known = true;
        into.midstream = false;
    }
    if (from.server_isn_known) {
        into.server_isn = from.server_isn;
        into.server_isn_known = true;
    }
    if (from.final_ack_ns != kNever && (into.final_ack_ns == kNever || from.final_ack_ns < into.final_ack_ns)) {
        into.final_ack_ns = from.final_ack_ns;
        into.final_ack = from.final_ack;
    }
    keep_earliest(into.client_data_ns, from.client_data_ns);
    keep_earliest(into.client_rst_ns, from.client_rst_ns);
    keep_earliest(into.server_data_ns, from.server_data_ns);
    keep_earliest(into.server_rst_ns, from.server_rst_ns);
    if (from.server_last_ns >= into.server_last_ns && from.server_last_ns != kNever) into.server_window = from.server_window;
    into.client_last_ns = std::max(into.client_last_ns, from.client_last_ns);
    into.server_last_ns = std::max(into.server_last_ns, from.server_last_ns);
    keep_earliest(into.client_fin, from.client_fin);
    keep_earliest(into.server_fin, from.server_fin);
    keep_highest(into.server_acked, from.server_acked);
    keep_highest(into.client_acked, from.client_acked);
    keep_highest(into.client_next, into.client_next_known, from.client_next, from.client_next_known);
    keep_highest(into.server_next, into.server_next_known, from.server_next, from.server_next_known);
    if (from.client_ts_ns != kNever && (into.client_ts_ns == kNever || from.client_ts_ns > into.client_ts_ns)) {
        into.client_ts = from.client_ts;
        into.client_ts_ns = from.client_ts_ns;
    }
    into.client_segments += from.client_segments;
    into.server_segments += from.server_segments;
}

}  // namespace synwhy::capture
