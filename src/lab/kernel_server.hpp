// The running kernel as a scenario's server: real listeners, and a program behind them.
//
// The program accepts when the scenario says, reads a request, answers, and closes first if it is to. Left out: who
// reads the answers.
#pragma once

#include <memory>
#include <queue>
#include <unordered_map>
#include <vector>

#include "lab/netns.hpp"
#include "lab/request.hpp"
#include "lab/world_server.hpp"
#include "sim/schedule.hpp"
#include "tun/descriptor.hpp"

namespace synwhy::lab {

class KernelServer final : public WorldServer {
  public:
    /// @param scenario, place, epoll outlive this
    /// @param start_ns when the scenario's time begins; stalls count from there
    static sim::Result<std::unique_ptr<KernelServer>> create(const sim::Scenario& scenario,
                                                             const NetworkNamespace& place, int epoll,
                                                             std::int64_t start_ns);

    sim::Result<void> handle(std::uint64_t token, std::uint32_t events, std::int64_t now_ns) override;
    sim::Result<std::int64_t> advance(std::int64_t now_ns) override;
    sim::Result<void> change(const sim::ChangePlan& change) override;
    void look() override;
    void look_closely() override;
    void report(sim::Outcome& outcome) override;

  private:
    struct Listener {
        tun::Descriptor socket{};
        sim::AcceptTimes times{};
        bool waiting = false;  ///< someone is in the queue
        std::int64_t ready_ns = 0;
        sim::ListenerOutcome outcome{};
    };
    struct Connection {
        tun::Descriptor socket{};
        std::size_t listener = 0;
        std::string head{};  ///< the first bytes of the request, until it is understood
        std::optional<Request> request{};
        std::uint64_t read_bytes = 0;
        std::uint64_t unwritten_bytes = 0;
        bool answering = false;  ///< the answer was begun
        bool blocked = false;    ///< the socket takes no more for now
        bool peer_closed = false;
        std::uint32_t watched = 0;  ///< events
    };
    struct Answer {
        std::int64_t at_ns = 0;
        std::uint64_t connection = 0;
        bool operator>(const Answer& other) const { return at_ns > other.at_ns; }
    };
    using Connections = std::unordered_map<std::uint64_t, Connection>;

    KernelServer(const NetworkNamespace& place, int epoll) : place_(place), epoll_(epoll) {}
    sim::Result<void> apply(const std::vector<sim::SysctlSetting>& sysctls);
    sim::Result<void> add_listener(const core::Address& address, const sim::ListenerPlan& plan);
    sim::Result<void> watch(int socket, std::uint64_t token, std::uint32_t events, bool known);
    void watch_again(std::uint64_t id, Connection& connection);
    sim::Result<void> accept(std::size_t number, std::int64_t now_ns);
    bool read(Connection& connection);
    void work(Connections::iterator connection, std::int64_t now_ns);
    void write(Connections::iterator connection);

    const NetworkNamespace& place_;
    int epoll_;
    std::vector<Listener> listeners_{};
    Connections connections_{};
    std::uint64_t next_connection_ = 0;
    std::priority_queue<Answer, std::vector<Answer>, std::greater<>> answers_{};
    sim::CounterValues counters_before_{};
    std::uint64_t most_requests_ = 0, most_time_wait_ = 0;
};

}  // namespace synwhy::lab
