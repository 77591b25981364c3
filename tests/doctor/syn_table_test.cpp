// Does the table pair every SYN with what went back to it?
#include "host/syn_table.hpp"

#include <gtest/gtest.h>

#include "core/packet_build.hpp"

namespace synwhy {
namespace {

const core::Endpoint kClient{*core::parse_address("198.51.100.7"), 40000};
const core::Endpoint kServer{*core::parse_address("10.0.0.1"), 80};
constexpr std::int64_t kSecond = 1'000'000'000;

std::string no_name(int) { return "eth0"; }

class SynTable : public testing::Test {
  protected:
    void add(std::int64_t time_ns, core::Segment segment, bool outgoing) {
        std::vector<std::uint8_t> bytes;
        core::append_packet(segment, {}, bytes);
        table_.add(time_ns, bytes, static_cast<std::uint32_t>(bytes.size()), 2, outgoing);
    }
    static core::Segment syn(std::uint32_t isn, std::uint8_t ttl = 64) {
        return {.source = kClient, .destination = kServer, .sequence = isn, .flags = core::tcp_flag::syn, .ttl = ttl};
    }
    static core::Segment reply(std::uint32_t isn, std::uint8_t flags) {
        return {.source = kServer, .destination = kClient, .acknowledgment = isn + 1, .flags = flags};
    }
    host::SynTable table_;
};

TEST_F(SynTable, RepeatedSynIsOneAttempt) {
    add(0, syn(100), false);
    add(kSecond, syn(100), false);
    const core::Watched seen = table_.watched(0, 3 * kSecond, no_name);
    ASSERT_EQ(seen.groups.size(), 1U);
    EXPECT_EQ(seen.groups[0].syns, 2U);
    EXPECT_EQ(seen.groups[0].attempts, 1U);
    EXPECT_EQ(seen.groups[0].unanswered, 1U);
    EXPECT_EQ(seen.groups[0].interface, "eth0");
}

TEST_F(SynTable, AnswersBelongToTheirSyn) {
    add(0, syn(100), false);
    add(0, reply(100, core::tcp_flag::syn | core::tcp_flag::ack), true);
    add(0, syn(200), false);
    add(0, reply(200, core::tcp_flag::rst | core::tcp_flag::ack), true);
    add(0, syn(300), false);
    add(0, reply(999, core::tcp_flag::syn | core::tcp_flag::ack), true);
    const core::Watched seen = table_.watched(0, kSecond, no_name);
    ASSERT_EQ(seen.groups.size(), 1U);
    EXPECT_EQ(seen.groups[0].answered, 1U);
    EXPECT_EQ(seen.groups[0].reset, 1U);
    EXPECT_EQ(seen.groups[0].unanswered, 1U);
}

TEST_F(SynTable, TooYoungIsPending) {
    add(kSecond, syn(100), false);
    const core::Watched seen = table_.watched(0, kSecond + core::kAnswerTimeNs / 2, no_name);
    EXPECT_EQ(seen.groups[0].pending, 1U);
    EXPECT_EQ(seen.groups[0].unanswered, 0U);
}

TEST_F(SynTable, OwnConnectionsAreNotArrivals) {
    add(0, syn(100), true);
    EXPECT_EQ(table_.watched(0, kSecond, no_name).syns, 0U);
}

TEST_F(SynTable, GarbageIsIgnored) {
    const std::vector<std::uint8_t> bytes(20, 0x45);
    for (std::size_t length = 0; length <= bytes.size(); ++length) {
        table_.add(0, std::span(bytes).first(length), 20, 1, false);
    }
    EXPECT_EQ(table_.watched(0, kSecond, no_name).syns, 0U);
}

TEST_F(SynTable, BeyondTheLimitIsCounted) {
    for (std::uint32_t isn = 0; isn < host::kMaxAttempts + 10; ++isn) add(0, syn(isn), false);
    const core::Watched seen = table_.watched(0, kSecond, no_name);
    EXPECT_EQ(seen.lost, 10U);
    EXPECT_EQ(seen.groups[0].attempts, host::kMaxAttempts);
}

}  // namespace
}  // namespace synwhy
