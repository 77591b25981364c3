// Is what a lab plays the scenario's own schedule, and what it says of it sound? All that needs no namespace.
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "emit/outcome.hpp"
#include "lab/emulated_server.hpp"
#include "lab/nft.hpp"
#include "lab/request.hpp"
#include "lab/worlds.hpp"
#include "sim/part.hpp"
#include "sim/schedule.hpp"
#include "sim/shipped.hpp"

namespace synwhy::lab {
namespace {

constexpr std::int64_t kSecond_ns = 1'000'000'000;

sim::Scenario shipped(std::string_view name) {
    for (const sim::ShippedScenario& one : sim::shipped_scenarios()) {
        if (one.name == name) return sim::parse_scenario(one.text, name).value();
    }
    throw std::runtime_error("no such scenario");
}

TEST(Schedule, HasEveryConnectThatTheSimulationMakes) {
    for (const char* name : {"nat-recycle", "accept-stall", "syn-flood", "modern-client"}) {
        const sim::Scenario part = sim::part_of(shipped(name), 0, 20 * kSecond_ns);
        const auto planned = sim::planned_connects(part, 100'000);
        EXPECT_EQ(planned.size(), sim::sum_of(sim::simulated_outcome(part).groups).total) << name;
        EXPECT_TRUE(std::ranges::is_sorted(planned, {}, &sim::PlannedConnect::at_ns)) << name;
    }
}

TEST(Schedule, StopsOneBehindTheLimit) { EXPECT_EQ(sim::planned_connects(shipped("accept-stall"), 100).size(), 101U); }

TEST(Part, MovesStallsChangesAndFloods) {
    const sim::Scenario stall = sim::part_of(shipped("accept-stall"), 25 * kSecond_ns, 50 * kSecond_ns);
    EXPECT_EQ(stall.duration_ns, 50 * kSecond_ns);
    const auto& stalls = stall.servers.front().listeners.front().application.stalls;
    ASSERT_EQ(stalls.size(), 2U);
    EXPECT_EQ(stalls[0].start_ns, 0);
    EXPECT_EQ(stalls[0].end_ns, 5 * kSecond_ns);
    EXPECT_EQ(stalls[1].start_ns, 45 * kSecond_ns);
    EXPECT_EQ(stall.changes.front().at_ns, 25 * kSecond_ns);
    EXPECT_TRUE(sim::part_of(shipped("syn-flood"), 45 * kSecond_ns, kSecond_ns).floods.empty()) << "it is over by then";
}

TEST(Part, EndsWithTheScenario) {
    EXPECT_EQ(sim::part_of(shipped("accept-stall"), 90 * kSecond_ns, 50 * kSecond_ns).duration_ns, 10 * kSecond_ns);
}

TEST(Twin, HasNoIpv4AndTheSameVerdict) {
    const sim::Scenario part = sim::part_of(shipped("nat-recycle"), 0, 30 * kSecond_ns);
    const sim::Scenario twin = sim::ipv6_twin(part);
    EXPECT_EQ(twin.servers.front().address.family, core::Family::ipv6);
    EXPECT_EQ(twin.gateways.front().address.family, core::Family::ipv6);
    const sim::Outcome four = sim::simulated_outcome(part);
    const sim::Outcome six = sim::simulated_outcome(twin);
    EXPECT_EQ(sim::compare_outcomes(four, six).size(), 0U);
    EXPECT_EQ(sim::verdict_of(four.groups[1].attempts).hindered, sim::Often::always) << "the young PC";
}

TEST(Obstacle, NamesWhatNoLabCanPlay) {
    const auto obstacle = [](const char* name) {
        const sim::Scenario scenario = shipped(name);
        return world_obstacle(sim::part_of(scenario, scenario.lab.from_ns, scenario.lab.length_ns));
    };
    EXPECT_NE(obstacle("million").find("1000000 client hosts"), std::string::npos) << obstacle("million");
    EXPECT_NE(obstacle("paws-saves").find("old segment"), std::string::npos);
    EXPECT_NE(obstacle("what-time-wait-protects").find("old segment"), std::string::npos);
    for (const char* playable :
         {"accept-stall", "modern-client", "port-exhaustion", "syn-flood", "what-recycle-was-for"}) {
        EXPECT_EQ(obstacle(playable), "") << playable;
    }
}

TEST(Obstacle, BoundsConnectionsAndFloods) {
    sim::Scenario fast = shipped("port-exhaustion");
    fast.clients.front().arrival_interval = {.low = 100'000};
    EXPECT_NE(world_obstacle(fast).find("more than 50000 connections"), std::string::npos);
    sim::Scenario flood = shipped("syn-flood");
    flood.floods.front().rate_pps = kMaxFloodRate_pps + 1;
    EXPECT_NE(world_obstacle(flood).find("SYNs a second"), std::string::npos);
    sim::Scenario twice = shipped("syn-flood");
    twice.clients.front().addresses = {twice.servers.front().address};
    EXPECT_NE(world_obstacle(twice).find("used twice"), std::string::npos);
}

TEST(Plan, RunsTheRunningKernelAndSaysSo) {
    const KernelName kernel{.release = "6.12.19", .version = "#1 SMP", .hz = 250};
    const auto plan = plan_world(shipped("nat-recycle"), kernel, {{"net.core.somaxconn", "77"}});
    ASSERT_TRUE(plan);
    EXPECT_TRUE(plan->scenario.servers.front().sysctls.empty()) << "6.12 has no tcp_tw_recycle";
    EXPECT_EQ(plan->scenario.servers.front().hz, 250);
    EXPECT_EQ(plan->model.settings.somaxconn, 77);
    std::string remarks;
    for (const std::string& remark : plan->remarks) remarks += remark + '\n';
    EXPECT_NE(remarks.find("Linux 6.12.19, plays Linux 3.10.0-1160.el7"), std::string::npos) << remarks;
    EXPECT_NE(remarks.find("tcp_tw_recycle does not exist in Linux 6.12.19: left out"), std::string::npos) << remarks;
    const auto old = plan_world(shipped("nat-recycle"), {.release = "4.9", .version = "", .hz = 250}, {});
    ASSERT_TRUE(old);
    EXPECT_EQ(old->scenario.servers.front().sysctls.size(), 1U) << "4.9 has it";
}

TEST(Emulation, SaysWhatItCannotPlay) {
    EXPECT_EQ(emulation_obstacle(shipped("accept-stall")), "");
    EXPECT_NE(emulation_obstacle(shipped("what-recycle-was-for")).find("close"), std::string::npos);
    sim::Scenario slow = shipped("accept-stall");
    slow.servers.front().listeners.front().application.service_time = {.low = kSecond_ns};
    EXPECT_NE(emulation_obstacle(slow), "");
}

TEST(RequestLine, ComesBackAsItWas) {
    for (const std::uint64_t bytes : {0ULL, 1ULL, 200ULL, 5000ULL, 1ULL << 40U}) {
        for (const sim::Closer closer : {sim::Closer::server, sim::Closer::client}) {
            const std::string text = text_of({bytes, 3000, closer});
            const auto request = parse_request(std::string_view(text).substr(0, 64));
            ASSERT_TRUE(request) << text;
            EXPECT_EQ(request->request_bytes, text.size());
            EXPECT_GE(text.size(), std::min(bytes, kMaxRequestBytes));
            EXPECT_EQ(request->response_bytes, 3000U);
            EXPECT_EQ(request->closer, closer);
            EXPECT_TRUE(text.ends_with("\r\n\r\n"));
        }
    }
}

TEST(RequestLine, RefusesWhatIsNotOurs) {
    for (const char* text : {"", "GET /", "GET / HTTP/1.0", "GET /1/2", "GET /1/2/nobody HTTP/1.0", "GET /-1/2/server",
                             "GET /99999999/2/server", "GET /1/99999999999999999999/server", "POST /1/2/server"}) {
        EXPECT_FALSE(parse_request(text)) << text;
    }
}

TEST(Ruleset, HoldsNumbersOnly) {
    const std::string rules = ruleset_of(
        {.family = core::Family::ipv6, .interface = "up", .port_low = 2000, .port_high = 3000, .random_ports = true});
    EXPECT_NE(rules.find("table ip6 synwhy"), std::string::npos);
    EXPECT_NE(rules.find("oifname \"up\" meta l4proto tcp masquerade to :2000-3000 fully-random;"), std::string::npos);
}

sim::Outcome outcome(std::uint64_t total, std::uint64_t hindered, std::uint64_t undecided) {
    sim::GroupOutcome group{.name = "users", .count = 1};
    group.attempts.total = total;
    group.attempts.hindered = hindered;
    group.attempts.undecided = undecided;
    group.attempts.connected = total - undecided;
    group.attempts.connected_late = hindered;
    return {.engine = "kernel", .scenario = "x", .groups = {group}};
}

TEST(Comparison, IsCoarse) {
    EXPECT_EQ(sim::compare_outcomes(outcome(100, 5, 0), outcome(90, 50, 0)).size(), 0U) << "some and some";
    EXPECT_EQ(sim::compare_outcomes(outcome(100, 0, 0), outcome(100, 1, 0)).size(), 1U) << "never and some";
    EXPECT_EQ(sim::compare_outcomes(outcome(100, 90, 10), outcome(100, 100, 0)).size(), 0U)
        << "always, as far as decided";
    sim::Outcome counted = outcome(100, 5, 0);
    counted.counters["TcpExt.ListenOverflows"] = 3;
    const auto differences = sim::compare_outcomes(outcome(100, 5, 0), counted);
    ASSERT_EQ(differences.size(), 1U);
    EXPECT_EQ(differences[0].what, "TcpExt.ListenOverflows");
    EXPECT_EQ(differences[0].other, "moves");
}

TEST(Report, NamesTheCauseOfTheCounter) {
    sim::Outcome stalled = outcome(120, 38, 0);
    stalled.counters["TcpExt.ListenDrops"] = 70;
    stalled.counters["TcpExt.ListenOverflows"] = 70;
    EXPECT_EQ(emit::outcome_verdict(stalled),
              "38 of 120 connection attempts got no SYN+ACK for their first SYN: The "
              "accept queue is full (TcpExt.ListenOverflows)");
    EXPECT_EQ(emit::outcome_verdict(outcome(3, 0, 1)),
              "2 of 3 connection attempts were answered at once, 1 had just begun at the end.");
    EXPECT_EQ(emit::outcome_verdict(outcome(3, 0, 0)), "All 3 connection attempts were answered at once.");
}

}  // namespace
}  // namespace synwhy::lab
