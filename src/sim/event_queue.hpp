// What happens next?
//
// Events in the order of (time, sequence of their making). Most delays are constant, so that events of one kind are
// made in the order in which they fall due: those wait in FIFO lanes, only the rest goes through a heap.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "model/fifo.hpp"

namespace synwhy::sim {

enum class EventKind : std::uint8_t {
    at_server,      ///< a packet (number) arrives
    at_client,      ///< the same on the other side
    connect,        ///< a client (number, group) opens a connection
    group_connect,  ///< some client of a group (number) does
    host_wake,      ///< a host's (number, generation) timer may be due
    server_wake,
    accept,    ///< an application (server, listener) may accept
    respond,   ///< a response is ready: server (number), socket
    request,   ///< a client's program (attempt, generation) sends its request
    patience,  ///< a client's program gives up
    flood,
    change,
    sample,
};

struct Event {
    std::int64_t time_ns = 0;
    std::uint64_t sequence = 0;
    std::uint64_t second = 0;  ///< as the kind says
    std::uint32_t first = 0;
    EventKind kind{};
};

class EventQueue {
  public:
    static constexpr std::size_t kLanes = 8;
    static constexpr std::size_t kHeap = SIZE_MAX;  ///< no lane

    /// @param lane a hint; an event that is earlier than the lane's last goes into the heap
    void push(std::int64_t time_ns, EventKind kind, std::uint32_t first, std::uint64_t second, std::size_t lane) {
        const Event event{time_ns, sequence_++, second, first, kind};
        if (lane < kLanes && (lanes_[lane].empty() || lanes_[lane].back().time_ns <= time_ns)) {
            lanes_[lane].push_back(event);
            return;
        }
        heap_.push_back(event);
        std::push_heap(heap_.begin(), heap_.end(), later);
    }

    [[nodiscard]] bool empty() const {
        return heap_.empty() && std::ranges::all_of(lanes_, [](const auto& lane) { return lane.empty(); });
    }

    /// The earliest; there is one.
    Event pop() {
        std::size_t best = kHeap;
        const Event* earliest = heap_.empty() ? nullptr : &heap_.front();
        for (std::size_t i = 0; i < kLanes; ++i) {
            if (lanes_[i].empty()) continue;
            if (earliest != nullptr && !later(*earliest, lanes_[i].front())) continue;
            earliest = &lanes_[i].front();
            best = i;
        }
        const Event event = *earliest;
        if (best != kHeap) {
            lanes_[best].pop_front();
        } else {
            std::pop_heap(heap_.begin(), heap_.end(), later);
            heap_.pop_back();
        }
        return event;
    }

    [[nodiscard]] std::size_t bytes() const {
        std::size_t sum = heap_.capacity() * sizeof(Event);
        for (const auto& lane : lanes_) sum += lane.bytes();
        return sum;
    }

  private:
    static bool later(const Event& a, const Event& b) {
        return a.time_ns != b.time_ns ? a.time_ns > b.time_ns : a.sequence > b.sequence;
    }

    model::Fifo<Event> lanes_[kLanes]{};
    std::vector<Event> heap_{};
    std::uint64_t sequence_ = 0;
};

}  // namespace synwhy::sim
