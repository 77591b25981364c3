// Joining folds, and the order in which the handshakes are handed on.
#include <algorithm>
#include <tuple>

#include "capture/fold.hpp"

namespace synwhy::capture {

namespace {

bool earlier(const Handshake& a, const Handshake& b) {
    return std::tie(a.first_ns, a.tuple, a.isn) < std::tie(b.first_ns, b.tuple, b.isn);
}

/// A bare ACK is a reply to a SYN only while the handshake is open, or after a further copy of the SYN.
void drop_ordinary_acks(Handshake& handshake) {
    const std::int64_t opened = handshake.final_ack_ns;
    std::erase_if(handshake.replies, [&](const Reply& reply) {
        if (reply.kind != ReplyKind::ack || opened == kNever || reply.time_ns < opened) return false;
        return std::none_of(handshake.syns.begin(), handshake.syns.end(), [&](const SynCopy& copy) {
            return copy.time_ns > opened && copy.time_ns <= reply.time_ns;
        });
    });
}

/// Do the fragment's sequence numbers carry on where the other record stood? A bare ACK of the server's does not say:
/// it may answer a SYN and carry an older connection's numbers.
bool carries_on(const Handshake& before, const Handshake& fragment) {
    if (fragment.client_next_known && (before.client_next_known || before.isn_known)) {
        return same_connection(fragment.client_next, before.client_next_known ? before.client_next : before.isn);
    }
    const bool server_spoke = fragment.server_data_ns != kNever || fragment.server_fin.seen();
    if (server_spoke && before.server_next_known) return same_connection(fragment.server_next, before.server_next);
    return true;
}

/// While a handshake is open, a bare ACK from the server answers its SYN with another connection's numbers.
void forget_foreign_numbers(const Handshake& before, Handshake& fragment) {
    const bool open = before.isn_known && !before.client_established() && !fragment.client_established();
    if (!open || fragment.server_data_ns != kNever || fragment.server_fin.seen()) return;
    fragment.client_acked = {};
    fragment.server_next_known = false;
}

void add_counts(FoldCounts& into, const FoldCounts& from) {
    into.packets += from.packets;
    into.segments += from.segments;
    into.syns += from.syns;
    into.duplicate_packets += from.duplicate_packets;
    into.fragments += from.fragments;
    into.malformed += from.malformed;
    into.unsupported_link += from.unsupported_link;
    into.evicted += from.evicted;
    into.evicted_answered += from.evicted_answered;
    into.cut_options += from.cut_options;
    if (from.first_ns != kNever && (into.first_ns == kNever || from.first_ns < into.first_ns))
        into.first_ns = from.first_ns;
    into.last_ns = std::max(into.last_ns, from.last_ns);
}

}  // namespace

void Fold::merge(const Fold& other) {
    add_counts(counts_, other.counts_);
    for (const std::uint64_t listener : other.listeners_) note_listener(listener);
    for (const auto& [target, facts] : other.arp_) {
        if (arp_.size() >= limits_.max_neighbours && !arp_.contains(target)) continue;
        ArpFacts& mine = arp_[target];
        mine.requests += facts.requests;
        mine.replies += facts.replies;
        mine.last_request_ns = std::max(mine.last_request_ns, facts.last_request_ns);
    }
    for (const Handshake& theirs : other.handshakes_) {
        const std::uint64_t hash = tuple_hash(theirs.tuple.client, theirs.tuple.server);
        std::uint32_t index = theirs.isn_known ? find(theirs.tuple.client, theirs.tuple.server, hash) : kNoHandshake;
        while (index != kNoHandshake) {
            const Handshake& mine = handshakes_[index];
            if (mine.isn_known && mine.isn == theirs.isn && mine.tuple == theirs.tuple) break;
            index = mine.previous;
        }
        if (index == kNoHandshake) {
            index = create(theirs.tuple, hash, theirs.first_ns);
            const std::uint32_t previous = handshakes_[index].previous;
            handshakes_[index] = theirs;
            handshakes_[index].previous = previous;
        } else {
            const std::size_t sighted_again = combine(handshakes_[index], theirs);
            counts_.syns -= sighted_again;
            counts_.duplicate_packets += sighted_again;
        }
    }
}

/// The handshake whose connection a fragment belongs to: the nearest earlier one that its numbers carry on, else the
/// nearest.
std::uint32_t Fold::continued_by(std::uint32_t fragment) const {
    constexpr int kDepth = 8;  // as earlier_connection()
    std::uint32_t nearest = kNoHandshake;
    std::uint32_t older = handshakes_[fragment].previous;
    for (int depth = 0; depth < kDepth && older != kNoHandshake; ++depth, older = handshakes_[older].previous) {
        if (handshakes_[older].tuple != handshakes_[fragment].tuple) continue;
        if (carries_on(handshakes_[older], handshakes_[fragment])) return older;
        if (nearest == kNoHandshake) nearest = older;
    }
    return nearest;
}

void Fold::finish() {
    if (!std::is_sorted(handshakes_.begin(), handshakes_.end(), earlier)) {
        std::sort(handshakes_.begin(), handshakes_.end(), earlier);
        rebuild();
    }
    // A fragment without ISN continues a handshake before it on its 4-tuple, if there is one.
    std::vector<bool> absorbed(handshakes_.size(), false);
    for (std::size_t i = handshakes_.size(); i-- > 0;) {
        Handshake& fragment = handshakes_[i];
        if (fragment.isn_known) continue;
        const std::uint32_t before = continued_by(static_cast<std::uint32_t>(i));
        if (before == kNoHandshake) continue;
        forget_foreign_numbers(handshakes_[before], fragment);
        combine(handshakes_[before], fragment);
        absorbed[i] = true;
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < handshakes_.size(); ++i) {
        if (absorbed[i]) continue;
        if (kept != i) handshakes_[kept] = std::move(handshakes_[i]);
        ++kept;
    }
    handshakes_.resize(kept);
    for (Handshake& handshake : handshakes_) {
        sort_lists(handshake);
        drop_ordinary_acks(handshake);
    }
    rebuild();
}

}  // namespace synwhy::capture
