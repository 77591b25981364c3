// Does the modelled opener behave like the kernel it names? Schedules, ports, TIME_WAIT, reactions in SYN_SENT.
#include <gtest/gtest.h>

#include <vector>

#include "model/client.hpp"

namespace synwhy::model {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kStart = 1'000'000 * kSecond;
namespace flag = core::tcp_flag;

ClientKernel kernel_of(std::string_view release) {
    ClientKernel shared;
    shared.kernel = core::resolve_kernel(release).value();
    shared.settings = Settings::defaults_of(shared.kernel);
    return shared;
}

core::Endpoint server() {
    const std::uint8_t octets[] = {10, 0, 0, 1};
    return {core::Address::from_ipv4(octets), 80};
}

core::Address client_address() {
    const std::uint8_t octets[] = {192, 0, 2, 1};
    return core::Address::from_ipv4(octets);
}

core::Segment reply_to(const core::Segment& to, std::uint8_t flags, std::uint32_t sequence, std::uint32_t ack) {
    core::Segment reply;
    reply.source = to.destination;
    reply.destination = to.source;
    reply.flags = flags;
    reply.sequence = sequence;
    reply.acknowledgment = ack;
    reply.window = 65535;
    return reply;
}

/// Seconds, rounded, at which SYNs leave; the last number is when ETIMEDOUT comes.
std::vector<std::int64_t> schedule(std::string_view release) {
    const ClientKernel shared = kernel_of(release);
    ClientHost host(shared, client_address(), kStart - kSecond, 1);
    Outbox out;
    std::vector<ClientEvent> events;
    EXPECT_TRUE(host.connect({.server = server()}, kStart, out));
    std::vector<std::int64_t> times(1, 0);
    while (events.empty() && times.size() < 20) {
        out.clear();
        const std::int64_t now = host.next_deadline_ns();
        host.advance(now, out, events);
        times.push_back((now - kStart + kSecond / 2) / kSecond);
        EXPECT_EQ(out.empty(), !events.empty());
    }
    EXPECT_TRUE(events.at(0).timed_out);
    EXPECT_TRUE(host.idle());
    return times;
}

using Times = std::vector<std::int64_t>;

TEST(Client, RepeatsItsSynAsItsKernelDoes) {
    EXPECT_EQ(schedule("2.6.32.69"), (Times{0, 3, 9, 21}));
    EXPECT_EQ(schedule("2.6.37"), (Times{0, 3, 9, 21, 45, 93, 189}));
    EXPECT_EQ(schedule("2.6.32-642.el6"), (Times{0, 1, 3, 7, 15, 31, 63}));
    EXPECT_EQ(schedule("3.10.105"), (Times{0, 1, 3, 7, 15, 31, 63, 127}));
    EXPECT_EQ(schedule("6.1"), (Times{0, 1, 3, 7, 15, 31, 63, 127}));
    EXPECT_EQ(schedule("6.6"), (Times{0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67, 131}));
}

TEST(Client, AnswersABareAckWithARstAndTriesAgain) {
    for (const auto& [release, at_once] : {std::pair{"5.4", false}, std::pair{"5.10", true}}) {
        SCOPED_TRACE(release);
        const ClientKernel shared = kernel_of(release);
        ClientHost host(shared, client_address(), kStart - kSecond, 1);
        Outbox out;
        ASSERT_TRUE(host.connect({.server = server()}, kStart, out));
        const core::Segment syn = out.at(0).segment;
        out.clear();
        host.receive(reply_to(syn, flag::ack, 77, 4711), kStart + 1'000'000, out);
        ASSERT_EQ(out.size(), 1U);
        EXPECT_EQ(out[0].segment.flags, flag::rst);
        EXPECT_EQ(out[0].segment.sequence, 4711U);
        EXPECT_EQ(host.next_deadline_ns() < kStart + kSecond / 10, at_once);
    }
}

TEST(Client, RunsOutOfPortsAndTakesThemFromTimeWait) {
    ClientKernel shared = kernel_of("6.1");
    shared.settings.local_port_low = 40000;
    shared.settings.local_port_high = 40003;
    for (const int reuse : {0, 1}) {
        SCOPED_TRACE(reuse);
        shared.settings.tw_reuse = reuse;
        ClientHost host(shared, client_address(), kStart - kSecond, 1);
        std::int64_t now = kStart;
        for (int i = 0; i < 4; ++i) {
            Outbox out;
            const auto connection = host.connect({.server = server()}, now, out);
            ASSERT_TRUE(connection);
            const core::Segment syn = out.at(0).segment;
            EXPECT_TRUE(syn.source.port >= 40000 && syn.source.port <= 40003);
            core::Segment synack = reply_to(syn, flag::syn | flag::ack, 100, syn.sequence + 1);
            synack.options.has_timestamps = true;
            synack.options.ts_value = 5;
            EXPECT_TRUE(host.receive(synack, now, out).established);
            host.close(*connection, now, out);
            const std::uint32_t fin = out.back().segment.sequence;
            core::Segment last = reply_to(syn, flag::fin | flag::ack, 101, fin + 1);
            last.options = synack.options;
            EXPECT_TRUE(host.receive(last, now, out).gone);
        }
        EXPECT_EQ(host.waiting(), 4U);
        Outbox out;
        EXPECT_FALSE(host.connect({.server = server()}, now, out));
        now += 2 * kSecond;
        const auto connection = host.connect({.server = server()}, now, out);
        EXPECT_EQ(connection.has_value(), reuse == 1);
        if (connection) {
            EXPECT_EQ(host.counts().time_wait_reused, 1U);
            EXPECT_EQ(out.at(0).segment.options.ts_echo, 5U) << "a reused tuple shows the peer's last timestamp";
        }
        out.clear();
        now += 61 * kSecond;
        std::vector<ClientEvent> events;
        host.advance(now, out, events);
        EXPECT_EQ(host.waiting(), 0U) << "TIME_WAIT lasts 60 s";
    }
}

TEST(Client, TimestampClockFollowsTheKernel) {
    const auto per_second = [](std::string_view release, std::uint16_t port) {
        const ClientKernel shared = kernel_of(release);
        const ClientHost host(shared, client_address(), kStart - kSecond, 9);
        return host.tsval(server(), port, kStart + kSecond) - host.tsval(server(), port, kStart);
    };
    EXPECT_EQ(per_second("3.10.105", 1), 250U);
    EXPECT_EQ(per_second("4.19", 1), 1000U);
    const auto offset = [](std::string_view release) {
        const ClientKernel shared = kernel_of(release);
        const ClientHost host(shared, client_address(), kStart, 9);
        return host.tsval(server(), 1, kStart) != host.tsval(server(), 2, kStart);
    };
    EXPECT_FALSE(offset("3.10.105"));
    EXPECT_FALSE(offset("6.1"));
    EXPECT_TRUE(offset("6.18.20")) << "one offset per connection";
    const ClientKernel old = kernel_of("3.10.105");
    EXPECT_EQ(ClientHost(old, client_address(), kStart, 9).tsval(server(), 1, kStart), 0U - 300U * 250U);
}

TEST(Client, SendsMoreThanFourGigabytesInOrder) {
    ClientKernel shared = kernel_of("6.1");
    shared.segment_bytes = 60'000;
    ClientHost host(shared, client_address(), kStart - kSecond, 1);
    Outbox out;
    const auto connection = host.connect({.server = server()}, kStart, out);
    ASSERT_TRUE(connection);
    const core::Segment syn = out.at(0).segment;
    host.receive(reply_to(syn, flag::syn | flag::ack, 100, syn.sequence + 1), kStart, out);
    constexpr std::uint64_t kBytes = 4'400'000'000;
    out.clear();
    host.write(*connection, kBytes, kStart, out);
    std::uint64_t sent = 0;
    while (!out.empty()) {
        const Outgoing segment = out.back();
        out.clear();
        ASSERT_EQ(segment.stream_offset, sent);
        ASSERT_EQ(segment.segment.sequence, syn.sequence + 1 + static_cast<std::uint32_t>(sent));
        sent += segment.segment.payload_length;
        host.receive(reply_to(syn, flag::ack, 101, syn.sequence + 1 + static_cast<std::uint32_t>(sent)), kStart, out);
    }
    EXPECT_EQ(sent, kBytes);
}

}  // namespace
}  // namespace synwhy::model
