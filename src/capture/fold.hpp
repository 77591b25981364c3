// Which handshakes does a stream of packets hold?
//
// Folds decoded packets into one record per 4-tuple and client ISN. One pass, one hash look-up a segment, bounded
// memory: at the limit the oldest answered handshakes go first, and every eviction is counted.
// Two folds of parts of the same traffic merge into what one fold of the whole would have given, in any order.
// Left out: judgement. Whether a silence was a drop, and why, is decided in diagnose/.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "capture/handshake.hpp"
#include "capture/reader.hpp"
#include "core/packet.hpp"

namespace synwhy::capture {

struct FoldLimits {
    std::size_t max_handshakes = 1'000'000;  ///< about 600 bytes each with two SYN copies
    std::size_t max_neighbours = 4096;       ///< ARP targets remembered
    /// Endpoints known to be servers; beyond them the lower port of a stray segment is taken for the server's.
    std::size_t max_listeners = 1'000'000;
};

/// Counts over everything that was added, evicted handshakes included.
struct FoldCounts {
    std::uint64_t packets = 0;
    std::uint64_t segments = 0;
    std::uint64_t syns = 0;               ///< SYN packets, each sighting of a mirrored one counted once
    std::uint64_t duplicate_packets = 0;  ///< the same SYN or SYN+ACK captured again
    std::uint64_t fragments = 0;
    std::uint64_t malformed = 0;  ///< TCP header broken, or cut by the capture
    std::uint64_t unsupported_link = 0;
    std::uint64_t evicted = 0;  ///< handshakes dropped at the limit
    std::uint64_t evicted_answered = 0;
    std::uint64_t cut_options = 0;  ///< segments whose options the capture cut
    std::int64_t first_ns = kNever;
    std::int64_t last_ns = kNever;
};

/// Who-has requests for one address.
struct ArpFacts {
    std::uint64_t requests = 0;
    std::uint64_t replies = 0;
    std::int64_t last_request_ns = kNever;
};

/// Same value for both directions of a connection, so that one look-up finds it; never 0.
std::uint64_t tuple_hash(const core::Endpoint& a, const core::Endpoint& b) noexcept;

class Fold {
  public:
    explicit Fold(FoldLimits limits = {});

    /// Adds one packet. `decoded` belongs to `packet`.
    void add(const Packet& packet, const core::Decoded& decoded);
    /// Joins another fold; the result does not depend on the order of merges once finish() has run.
    void merge(const Fold& other);
    /// Attaches segments of earlier-begun connections to their handshakes and sorts. Call once, after the last
    /// add/merge.
    void finish();

    [[nodiscard]] const std::vector<Handshake>& handshakes() const { return handshakes_; }
    [[nodiscard]] const FoldCounts& counts() const { return counts_; }
    [[nodiscard]] const std::unordered_map<std::uint32_t, ArpFacts>& arp() const { return arp_; }

  private:
    struct Slot {
        std::uint64_t hash = 0;
        std::uint32_t index = kNoHandshake;
    };

    void add_segment(const Packet& packet, const core::Decoded& decoded);
    void add_icmp(const Packet& packet, const core::Decoded& decoded);
    void add_arp(const Packet& packet, const core::Decoded& decoded);
    void add_malformed(const Packet& packet, const core::Decoded& decoded);
    void on_syn(const Packet& packet, const core::Decoded& decoded);
    void on_syn_ack(const Packet& packet, const core::Segment& segment);
    void on_client_segment(std::uint32_t index, const Packet& packet, const core::Segment& segment);
    void on_server_segment(std::uint32_t index, const Packet& packet, const core::Segment& segment);

    /// The nearest earlier handshake of the same 4-tuple that got as far as an answer; kNoHandshake if none.
    [[nodiscard]] std::uint32_t earlier_connection(std::uint32_t index) const;
    [[nodiscard]] std::uint32_t continued_by(std::uint32_t fragment) const;
    [[nodiscard]] std::uint32_t find(const core::Endpoint& client, const core::Endpoint& server,
                                     std::uint64_t hash) const;
    std::uint32_t create(const core::FourTuple& tuple, std::uint64_t hash, std::int64_t time_ns);
    void insert(std::uint64_t hash, std::uint32_t index);
    void note_listener(std::uint64_t endpoint_hash);
    void grow();
    void make_room();
    void rebuild();

    FoldLimits limits_;
    FoldCounts counts_;
    std::vector<Slot> slots_;
    std::size_t used_slots_ = 0;
    std::vector<Handshake> handshakes_;
    std::unordered_set<std::uint64_t> listeners_;  ///< hashes of endpoints that were sent a SYN
    std::unordered_map<std::uint32_t, ArpFacts> arp_;
};

}  // namespace synwhy::capture
