// How does a NAT gateway rewrite the segments of many hosts into those of one address?
//
// One mapping per (inside host, inside port, server endpoint). A mapping whose connection was closed can be used again
// after a while; one that was not, after five days without a packet. Left out: timeouts by state, ALGs, hairpinning.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/packet.hpp"
#include "sim/random.hpp"
#include "sim/scenario.hpp"

namespace synwhy::sim {

class Gateway {
  public:
    Gateway(const GatewayPlan& plan, std::uint64_t seed) : plan_(plan), random_(seed, 0x6a7e), next_(plan.port_low) {}

    /// A segment on its way to the server: source becomes ours. @param host the inside host's number
    /// @return false: no port is free, the segment is dropped
    bool outward(std::uint32_t host, std::uint32_t remote, core::Segment& segment, std::int64_t now_ns);

    struct Inside {
        std::uint32_t host = 0;
        std::uint16_t port = 0;
    };
    /// Whose segment it is; nullopt: no mapping.
    std::optional<Inside> inward(std::uint32_t remote, const core::Segment& segment, std::int64_t now_ns);

    [[nodiscard]] std::uint64_t exhausted() const { return exhausted_; }
    [[nodiscard]] std::size_t mappings() const { return outside_.size(); }

  private:
    struct Mapping {
        std::uint64_t inside_key = 0;
        std::int64_t last_ns = 0;
        std::uint32_t host = 0;
        std::uint16_t inside_port = 0;
        bool closed = false;
    };
    static std::uint64_t inside_key(std::uint32_t host, std::uint16_t port, std::uint32_t remote) {
        return std::uint64_t{host} << 40U | std::uint64_t{port} << 24U | remote;
    }
    static std::uint64_t outside_key(std::uint16_t port, std::uint32_t remote) {
        return std::uint64_t{port} << 32U | remote;
    }
    [[nodiscard]] bool free_at(std::uint16_t port, std::uint32_t remote, std::int64_t now_ns) const;
    std::optional<std::uint16_t> choose(std::uint16_t wanted, std::uint32_t remote, std::int64_t now_ns);

    GatewayPlan plan_;
    Random random_;
    std::uint32_t next_;
    std::uint64_t exhausted_ = 0;
    // Looked up, never walked: their order does not matter. At most one entry per port and server endpoint.
    std::unordered_map<std::uint64_t, Mapping> outside_{};
    std::unordered_map<std::uint64_t, std::uint16_t> inside_{};
};

}  // namespace synwhy::sim
