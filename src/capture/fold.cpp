// The table behind Fold: finding a segment's handshake, creating it, and staying within the limit.
#include "capture/fold.hpp"

#include <algorithm>

namespace synwhy::capture {

namespace {

constexpr std::size_t kFirstSlots = 1 << 12;
/// Times outside 1970..2116 are moved to the edge, so that differences and sums of times never overflow.
constexpr std::int64_t kLatestNs = std::int64_t{1} << 62;

}  // namespace

std::uint64_t tuple_hash(const core::Endpoint& a, const core::Endpoint& b) noexcept {
    const std::uint64_t sum = core::hash_of(a) + core::hash_of(b);
    const std::uint64_t mixed = (sum ^ (sum >> 29)) * 0x9e3779b97f4a7c15ULL;
    const std::uint64_t hash = mixed ^ (mixed >> 32);
    return hash == 0 ? 1 : hash;  // 0 marks an empty slot
}

Fold::Fold(FoldLimits limits) : limits_(limits), slots_(kFirstSlots) {}

void Fold::add(const Packet& packet, const core::Decoded& decoded) {
    if (packet.time_ns < 0 || packet.time_ns > kLatestNs) {
        Packet tamed = packet;
        tamed.time_ns = std::clamp<std::int64_t>(packet.time_ns, 0, kLatestNs);
        return add(tamed, decoded);
    }
    ++counts_.packets;
    if (counts_.first_ns == kNever || packet.time_ns < counts_.first_ns) counts_.first_ns = packet.time_ns;
    counts_.last_ns = std::max(counts_.last_ns, packet.time_ns);
    switch (decoded.kind) {
        case core::FrameKind::tcp: add_segment(packet, decoded); break;
        case core::FrameKind::tcp_malformed: add_malformed(packet, decoded); break;
        case core::FrameKind::icmp_error: add_icmp(packet, decoded); break;
        case core::FrameKind::arp: add_arp(packet, decoded); break;
        case core::FrameKind::fragment: ++counts_.fragments; break;
        case core::FrameKind::tcp_cut:
        case core::FrameKind::cut: ++counts_.malformed; break;
        case core::FrameKind::unsupported_link: ++counts_.unsupported_link; break;
        case core::FrameKind::other: break;
    }
}

void Fold::add_segment(const Packet& packet, const core::Decoded& decoded) {
    const core::Segment& segment = decoded.segment;
    ++counts_.segments;
    if (segment.options.cut_by_snaplen) ++counts_.cut_options;
    if (segment.is_syn()) return on_syn(packet, decoded);
    if (segment.is_syn_ack()) return on_syn_ack(packet, segment);

    const std::uint64_t hash = tuple_hash(segment.source, segment.destination);
    std::uint32_t index = find(segment.source, segment.destination, hash);
    if (index == kNoHandshake) {
        // A connection that began before the capture, or a stray: remembered, because a later SYN may collide with
        // it and its close may leave a per-host stamp.
        const bool to_listener = listeners_.contains(core::hash_of(segment.destination));
        const bool from_listener = listeners_.contains(core::hash_of(segment.source));
        const bool source_is_client =
            to_listener != from_listener ? to_listener : segment.source.port >= segment.destination.port;
        const core::FourTuple tuple = source_is_client ? core::FourTuple{segment.source, segment.destination}
                                                       : core::FourTuple{segment.destination, segment.source};
        index = create(tuple, hash, packet.time_ns);
        handshakes_[index].midstream = true;
    }
    if (handshakes_[index].tuple.client == segment.source) {
        on_client_segment(index, packet, segment);
    } else {
        on_server_segment(index, packet, segment);
    }
}

std::uint32_t Fold::find(const core::Endpoint& client, const core::Endpoint& server, std::uint64_t hash) const {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask; slots_[at].hash != 0; at = (at + 1) & mask) {
        if (slots_[at].hash != hash) continue;
        const core::FourTuple& tuple = handshakes_[slots_[at].index].tuple;
        if ((tuple.client == client && tuple.server == server) || (tuple.client == server && tuple.server == client)) {
            return slots_[at].index;
        }
    }
    return kNoHandshake;
}

std::uint32_t Fold::create(const core::FourTuple& tuple, std::uint64_t hash, std::int64_t time_ns) {
    if (handshakes_.size() >= limits_.max_handshakes) make_room();
    const auto index = static_cast<std::uint32_t>(handshakes_.size());
    Handshake& fresh = handshakes_.emplace_back();
    fresh.tuple = tuple;
    fresh.first_ns = fresh.last_ns = time_ns;
    insert(hash, index);
    return index;
}

/// Points the tuple's slot at `index`; an older handshake of the tuple becomes its `previous`.
void Fold::insert(std::uint64_t hash, std::uint32_t index) {
    if ((used_slots_ + 1) * 10 > slots_.size() * 7) grow();
    const std::size_t mask = slots_.size() - 1;
    const core::FourTuple& tuple = handshakes_[index].tuple;
    std::size_t at = hash & mask;
    for (; slots_[at].hash != 0; at = (at + 1) & mask) {
        if (slots_[at].hash != hash) continue;
        const core::FourTuple& other = handshakes_[slots_[at].index].tuple;
        if (other == tuple || (other.client == tuple.server && other.server == tuple.client)) {
            handshakes_[index].previous = slots_[at].index;
            slots_[at].index = index;
            return;
        }
    }
    slots_[at] = {hash, index};
    ++used_slots_;
}

void Fold::grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    const std::size_t mask = slots_.size() - 1;
    for (const Slot& slot : old) {
        if (slot.hash == 0) continue;
        std::size_t at = slot.hash & mask;
        while (slots_[at].hash != 0) at = (at + 1) & mask;
        slots_[at] = slot;
    }
}

/// Frees a quarter of the limit: answered handshakes first, oldest first, because a silence explains itself only
/// with its own record while one answered handshake more or less changes little.
void Fold::make_room() {
    const std::size_t to_free = std::max<std::size_t>(1, limits_.max_handshakes / 4);
    std::vector<bool> doomed(handshakes_.size(), false);
    std::size_t freed = 0;
    for (const bool answered_only : {true, false}) {
        for (std::size_t i = 0; i < handshakes_.size() && freed < to_free; ++i) {
            if (doomed[i] || (answered_only && !handshakes_[i].answered() && !handshakes_[i].midstream)) continue;
            doomed[i] = true;
            ++freed;
            counts_.evicted_answered += handshakes_[i].answered();
        }
    }
    counts_.evicted += freed;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < handshakes_.size(); ++i) {
        if (doomed[i]) continue;
        if (kept != i) handshakes_[kept] = std::move(handshakes_[i]);
        ++kept;
    }
    handshakes_.resize(kept);
    rebuild();
}

/// Rebuilds the slots (and the chains of `previous`) from the records, which are in order of creation.
void Fold::rebuild() {
    slots_.assign(slots_.size(), Slot{});
    used_slots_ = 0;
    for (std::uint32_t i = 0; i < handshakes_.size(); ++i) {
        handshakes_[i].previous = kNoHandshake;
        insert(tuple_hash(handshakes_[i].tuple.client, handshakes_[i].tuple.server), i);
    }
}

void Fold::note_listener(std::uint64_t endpoint_hash) {
    if (listeners_.size() < limits_.max_listeners) listeners_.insert(endpoint_hash);
}

void Fold::on_syn(const Packet& packet, const core::Decoded& decoded) {
    const core::Segment& segment = decoded.segment;
    const std::uint64_t hash = tuple_hash(segment.source, segment.destination);
    note_listener(core::hash_of(segment.destination));

    SynCopy copy;
    copy.time_ns = packet.time_ns;
    copy.ordinal = packet.ordinal;
    copy.file = packet.file;
    copy.ip_id = segment.ip_id;
    copy.ttl = segment.ttl;
    copy.flags = segment.flags;
    copy.options = segment.options;
    copy.ts_value = segment.options.ts_value;
    copy.ts_echo = segment.options.ts_echo;
    copy.direction = segment.direction;
    copy.ip_header_bad = decoded.ip_header_bad;
    copy.tcp_header_bad = decoded.kind == core::FrameKind::tcp_malformed;
    copy.fragmented = decoded.first_fragment;
    if (!copy.tcp_header_bad) {
        const core::Checksums sums = core::verify_checksums(decoded, packet.data, packet.wire_length);
        copy.ip_checksum = sums.ip;
        copy.tcp_checksum = sums.tcp;
    }

    std::uint32_t index = find(segment.source, segment.destination, hash);
    // The same ISN may stand behind a newer handshake of the tuple: a late retransmission.
    for (int depth = 0; depth < 4 && index != kNoHandshake; ++depth, index = handshakes_[index].previous) {
        const Handshake& known = handshakes_[index];
        if (known.tuple.client == segment.source && known.isn_known && known.isn == segment.sequence) break;
    }
    if (index == kNoHandshake || !(handshakes_[index].isn_known && handshakes_[index].isn == segment.sequence)) {
        index = create({segment.source, segment.destination}, hash, packet.time_ns);
        handshakes_[index].isn = segment.sequence;
        handshakes_[index].isn_known = true;
    }
    Handshake& handshake = handshakes_[index];
    handshake.first_ns = std::min(handshake.first_ns, packet.time_ns);  // a file may step backwards
    handshake.last_ns = std::max(handshake.last_ns, packet.time_ns);
    for (auto seen = handshake.syns.rbegin(); seen != handshake.syns.rend(); ++seen) {
        if (!same_packet(*seen, copy)) continue;
        ++seen->sightings;
        ++counts_.duplicate_packets;
        return;
    }
    ++counts_.syns;
    if (handshake.syns.size() < kMaxSynCopies) {
        handshake.syns.push_back(copy);
    } else {
        ++handshake.more_syns;
    }
}

void Fold::add_malformed(const Packet& packet, const core::Decoded& decoded) {
    ++counts_.malformed;
    if (decoded.segment.is_syn()) on_syn(packet, decoded);
}

void Fold::add_icmp(const Packet& packet, const core::Decoded& decoded) {
    const core::Segment& quoted = decoded.segment;
    const std::uint32_t index = find(quoted.source, quoted.destination, tuple_hash(quoted.source, quoted.destination));
    if (index == kNoHandshake || handshakes_[index].tuple.client != quoted.source) return;
    Handshake& handshake = handshakes_[index];
    if (!handshake.isn_known || quoted.sequence != handshake.isn) return;  // quotes a later segment
    Reply reply;
    reply.time_ns = packet.time_ns;
    reply.file = packet.file;
    reply.kind = ReplyKind::icmp;
    reply.icmp_type = decoded.icmp_type;
    reply.icmp_code = decoded.icmp_code;
    add_reply(handshake, reply);
}

void Fold::add_arp(const Packet& packet, const core::Decoded& decoded) {
    const std::uint32_t target =
        decoded.arp_request ? decoded.arp_target.ipv4_value() : decoded.arp_sender.ipv4_value();
    auto found = arp_.find(target);
    if (found == arp_.end()) {
        if (arp_.size() >= limits_.max_neighbours) return;
        found = arp_.emplace(target, ArpFacts{}).first;
    }
    if (decoded.arp_request) {
        ++found->second.requests;
        found->second.last_request_ns = std::max(found->second.last_request_ns, packet.time_ns);
    } else {
        ++found->second.replies;
    }
}

}  // namespace synwhy::capture
