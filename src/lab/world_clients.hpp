// A scenario's clients as real sockets: who connects when, and how does it end?
//
// Every connect() leaves from its host's address in the namespace of its group, through the kernel's own TCP, and never
// blocks. A SYN that the kernel had to send again counts as hindered. Left out: when to wait for what (world_run.hpp).
#pragma once

#include <deque>
#include <queue>
#include <string>
#include <vector>

#include "lab/stage.hpp"
#include "sim/outcome.hpp"
#include "sim/schedule.hpp"
#include "tun/descriptor.hpp"

namespace synwhy::lab {

class WorldClients {
  public:
    /// @param scenario, stage, epoll outlive this
    /// @param start_ns when the scenario's time begins
    /// @param most_open attempts at a time; further ones are skipped and counted
    WorldClients(const sim::Scenario& scenario, const Stage& stage, int epoll, std::int64_t start_ns,
                 std::size_t most_open, std::vector<sim::PlannedConnect> planned);

    /// An attempt's socket is ready. @param token data.u64 of its event
    void handle(std::uint64_t token, std::int64_t now_ns);
    /// Connects, asks and gives up as planned. @return when there is something to do again
    sim::Result<std::int64_t> advance(std::int64_t now_ns);
    /// Counts what has not ended.
    void report(sim::Outcome& outcome);

  private:
    enum class Phase : std::uint8_t { free, connecting, thinking, reading, leaving };
    struct Attempt {
        tun::Descriptor socket{};
        Phase phase = Phase::free;
        std::uint32_t generation = 0;
        std::uint16_t group = 0;
        bool hindered = false;
        std::int64_t started_ns = 0;
        std::int64_t think_ns = 0;
        std::string request{};
        std::uint64_t response_bytes = 0;
        std::uint64_t received_bytes = 0;
    };
    enum class Timer : std::uint8_t { ask, give_up };
    struct Due {
        std::int64_t at_ns = 0;
        std::uint32_t attempt = 0;
        std::uint32_t generation = 0;
        Timer timer{};
        bool operator>(const Due& other) const { return at_ns > other.at_ns; }
    };

    sim::Result<void> connect(const sim::PlannedConnect& plan, std::int64_t now_ns);
    sim::Result<tun::Descriptor> open_socket(const sim::PlannedConnect& plan);
    void begin(std::uint32_t number, const sim::PlannedConnect& plan, std::int64_t now_ns);
    void connected(std::uint32_t number, std::int64_t now_ns);
    void ask(std::uint32_t number);
    void read(std::uint32_t number);
    void leave(std::uint32_t number);
    void time_out(const Due& due);
    void end(std::uint32_t number, sim::Ending ending);
    void release(std::uint32_t number);
    [[nodiscard]] bool closes_first(const sim::ClientGroup& group) const;

    const sim::Scenario& scenario_;
    const Stage& stage_;
    int epoll_;
    std::int64_t start_ns_;
    std::size_t most_open_;
    std::vector<sim::PlannedConnect> planned_;
    std::size_t next_planned_ = 0;
    std::deque<Attempt> attempts_{};  ///< grows without moving
    std::vector<std::uint32_t> free_{};
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_{};
    std::vector<sim::GroupOutcome> groups_{};
    std::uint64_t skipped_ = 0;
    std::int64_t latest_ns_ = 0;    ///< how much later than planned a connect() was made, at most
    std::uint64_t odd_errors_ = 0;  ///< of connect(): neither RST nor silence
    std::string odd_error_{};       ///< the first of them
};

}  // namespace synwhy::lab
