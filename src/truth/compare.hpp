// Where do a recording and the model's run differ?
//
// Collects what both did and judges at the end. What an injected segment causes must agree exactly. What a timer
// causes may come as late as the measured kernel's timers come: then a counter may have moved, or a socket be gone, one
// step earlier or later.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "model/server.hpp"
#include "truth/packets.hpp"
#include "truth/replay.hpp"

namespace synwhy::truth {

class Comparison {
  public:
    Comparison(const Recording& recording, const model::Server& server, const Packets& packets, double late_s);

    // ---- while it runs; `step` is a position in Recording::steps
    void skip(std::size_t step, const std::string& why);
    void outcome(std::size_t step, const model::Outcome& outcome);
    /// The model sent what the kernel did not.
    void extra(std::size_t step, const core::Segment& segment, const core::Row* row, bool by_timer);
    void field(std::size_t step, const char* name, std::uint32_t expected, std::uint32_t got, const core::Row* row);
    void options(std::size_t step, const core::Segment& expected, const core::Segment& got, const core::Row* row);
    void text(std::size_t step, const char* name, const std::string& expected, const std::string& got);
    /// @param earliest_s, latest_s between which the kernel may fire it
    void timer(const model::TimerView& timer, double earliest_s, double fires_s, double latest_s);
    /// When a watched socket with this 4-tuple was seen gone at or after `due_s` and plausibly by that timer; else 0.
    [[nodiscard]] double seen_gone(const core::FourTuple& tuple, double due_s, double latest_s) const;
    /// "198.51.100.7:40000", or the v4-mapped form when `like` shows one.
    [[nodiscard]] static std::string name_of(const core::Endpoint& endpoint, const std::string& like);
    void end_of_step(std::size_t step, double end_s);

    Replayed finish();

  private:
    struct Snapshot {
        double begin_s = 0;  ///< the counters were read after this ...
        double end_s = 0;    ///< ... and before this
        std::array<std::uint64_t, model::kCounters> counters{};
        std::map<std::string, std::int64_t> sockets{};
    };
    struct Fired {
        double earliest_s = 0;  ///< in the kernel
        double t = 0;           ///< in the model
        double latest_s = 0;    ///< in the kernel
        model::TimerView::Kind kind{};
        core::FourTuple tuple{};
    };
    struct Extra {
        std::size_t step = 0;
        std::string kind;
        core::FourTuple tuple{};
        std::string row;
        bool by_timer = false;
        double t = 0;
    };

    void differ(std::size_t step, std::string field, std::string expected, std::string got, std::string row = {});
    void judge_packets();
    void judge_counters();
    void judge_sockets();
    void judge_watches();
    [[nodiscard]] std::int64_t timers_near(std::size_t step, std::initializer_list<model::TimerView::Kind> kinds) const;
    [[nodiscard]] std::int64_t counter_slack(model::Counter counter, std::size_t step) const;
    void cut_at_ambiguity();
    [[nodiscard]] bool ambiguous(std::size_t step) const;
    [[nodiscard]] bool masked(model::Counter counter, double t_s) const;

    const Recording& recording_;
    const model::Server& server_;
    const Packets& packets_;
    double late_s_;
    std::vector<Snapshot> snapshots_{};
    std::vector<Fired> fired_{};
    std::vector<Extra> extras_{};
    std::vector<std::string> rows_{};  ///< by step: how the model decided
    std::map<std::size_t, std::string> skipped_{};
    std::vector<Difference> differences_{};
};

}  // namespace synwhy::truth
