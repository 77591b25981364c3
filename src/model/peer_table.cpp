#include "model/peer_table.hpp"

#include "core/seq.hpp"
#include "model/peer_memory.hpp"

namespace synwhy::model {

bool stamp_replaces(std::uint32_t stored_ts, std::int64_t stored_s, std::uint32_t new_ts, std::int64_t new_s,
                    std::int64_t now_s) {
    if (core::ts_older_by(stored_ts, new_ts) <= 0) return true;
    return now_s - stored_s > kStampLifeS && stored_s <= new_s;
}

std::size_t PeerTable::slot_of(const PeerKey& key) const {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = home_of(key);; i = (i + 1) & mask) {
        const PeerEntry& entry = slots_[i];
        if ((entry.bits & PeerEntry::kUsed) == 0) return i;
        const bool ipv6 = (entry.bits & PeerEntry::kIpv6) != 0;
        if (entry.peer == key.peer && entry.local == key.local && ipv6 == key.ipv6) return i;
    }
}

const PeerEntry* PeerTable::find(const PeerKey& key) const {
    const PeerEntry& entry = slots_[slot_of(key)];
    return (entry.bits & PeerEntry::kUsed) != 0 ? &entry : nullptr;
}

PeerEntry* PeerTable::find_or_make(const PeerKey& key) {
    std::size_t i = slot_of(key);
    if ((slots_[i].bits & PeerEntry::kUsed) != 0) return &slots_[i];
    if (size_ >= most_) return nullptr;
    if ((size_ + 1) * 10 > slots_.size() * 7) {
        grow();
        i = slot_of(key);
    }
    slots_[i].peer = key.peer;
    slots_[i].local = key.local;
    slots_[i].bits = static_cast<std::uint8_t>(PeerEntry::kUsed | (key.ipv6 ? PeerEntry::kIpv6 : 0));
    ++size_;
    return &slots_[i];
}

void PeerTable::grow() {
    std::vector<PeerEntry> old(slots_.size() * 2);
    old.swap(slots_);
    for (const PeerEntry& entry : old) {
        if ((entry.bits & PeerEntry::kUsed) == 0) continue;
        slots_[slot_of({entry.peer, entry.local, (entry.bits & PeerEntry::kIpv6) != 0})] = entry;
    }
}

void PeerTable::clear() {
    slots_.assign(64, PeerEntry{});
    size_ = 0;
}

}  // namespace synwhy::model
