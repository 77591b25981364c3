// Is chance the same everywhere, and is it the chance that was asked for? Do events keep their order?
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "sim/event_queue.hpp"
#include "sim/gateway.hpp"
#include "sim/random.hpp"

namespace synwhy::sim {
namespace {

TEST(Chance, StreamIsFixedForever) {
    Random random(1, 2);
    const std::uint64_t first = random.next();
    const std::uint64_t second = random.next();
    Random again(1, 2);
    EXPECT_EQ(again.next(), first);
    EXPECT_EQ(again.next(), second);
    EXPECT_NE(Random(1, 3).next(), first);
    EXPECT_NE(Random(2, 2).next(), first);
    // splitmix64 of 0, as published with the algorithm.
    EXPECT_EQ(mixed(0), 0xe220a8397b1dcdafU);
}

TEST(Chance, LogarithmIsTheLogarithm) {
    Random random(7, 7);
    for (int i = 0; i < 10'000; ++i) {
        const std::uint64_t bits = random.next() >> (i % 60);
        const double u = (static_cast<double>(bits) + 1.0) / 18446744073709551616.0;
        EXPECT_NEAR(static_cast<double>(minus_log(bits)) / 4294967296.0, -std::log(u), 2e-9 * 45) << bits;
    }
    EXPECT_EQ(minus_log(UINT64_MAX), 0U);
}

TEST(Chance, DistributionsHaveTheirMean) {
    Random random(3, 3);
    double sum = 0;
    constexpr int kDraws = 200'000;
    for (int i = 0; i < kDraws; ++i) {
        sum += static_cast<double>(random.draw({Distribution::Kind::exponential, 1'000'000, 0}));
    }
    EXPECT_NEAR(sum / kDraws, 1e6, 1e4);
    std::int64_t low = INT64_MAX;
    std::int64_t high = 0;
    for (int i = 0; i < 10'000; ++i) {
        const std::int64_t value = random.draw({Distribution::Kind::uniform, 10, 15});
        low = std::min(low, value);
        high = std::max(high, value);
    }
    EXPECT_EQ(low, 10);
    EXPECT_EQ(high, 15);
}

TEST(Events, ComeInOrderOfTimeThenMaking) {
    EventQueue queue;
    Random random(5, 5);
    constexpr std::uint32_t kEvents = 20'000;
    for (std::uint32_t i = 0; i < kEvents; ++i) {
        const auto time = static_cast<std::int64_t>(random.below(500)) + i / 100;
        queue.push(time, EventKind::sample, i, 0, random.below(EventQueue::kLanes + 2));
    }
    Event last{.time_ns = -1};
    for (std::uint32_t i = 0; i < kEvents; ++i) {
        ASSERT_FALSE(queue.empty());
        const Event event = queue.pop();
        const bool later = event.time_ns > last.time_ns || event.sequence > last.sequence;
        ASSERT_TRUE(event.time_ns >= last.time_ns && later) << i;
        last = event;
    }
    EXPECT_TRUE(queue.empty());
}

core::Segment from_port(std::uint16_t port, std::uint8_t flags) {
    core::Segment segment;
    segment.source.port = port;
    segment.flags = flags;
    return segment;
}

TEST(Nat, KeepsItsMappingAndFindsTheWayBack) {
    const std::uint8_t octets[] = {198, 51, 100, 7};
    Gateway gateway({.address = core::Address::from_ipv4(octets)}, 1);
    core::Segment a = from_port(40000, core::tcp_flag::syn);
    core::Segment b = from_port(40000, core::tcp_flag::syn);
    ASSERT_TRUE(gateway.outward(1, 9, a, 0));
    ASSERT_TRUE(gateway.outward(2, 9, b, 0));
    EXPECT_EQ(core::to_string(a.source.address), "198.51.100.7");
    EXPECT_NE(a.source.port, b.source.port);
    core::Segment again = from_port(40000, core::tcp_flag::ack);
    ASSERT_TRUE(gateway.outward(1, 9, again, 1));
    EXPECT_EQ(again.source.port, a.source.port);
    core::Segment back;
    back.destination.port = b.source.port;
    const auto inside = gateway.inward(9, back, 2);
    ASSERT_TRUE(inside);
    EXPECT_EQ(inside->host, 2U);
    EXPECT_EQ(inside->port, 40000);
    EXPECT_FALSE(gateway.inward(8, back, 2)) << "another server has mappings of its own";
}

TEST(Nat, ReusesAPortOfAClosedConnectionOnlyAfterAWhile) {
    Gateway gateway({.port_low = 5000, .port_high = 5000, .reuse_after_ns = 100}, 1);
    core::Segment first = from_port(1, core::tcp_flag::syn);
    ASSERT_TRUE(gateway.outward(1, 0, first, 0));
    core::Segment fin = from_port(1, core::tcp_flag::fin);
    ASSERT_TRUE(gateway.outward(1, 0, fin, 10));
    core::Segment other = from_port(2, core::tcp_flag::syn);
    EXPECT_FALSE(gateway.outward(2, 0, other, 100));
    EXPECT_EQ(gateway.exhausted(), 1U);
    EXPECT_TRUE(gateway.outward(2, 0, other, 110));
}

}  // namespace
}  // namespace synwhy::sim
