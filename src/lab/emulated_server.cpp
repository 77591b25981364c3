// The emulation as a scenario's server; see emulated_server.hpp.
#include "lab/emulated_server.hpp"

#include <sys/epoll.h>

#include <algorithm>

#include "lab/request.hpp"
#include "tun/system_error.hpp"

namespace synwhy::lab {
namespace {

using sim::Result;

constexpr int kPacketsPerTurn = 256;  ///< read before clients and timers get their turn

Result<void> apply(model::Settings& settings, const core::Kernel& kernel,
                   const std::vector<sim::SysctlSetting>& sysctls) {
    for (const sim::SysctlSetting& sysctl : sysctls) {
        if (settings.set(sysctl.name, sysctl.value, kernel) != model::Settings::SetResult::absent) continue;
        return std::unexpected(core::Error{"does not exist in this kernel", sysctl.name});
    }
    return {};
}

bool closes_first(const sim::ClientGroup& group, const sim::Application& application) {
    return (group.closer_given ? group.closer : application.closer) == sim::Closer::server;
}

tun::ApplicationOptions application_of(const sim::Scenario& scenario, std::int64_t start_ns) {
    tun::ApplicationOptions options;
    const sim::ServerPlan& server = scenario.servers.front();
    if (server.listeners.empty()) return options;
    const sim::Application& plan = server.listeners.front().application;
    options.response_bytes =
        std::min<std::uint64_t>(static_cast<std::uint64_t>(plan.response_bytes.low), kMaxResponseBytes);
    if (!scenario.clients.empty()) options.server_closes_first = closes_first(scenario.clients.front(), plan);
    const std::int64_t gap_ns = plan.accept_interval.low;
    if (gap_ns > 0) options.accepts_per_s = 1e9 / static_cast<double>(gap_ns);
    for (const sim::Interval& stall : plan.stalls) {
        options.stalls.push_back({start_ns + stall.start_ns, start_ns + stall.end_ns});
    }
    return options;
}

}  // namespace

std::string emulation_obstacle(const sim::Scenario& scenario) {
    const auto& listeners = scenario.servers.front().listeners;
    if (listeners.size() > 1) return "has several listeners; the emulation has one program for all";
    if (listeners.empty()) return {};
    const sim::Application& plan = listeners.front().application;
    if (plan.stall_every.low > 0) return "stalls at random; the emulation stalls when told";
    if (plan.service_time.low > 0 || plan.service_time.high > 0) return "takes time to answer; the emulation does not";
    for (const sim::ClientGroup& group : scenario.clients) {
        if (closes_first(group, plan) == closes_first(scenario.clients.front(), plan)) continue;
        return "has groups that close first and others that do not; the emulation closes in one way";
    }
    return {};
}

Result<std::unique_ptr<EmulatedServer>> EmulatedServer::create(const sim::Scenario& scenario,
                                                               model::ServerConfig config, TunDevice& device, int epoll,
                                                               std::int64_t start_ns) {
    const sim::ServerPlan& plan = scenario.servers.front();
    if (auto done = apply(config.settings, config.kernel, plan.sysctls); !done) return std::unexpected(done.error());
    config.network = model::Network({{plan.address, plan.prefix_length}});
    config.secret = scenario.seed;
    config.boot_ns = start_ns - plan.uptime_ns;
    tun::EmulationOptions options{.server = std::move(config)};
    options.application = application_of(scenario, start_ns);
    for (const sim::ListenerPlan& listener : plan.listeners) {
        options.listeners.push_back({.local = {plan.address, listener.port},
                                     .backlog = listener.backlog,
                                     .defer_accept_s = listener.defer_accept_s});
    }
    auto emulation = tun::Emulation::make(std::move(options), start_ns);
    if (!emulation) return std::unexpected(emulation.error());
    std::unique_ptr<EmulatedServer> server(new EmulatedServer(*std::move(emulation), device));
    for (const sim::ListenerPlan& listener : plan.listeners) server->listeners_.push_back({.port = listener.port});
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kServerBit;
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, device.descriptor(), &event) != 0) {
        return std::unexpected(tun::system_error("epoll_ctl", errno, "server"));
    }
    return server;
}

Result<void> EmulatedServer::handle(std::uint64_t /*token*/, std::uint32_t /*events*/, std::int64_t now_ns) {
    for (int i = 0; i < kPacketsPerTurn; ++i) {
        const std::vector<std::uint8_t> packet = device_.read();
        if (packet.empty()) return {};
        emulation_.receive(packet, now_ns, batch_);
        if (auto done = send(); !done) return done;
    }
    return {};
}

Result<void> EmulatedServer::send() {
    for (std::size_t i = 0; i < batch_.size(); ++i) {
        const auto written = device_.write(batch_[i]);
        if (!written) return std::unexpected(written.error());
    }
    batch_.clear();
    return {};
}

Result<std::int64_t> EmulatedServer::advance(std::int64_t now_ns) {
    emulation_.advance(now_ns, batch_);
    if (auto done = send(); !done) return std::unexpected(done.error());
    return emulation_.next_deadline_ns();
}

Result<void> EmulatedServer::change(const sim::ChangePlan& change) {
    model::Server& server = emulation_.server();
    if (auto done = apply(server.settings(), server.config().kernel, change.sysctls); !done) return done;
    for (const model::ListenerId listener : server.listeners()) {
        const bool meant = change.port == 0 || server.view_listener(listener).local.port == change.port;
        if (change.backlog >= 0 && meant) server.relisten(listener, change.backlog);
    }
    return {};
}

void EmulatedServer::look() {
    const model::Server& server = emulation_.server();
    std::uint64_t requests = 0;
    const std::vector<model::ListenerId> all = server.listeners();
    for (std::size_t i = 0; i < std::min(all.size(), listeners_.size()); ++i) {
        const model::ListenerView view = server.view_listener(all[i]);
        listeners_[i].longest_accept = std::max<std::uint64_t>(listeners_[i].longest_accept, view.accept_length);
        listeners_[i].accept_limit = view.backlog;
        requests += view.request_length;
    }
    most_requests_ = std::max(most_requests_, requests);
    most_time_wait_ = std::max<std::uint64_t>(most_time_wait_, server.occupied().buckets);
}

void EmulatedServer::look_closely() { look(); }

void EmulatedServer::report(sim::Outcome& outcome) {
    look();
    outcome.listeners = listeners_;
    outcome.most_requests = most_requests_;
    outcome.most_time_wait = most_time_wait_;
    const model::Counters& counters = emulation_.server().counters();
    for (std::size_t i = 0; i < model::kCounters; ++i) {
        const auto counter = static_cast<model::Counter>(i);
        if (counters[counter] == 0) continue;
        outcome.counters.emplace(model::counter_name(counter), static_cast<std::int64_t>(counters[counter]));
    }
}

}  // namespace synwhy::lab
