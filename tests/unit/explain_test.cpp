// Which cause is named for hand-made traffic, and which is not: every positive with the control that differs in the one
// thing that matters.
#include "diagnose/explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "story.hpp"

namespace synwhy::diagnose {
namespace {

using core::Cause;
using core::Confidence;
using test::finding_of;
using test::Side;
using test::Story;
using test::Talk;
using test::verdict_of;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

core::HostFacts facts(const std::string& kernel, const std::map<std::string, std::string>& sysctls = {}) {
    core::HostFacts known;
    if (!kernel.empty()) known.kernel = core::resolve_kernel(kernel);
    known.sysctls = sysctls;
    return known;
}

/// Two hosts behind one NAT address: the fast clock opens and is closed by `closer`, the slow one follows on another
/// port. `slow_answered`: what a server without the memory does.
struct NatOptions {
    Side closer = Side::server;
    bool slow_answered = false;
    const char* slow_address = "198.51.100.249";
    int rounds = 8;
};

/// 10 s a round: the winner is served and closed, the loser tries three times, a stranger is served in between.
void tell_nat(Story& story, const NatOptions& options) {
    for (int round = 0; round < options.rounds; ++round) {
        const auto port = static_cast<std::uint16_t>(40000 + round);
        const auto ticks = static_cast<std::uint32_t>(round * 10'000);
        const double start = round * 10.0;
        Talk winner(story, "198.51.100.249", port, 1000U + ticks);
        winner.at(start).clock(900'000'000 + ticks).served().closed_by(options.closer);
        Talk loser(story, options.slow_address, static_cast<std::uint16_t>(50000 + round), 700'000'000U + ticks);
        for (const double wait : {1.0, 2.0, 4.0}) {
            loser.at(start + wait).clock(100'000 + ticks + static_cast<std::uint32_t>(wait * 1000)).syn();
            if (options.slow_answered) {
                loser.synack().ack().data(10).server_data(10).closed_by(Side::client);
                break;
            }
        }
        Talk(story, "203.0.113.77", port, 2000U + ticks)
            .at(start + 3)
            .clock(5'000 + ticks)
            .served()
            .closed_by(Side::client);
    }
}

TEST(explain, per_host_paws_names_the_loser_with_its_winner) {
    Story story;
    tell_nat(story, {});
    SCOPED_TRACE(story);
    const core::Report report = story.analyse();
    SCOPED_TRACE(test::told(report));
    ASSERT_FALSE(report.findings.empty());
    const core::Finding& finding = report.findings.front();
    EXPECT_EQ(core::slug(finding.cause), "per-host-paws");
    EXPECT_EQ(finding.confidence, Confidence::likely);
    EXPECT_THAT(finding.clients, testing::ElementsAre(core::parse_address("198.51.100.249").value()));
    EXPECT_EQ(finding.syns, 24U);
    EXPECT_EQ(finding.handshakes, 8U);
    EXPECT_EQ(finding.never_answered, 8U);
    EXPECT_THAT(finding.story, Contains(HasSubstr("winner: port 400"))) << "one of the eight closes";
    EXPECT_THAT(finding.story, Contains(HasSubstr("2 different clocks behind this one address")));
    EXPECT_THAT(finding.fix, Contains(HasSubstr("sysctl -w net.ipv4.tcp_tw_recycle=0")));
}

TEST(explain, each_refused_syn_says_by_how_much_it_was_behind) {
    Story story;
    tell_nat(story, {});
    const Talk first_loser(story, "198.51.100.249", 50000, 700'000'000U);
    const core::Report report = story.analyse(facts("4.9.229", {{"net.ipv4.tcp_tw_recycle", "1"}}));
    SCOPED_TRACE(test::told(report));
    const core::HandshakeVerdict* verdict = verdict_of(report, first_loser);
    ASSERT_NE(verdict, nullptr);
    EXPECT_EQ(verdict->cause, Cause::per_host_paws);
    ASSERT_EQ(verdict->syns.size(), 3U);
    EXPECT_EQ(verdict->syns[0].detail, "TSval 101000 is 899899000 ticks behind the remembered 900000000 (1 s old)");
}

TEST(explain, controls_without_the_memory_have_no_such_verdict) {
    const std::vector<std::pair<const char*, NatOptions>> controls{
        {"recycle off: everybody is answered", {.slow_answered = true}},
        {"the client closes first: no stamp is left", {.closer = Side::client}},
        {"another address has no stamp", {.slow_address = "198.51.100.250"}},
    };
    for (const auto& [what, options] : controls) {
        Story story;
        tell_nat(story, options);
        SCOPED_TRACE(what);
        SCOPED_TRACE(story);
        const core::Report report = story.analyse();
        SCOPED_TRACE(test::told(report));
        EXPECT_EQ(finding_of(report, Cause::per_host_paws), nullptr);
        for (const core::HandshakeVerdict& verdict : report.handshakes) EXPECT_NE(verdict.cause, Cause::per_host_paws);
    }
}

TEST(explain, facts_of_the_host_exclude_per_host_paws) {
    Story story;
    tell_nat(story, {});
    for (const core::HostFacts& known :
         {facts("4.12.0"), facts("6.1.192"), facts("4.9.229", {{"net.ipv4.tcp_tw_recycle", "0"}}),
          facts("", {{"net.ipv4.tcp_tw_recycle", "0"}})}) {
        const core::Report report = story.analyse(known);
        SCOPED_TRACE(known.kernel ? known.kernel->release.text : "no kernel given");
        SCOPED_TRACE(test::told(report));
        EXPECT_EQ(finding_of(report, Cause::per_host_paws), nullptr);
        EXPECT_EQ(report.totals.unanswered, 8U);
        for (const core::HandshakeVerdict& verdict : report.handshakes) {
            EXPECT_NE(verdict.cause, Cause::per_host_paws);
            EXPECT_THAT(verdict.rivals, Not(Contains(Cause::per_host_paws)));
        }
    }
}

/// A stalled application: connections complete and nobody accepts them, so the third client finds two waiting.
Story accept_queue_story(bool application_accepts) {
    Story story;
    for (int round = 0; round < 6; ++round) {
        const double start = round * 20.0;
        const auto port = static_cast<std::uint16_t>(41000 + 10 * round);
        Talk first(story, "192.0.2.1", port, 1000);
        Talk second(story, "192.0.2.2", port, 2000);
        Talk third(story, "192.0.2.3", port, 3000);
        for (Talk* talk : {&first, &second})
            talk->at(start + (talk == &second ? 0.1 : 0)).syn().synack().ack().data(10).server_ack();
        if (application_accepts) {
            first.at(start + 0.5).server_data(10).ack();
            second.server_data(10).ack();
        }
        for (const double wait : {1.0, 2.0, 4.0}) third.at(start + wait).syn();
        if (!application_accepts) {
            first.at(start + 6).server_data(10).ack();
            second.server_data(10).ack();
        }
        third.at(start + 8).syn().synack().ack().server_data(10).ack();
        for (Talk* talk : {&first, &second, &third}) talk->at(start + 9).closed_by(Side::client);
    }
    return story;
}

TEST(explain, an_accept_queue_of_backlog_one_is_full_at_two) {
    const Story story = accept_queue_story(false);
    SCOPED_TRACE(story);
    for (const core::HostFacts& known : {core::HostFacts{}, facts("4.9.229", {{"net.ipv4.tcp_syncookies", "1"}})}) {
        const core::Report report = story.analyse(known);
        SCOPED_TRACE(test::told(report));
        const core::Finding* finding = finding_of(report, Cause::accept_queue_full);
        ASSERT_NE(finding, nullptr);
        EXPECT_EQ(finding->syns, 18U);
        EXPECT_EQ(finding->handshakes, 6U);
        EXPECT_EQ(finding->never_answered, 0U) << "each was answered in the end";
        EXPECT_THAT(finding->evidence, Contains(HasSubstr("backlog 1")));
    }
}

TEST(explain, a_served_queue_is_not_blamed) {
    const Story story = accept_queue_story(true);
    SCOPED_TRACE(story);
    const core::Report report = story.analyse();
    SCOPED_TRACE(test::told(report));
    EXPECT_EQ(finding_of(report, Cause::accept_queue_full), nullptr);
}

/// Half-open requests of addresses that never answer fill a SYN queue of `limit`; one more SYN each round finds it
/// full.
Story syn_queue_story(unsigned limit) {
    Story story;
    for (unsigned round = 0; round < 4; ++round) {
        const double start = round * 100.0;
        for (unsigned i = 0; i < limit; ++i) {
            Talk flood(story, "198.18.0.1", static_cast<std::uint16_t>(10000 + round * 100 + i), 10 + i);
            flood.at(start + i * 0.001).syn().synack();
            for (const double timer : {1.0, 3.0, 7.0}) flood.at(start + timer + i * 0.001).synack();
        }
        for (unsigned i = 0; i < 5; ++i) {
            Talk refused(story, fmt::format("192.0.2.{}", i + 1), static_cast<std::uint16_t>(30000 + round), 77);
            refused.at(start + 0.2 + i * 0.01).syn();
            refused.at(start + 60).syn().synack().ack().server_data(10).ack();
        }
    }
    return story;
}

TEST(explain, a_full_syn_queue_without_cookies) {
    const Story story = syn_queue_story(16);
    SCOPED_TRACE(story);
    const core::Report report = story.analyse(facts(
        "4.9.229",
        {{"net.ipv4.tcp_syncookies", "0"}, {"net.ipv4.tcp_max_syn_backlog", "1024"}, {"net.core.somaxconn", "128"}}));
    SCOPED_TRACE(test::told(report));
    const core::Finding* finding = finding_of(report, Cause::syn_queue_full);
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(finding->syns, 20U);
    EXPECT_EQ(finding->never_answered, 0U);
    EXPECT_THAT(finding->evidence, Contains(HasSubstr("16 or more pending requests")));
}

TEST(explain, cookies_exclude_a_full_syn_queue) {
    const Story story = syn_queue_story(16);
    const core::Report report = story.analyse(facts("4.9.229", {{"net.ipv4.tcp_syncookies", "1"}}));
    SCOPED_TRACE(test::told(report));
    EXPECT_EQ(finding_of(report, Cause::syn_queue_full), nullptr);
}

TEST(explain, a_minimum_ttl_refuses_the_far_and_only_them) {
    Story story;
    for (std::uint32_t i = 0; i < 20; ++i) {
        Talk near(story, fmt::format("192.0.2.{}", i + 1), 40000, 1000);
        near.at(i).ttl(255).served().closed_by(Side::client);
        Talk far(story, fmt::format("{}.51.7.{}", 20 + 5 * i, i), 40000, 1000);
        far.at(i + 0.5).ttl(static_cast<std::uint8_t>(240 + i % 5)).syn().wait(1).syn();
    }
    SCOPED_TRACE(story);
    const core::Report report = story.analyse(facts("4.9.229"));
    SCOPED_TRACE(test::told(report));
    const core::Finding* finding = finding_of(report, Cause::min_ttl);
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(finding->syns, 40U);
    EXPECT_THAT(finding->evidence, Contains(HasSubstr("TTL below 245")));
}

TEST(explain, a_refused_prefix_is_named_with_its_rivals) {
    Story story;
    for (std::uint32_t i = 0; i < 10; ++i) {
        for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{443}}) {
            const core::Endpoint server = test::endpoint("10.0.0.1", port);
            Talk(story, fmt::format("203.0.113.{}", i + 1), static_cast<std::uint16_t>(40000 + port), 1000, server)
                .at(i)
                .served()
                .closed_by(Side::client);
            Talk(story, fmt::format("198.51.100.{}", i + 1), static_cast<std::uint16_t>(41000 + port), 1000, server)
                .at(i + 0.5)
                .syn()
                .wait(1)
                .syn();
        }
    }
    SCOPED_TRACE(story);
    const core::Report report = story.analyse();
    SCOPED_TRACE(test::told(report));
    const core::Finding* finding = finding_of(report, Cause::no_route_back);
    ASSERT_NE(finding, nullptr) << "a whole host that is silent to one network";
    EXPECT_EQ(finding->syns, 40U);
    EXPECT_EQ(finding->confidence, Confidence::possible) << "a firewall looks the same";
    EXPECT_THAT(finding->evidence, Contains(HasSubstr("198.51.100.")));
    const core::Report filtered = story.analyse(facts("", {{"net.ipv4.conf.eth0.rp_filter", "1"}}));
    EXPECT_NE(finding_of(filtered, Cause::rp_filter), nullptr) << "with a reverse path filter that test comes first";
}

TEST(explain, a_live_connection_on_the_tuple_is_a_collision) {
    Story story;
    Talk old(story, "192.0.2.1", 40000, 1000);
    old.served();
    Talk fresh(story, "192.0.2.1", 40000, 900'000'000);
    fresh.at(10).syn();
    old.server_ack();
    fresh.at(10.1).syn();  // within half a second: no second challenge ACK
    SCOPED_TRACE(story);
    const core::Report report = story.analyse(facts("4.9.229"));
    SCOPED_TRACE(test::told(report));
    const core::HandshakeVerdict* verdict = verdict_of(report, fresh);
    ASSERT_NE(verdict, nullptr);
    ASSERT_EQ(verdict->syns.size(), 2U);
    EXPECT_EQ(verdict->syns[0].cause, Cause::established_collision);
    EXPECT_EQ(verdict->syns[1].cause, Cause::ack_rate_limited);
    EXPECT_NE(verdict->confidence, Confidence::certain);
}

TEST(explain, a_syn_on_time_wait_with_an_older_clock_is_refused_by_it) {
    Story story;
    Talk old(story, "192.0.2.1", 40000, 1000);
    old.clock(500'000).served().closed_by(Side::server);
    Talk fresh(story, "192.0.2.1", 40000, 900'000'000);
    fresh.at(10).clock(100).syn();
    old.server_ack();
    SCOPED_TRACE(story);
    const core::Report report = story.analyse(facts("6.1.192"));
    SCOPED_TRACE(test::told(report));
    const core::HandshakeVerdict* verdict = verdict_of(report, fresh);
    ASSERT_NE(verdict, nullptr);
    EXPECT_EQ(verdict->outcome, core::Outcome::ack);
    EXPECT_EQ(verdict->cause, Cause::time_wait_refused);
}

TEST(explain, a_closed_port_and_a_filter_that_rejects) {
    Story story;
    Talk closed(story, "192.0.2.1", 40000, 1000, test::endpoint("10.0.0.1", 81));
    closed.syn().refuse();
    Talk rejected(story, "192.0.2.2", 40000, 1000);
    rejected.syn().unreachable(13);
    SCOPED_TRACE(story);
    const core::Report report = story.analyse();
    SCOPED_TRACE(test::told(report));
    EXPECT_EQ(verdict_of(report, closed)->cause, Cause::no_listener);
    EXPECT_EQ(verdict_of(report, rejected)->cause, Cause::netfilter_reject);
}

TEST(explain, final_acks_refused_by_a_full_queue) {
    Story story;
    for (std::uint32_t i = 0; i < 4; ++i) {
        Talk(story, "192.0.2.1", static_cast<std::uint16_t>(40000 + i), 1000).at(i * 0.01).syn().synack().ack();
        Talk refused(story, "192.0.2.2", static_cast<std::uint16_t>(40000 + i), 1000);
        refused.at(i * 0.01 + 0.005).syn().synack().ack();
        for (const double timer : {1.0, 3.0, 7.0}) refused.at(timer + i * 0.01).synack();
    }
    SCOPED_TRACE(story);
    const core::Report report = story.analyse();
    SCOPED_TRACE(test::told(report));
    const core::Finding* finding = finding_of(report, Cause::final_ack_refused);
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(finding->handshakes, 4U);
    EXPECT_EQ(finding->confidence, Confidence::likely);
}

TEST(explain, healthy_traffic_has_no_finding) {
    Story story;
    for (std::uint32_t i = 0; i < 20; ++i) {
        Talk(story, fmt::format("192.0.2.{}", i + 1), 40000, 1000)
            .at(i)
            .clock(i)
            .served()
            .closed_by(i % 2 == 0 ? Side::server : Side::client);
    }
    const core::Report report = story.analyse();
    SCOPED_TRACE(test::told(report));
    EXPECT_TRUE(report.findings.empty());
    EXPECT_TRUE(report.unknown.empty());
    EXPECT_EQ(report.totals.answered, 20U);
}

/// Every packet twice: once more from a mirror port, or from the other end of the link in a second file.
TEST(explain, packets_captured_twice_change_nothing) {
    Story story;
    tell_nat(story, {});
    const core::Report once = story.analyse();
    for (const auto& [file, later_ns] : {std::pair{0, 50'000}, {1, 30'000'000}}) {
        capture::Fold fold;
        for (const test::Step& step : story.by_time()) {
            capture::Packet again = step.packet;
            again.file = static_cast<std::uint16_t>(file);
            again.time_ns += later_ns;
            fold.add(step.packet, step.decoded);
            fold.add(again, step.decoded);
        }
        fold.finish();
        const core::Report twice = analyse(fold, {});
        SCOPED_TRACE(test::told(twice));
        ASSERT_EQ(twice.findings.size(), once.findings.size());
        EXPECT_EQ(twice.findings[0].syns, once.findings[0].syns);
        EXPECT_EQ(twice.findings[0].confidence, once.findings[0].confidence);
        EXPECT_EQ(twice.totals.syns, once.totals.syns);
        EXPECT_EQ(twice.totals.answered, once.totals.answered);
    }
}

TEST(explain, silence_alone_is_left_open) {
    Story story;
    Talk(story, "203.0.113.1", 40000, 1).served();
    Talk silent(story, "192.0.2.1", 40000, 1000);
    silent.at(1).syn();
    SCOPED_TRACE(story);
    const core::Report report = story.analyse();
    SCOPED_TRACE(test::told(report));
    const core::HandshakeVerdict* verdict = verdict_of(report, silent);
    ASSERT_NE(verdict, nullptr);
    EXPECT_NE(verdict->confidence, Confidence::certain);
    EXPECT_NE(verdict->confidence, Confidence::likely);
    EXPECT_FALSE(verdict->rivals.empty());
}

}  // namespace
}  // namespace synwhy::diagnose
