// What is remembered of a run while it runs? Counts, a bounded time line and bounded dots of one server.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/packet.hpp"
#include "model/server.hpp"
#include "sim/result.hpp"

namespace synwhy::sim {

inline constexpr std::size_t kMaxRows = 64;         ///< rows that decided anything in one run, at one server
inline constexpr std::size_t kMaxSources = 10'000;  ///< addresses whose dots are told apart

class Recorder {
  public:
    Recorder(std::int64_t start_ns, std::int64_t duration_ns);

    struct Syn {
        std::int64_t time_ns = 0;
        SynFate fate{};
        const core::Row* row = nullptr;
        bool flood = false;
        std::uint32_t host = 0;  ///< number of the client
    };
    void syn(const Syn& syn, const core::Segment& segment);
    /// Another segment that a row refused.
    void other(std::int64_t time_ns, const core::Row& row);
    /// The number of a row in this run, < kMaxRows.
    std::size_t number_of(const core::Row& row);
    RowCount& row(std::size_t number) { return rows_[number]; }
    void sample(const model::Server& server, std::int64_t time_ns);
    /// After every event that can lengthen a queue.
    void queues(std::size_t listener, const model::ListenerView& view);

    /// Fills everything that was recorded; `names` gives a host's name by number.
    template <typename NameOf>
    void finish(ServerResult& result, const NameOf& name_of) {
        fill(result);
        for (std::size_t i = 0; i < host_numbers_.size(); ++i) result.hosts.push_back(name_of(host_numbers_[i]));
    }

  private:
    void dot(const Syn& syn, const core::Segment& segment);
    void fill(ServerResult& result);

    struct AddressHash {
        std::size_t operator()(const core::Address& a) const noexcept { return core::hash_of(a); }
    };
    struct Source {
        core::Address address{};
        std::uint64_t refused = 0;
        std::uint64_t syns = 0;
    };

    std::int64_t start_ns_;
    std::int64_t bucket_ns_;
    std::array<std::uint64_t, kSynFates> syns_{};
    std::array<std::uint64_t, kSynFates> flood_syns_{};
    std::vector<RowCount> rows_{};
    std::vector<core::TimeBucket> timeline_{};
    std::vector<QueueSample> samples_{};
    std::vector<Dot> dots_{};
    std::uint64_t dot_stride_ = 1;
    std::uint64_t dots_seen_ = 0;
    std::vector<Source> sources_{};
    std::unordered_map<core::Address, std::uint32_t, AddressHash> source_numbers_{};  // looked up, never walked
    std::vector<std::uint32_t> host_numbers_{};
    std::unordered_map<std::uint32_t, std::uint32_t> host_places_{};
    struct Longest {
        std::uint32_t accept = 0, request = 0;
    };
    std::vector<Longest> longest_{};
    std::uint64_t most_buckets_ = 0;
};

}  // namespace synwhy::sim
