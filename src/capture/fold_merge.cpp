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
    if (from.first_ns != kNever && (into.first_ns == kNever || from.first_ns < into.first_ns)) into.first_ns = from.first_ns;
    into.last_ns = std::max(into.last_ns, from.last_ns);
}

}  // namespace

void Fold::merge(const Fold& other) {
    add_counts(counts_, other.counts_);
    listeners_.insert(other.listeners_.begin(), other.listeners_.end());
    for (const auto& [target, facts] : other.arp_) {
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
            combine(handshakes_[index], theirs);
        }
    }
}

void Fold::finish() {
    if (!std::is_sorted(handshakes_.begin(), handshakes_.end(), earlier)) {
        std::sort(handshakes_.begin(), handshakes_.end(), earlier);
        rebuild();
    }
    // A fragment without ISN continues the handshake before it on its 4-tuple, if there is one.
    std::vector<bool> absorbed(handshakes_.size(), false);
    for (std::size_t i = handshakes_.size(); i-- > 0;) {
        Handshake& fragment = handshakes_[i];
        if (fragment.isn_known || fragment.previous == kNoHandshake) continue;
        Handshake& before = handshakes_[fragment.previous];
        if (before.tuple != fragment.tuple) continue;
        combine(before, fragment);
        absorbed[i] = true;
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < handshakes_.size(); ++i) {
        if (absorbed[i]) continue;
        if (kept != i) handshakes_[kept] = std::move(handshakes_[i]);
        ++kept;
    }
    handshakes_.resize(kept);
    for (Handshake& handshake : handshakes_) drop_ordinary_acks(handshake);
    rebuild();
}

}  // namespace synwhy::capture
