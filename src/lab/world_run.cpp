// A scenario in real time; see world_run.hpp.
#include "lab/world_run.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "core/packet_build.hpp"
#include "lab/emulated_server.hpp"
#include "lab/kernel_server.hpp"
#include "lab/stage.hpp"
#include "lab/sysctl.hpp"
#include "lab/world_clients.hpp"
#include "tun/clock.hpp"
#include "tun/system_error.hpp"

namespace synwhy::lab {
namespace {

using sim::Result;
using tun::Descriptor;
using tun::system_error;

constexpr std::int64_t kBreath_ns = 100'000'000;       // before the scenario's time begins
constexpr std::int64_t kLongestWait_ns = 100'000'000;  // how late ^C may be noticed
constexpr std::int64_t kLookClosely_ns = 250'000'000;  // between two readings of /proc
constexpr std::uint64_t kTimerToken = 1ULL << 62U;
constexpr std::uint64_t kSynsPerTurn = 256;  // of a flood, before others get their turn
constexpr rlim_t kMostFiles = 65'536;
constexpr std::size_t kSpareFiles = 128;

/// Raises the soft limit of open files. @return attempts that may be open at a time, each with two sockets
std::size_t attempts_by_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kSpareFiles;
    limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kMostFiles));
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 2 * kSpareFiles ? (static_cast<std::size_t>(limit.rlim_cur) - kSpareFiles) / 2
                                            : kSpareFiles;
}

class World {
  public:
    World(const WorldPlan& plan, const Interrupted& interrupted) : plan_(plan), interrupted_(interrupted) {}
    Result<sim::Outcome> play(WorldEngine engine);

  private:
    Result<void> set_up(WorldEngine engine);
    Result<void> run();
    Result<void> wait(std::int64_t until_ns);
    Result<std::int64_t> act(std::int64_t now_ns);
    Result<void> make_changes(std::int64_t now_ns);
    Result<void> flood(std::int64_t now_ns);
    [[nodiscard]] std::int64_t next_flood_ns() const;

    struct Flood {
        sim::FloodSource source;
        std::int64_t end_ns = 0;
        std::uint64_t sent = 0;
    };

    const WorldPlan& plan_;
    const Interrupted& interrupted_;
    tun::Clock clock_{};
    Descriptor poll_{};
    Descriptor timer_{};
    std::unique_ptr<Stage> stage_{};
    std::unique_ptr<WorldServer> server_{};
    std::unique_ptr<WorldClients> clients_{};
    std::vector<Flood> floods_{};
    std::vector<std::uint8_t> packet_{};
    std::int64_t start_ns_ = 0;
    std::int64_t look_ns_ = 0;
    std::size_t changes_made_ = 0;
};

Result<void> set_client_sysctls(const sim::Scenario& scenario, const Stage& stage) {
    for (std::size_t i = 0; i < scenario.clients.size(); ++i) {
        const Inside inside(stage.group(i));
        for (const sim::SysctlSetting& sysctl : scenario.clients[i].sysctls) {
            const int error = write_sysctl(sysctl.name, sysctl.value);
            if (error != 0) return std::unexpected(system_error("sysctl", error, sysctl.name + " = " + sysctl.value));
        }
    }
    return {};
}

Result<void> World::set_up(WorldEngine engine) {
    const sim::Scenario& scenario = plan_.scenario;
    poll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
    timer_ = Descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kTimerToken;
    if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, timer_.get(), &event) != 0) {
        return std::unexpected(system_error("epoll_ctl", errno, "timer"));
    }
    const bool real = engine == WorldEngine::kernel;
    auto stage = Stage::create(scenario, real ? Stage::ServerIs::kernel : Stage::ServerIs::process);
    if (!stage) return std::unexpected(stage.error());
    stage_ = *std::move(stage);
    if (auto done = set_client_sysctls(scenario, *stage_); !done) return done;
    start_ns_ = clock_.now_ns() + kBreath_ns;
    if (real) {
        auto server = KernelServer::create(scenario, stage_->server(), poll_.get(), start_ns_);
        if (!server) return std::unexpected(server.error());
        server_ = *std::move(server);
    } else {
        auto server = EmulatedServer::create(scenario, plan_.model, *stage_->server_device(), poll_.get(), start_ns_);
        if (!server) return std::unexpected(server.error());
        server_ = *std::move(server);
    }
    clients_ = std::make_unique<WorldClients>(scenario, *stage_, poll_.get(), start_ns_, attempts_by_file_limit(),
                                              sim::planned_connects(scenario, kMaxWorldConnects));
    for (std::size_t i = 0; i < scenario.floods.size(); ++i) {
        const sim::FloodPlan& flood = scenario.floods[i];
        floods_.push_back({sim::FloodSource(flood, scenario.servers.front().address, scenario.seed, i),
                           std::min(flood.end_ns, scenario.duration_ns)});
    }
    return {};
}

Result<sim::Outcome> World::play(WorldEngine engine) {
    if (auto done = set_up(engine); !done) return std::unexpected(done.error());
    if (auto done = run(); !done) return std::unexpected(done.error());
    sim::Outcome outcome{.engine = to_string(engine),
                         .server = plan_.scenario.servers.front().address,
                         .duration_ns = plan_.scenario.duration_ns};
    clients_->report(outcome);  // both before any socket is closed
    server_->report(outcome);
    for (const Flood& flood : floods_) outcome.flood_syns += flood.sent;
    return outcome;
}

Result<void> World::run() {
    const std::int64_t end_ns = start_ns_ + plan_.scenario.duration_ns;
    std::int64_t due_ns = start_ns_;
    while (true) {
        if (auto done = wait(std::min(due_ns, end_ns)); !done) return done;
        const std::int64_t now_ns = clock_.now_ns();
        if (now_ns >= end_ns) return {};
        if (interrupted_ && interrupted_()) return std::unexpected(core::Error{"interrupted", "lab"});
        const auto next = act(now_ns);
        if (!next) return std::unexpected(next.error());
        due_ns = std::min(*next, now_ns + kLongestWait_ns);
    }
}

/// Until then, or until something is ready, which is dealt with.
Result<void> World::wait(std::int64_t until_ns) {
    const std::int64_t at_ns = std::max<std::int64_t>(1, clock_.to_monotonic_ns(until_ns));
    itimerspec setting{};
    setting.it_value.tv_sec = at_ns / 1'000'000'000;
    setting.it_value.tv_nsec = at_ns % 1'000'000'000;
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr);
    std::array<epoll_event, 256> events{};
    const int ready = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), -1);
    if (ready < 0 && errno != EINTR) return std::unexpected(system_error("epoll_wait", errno, "lab"));
    const std::int64_t now_ns = clock_.now_ns();
    for (int i = 0; i < ready; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == kTimerToken) {
            std::uint64_t expirations = 0;
            static_cast<void>(!::read(timer_.get(), &expirations, sizeof expirations));
        } else if ((event.data.u64 & kServerBit) == 0) {
            clients_->handle(event.data.u64, now_ns);
        } else if (auto done = server_->handle(event.data.u64 & ~kServerBit, event.events, now_ns); !done) {
            return done;
        }
    }
    return {};
}

/// Everything that is due. @return when there is something to do again
Result<std::int64_t> World::act(std::int64_t now_ns) {
    if (auto done = make_changes(now_ns); !done) return std::unexpected(done.error());
    if (auto done = flood(now_ns); !done) return std::unexpected(done.error());
    const auto clients_ns = clients_->advance(now_ns);
    if (!clients_ns) return clients_ns;
    const auto server_ns = server_->advance(now_ns);
    if (!server_ns) return server_ns;
    server_->look();
    if (now_ns >= look_ns_) {
        server_->look_closely();
        look_ns_ = clock_.now_ns() + kLookClosely_ns;
    }
    std::int64_t next_ns = std::min({*clients_ns, *server_ns, look_ns_, next_flood_ns()});
    const auto& changes = plan_.scenario.changes;
    if (changes_made_ < changes.size()) next_ns = std::min(next_ns, start_ns_ + changes[changes_made_].at_ns);
    return next_ns;
}

Result<void> World::make_changes(std::int64_t now_ns) {
    const auto& changes = plan_.scenario.changes;
    while (changes_made_ < changes.size() && start_ns_ + changes[changes_made_].at_ns <= now_ns) {
        if (auto done = server_->change(changes[changes_made_++]); !done) return done;
    }
    return {};
}

Result<void> World::flood(std::int64_t now_ns) {
    for (Flood& flood : floods_) {
        for (std::uint64_t i = 0; i < kSynsPerTurn; ++i) {
            const std::int64_t due_ns = flood.source.due_ns(flood.sent);
            if (due_ns >= flood.end_ns || start_ns_ + due_ns > now_ns) break;
            packet_.clear();
            core::append_packet(flood.source.next(), {}, packet_);
            const auto written = stage_->flood_device()->write(packet_);
            if (!written) return std::unexpected(written.error());
            ++flood.sent;
        }
    }
    if (floods_.empty()) return {};
    while (!stage_->flood_device()->read().empty()) {  // the answers, which nobody wants
    }
    return {};
}

std::int64_t World::next_flood_ns() const {
    std::int64_t next_ns = INT64_MAX;
    for (const Flood& flood : floods_) {
        const std::int64_t due_ns = flood.source.due_ns(flood.sent);
        if (due_ns < flood.end_ns) next_ns = std::min(next_ns, start_ns_ + due_ns);
    }
    return next_ns;
}

sim::Outcome simulate(const WorldPlan& plan) {
    sim::Scenario scenario = plan.scenario;
    const auto settle = [&](std::vector<sim::SysctlSetting>& sysctls) {
        sysctls.insert(sysctls.begin(), plan.fresh.begin(), plan.fresh.end());
    };
    for (sim::ServerPlan& server : scenario.servers) settle(server.sysctls);
    for (sim::ClientGroup& group : scenario.clients) settle(group.sysctls);
    return sim::simulated_outcome(scenario);
}

/// The emulation answers every request with as many bytes.
void even_out_responses(sim::Scenario& scenario, std::vector<std::string>& remarks) {
    for (sim::ListenerPlan& listener : scenario.servers.front().listeners) {
        sim::Distribution& size = listener.application.response_bytes;
        if (size.kind != sim::Distribution::Kind::constant) {
            remarks.push_back("every response has " + std::to_string(size.low) + " bytes");
        }
        size = {.low = size.low};
    }
}

}  // namespace

const char* to_string(WorldEngine engine) {
    switch (engine) {
        case WorldEngine::kernel: return "kernel";
        case WorldEngine::model: return "model";
        case WorldEngine::tun: return "tun";
    }
    return "?";
}

Result<sim::Outcome> play_world(const WorldPlan& plan, WorldEngine engine, const Interrupted& interrupted) {
    WorldPlan own = plan;
    Result<sim::Outcome> outcome;
    if (engine == WorldEngine::model) {
        outcome = simulate(own);
    } else {
        if (engine == WorldEngine::tun) {
            const std::string why = emulation_obstacle(own.scenario);
            if (!why.empty()) return std::unexpected(core::Error{why, own.scenario.name});
            even_out_responses(own.scenario, own.remarks);
        }
        outcome = World(own, interrupted).play(engine);
    }
    if (!outcome) return outcome;
    outcome->scenario = own.scenario.name;
    outcome->title = own.scenario.title;
    outcome->kernel = own.kernel;
    outcome->remarks.insert(outcome->remarks.begin(), own.remarks.begin(), own.remarks.end());
    return outcome;
}

}  // namespace synwhy::lab
