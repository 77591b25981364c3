// Are the answers of `synwhy size` right where they can be known, and honest where they cannot?
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "emit/size_report.hpp"
#include "size/arrivals.hpp"
#include "size/client.hpp"
#include "size/estimate.hpp"
#include "size/formula.hpp"
#include "size/knobs.hpp"
#include "size/listener.hpp"

namespace synwhy {
namespace {

using size::Verdict;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kMs = 1'000'000;

core::Kernel kernel(std::string_view release) { return core::resolve_kernel(release).value(); }

size::ListenerQuestion question(std::string_view release) {
    size::ListenerQuestion q{.kernel = kernel(release), .rate = 1000};
    q.application.stall_length = {.low = 50 * kMs};
    q.application.stall_every = {.kind = sim::Distribution::Kind::exponential, .low = 1000 * kMs};
    q.target = 1e-2;
    q.connections = 40'000;
    return q;
}

size::ListenerAnswer answer(const size::ListenerQuestion& q) {
    return size::size_listener(q, [](std::size_t) {});
}

TEST(SizeEstimate, ZeroOfManyIsNotZero) {
    const auto p = size::estimate({{10'000, 0, 0}}, 1);
    EXPECT_EQ(p.value, 0);
    EXPECT_NEAR(p.high, 3.69e-4, 0.1e-4);  // Garwood: 3.689 events
    EXPECT_NEAR(size::estimate({{10'000, 0, 0}}, 20).high, 20 * 3.69e-4, 2e-4);
}

TEST(SizeEstimate, BurstsAreCountedNotConnections) {
    const auto lone = size::estimate({{100'000, 100, 100}}, 1);
    const auto bursts = size::estimate({{100'000, 100, 4}}, 1);
    EXPECT_EQ(lone.value, bursts.value);
    EXPECT_NEAR(lone.low, 0.81e-3, 0.02e-3);  // Garwood: 81.36 and 121.63 of 100
    EXPECT_NEAR(lone.high, 1.216e-3, 0.02e-3);
    EXPECT_GT(bursts.high, 2 * lone.high);
    EXPECT_LT(bursts.low, lone.low / 2);
}

TEST(SizeEstimate, RunsThatDifferWiden) {
    const auto alike = size::estimate({{1000, 10, 10}, {1000, 10, 10}, {1000, 10, 10}, {1000, 10, 10}}, 1);
    const auto unlike = size::estimate({{1000, 0, 0}, {1000, 40, 40}, {1000, 0, 0}, {1000, 0, 0}}, 1);
    EXPECT_EQ(alike.value, unlike.value);
    EXPECT_GT(unlike.high, 2 * alike.high);
}

TEST(SizeFormula, AgreesWithTextbooks) {
    sim::Application single{.accept_interval = {.kind = sim::Distribution::Kind::exponential, .low = kMs / 2}};
    EXPECT_NEAR(size::utilisation(single, 1000), 0.5, 1e-9);
    EXPECT_NEAR(size::overflow_probability(single, 1000, 9), std::pow(0.5, 10), 1e-9);  // M/M/1
    sim::Application pausing{.stall_every = {.low = 950 * kMs}, .stall_length = {.low = 50 * kMs}};
    // A pause of 50 ms collects a Poisson number of mean 50; with no room at all the whole pause overflows.
    EXPECT_NEAR(size::overflow_probability(pausing, 1000, 0), 49.0 / 1000, 1e-4);
    EXPECT_LT(size::overflow_probability(pausing, 1000, 100), 1e-9);
    EXPECT_EQ(size::smallest_backlog(pausing, 1000, 0.5, 1000), 1U);
}

TEST(SizeListener, SimulationAndFormulaMeet) {
    const auto found = answer(question("6.1"));
    EXPECT_EQ(found.verdict, Verdict::shown);
    EXPECT_LE(found.chosen.overflow.high, 1e-2);
    EXPECT_NEAR(found.chosen.backlog, found.formula_backlog, 12);
    EXPECT_GE(found.simulated, found.chosen.overflow.connections);
    EXPECT_EQ(answer(question("6.1")).chosen.backlog, found.chosen.backlog) << "the same seed, the same answer";
}

TEST(SizeListener, TooFewConnectionsClaimNothing) {
    auto q = question("6.1");
    q.target = 1e-7;
    const auto found = answer(q);
    EXPECT_EQ(found.verdict, Verdict::not_shown);
    EXPECT_GT(found.chosen.overflow.high, 1e-7);
    EXPECT_THAT(emit::listener_verdict({.question = q, .answer = found}), HasSubstr("do not show"));
}

TEST(SizeListener, NoBacklogHelpsABusyProgram) {
    auto q = question("6.1");
    q.application.accept_interval = {.low = 2 * kMs};
    q.backlog_now = 128;
    const auto found = answer(q);
    EXPECT_EQ(found.verdict, Verdict::overload);
    ASSERT_TRUE(found.now);
    EXPECT_GT(found.now->overflow.value, 0.1);
    EXPECT_TRUE(emit::wants_change({.question = q, .answer = found}));
}

TEST(SizeListener, JudgesWhatIsThereNow) {
    auto q = question("6.1");
    q.backlog_now = 5;
    const auto found = answer(q);
    ASSERT_TRUE(found.now);
    EXPECT_GT(found.now->overflow.low, q.target);
    EXPECT_TRUE(emit::wants_change({.question = q, .answer = found}));
}

TEST(SizeListener, MeasuredArrivalsArePlayedAsTheyAre) {
    auto q = question("6.1");
    for (int burst = 0; burst < 20; ++burst) {
        for (int i = 0; i < 40; ++i) q.arrivals_ns.push_back(burst * 1000 * kMs);
    }
    q.application = {.accept_interval = {.low = kMs}};
    q.target = 0.01;
    const auto found = answer(q);
    EXPECT_GE(found.chosen.backlog, 37U);  // 40 at one moment, one being accepted, one more than the limit fits
    EXPECT_LE(found.chosen.backlog, 40U);
    EXPECT_EQ(found.formula_backlog, 0U);
}

TEST(SizeKnobs, FollowTheKernel) {
    size::ListenerAnswer found;
    found.chosen = {.backlog = 512, .longest_request = 300};
    const auto by_name = [&](const size::ListenerQuestion& q, std::string_view name) {
        for (const size::Knob& knob : size::knobs_of(q, found)) {
            if (knob.name == name) return knob;
        }
        return size::Knob{};
    };
    constexpr std::string_view kSomaxconn = "net.core.somaxconn";
    constexpr std::string_view kSynBacklog = "net.ipv4.tcp_max_syn_backlog";
    EXPECT_TRUE(by_name(question("4.19"), kSomaxconn).matters);  // 128
    EXPECT_FALSE(by_name(question("6.1"), kSomaxconn).matters);  // 4096
    EXPECT_FALSE(by_name(question("6.1"), kSynBacklog).matters);
    EXPECT_TRUE(by_name(question("3.10.0-1160.el7"), kSynBacklog).matters);
    EXPECT_EQ(by_name(question("3.10.0-1160.el7"), kSynBacklog).at_least, 300U);
    auto no_cookies = question("6.1");
    no_cookies.sysctls.push_back({"net.ipv4.tcp_syncookies", "0"});
    EXPECT_TRUE(by_name(no_cookies, kSynBacklog).matters);
    const auto needed = by_name(no_cookies, kSynBacklog).at_least;
    EXPECT_GE(needed - needed / 4 + 1, 300U);
    EXPECT_EQ(size::widest_backlog(kernel("2.6.32-642.el6")), 65535U);
    EXPECT_GT(size::widest_backlog(kernel("4.4")), 65535U);
}

TEST(SizeArrivals, ReadsTimes) {
    const auto times = size::parse_arrivals("# a log\n1733572800.5 IP\n\n1733572800.000000001\n1733572801\n", "f");
    ASSERT_TRUE(times);
    EXPECT_THAT(*times, ElementsAre(0, 499'999'999, 999'999'999));
    EXPECT_EQ(size::parse_arrivals("1\nx\n", "f").error().where, "f:2");
    EXPECT_EQ(size::parse_arrivals("1\n-2\n", "f").error().where, "f:2");
    EXPECT_FALSE(size::parse_arrivals("1\n1\n", "f"));
    EXPECT_FALSE(size::parse_arrivals("", "f"));
    EXPECT_FALSE(size::parse_arrivals("1\n99999999\n", "f"));
}

size::ClientQuestion client(std::string_view release, double rate) {
    return {.kernel = kernel(release), .rate = rate, .port_low = 10'000, .port_high = 10'999};
}

TEST(SizeClient, TimeWaitIsTheCeiling) {
    const auto found = size::size_client(client("6.1", 30));
    EXPECT_FALSE(found.enough);
    EXPECT_NEAR(found.ceiling, 1000 / 60.0, 0.1);
    EXPECT_GT(found.asked.no_port, 0U);
    EXPECT_NEAR(found.measured_ceiling(1), found.ceiling, 0.05 * found.ceiling);
    EXPECT_TRUE(size::size_client(client("6.1", 12)).enough);
}

TEST(SizeClient, DestinationsAndReuseAndWhoClosesFirst) {
    auto q = client("6.1", 60);
    q.destinations = 5;
    EXPECT_TRUE(size::size_client(q).enough);
    q = client("6.1", 60);
    q.tw_reuse = true;
    const auto reusing = size::size_client(q);
    EXPECT_TRUE(reusing.enough);
    EXPECT_GT(reusing.asked.reused, 0U);
    EXPECT_EQ(reusing.blocked_s, 1);
    q.kernel = kernel("4.9");
    EXPECT_EQ(size::size_client(q).blocked_s, 2);
    q = client("6.1", 200);
    q.closer = sim::Closer::server;
    EXPECT_TRUE(size::size_client(q).enough);
    EXPECT_EQ(size::size_client(q).time_wait, 0);
}

}  // namespace
}  // namespace synwhy
