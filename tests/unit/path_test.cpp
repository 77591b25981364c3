// Does the table decide as tcp_conn_request was measured to, kernel by kernel?
#include "core/path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace synwhy::core {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using Kind = ListenDecision::Kind;

Kernel kernel_of(std::string_view release) { return resolve_kernel(release).value(); }

/// What the table says, as one word: "answer", "cookie" or the refusing row.
std::string decide(std::string_view release, const Facts& facts) {
    const auto decision = decide_listen(kernel_of(release).behaviours, facts);
    if (decision.kind == Kind::answer) return "answer";
    return decision.kind == Kind::cookie ? "cookie" : std::string(decision.row->id);
}

constexpr const char* kTableKernels[] = {"2.6.32.69", "2.6.32-642.el6", "3.10.105", "3.10.0-1160.el7", "3.18"};
constexpr const char* kBacklogKernels[] = {"4.4.178", "4.9.229", "5.10.7", "6.1.20", "6.12.0"};
constexpr const char* kAboveKernels[] = {"6.1.192", "6.12.19", "6.18.44"};

/// Requests that fit before the first SYN is refused (tcp_syncookies=0, no 3/4 rule in the way).
std::uint32_t syn_queue_capacity(std::string_view release, std::uint32_t backlog, std::uint32_t max_syn_backlog) {
    Facts facts;
    facts.syncookies = 0;
    facts.backlog = backlog;
    facts.max_syn_backlog = 1U << 20;
    facts.syn_table = syn_table_size(backlog, max_syn_backlog);
    while (decide(release, facts) == "answer") ++facts.request_length;
    EXPECT_EQ(decide(release, facts), "listen.syn-queue");
    return facts.request_length;
}

TEST(SynTable, SizesAsMeasured) {
    const std::pair<std::uint32_t, std::uint32_t> cases[] = {
        {0, 16},    {1, 16},    {5, 16},    {8, 16},    {10, 16},   {15, 16},   {16, 32},    {50, 64},     {64, 128},
        {100, 128}, {127, 128}, {128, 256}, {255, 256}, {256, 512}, {511, 512}, {512, 1024}, {1023, 1024}, {1024, 2048},
    };
    for (const auto& [backlog, entries] : cases) EXPECT_EQ(syn_table_size(backlog, 4096), entries) << backlog;
    EXPECT_EQ(syn_table_size(1024, 256), 512U) << "tcp_max_syn_backlog caps the table";
    EXPECT_EQ(syn_table_size(128, 0), 16U);
    EXPECT_EQ(syn_table_size(0xffffffffU, 0xffffffffU), 0x80000000U);
}

TEST(SynQueue, CapacityPerKernel) {
    for (const auto* release : kTableKernels) {
        EXPECT_EQ(syn_queue_capacity(release, 5, 1024), 16U) << release;
        EXPECT_EQ(syn_queue_capacity(release, 100, 1024), 128U) << release;
        EXPECT_EQ(syn_queue_capacity(release, 1024, 256), 512U) << release;
    }
    for (const auto* release : kBacklogKernels) {
        EXPECT_EQ(syn_queue_capacity(release, 5, 1024), 5U) << release;
        EXPECT_EQ(syn_queue_capacity(release, 0, 1024), 0U) << release << ": listen(fd, 0) refuses everybody";
    }
    for (const auto* release : kAboveKernels) {
        EXPECT_EQ(syn_queue_capacity(release, 5, 1024), 6U) << release;
        EXPECT_EQ(syn_queue_capacity(release, 0, 1024), 1U) << release;
    }
}

TEST(SynQueue, CookieWhenAllowed) {
    Facts facts;
    facts.backlog = 8;
    facts.syn_table = 16;
    facts.request_length = 100;
    for (const auto& release : known_releases()) EXPECT_EQ(decide(release, facts), "cookie") << release;
    facts.syncookies = 0;
    facts.max_syn_backlog = 1024;
    for (const auto& release : known_releases()) EXPECT_EQ(decide(release, facts), "listen.syn-queue") << release;
}

TEST(SynQueue, ModeTwoAlwaysCookiesWhereItExists) {
    Facts facts;
    facts.syncookies = 2;
    for (const auto* release : {"3.10.0-1160.el7", "3.14.1", "4.4.178", "4.9.229", "6.1.192", "6.18.44"}) {
        EXPECT_EQ(decide(release, facts), "cookie") << release;
    }
    for (const auto* release : {"2.6.32.69", "3.10.105"}) EXPECT_EQ(decide(release, facts), "answer") << release;
}

TEST(AcceptQueue, OldKernelsWaitForTwoYoungRequests) {
    Facts facts;
    facts.backlog = 4;
    facts.accept_length = 4;
    for (const auto& release : known_releases()) EXPECT_EQ(decide(release, facts), "answer") << release;
    facts.accept_length = 5;
    facts.young_requests = 1;
    for (const auto* release : kTableKernels) EXPECT_EQ(decide(release, facts), "answer") << release;
    for (const auto* release : kBacklogKernels) EXPECT_EQ(decide(release, facts), "listen.accept-queue") << release;
    facts.young_requests = 2;
    for (const auto* release : kTableKernels) EXPECT_EQ(decide(release, facts), "listen.accept-queue") << release;
}

TEST(AcceptQueue, CookiesDoNotHelpButOnEl7) {
    Facts facts;  // n5_cookie_full: tcp_syncookies=2, nothing but cookies, accept queue full
    facts.syncookies = 2;
    facts.backlog = 1;
    facts.accept_length = 2;
    EXPECT_EQ(decide("3.10.0-1160.el7", facts), "cookie");
    for (const auto* release : {"4.4.178", "4.9.229", "6.1.192", "6.18.44"}) {
        EXPECT_EQ(decide(release, facts), "listen.accept-queue") << release;
        EXPECT_TRUE(decide_listen(kernel_of(release).behaviours, facts).cookie_chosen) << release;
    }
}

TEST(TimeWait, SkipsEverythingButTheAcceptQueueAndTheRoute) {
    Facts facts;
    facts.via_time_wait = true;
    facts.syncookies = 0;
    facts.request_length = 10'000;
    facts.tw_recycle = true;
    facts.stamp_exists = true;
    facts.stamp_ts = 1000;
    for (const auto& release : known_releases()) EXPECT_EQ(decide(release, facts), "answer") << release;
    facts.accept_length = facts.backlog + 1;
    facts.young_requests = 2;
    for (const auto& release : known_releases()) EXPECT_EQ(decide(release, facts), "listen.accept-queue") << release;
}

/// A peer whose last connection was closed by the server a moment ago, and its next SYN.
Facts known_peer(std::uint32_t stamp_ts, std::uint32_t syn_ts) {
    Facts facts;
    facts.tw_recycle = true;
    facts.has_timestamps = true;
    facts.stamp_exists = true;
    facts.stamp_ts = stamp_ts;
    facts.syn_ts = syn_ts;
    return facts;
}

constexpr const char* kRecyclers[] = {"2.6.32.69",       "3.0.86",  "3.10.105", "3.14.1",
                                      "3.10.0-1160.el7", "4.4.178", "4.9.229"};

TEST(HostPaws, RefusesTwoTicksOlderModulo32Bits) {
    constexpr std::uint32_t kStamp = 5000;
    const std::pair<std::uint32_t, bool> cases[] = {
        {kStamp, false},                // n1_bound_eq
        {kStamp - 1, false},            // n1_bound_m1
        {kStamp - 2, true},             // n1_bound_m2
        {kStamp - 1000, true},          // n1_bound_m1000
        {kStamp - 0x7fffffffU, true},   // n1_bound_m2e31m1
        {kStamp - 0x80000000U, false},  // n1_bound_m2e31
        {kStamp + 0x7fffffffU, false},  // n1_bound_p2e31m1
        {kStamp + 0x80000001U, true},   // n1_bound_p2e31p1
    };
    for (const auto* release : kRecyclers) {
        for (const auto& [syn_ts, refused] : cases) {
            EXPECT_EQ(decide(release, known_peer(kStamp, syn_ts)), refused ? "listen.host-paws" : "answer")
                << release << " TSval " << syn_ts;
        }
    }
    for (const auto* release : {"4.12", "4.14", "6.1.192", "6.18.44"}) {
        EXPECT_EQ(decide(release, known_peer(kStamp, 1)), "answer") << release << " has no tcp_tw_recycle";
    }
}

TEST(HostPaws, EndsAfterSixtyWholeSeconds) {
    auto facts = known_peer(5000, 10);
    for (const auto* release : kRecyclers) {
        facts.stamp_age_s = 59;
        EXPECT_EQ(decide(release, facts), "listen.host-paws") << release;
        facts.stamp_age_s = 60;
        EXPECT_EQ(decide(release, facts), "answer") << release;
    }
    facts.stamp_age_s = -5;  // the clock was set back
    EXPECT_EQ(decide("2.6.32.69", facts), "listen.host-paws");
    EXPECT_EQ(decide("3.10.105", facts), "answer");
}

TEST(HostPaws, SynWithoutTimestampsIsRefusedOnlyByTheLastVariant) {
    auto facts = known_peer(5000, 0);
    facts.has_timestamps = false;
    for (const auto* release : {"2.6.32.69", "3.10.105", "3.14.1"})
        EXPECT_EQ(decide(release, facts), "answer") << release;
    for (const auto* release : {"3.10.0-1160.el7", "3.18", "4.4.178", "4.9.229"}) {
        EXPECT_EQ(decide(release, facts), "listen.host-paws") << release;
    }
}

TEST(HostPaws, ServerTimestampsOffHelpsOnlyOldVariants) {
    auto facts = known_peer(5000, 9000);
    facts.timestamps_on = false;
    EXPECT_EQ(decide("2.6.32.69", facts), "answer");
    EXPECT_EQ(decide("3.10.105", facts), "answer");
    EXPECT_EQ(decide("3.10.0-1160.el7", facts), "listen.host-paws") << "even with a newer TSval";
    EXPECT_EQ(decide("4.9.229", facts), "listen.host-paws");
}

TEST(HostPaws, Ipv6AndCookiesAndRoute) {
    auto facts = known_peer(5000, 10);
    facts.ipv6 = true;
    EXPECT_EQ(decide("2.6.32.69", facts), "answer");
    EXPECT_EQ(decide("3.0.86", facts), "listen.host-paws");
    EXPECT_EQ(decide("3.10.105", facts), "listen.host-paws");

    facts = known_peer(5000, 10);
    facts.backlog = 8;
    facts.syn_table = 16;
    facts.request_length = 100;
    for (const auto* release : kRecyclers) EXPECT_EQ(decide(release, facts), "cookie") << release << ": check skipped";

    facts = known_peer(5000, 10);
    facts.route_back = false;
    for (const auto* release : kRecyclers) EXPECT_EQ(decide(release, facts), "listen.route-last") << release;
}

/// SYNs of unknown peers that are answered before the 3/4 rule bites.
std::uint32_t quarter_capacity(std::string_view release, std::uint32_t max_syn_backlog, Facts facts = {}) {
    facts.syncookies = 0;
    facts.backlog = 100'000;
    facts.syn_table = 1U << 17;
    facts.max_syn_backlog = max_syn_backlog;
    while (facts.request_length < 2000 && decide(release, facts) == "answer") ++facts.request_length;
    return facts.request_length;
}

TEST(Quarter, StopsAtThreeQuartersPlusOne) {
    for (const auto& release : known_releases()) {
        EXPECT_EQ(quarter_capacity(release, 8), 7U) << release;
        EXPECT_EQ(quarter_capacity(release, 16), 13U) << release;
        EXPECT_EQ(quarter_capacity(release, 17), 14U) << release;
        EXPECT_EQ(quarter_capacity(release, 64), 49U) << release;
        EXPECT_EQ(quarter_capacity(release, 128), 97U) << release;
        EXPECT_EQ(quarter_capacity(release, 256), 193U) << release;
        EXPECT_EQ(quarter_capacity(release, 3), 4U) << release << ": a quarter of 3 is 0";
    }
}

TEST(Quarter, ExemptionByRecycle) {
    constexpr std::uint32_t kUnlimited = 2000;
    Facts without_timestamps;
    without_timestamps.tw_recycle = true;
    Facts with_timestamps = without_timestamps;
    with_timestamps.has_timestamps = true;
    Facts stamped = known_peer(5000, 6000);

    EXPECT_EQ(quarter_capacity("2.6.32.69", 64, without_timestamps), 49U);
    EXPECT_EQ(quarter_capacity("2.6.32.69", 64, with_timestamps), 49U);
    EXPECT_EQ(quarter_capacity("2.6.32.69", 64, stamped), kUnlimited);
    EXPECT_EQ(quarter_capacity("3.10.105", 64, without_timestamps), 49U);
    EXPECT_EQ(quarter_capacity("3.10.105", 64, with_timestamps), kUnlimited);
    for (const auto* release : {"3.10.0-1160.el7", "4.4.178", "4.9.229"}) {
        EXPECT_EQ(quarter_capacity(release, 64, without_timestamps), kUnlimited) << release;
    }
    EXPECT_EQ(quarter_capacity("4.12", 64, with_timestamps), 49U);
}

TEST(Quarter, KnownPeersPassSince414) {
    Facts proven;
    proven.peer_proven = true;
    for (const auto* release : {"2.6.32.69", "3.10.105", "4.9.229", "4.12"}) {
        EXPECT_EQ(quarter_capacity(release, 64, proven), 49U) << release;
    }
    for (const auto* release : {"4.14", "6.1.192", "6.18.44"}) EXPECT_EQ(quarter_capacity(release, 64, proven), 2000U);
}

TEST(Route, ComesBeforeTheQuarterRuleSince414) {
    Facts facts;
    facts.route_back = false;
    facts.syncookies = 0;
    facts.max_syn_backlog = 64;
    facts.request_length = 60;
    EXPECT_EQ(decide("4.9.229", facts), "listen.quarter");
    EXPECT_EQ(decide("4.14", facts), "listen.route");
}

TEST(Listen, FlagsAndBroadcastComeFirst) {
    Facts facts;
    facts.accept_length = 1000;
    facts.young_requests = 5;
    facts.flags_fin_or_rst = true;
    facts.broadcast_destination = true;
    for (const auto& release : known_releases()) EXPECT_EQ(decide(release, facts), "listen.flags") << release;
    facts.flags_fin_or_rst = false;
    for (const auto& release : known_releases()) EXPECT_EQ(decide(release, facts), "listen.broadcast-destination");
}

TEST(FirstRefusal, WalksTheStagesInOrder) {
    const auto kernel = kernel_of("4.9.229").behaviours;
    Facts facts;
    EXPECT_EQ(first_refusal(Stage::ip, Stage::listen, kernel, facts), nullptr);
    facts.filtered = true;
    EXPECT_EQ(first_refusal(Stage::ip, Stage::listen, kernel, facts)->id, "tcp.socket-filter");
    facts.below_min_ttl = true;
    EXPECT_EQ(first_refusal(Stage::ip, Stage::listen, kernel, facts)->id, "tcp.min-ttl");
    EXPECT_EQ(first_refusal(Stage::ip, Stage::listen, kernel_of("2.6.32.69").behaviours, facts)->id,
              "tcp.socket-filter")
        << "IP_MINTTL is not there";
    facts.listening = false;
    EXPECT_EQ(first_refusal(Stage::ip, Stage::listen, kernel, facts)->id, "lookup.no-listener");
    facts.via_time_wait = true;
    EXPECT_EQ(first_refusal(Stage::ip, Stage::listen, kernel, facts)->id, "time-wait.no-listener");
    facts.tcp_checksum_bad = true;
    EXPECT_EQ(first_refusal(Stage::ip, Stage::listen, kernel, facts)->id, "tcp.checksum");
    facts.ip_checksum_bad = true;
    EXPECT_EQ(first_refusal(Stage::ip, Stage::listen, kernel, facts)->id, "ip.checksum");
}

TEST(Rows, AreUniqueAndComplete) {
    std::set<std::string_view> ids;
    for (const auto& row : path_rows()) {
        EXPECT_TRUE(ids.insert(row.id).second) << row.id;
        EXPECT_FALSE(row.condition.empty()) << row.id;
        EXPECT_FALSE(row.function.empty()) << row.id;
        EXPECT_NE(row.holds_for, nullptr) << row.id;
        EXPECT_EQ(find_row(row.id), &row);
    }
    EXPECT_EQ(find_row("no.such-row"), nullptr);
}

TEST(Rows, EveryRowHoldsForSomeKnownKernel) {
    for (const auto& row : path_rows()) {
        bool held = false;
        for (const auto& release : known_releases()) held = held || row.holds_for(kernel_of(release));
        EXPECT_TRUE(held) << row.id;
    }
}

TEST(Rows, ADecidableRowOnlyDecidesWhereItHolds) {
    Facts facts;  // everything wrong at once
    facts.below_min_ttl = facts.filtered = facts.tw_recycle = facts.stamp_exists = true;
    facts.route_back = false;
    for (const auto& release : known_releases()) {
        const auto kernel = kernel_of(release);
        for (const auto& row : path_rows()) {
            if (row.applies == nullptr || !row.applies(kernel.behaviours, facts)) continue;
            EXPECT_TRUE(row.holds_for(kernel)) << row.id << " on " << release;
        }
    }
}

TEST(Counters, OnlyThoseThatMoveOnThisKernel) {
    const auto counters = [](const char* row, const char* release) {
        return row_counters(*find_row(row), kernel_of(release));
    };
    EXPECT_THAT(counters("listen.accept-queue", "2.6.32.69"), IsEmpty());
    EXPECT_THAT(counters("listen.accept-queue", "3.10.105"),
                ElementsAre("TcpExt.ListenOverflows", "TcpExt.ListenDrops"));
    EXPECT_THAT(counters("listen.accept-queue", "4.9.229"),
                ElementsAre("TcpExt.ListenOverflows", "TcpExt.ListenDrops", "sk_drops"));
    EXPECT_THAT(counters("listen.host-paws", "2.6.32.69"), ElementsAre("TcpExt.PAWSPassive"));
    EXPECT_THAT(counters("listen.cookie", "3.10.0-1160.el7"), Contains("TcpExt.ListenDrops"));
    EXPECT_THAT(counters("listen.cookie", "4.9.229"), Not(Contains("TcpExt.ListenDrops")));
    EXPECT_THAT(counters("final-ack.accept-queue", "2.6.32.69"),
                ElementsAre("TcpExt.ListenOverflows", "TcpExt.ListenDrops"));
    EXPECT_THAT(counters("ip.rp-filter", "2.6.32.69"), IsEmpty());
    EXPECT_THAT(counters("time-wait.paws", "6.14"), ElementsAre("TcpExt.PAWSEstab"));
    EXPECT_THAT(counters("time-wait.paws", "6.18.44"), ElementsAre("TcpExt.PAWSTimewait"));
    EXPECT_THAT(counters("full-socket.ignored", "3.10.105"), IsEmpty());
}

}  // namespace
}  // namespace synwhy::core
