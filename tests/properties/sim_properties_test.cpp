// What holds in every simulated run, whatever the scenario?
//
// Some hundred small scenarios are made from a seed: kernels, settings, stalls, floods, gateways, bad links. In each,
// queues stay within their limits, SYNs are neither lost nor invented, counters are the sum of the verdicts, and no
// reply comes without a cause.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/kernel.hpp"
#include "core/path.hpp"
#include "emit/sim_json.hpp"
#include "sim/random.hpp"
#include "sim/scenario.hpp"
#include "sim/world.hpp"

namespace synwhy::sim {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr int kScenarios = 300;

template <typename List>
auto pick(Random& random, const List& list) {
    return list[random.below(std::size(list))];
}

core::Address address(std::string_view text) { return core::parse_address(text).value(); }

Distribution between(Random& random, std::int64_t low, std::int64_t high) {
    const auto mean = low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
    return {random.chance(500'000) ? Distribution::Kind::exponential : Distribution::Kind::constant, mean, 0};
}

void add_sysctl(Random& random, std::vector<SysctlSetting>& sysctls, std::string name,
                std::initializer_list<int> values) {
    if (random.chance(400'000)) return;
    sysctls.push_back({std::move(name), std::to_string(values.begin()[random.below(values.size())])});
}

ServerPlan random_server(Random& random) {
    ServerPlan server;
    server.kernel = std::string(pick(random, core::known_releases()));
    server.address = address("10.0.0.1");
    server.uptime_ns = 1000'000 * kMillisecond;
    add_sysctl(random, server.sysctls, "net.ipv4.tcp_tw_recycle", {0, 1, 1});
    add_sysctl(random, server.sysctls, "net.ipv4.tcp_syncookies", {0, 1, 2});
    add_sysctl(random, server.sysctls, "net.ipv4.tcp_abort_on_overflow", {0, 1});
    add_sysctl(random, server.sysctls, "net.ipv4.tcp_max_syn_backlog", {1, 8, 16, 64, 1024});
    add_sysctl(random, server.sysctls, "net.core.somaxconn", {4, 128, 4096});
    add_sysctl(random, server.sysctls, "net.ipv4.tcp_timestamps", {0, 1});
    add_sysctl(random, server.sysctls, "net.ipv4.tcp_max_tw_buckets", {0, 5, 100'000});
    ListenerPlan listener;
    listener.backlog = static_cast<int>(random.below(20));
    listener.application.accept_interval = between(random, 0, 50 * kMillisecond);
    listener.application.request_bytes = {.low = static_cast<std::int64_t>(random.below(4000))};
    listener.application.response_bytes = {.low = static_cast<std::int64_t>(1 + random.below(20'000))};
    listener.application.service_time = between(random, 0, 20 * kMillisecond);
    listener.application.closer = random.chance(500'000) ? Closer::server : Closer::client;
    if (random.chance(600'000)) {
        listener.application.stall_every = between(random, 1000 * kMillisecond, 5000 * kMillisecond);
        listener.application.stall_length = between(random, 100 * kMillisecond, 4000 * kMillisecond);
    }
    server.listeners.push_back(listener);
    return server;
}

ClientGroup random_group(Random& random, std::size_t ordinal) {
    ClientGroup group;
    group.name = "g" + std::to_string(ordinal);
    group.count = static_cast<std::uint32_t>(1 + random.below(30));
    group.kernel = std::string(pick(random, core::known_releases()));
    group.addresses = {address("172.16." + std::to_string(ordinal) + ".1")};
    group.uptime = {Distribution::Kind::uniform, 0, 100'000'000 * kMillisecond};
    if (random.chance(500'000)) group.gateway = "nat";
    group.arrival_interval = between(random, 20 * kMillisecond, 2000 * kMillisecond);
    group.arrivals_of_group = random.chance(300'000);
    if (random.chance(200'000)) group.port = 81;  // nobody listens there
    if (random.chance(300'000)) group.patience_ns = 3000 * kMillisecond;
    if (random.chance(300'000)) group.think = between(random, 0, 300 * kMillisecond);
    add_sysctl(random, group.sysctls, "net.ipv4.tcp_timestamps", {0, 1});
    return group;
}

Scenario random_scenario(std::uint64_t seed) {
    Random random(seed, 0x5ce0);
    Scenario scenario;
    scenario.name = "random " + std::to_string(seed);
    scenario.seed = seed;
    scenario.duration_ns = 12'000 * kMillisecond;
    scenario.servers.push_back(random_server(random));
    GatewayPlan nat;
    nat.address = address("198.51.100.7");
    nat.ports = static_cast<GatewayPlan::Ports>(random.below(3));
    scenario.gateways.push_back(nat);
    LinkPlan link;
    link.delay_ns = static_cast<std::int64_t>(random.below(50)) * kMillisecond;
    if (random.chance(500'000)) {
        link.loss_ppm = static_cast<std::uint32_t>(random.below(200'000));
        link.duplicate_ppm = static_cast<std::uint32_t>(random.below(100'000));
        link.reorder_ppm = static_cast<std::uint32_t>(random.below(100'000));
        link.jitter = between(random, 0, 20 * kMillisecond);
    }
    scenario.links.push_back(link);
    const std::size_t groups = 1 + random.below(3);
    for (std::size_t i = 0; i < groups; ++i) scenario.clients.push_back(random_group(random, i));
    if (random.chance(400'000)) {
        FloodPlan flood;
        flood.source = address("198.18.0.0");
        flood.prefix_length = 15;
        flood.rate_pps = 1 + random.below(300);
        flood.timestamps = random.chance(500'000);
        scenario.floods.push_back(flood);
    }
    return scenario;
}

std::uint64_t counter(const ServerResult& server, std::string_view name) {
    const auto found = std::ranges::find(server.counters, name, &CounterResult::name);
    return found == server.counters.end() ? 0 : found->value;
}

/// How often the rows say that a counter moved.
std::uint64_t by_rows(const ServerResult& server, std::string_view name) {
    const auto kernel = core::resolve_kernel(server.kernel).value();
    std::uint64_t sum = 0;
    for (const RowCount& row : server.rows) {
        const auto names = core::row_counters(*core::find_row(row.row), kernel);
        if (std::ranges::find(names, name) != names.end()) sum += row.syns + row.segments;
    }
    return sum;
}

/// Watches the wire: every SYN+ACK acknowledges a SYN that came in, every other segment goes to who has sent one.
class Witness {
  public:
    void see(const core::Segment& segment, bool to_server) {
        if (to_server) {
            peers_.insert(segment.source);
            if (segment.is_syn()) syns_.insert({segment.source, segment.sequence});
            return;
        }
        if (!peers_.contains(segment.destination)) ++without_cause_;
        if (segment.is_syn_ack() && !syns_.contains({segment.destination, segment.acknowledgment - 1})) ++unasked_;
    }
    std::uint64_t without_cause() const { return without_cause_; }
    std::uint64_t unasked() const { return unasked_; }

  private:
    std::set<core::Endpoint> peers_{};
    std::set<std::pair<core::Endpoint, std::uint32_t>> syns_{};
    std::uint64_t without_cause_ = 0, unasked_ = 0;
};

void check_conservation(const Result& result) {
    const NetworkResult& n = result.network;
    EXPECT_EQ(n.syns_sent - n.syns_lost + n.syns_duplicated - n.syns_in_flight, result.servers[0].syns_in());
    std::uint64_t ended = 0;
    for (const std::uint64_t count : result.attempts.by_ending) ended += count;
    EXPECT_EQ(ended, result.attempts.total);
    std::uint64_t refused = 0;
    for (const RowCount& row : result.servers[0].rows) refused += row.syns;
    const ServerResult& server = result.servers[0];
    EXPECT_EQ(refused, server.of(SynFate::silence) + server.of(SynFate::bare_ack) + server.of(SynFate::reset) +
                           server.of(SynFate::cookie))
        << "every SYN that got no ordinary SYN+ACK has a row";
}

void check_queues(const Result& result) {
    for (const ListenerResult& listener : result.servers[0].listeners) {
        EXPECT_LE(listener.longest_accept, listener.accept_limit + 1);
    }
    for (const QueueSample& sample : result.servers[0].samples) {
        EXPECT_LE(sample.accept_length, sample.accept_limit + 1);
        EXPECT_LE(sample.request_length, sample.request_capacity);
    }
}

void check_counters(const Result& result) {
    const ServerResult& server = result.servers[0];
    for (const char* name : {"TcpExt.ListenDrops", "TcpExt.ListenOverflows", "TcpExt.PAWSPassive",
                             "TcpExt.TCPReqQFullDrop", "TcpExt.TCPDeferAcceptDrop"}) {
        EXPECT_EQ(counter(server, name), by_rows(server, name)) << name;
    }
    EXPECT_EQ(counter(server, "TcpExt.SyncookiesSent"), server.of(SynFate::cookie));
    EXPECT_EQ(counter(server, "Tcp.InSegs"), server.segments_in);
}

TEST(SimProperties, HoldInRandomScenarios) {
    std::set<std::string> causes;
    for (std::uint64_t seed = 1; seed <= kScenarios; ++seed) {
        const Scenario scenario = random_scenario(seed);
        SCOPED_TRACE("seed " + std::to_string(seed) + ", server Linux " + scenario.servers[0].kernel);
        Witness witness;
        const Result result =
            run(scenario, [&](std::int64_t, const core::Segment& s, bool to_server) { witness.see(s, to_server); });
        check_conservation(result);
        check_queues(result);
        check_counters(result);
        EXPECT_EQ(witness.without_cause(), 0U);
        EXPECT_EQ(witness.unasked(), 0U);
        for (const RowCount& row : result.servers[0].rows) causes.insert(std::string(row.row));
        if (HasFailure()) break;
    }
    for (const char* row : {"listen.host-paws", "listen.accept-queue", "listen.syn-queue", "listen.cookie",
                            "listen.quarter", "lookup.no-listener", "final-ack.accept-queue", "final-ack.abort"}) {
        EXPECT_TRUE(causes.contains(row)) << "the scenarios never reached " << row;
    }
}

TEST(SimProperties, SameSeedSameBytes) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Scenario scenario = random_scenario(seed);
        EXPECT_EQ(emit::sim_json(run(scenario)), emit::sim_json(run(scenario))) << seed;
    }
}

}  // namespace
}  // namespace synwhy::sim
