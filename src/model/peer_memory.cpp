#include "model/peer_memory.hpp"

#include "model/peer_table.hpp"

namespace synwhy::model {

void PeerMemory::remember(const core::Address& peer, const Stamp& stamp, std::int64_t now_second) {
    const auto known = stamps_.find(peer);
    if (known == stamps_.end()) {
        if (stamps_.size() >= max_peers_) {
            ++forgotten_;
            return;
        }
        stamps_.emplace(peer, stamp);
        return;
    }
    Stamp& stored = known->second;
    if (stamp_replaces(stored.ts, stored.second, stamp.ts, stamp.second, now_second)) stored = stamp;
}

std::optional<Stamp> PeerMemory::find(const core::Address& peer) const {
    const auto known = stamps_.find(peer);
    if (known == stamps_.end()) return std::nullopt;
    return known->second;
}

}  // namespace synwhy::model
