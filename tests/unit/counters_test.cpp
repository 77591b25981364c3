// What do the kernel's own counters change? A counter that only one cause moves makes it certain when it moved by what
// the capture holds, and excludes it when it did not move at all.
#include "diagnose/counters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "story.hpp"

namespace synwhy::diagnose {
namespace {

using core::Cause;
using core::Confidence;
using testing::Contains;
using testing::HasSubstr;

constexpr const char* kPawsPassive = "TcpExt.PAWSPassive";

core::HostFacts moved_by(std::int64_t delta) {
    core::HostFacts facts;
    facts.counter_deltas[kPawsPassive] = delta;
    facts.counters[kPawsPassive] = 100'000 + delta;
    return facts;
}

core::Finding paws_finding(std::uint64_t syns, Confidence confidence = Confidence::likely) {
    core::Finding finding;
    finding.cause = Cause::per_host_paws;
    finding.confidence = confidence;
    finding.syns = syns;
    return finding;
}

/// The confidence of a likely finding of `syns` SYNs after the counter moved by `delta`.
Confidence weighed(std::uint64_t syns, std::int64_t delta, Confidence before = Confidence::likely) {
    const core::HostFacts facts = moved_by(delta);
    Premises premises;
    premises.facts = &facts;
    core::Finding finding = paws_finding(syns, before);
    weigh_counters(premises, finding);
    EXPECT_THAT(finding.evidence, Contains(HasSubstr(kPawsPassive)));
    return finding.confidence;
}

TEST(counters, the_same_number_makes_it_certain) {
    EXPECT_EQ(weighed(434, 434), Confidence::certain);
    EXPECT_EQ(weighed(434, 436), Confidence::certain) << "the readings never begin and end with the capture";
    EXPECT_EQ(weighed(434, 434 + 21), Confidence::certain) << "a twentieth";
}

TEST(counters, another_number_does_not) {
    EXPECT_EQ(weighed(434, 600), Confidence::likely);
    EXPECT_EQ(weighed(434, 300), Confidence::likely);
    EXPECT_EQ(weighed(10, 13), Confidence::likely);
}

TEST(counters, a_weak_finding_is_never_raised) {
    EXPECT_EQ(weighed(434, 434, Confidence::possible), Confidence::possible);
    EXPECT_EQ(weighed(434, 434, Confidence::unknown), Confidence::unknown);
}

TEST(counters, no_movement_excludes_the_cause) {
    EXPECT_EQ(weighed(434, 0), Confidence::unknown);
    EXPECT_EQ(weighed(2, 0), Confidence::unknown) << "however few";
    const core::HostFacts facts = moved_by(0);
    Premises premises;
    premises.facts = &facts;
    EXPECT_TRUE(counters_exclude(Cause::per_host_paws, premises));
    EXPECT_FALSE(counters_exclude(Cause::accept_queue_full, premises)) << "ListenOverflows is not its alone";
}

TEST(counters, one_reading_excludes_only_by_zero_and_never_makes_certain) {
    core::HostFacts facts;
    facts.counters[kPawsPassive] = 434;
    Premises premises;
    premises.facts = &facts;
    core::Finding finding = paws_finding(434);
    weigh_counters(premises, finding);
    EXPECT_EQ(finding.confidence, Confidence::likely) << "since boot says nothing of today";
    EXPECT_FALSE(counters_exclude(Cause::per_host_paws, premises));
    facts.counters[kPawsPassive] = 0;
    EXPECT_TRUE(counters_exclude(Cause::per_host_paws, premises));
    weigh_counters(premises, finding);
    EXPECT_EQ(finding.confidence, Confidence::unknown);
}

TEST(counters, nothing_known_changes_nothing) {
    const core::HostFacts facts;
    Premises premises;
    premises.facts = &facts;
    core::Finding finding = paws_finding(434);
    weigh_counters(premises, finding);
    EXPECT_EQ(finding.confidence, Confidence::likely);
    EXPECT_TRUE(finding.evidence.empty());
    EXPECT_FALSE(counters_exclude(Cause::per_host_paws, premises));
    premises.facts = nullptr;
    EXPECT_FALSE(counters_exclude(Cause::per_host_paws, premises));
}

}  // namespace
}  // namespace synwhy::diagnose
