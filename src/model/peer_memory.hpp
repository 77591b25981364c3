// What does the server remember of a peer's clock?
//
// The store behind per-host PAWS: one timestamp and one wall-clock second per peer, written when a connection that
// the server closed first enters TIME_WAIT (or an orphan's FIN_WAIT2 bucket).
// 2.6.32 net/ipv4/tcp_ipv4.c:tcp_v4_remember_stamp; 3.6+ net/ipv4/tcp_metrics.c:tcp_remember_stamp.
// State only: whether a stamp refuses a SYN is core::path's decision.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "core/address.hpp"

namespace synwhy::model {

struct Stamp {
    std::uint32_t ts = 0;      ///< TSval of the peer's last accepted segment
    std::int64_t second = 0;   ///< wall-clock second of that segment
    std::uint32_t writer = 0;  ///< caller's tag: which connection wrote it
};

/// Stamps of one local address. Bounded: at the limit new peers are not remembered, and counted.
class PeerMemory {
  public:
    explicit PeerMemory(std::size_t max_peers = 1'000'000) : max_peers_(max_peers) {}

    /// Applies the overwrite rule: newer timestamps win, and after 60 s any does.
    void remember(const core::Address& peer, const Stamp& stamp, std::int64_t now_second);
    [[nodiscard]] std::optional<Stamp> find(const core::Address& peer) const;
    [[nodiscard]] std::size_t forgotten() const { return forgotten_; }

  private:
    struct Hash {
        std::size_t operator()(const core::Address& address) const noexcept { return core::hash_of(address); }
    };
    std::unordered_map<core::Address, Stamp, Hash> stamps_;
    std::size_t max_peers_;
    std::size_t forgotten_ = 0;
};

/// How long a stamp is enforced (TCP_PAWS_MSL), seconds.
inline constexpr std::int64_t kStampLifeS = 60;

}  // namespace synwhy::model
