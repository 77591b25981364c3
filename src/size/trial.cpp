#include "size/trial.hpp"

#include <algorithm>
#include <future>
#include <thread>

#include "sim/random.hpp"
#include "sim/world.hpp"
#include "size/knobs.hpp"

namespace synwhy::size {
namespace {

constexpr std::uint32_t kRuns = 8;
constexpr std::uint32_t kMostRuns = 256;    ///< of a short measurement
constexpr std::uint32_t kClients = 60'000;  ///< so many that no 4-tuple comes back within its TIME_WAIT
constexpr double kSecond_ns = 1e9;
constexpr std::string_view kCookieRow = "listen.cookie";

double rate_of(const std::vector<std::int64_t>& arrivals_ns) {
    const auto span = static_cast<double>(std::max<std::int64_t>(1, arrivals_ns.back()));
    return static_cast<double>(arrivals_ns.size()) * kSecond_ns / span;
}

bool by_chance(const sim::Application& application) {
    return application.accept_interval.kind != sim::Distribution::Kind::constant ||
           application.stall_every.kind != sim::Distribution::Kind::constant ||
           application.stall_length.kind != sim::Distribution::Kind::constant;
}

core::Address ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    const std::uint8_t bytes[4] = {a, b, c, d};
    return core::Address::from_ipv4(bytes);
}

struct RunResult {
    RunCount count{};
    std::uint32_t longest_accept = 0;
    std::uint32_t longest_request = 0;
    std::uint64_t cookies = 0;
    std::uint64_t syns = 0;
};

RunResult summary(const sim::Result& result) {
    RunResult run;
    const sim::ServerResult& server = result.servers.front();
    run.count.connections = result.attempts.total;
    run.count.stopped = result.attempts.stopped;
    for (const sim::RowCount& row : server.rows) {
        if (row.attempts != 0 && row.row != kCookieRow) run.count.bursts += row.bursts;
    }
    run.longest_accept = server.listeners.front().longest_accept;
    run.longest_request = server.listeners.front().longest_request;
    run.cookies = server.of(sim::SynFate::cookie);
    run.syns = server.syns_in();
    return run;
}

/// In the order of the scenarios, whichever is ready first.
std::vector<RunResult> run_all(const std::vector<sim::Scenario>& scenarios) {
    std::vector<RunResult> results(scenarios.size());
    const std::size_t threads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, scenarios.size());
    std::vector<std::future<void>> workers;
    for (std::size_t worker = 0; worker < threads; ++worker) {
        workers.push_back(std::async(std::launch::async, [&, worker] {
            for (std::size_t i = worker; i < scenarios.size(); i += threads) {
                results[i] = summary(sim::run(scenarios[i]));
            }
        }));
    }
    for (auto& worker : workers) worker.get();
    return results;
}

}  // namespace

std::uint32_t TestBench::runs() { return kRuns; }

TestBench::TestBench(const ListenerQuestion& question)
    : question_(question),
      rate_(question.arrivals_ns.empty() ? question.rate : rate_of(question.arrivals_ns)),
      syn_backlog_(widest_backlog(question.kernel)) {}

void TestBench::expect_requests(std::uint32_t requests) {
    syn_backlog_ = needed_syn_backlog(question_, requests + requests / 4);
}

sim::Scenario TestBench::scenario(std::uint32_t backlog, std::uint64_t connections) const {
    sim::Scenario scenario;
    scenario.name = "size";
    sim::ServerPlan server{.kernel = question_.kernel.release.text, .address = ipv4(10, 0, 0, 1)};
    server.sysctls.push_back({"net.core.somaxconn", std::to_string(widest_backlog(question_.kernel))});
    server.sysctls.push_back({"net.ipv4.tcp_max_syn_backlog", std::to_string(syn_backlog_)});
    // What the question sets wins, but for the two limits it asks about.
    for (const sim::SysctlSetting& setting : question_.sysctls) {
        const bool asked = setting.name == server.sysctls[0].name || setting.name == server.sysctls[1].name;
        if (!asked) server.sysctls.push_back(setting);
    }
    sim::ListenerPlan listener{.backlog = static_cast<int>(backlog), .application = question_.application};
    listener.application.request_bytes = {};
    listener.application.response_bytes = {};
    server.listeners.push_back(listener);
    scenario.servers.push_back(std::move(server));

    sim::ClientGroup clients{.count = kClients, .addresses = {ipv4(10, 1, 0, 0)}};
    clients.arrivals_of_group = true;
    if (question_.arrivals_ns.empty()) {
        const auto mean = static_cast<std::int64_t>(kSecond_ns / rate_);
        clients.arrival_interval = {.kind = sim::Distribution::Kind::exponential,
                                    .low = std::max<std::int64_t>(1, mean)};
        const double seconds = static_cast<double>(connections) / rate_;
        scenario.duration_ns =
            static_cast<std::int64_t>(std::min(seconds * kSecond_ns, static_cast<double>(sim::kMaxDuration_ns)));
    } else {
        clients.arrival_times_ns = question_.arrivals_ns;
        scenario.duration_ns = std::min(question_.arrivals_ns.back() + 1'000'000'000, sim::kMaxDuration_ns);
    }
    scenario.clients.push_back(std::move(clients));
    scenario.links.push_back({.delay_ns = question_.rtt_ns / 2});
    return scenario;
}

Trial TestBench::run(std::uint32_t backlog, std::uint64_t connections, double burst_size) const {
    std::uint32_t runs = kRuns;
    if (!question_.arrivals_ns.empty()) {
        // Without chance in the program every run would be the same one.
        const std::uint64_t times = by_chance(question_.application) ? connections / question_.arrivals_ns.size() : 1;
        runs = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(times, 1, kMostRuns));
    }
    const sim::Scenario plan = scenario(backlog, connections / runs);
    std::vector<sim::Scenario> scenarios(runs, plan);
    for (std::uint32_t i = 0; i < runs; ++i) scenarios[i].seed = sim::mixed(question_.seed ^ sim::mixed(i));
    Trial trial{.backlog = backlog};
    std::vector<RunCount> counts;
    std::uint64_t cookies = 0;
    std::uint64_t syns = 0;
    for (const RunResult& run : run_all(scenarios)) {
        counts.push_back(run.count);
        trial.longest_accept = std::max(trial.longest_accept, run.longest_accept);
        trial.longest_request = std::max(trial.longest_request, run.longest_request);
        cookies += run.cookies;
        syns += run.syns;
    }
    trial.overflow = estimate(counts, burst_size);
    trial.cookies = syns == 0 ? 0 : static_cast<double>(cookies) / static_cast<double>(syns);
    return trial;
}

}  // namespace synwhy::size
