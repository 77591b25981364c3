// Which timer is due next?
//
// Nearly all timers of a passive open have one of a few constant lengths: those wait in FIFO rings, where the next is
// at the front; only the rest goes through a heap. Entries are never removed: whoever pops one checks that its owner
// still means it (the due time agrees).
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "model/fifo.hpp"

namespace synwhy::model {

struct Timer {
    std::uint32_t due_ms = 0;
    std::uint32_t handle = 0;
};

class TimerQueue {
  public:
    static constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();

    /// @param ring which constant length it has, or kHeap
    void add(std::uint32_t due_ms, std::uint32_t handle, std::size_t ring) {
        if (ring < kRings && (rings_[ring].empty() || rings_[ring].back().due_ms <= due_ms)) {
            rings_[ring].push_back({due_ms, handle});
            return;
        }
        heap_.push_back({{due_ms, handle}, sequence_++});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }

    [[nodiscard]] std::uint32_t next_ms() const {
        std::uint32_t next = heap_.empty() ? kNever : heap_.front().timer.due_ms;
        for (const auto& ring : rings_) {
            if (!ring.empty()) next = std::min(next, ring.front().due_ms);
        }
        return next;
    }

    /// Takes the earliest; there is one.
    Timer pop() {
        std::size_t best = kRings;
        std::uint32_t due = heap_.empty() ? kNever : heap_.front().timer.due_ms;
        for (std::size_t i = 0; i < kRings; ++i) {
            if (!rings_[i].empty() && rings_[i].front().due_ms < due) {
                due = rings_[i].front().due_ms;
                best = i;
            }
        }
        if (best < kRings) {
            const Timer timer = rings_[best].front();
            rings_[best].pop_front();
            return timer;
        }
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const Timer timer = heap_.back().timer;
        heap_.pop_back();
        return timer;
    }

    /// The earliest, without taking it; there is one.
    [[nodiscard]] Timer front() const {
        Timer best = heap_.empty() ? Timer{kNever, 0} : heap_.front().timer;
        for (const auto& ring : rings_) {
            if (!ring.empty() && ring.front().due_ms < best.due_ms) best = ring.front();
        }
        return best;
    }

    [[nodiscard]] std::size_t bytes() const {
        std::size_t in_rings = 0;
        for (const auto& ring : rings_) in_rings += ring.bytes();
        return in_rings + heap_.capacity() * sizeof(Heaped);
    }

    static constexpr std::size_t kFirstResend = 0;  ///< initial RTO
    static constexpr std::size_t kTimeWait = 1;     ///< 60 s
    static constexpr std::size_t kHeap = 2;

  private:
    static constexpr std::size_t kRings = 2;
    struct Heaped {
        Timer timer{};
        std::uint32_t sequence = 0;
    };
    /// Of two timers due at once the one added first fires first.
    static bool later(const Heaped& a, const Heaped& b) {
        return a.timer.due_ms != b.timer.due_ms ? a.timer.due_ms > b.timer.due_ms : a.sequence > b.sequence;
    }

    Fifo<Timer> rings_[kRings]{};
    std::vector<Heaped> heap_{};
    std::uint32_t sequence_ = 0;
};

}  // namespace synwhy::model
