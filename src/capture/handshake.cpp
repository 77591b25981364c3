#include "capture/handshake.hpp"

#include <algorithm>
#include <tuple>

#include "core/seq.hpp"

namespace synwhy::capture {

bool Handshake::has_synack() const {
    return std::any_of(replies.begin(), replies.end(),
                       [](const Reply& reply) { return reply.kind == ReplyKind::synack; });
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
        const std::int64_t window_ns = seen.file == reply.file ? kMirrorWindowNs : kOtherEndWindowNs;
        if (same && apart >= -window_ns && apart <= window_ns) return false;
    }
    if (handshake.replies.size() < kMaxReplies) {
        handshake.replies.push_back(reply);
    } else {
        ++handshake.more_replies;
    }
    return true;
}

namespace {

/// By time; packets of one moment in an order that does not depend on which was added first.
bool before(const SynCopy& a, const SynCopy& b) {
    return std::tie(a.time_ns, a.file, a.ordinal) < std::tie(b.time_ns, b.file, b.ordinal);
}

bool before(const Reply& a, const Reply& b) {
    return std::tie(a.time_ns, a.file, a.kind, a.sequence, a.acknowledgment, a.ip_id) <
           std::tie(b.time_ns, b.file, b.kind, b.sequence, b.acknowledgment, b.ip_id);
}

template <class Item>
void sort_list(std::vector<Item>& list) {
    const auto order = [](const Item& a, const Item& b) { return before(a, b); };
    if (!std::is_sorted(list.begin(), list.end(), order)) std::sort(list.begin(), list.end(), order);
}

}  // namespace

void sort_lists(Handshake& handshake) {
    sort_list(handshake.syns);
    sort_list(handshake.replies);
}

bool same_connection(std::uint32_t sequence, std::uint32_t reference) {
    const std::int32_t distance = core::wrap_distance(sequence, reference);
    return distance > -kSameConnection && distance < kSameConnection;
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

std::size_t join_syns(Handshake& into, const Handshake& from) {
    std::size_t sighted_again = 0;
    for (const SynCopy& copy : from.syns) {
        const auto known =
            std::find_if(into.syns.begin(), into.syns.end(), [&](const SynCopy& s) { return same_packet(s, copy); });
        if (known == into.syns.end()) {
            into.syns.push_back(copy);
            continue;
        }
        const auto sightings = static_cast<std::uint16_t>(known->sightings + copy.sightings);
        if (before(copy, *known)) *known = copy;
        known->sightings = sightings;
        ++sighted_again;
    }
    return sighted_again;
}

void join_lists_at_limit(Handshake& into, const Handshake& from) {
    into.more_syns += from.more_syns;
    into.more_replies += from.more_replies;
    std::vector<Reply> replies = std::move(into.replies);
    replies.insert(replies.end(), from.replies.begin(), from.replies.end());
    into.replies.clear();
    std::sort(replies.begin(), replies.end(), [](const Reply& a, const Reply& b) { return before(a, b); });
    for (const Reply& reply : replies) add_reply(into, reply);
    sort_lists(into);
    if (into.syns.size() > kMaxSynCopies) {
        into.more_syns += static_cast<std::uint32_t>(into.syns.size() - kMaxSynCopies);
        into.syns.resize(kMaxSynCopies);
    }
}

std::int64_t last_synack_ns(const Handshake& handshake) {
    std::int64_t last = kNever;
    for (const Reply& reply : handshake.replies) {
        if (reply.kind == ReplyKind::synack) last = std::max(last, reply.time_ns);
    }
    return last;
}

/// What the server said last wins, whichever record it stands in.
void join_server_numbers(Handshake& into, const Handshake& from) {
    const std::int64_t mine = last_synack_ns(into);
    const std::int64_t theirs = last_synack_ns(from);
    if (from.server_isn_known &&
        (!into.server_isn_known || std::tie(theirs, from.server_isn) > std::tie(mine, into.server_isn))) {
        into.server_isn = from.server_isn;
        into.server_isn_known = true;
    }
    const std::int64_t my_last = std::max(mine, into.server_last_ns);
    const std::int64_t their_last = std::max(theirs, from.server_last_ns);
    if (std::tie(their_last, from.server_window) > std::tie(my_last, into.server_window))
        into.server_window = from.server_window;
}

void join_client_clock(Handshake& into, const Handshake& from) {
    if (from.client_ts_ns == kNever) return;
    const std::int32_t behind = core::ts_older_by(from.client_ts, into.client_ts);
    if (into.client_ts_ns == kNever || behind > 0) {
        into.client_ts = from.client_ts;
        into.client_ts_ns = from.client_ts_ns;
    } else if (behind == 0) {
        into.client_ts_ns = std::max(into.client_ts_ns, from.client_ts_ns);
    }
}

}  // namespace

std::size_t combine(Handshake& into, const Handshake& from) {
    join_server_numbers(into, from);
    join_client_clock(into, from);
    const std::size_t sighted_again = join_syns(into, from);
    join_lists_at_limit(into, from);
    keep_earliest(into.first_ns, from.first_ns);
    into.last_ns = std::max(into.last_ns, from.last_ns);
    if (!into.isn_known && from.isn_known) {
        into.isn = from.isn;
        into.isn_known = true;
        into.midstream = false;
    }
    const bool acked_earlier =
        std::tie(from.final_ack_ns, from.final_ack) < std::tie(into.final_ack_ns, into.final_ack);
    if (from.final_ack_ns != kNever && (into.final_ack_ns == kNever || acked_earlier)) {
        into.final_ack_ns = from.final_ack_ns;
        into.final_ack = from.final_ack;
    }
    keep_earliest(into.client_data_ns, from.client_data_ns);
    keep_earliest(into.client_rst_ns, from.client_rst_ns);
    keep_earliest(into.server_data_ns, from.server_data_ns);
    keep_earliest(into.server_rst_ns, from.server_rst_ns);
    into.client_last_ns = std::max(into.client_last_ns, from.client_last_ns);
    into.server_last_ns = std::max(into.server_last_ns, from.server_last_ns);
    keep_earliest(into.client_fin, from.client_fin);
    keep_earliest(into.server_fin, from.server_fin);
    keep_highest(into.server_acked, from.server_acked);
    keep_highest(into.client_acked, from.client_acked);
    keep_highest(into.client_next, into.client_next_known, from.client_next, from.client_next_known);
    keep_highest(into.server_next, into.server_next_known, from.server_next, from.server_next_known);
    into.client_segments += from.client_segments;
    into.server_segments += from.server_segments;
    return sighted_again;
}

}  // namespace synwhy::capture
