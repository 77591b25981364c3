// What does the whole report say: totals, order of the findings, what was ruled out, what stays open, what was missing.
#include "diagnose/findings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "story.hpp"

namespace synwhy::diagnose {
namespace {

using core::Cause;
using core::Confidence;
using test::finding_of;
using test::moment;
using test::Side;
using test::Story;
using test::Talk;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

/// One winner a round, closed by the server, and one loser with an older clock that tries twice.
Story nat_story(std::uint32_t rounds) {
    Story story;
    for (std::uint32_t round = 0; round < rounds; ++round) {
        const double start = round * 10.0;
        Talk(story, "198.51.100.249", static_cast<std::uint16_t>(40000 + round), 1000)
            .at(start)
            .clock(900'000'000 + round * 10'000)
            .served()
            .closed_by(Side::server);
        Talk(story, "198.51.100.249", static_cast<std::uint16_t>(50000 + round), 700'000'000)
            .at(start + 1)
            .clock(100 + round)
            .syn()
            .wait(1)
            .syn();
        Talk(story, "203.0.113.77", static_cast<std::uint16_t>(40000 + round), 1000)
            .at(start + 3)
            .clock(round)
            .served()
            .closed_by(Side::client);
    }
    return story;
}

core::HostFacts with_delta(std::int64_t delta) {
    core::HostFacts facts;
    facts.kernel = core::resolve_kernel("4.9.229");
    facts.sysctls["net.ipv4.tcp_tw_recycle"] = "1";
    facts.counter_deltas["TcpExt.PAWSPassive"] = delta;
    return facts;
}

TEST(findings, totals_add_up) {
    Story story = nat_story(8);
    Talk(story, "192.0.2.1", 40000, 1, test::endpoint("10.0.0.1", 81)).at(100).syn().refuse();
    Talk(story, "192.0.2.2", 40000, 1).at(101).syn().unreachable(3);
    const core::Report report = story.analyse();
    SCOPED_TRACE(test::told(report));
    const core::Totals& totals = report.totals;
    EXPECT_EQ(totals.syns, 8U * 4 + 2);
    EXPECT_EQ(totals.handshakes, 8U * 3 + 2);
    EXPECT_EQ(totals.answered, 16U);
    EXPECT_EQ(totals.unanswered, 8U);
    EXPECT_EQ(totals.refused_rst, 1U);
    EXPECT_EQ(totals.icmp, 1U);
    EXPECT_EQ(totals.answered + totals.cookie + totals.refused_rst + totals.bare_ack + totals.icmp + totals.unanswered,
              totals.handshakes);
    std::uint64_t in_buckets = 0;
    for (const core::TimeBucket& bucket : report.timeline)
        in_buckets += bucket.answered + bucket.refused + bucket.unanswered;
    EXPECT_EQ(in_buckets, totals.syns);
    EXPECT_LE(report.timeline.size(), Options{}.timeline_buckets);
}

TEST(findings, a_counter_that_agrees_makes_the_finding_certain) {
    const core::Report report = nat_story(8).analyse(with_delta(16));
    SCOPED_TRACE(test::told(report));
    const core::Finding* finding = finding_of(report, Cause::per_host_paws);
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(finding->syns, 16U);
    EXPECT_EQ(finding->confidence, Confidence::certain);
    EXPECT_THAT(finding->evidence, Contains(HasSubstr("PAWSPassive moved by 16")));
}

TEST(findings, a_counter_that_did_not_move_excludes_it) {
    const core::Report report = nat_story(8).analyse(with_delta(0));
    SCOPED_TRACE(test::told(report));
    for (const core::Finding& finding : report.findings) {
        if (finding.cause != Cause::per_host_paws) continue;
        EXPECT_EQ(finding.confidence, Confidence::unknown);
    }
}

TEST(findings, numbers_and_moments_of_a_finding) {
    const core::Report report = nat_story(8).analyse();
    SCOPED_TRACE(test::told(report));
    const core::Finding* finding = finding_of(report, Cause::per_host_paws);
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(finding->first_ns, moment(1));
    EXPECT_EQ(finding->last_ns, moment(72.001));
    EXPECT_THAT(finding->servers, testing::ElementsAre(test::endpoint("10.0.0.1", 80)));
    EXPECT_EQ(finding->client_count, 1U);
    EXPECT_THAT(finding->settle, HasSubstr("PAWSPassive"));
}

TEST(findings, rivals_are_refuted_by_counted_answers) {
    const core::Report report = nat_story(8).analyse();
    SCOPED_TRACE(test::told(report));
    const auto refuted = [&](Cause cause) {
        const auto found = std::find_if(report.ruled_out.begin(), report.ruled_out.end(),
                                        [&](const core::RuledOut& r) { return r.cause == cause; });
        return found == report.ruled_out.end() ? std::uint64_t{0} : found->refuted_by;
    };
    EXPECT_EQ(refuted(Cause::netfilter_drop), 7U) << "answers to the same address between its first and last refusal";
    EXPECT_EQ(refuted(Cause::no_route_back), 7U);
    EXPECT_GT(refuted(Cause::min_ttl), 0U);
    EXPECT_EQ(refuted(Cause::per_host_paws), 0U) << "a finding is not ruled out";
}

TEST(findings, the_most_harmful_comes_first) {
    Story story = nat_story(8);
    for (std::uint32_t i = 0; i < 3; ++i) {
        Talk(story, "192.0.2.1", static_cast<std::uint16_t>(40000 + i), 1, test::endpoint("10.0.0.1", 81))
            .at(100 + i)
            .syn()
            .refuse();
    }
    const core::Report report = story.analyse();
    SCOPED_TRACE(test::told(report));
    ASSERT_EQ(report.findings.size(), 2U);
    EXPECT_EQ(report.findings[0].cause, Cause::per_host_paws);
    EXPECT_EQ(report.findings[1].cause, Cause::no_listener);
}

TEST(findings, clients_are_listed_up_to_the_limit_and_counted_beyond) {
    Story story;
    for (std::uint32_t i = 0; i < 30; ++i)
        Talk(story, fmt::format("192.0.2.{}", i + 1), 40000, 1, test::endpoint("10.0.0.1", 81)).syn().refuse();
    const core::Report report = analyse(story.fold(), {}, {.max_clients_listed = 5});
    ASSERT_EQ(report.findings.size(), 1U);
    EXPECT_EQ(report.findings[0].clients.size(), 5U);
    EXPECT_EQ(report.findings[0].client_count, 30U);
}

TEST(findings, what_was_not_known_is_said_and_what_was_known_is_not) {
    const Story story = nat_story(8);
    const core::Report blind = story.analyse();
    EXPECT_THAT(blind.missing, Contains(HasSubstr("--kernel")));
    EXPECT_THAT(blind.missing, Contains(HasSubstr("tcp_tw_recycle is not known")));
    EXPECT_THAT(blind.missing, Contains(HasSubstr("counters are not known")));
    const core::Report informed = story.analyse(with_delta(16));
    EXPECT_THAT(informed.missing, Not(Contains(HasSubstr("--kernel"))));
    EXPECT_THAT(informed.missing, Not(Contains(HasSubstr("tcp_tw_recycle is not known"))));
    EXPECT_THAT(informed.missing, Not(Contains(HasSubstr("counters are not known"))));
}

TEST(findings, advice_is_for_the_kernel_at_hand) {
    const Story story = nat_story(8);
    const core::Report report = story.analyse(with_delta(16));
    const core::Finding* finding = finding_of(report, Cause::per_host_paws);
    ASSERT_NE(finding, nullptr);
    EXPECT_THAT(finding->fix, Contains(HasSubstr("sysctl -w net.ipv4.tcp_tw_recycle=0")));
}

TEST(findings, an_empty_capture_is_an_empty_report) {
    const core::Report report = Story().analyse();
    EXPECT_TRUE(report.findings.empty());
    EXPECT_TRUE(report.handshakes.empty());
    EXPECT_TRUE(report.timeline.empty());
    EXPECT_EQ(report.totals.handshakes, 0U);
}

}  // namespace
}  // namespace synwhy::diagnose
