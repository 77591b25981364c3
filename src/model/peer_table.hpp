// What does the server remember of its peers, in 16 bytes each?
//
// The stamp behind per-host PAWS and the RTT that makes a peer "proven", keyed by peer or by (local, peer) as the
// kernel does. net/ipv4/inetpeer.c up to 3.4, net/ipv4/tcp_metrics.c from 3.6. Same overwrite rule as PeerMemory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/address.hpp"
#include "model/flow_index.hpp"

namespace synwhy::model {

struct AddressHash {
    std::size_t operator()(const core::Address& address) const noexcept { return core::hash_of(address); }
};

struct PeerKey {
    std::uint32_t peer = 0;   ///< FlowKey::peer
    std::uint16_t local = 0;  ///< number of the local address plus one; 0: keyed by peer only
    bool ipv6 = false;
};

struct PeerEntry {
    std::uint32_t peer = 0;
    std::uint16_t local = 0;
    std::uint8_t bits = 0;
    std::uint8_t unused = 0;
    std::uint32_t ts = 0;
    std::uint32_t second = 0;

    static constexpr std::uint8_t kUsed = 1, kStamp = 2, kRtt = 4, kIpv6 = 8;
};

/// Does a new stamp take the place of a stored one? Newer timestamps win; after 60 s any does.
/// @param now_s the present second
bool stamp_replaces(std::uint32_t stored_ts, std::int64_t stored_s, std::uint32_t new_ts, std::int64_t new_s,
                    std::int64_t now_s);

/// Open addressing, at most 70 % full; entries are never removed. At the limit new peers are not remembered.
class PeerTable {
  public:
    PeerTable(std::uint64_t secret, std::size_t most) : secret_(secret), most_(most), slots_(64) {}

    [[nodiscard]] const PeerEntry* find(const PeerKey& key) const;
    /// nullptr when the table is at its limit.
    PeerEntry* find_or_make(const PeerKey& key);
    /// Fetches what find() will look at first. Changes nothing.
    void prefetch(const PeerKey& key) const { fetch_ahead(&slots_[home_of(key)]); }
    void clear();
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t bytes() const { return slots_.capacity() * sizeof(PeerEntry); }
    [[nodiscard]] const std::vector<PeerEntry>& slots() const { return slots_; }

  private:
    [[nodiscard]] std::size_t home_of(const PeerKey& key) const {
        const FlowKey packed{key.peer, static_cast<std::uint16_t>(key.ipv6 ? 1 : 0), key.local};
        return hash_of(packed, secret_) & (slots_.size() - 1);
    }
    [[nodiscard]] std::size_t slot_of(const PeerKey& key) const;
    void grow();

    std::uint64_t secret_;
    std::size_t most_;
    std::size_t size_ = 0;
    std::vector<PeerEntry> slots_;
};

}  // namespace synwhy::model
