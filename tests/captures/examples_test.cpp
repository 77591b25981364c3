// The captures in examples/, end to end: the NAT capture names per-host PAWS with its winner and its remedy, and the
// three controls, which lack one of its conditions each, do not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../unit/story.hpp"
#include "capture/reader.hpp"

namespace synwhy {
namespace {

using core::Cause;
using core::Confidence;
using testing::Contains;
using testing::HasSubstr;

core::Report analyse(const std::string& name, const core::HostFacts& facts = {}) {
    auto line = capture::TimeLine::open({std::string(SYNWHY_SOURCE_DIR "/examples/") + name});
    if (!line) {
        ADD_FAILURE() << name << ": " << core::to_string(line.error());
        return {};
    }
    capture::Fold fold;
    while (const auto packet = line->next())
        fold.add(*packet, core::decode(packet->link, packet->data, packet->wire_length));
    EXPECT_TRUE(line->errors().empty()) << name;
    fold.finish();
    return diagnose::analyse(fold, facts);
}

TEST(examples, nat_timestamps_names_the_cause_the_loser_the_winner_and_the_remedy) {
    const core::Report report = analyse("nat-timestamps.pcap.zst");
    SCOPED_TRACE(test::told(report));
    ASSERT_FALSE(report.findings.empty());
    const core::Finding& finding = report.findings.front();
    EXPECT_EQ(core::slug(finding.cause), "per-host-paws");
    EXPECT_EQ(finding.confidence, Confidence::likely);
    EXPECT_THAT(finding.clients, Contains(core::parse_address("198.51.100.249").value()));
    EXPECT_THAT(finding.story, Contains(HasSubstr("winner: port ")));
    EXPECT_THAT(finding.fix, Contains(HasSubstr("sysctl -w net.ipv4.tcp_tw_recycle=0")));
    EXPECT_GT(finding.never_answered, 0U);
}

TEST(examples, nat_timestamps_on_a_kernel_without_recycle_is_something_else) {
    core::HostFacts facts;
    facts.kernel = core::resolve_kernel("5.15.0");
    const core::Report report = analyse("nat-timestamps.pcap.zst", facts);
    SCOPED_TRACE(test::told(report));
    EXPECT_EQ(test::finding_of(report, Cause::per_host_paws), nullptr);
}

TEST(examples, the_controls_have_no_such_verdict) {
    for (const char* name :
         {"nat-control-recycle-off.pcap", "nat-control-other-address.pcap", "nat-control-client-closes.pcap"}) {
        SCOPED_TRACE(name);
        const core::Report report = analyse(name);
        SCOPED_TRACE(test::told(report));
        EXPECT_GT(report.totals.handshakes, 1U);
        EXPECT_EQ(report.totals.unanswered, 0U);
        EXPECT_EQ(test::finding_of(report, Cause::per_host_paws), nullptr);
        for (const core::HandshakeVerdict& verdict : report.handshakes) EXPECT_NE(verdict.cause, Cause::per_host_paws);
    }
}

}  // namespace
}  // namespace synwhy
