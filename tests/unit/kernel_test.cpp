// Does a release string resolve to the behaviours that were read or measured, and is the rest said to be open?
#include "core/kernel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace synwhy::core {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Vendor = Release::Vendor;

Kernel kernel_of(std::string_view release) {
    auto kernel = resolve_kernel(release);
    EXPECT_TRUE(kernel) << release;
    return kernel.value_or(Kernel{});
}

Behaviours behaviours_of(std::string_view release) { return kernel_of(release).behaviours; }

struct Parsed {
    const char* text;
    int major, minor, patch, build;
    Vendor vendor;
};

TEST(Release, IsReadFromWhatSystemsPrint) {
    const Parsed cases[] = {
        {"2.6.32-642.el6.x86_64", 2, 6, 32, 642, Vendor::el6},
        {"2.6.32.69", 2, 6, 32, 0, Vendor::upstream},
        {"3.10.0-1160.el7", 3, 10, 0, 1160, Vendor::el7},
        {"3.10.0-1160.71.1.el7.x86_64", 3, 10, 0, 1160, Vendor::el7},
        {"3.10", 3, 10, -1, 0, Vendor::upstream},
        {"4.18.0-553.el8_10.x86_64", 4, 18, 0, 553, Vendor::el8},
        {"5.14.0-427.el9", 5, 14, 0, 427, Vendor::el9},
        {"6.12.0-55.el10", 6, 12, 0, 55, Vendor::el10},
        {"5.15.0-91-generic", 5, 15, 0, 91, Vendor::ubuntu},
        {"5.15.0-91-generic #101-Ubuntu SMP Tue Nov 14 13:30:08 UTC 2023", 5, 15, 0, 91, Vendor::ubuntu},
        {"Ubuntu 5.15.0-91.101-generic 5.15.131", 5, 15, 131, 91, Vendor::ubuntu},
        {"5.10.0-1127-azure", 5, 10, 0, 1127, Vendor::ubuntu},
        {"6.1.0-26-amd64", 6, 1, 0, 26, Vendor::debian},
        {"6.1.0-26-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.112-1 (2024-09-30)", 6, 1, 112, 26, Vendor::debian},
        {"6.1.0-debian", 6, 1, 0, 0, Vendor::debian},
        {"6.12.48+deb13-amd64", 6, 12, 48, 0, Vendor::debian},
        {"6.12.19", 6, 12, 19, 0, Vendor::upstream},
        {"6.18.17", 6, 18, 17, 0, Vendor::upstream},
        {"4.14.336-257.562.amzn2.x86_64", 4, 14, 336, 257, Vendor::amazon},
        {"4.12.14-122-default", 4, 12, 14, 122, Vendor::suse},
        {"5.4.0+", 5, 4, 0, 0, Vendor::upstream},
        {"linux-6.6", 6, 6, -1, 0, Vendor::upstream},
        {"v6.6-rc4", 6, 6, -1, 0, Vendor::upstream},
        {"5.4.1-1.el7.elrepo.x86_64", 5, 4, 1, 1, Vendor::other},
        {"Linux web-3.10 6.6.9 #1 SMP x86_64 GNU/Linux", 6, 6, 9, 0, Vendor::upstream},
        {"Linux version 6.1.0-26-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP "
         "PREEMPT_DYNAMIC Debian 6.1.112-1 (2024-09-30)",
         6, 1, 112, 26, Vendor::debian},
    };
    for (const auto& expected : cases) {
        const auto release = parse_release(expected.text);
        ASSERT_TRUE(release) << expected.text;
        EXPECT_EQ(release->major, expected.major) << expected.text;
        EXPECT_EQ(release->minor, expected.minor) << expected.text;
        EXPECT_EQ(release->patch, expected.patch) << expected.text;
        EXPECT_EQ(release->build, expected.build) << expected.text;
        EXPECT_EQ(release->vendor, expected.vendor) << expected.text;
        EXPECT_EQ(release->text, expected.text);
    }
}

TEST(Release, JunkIsNoRelease) {
    for (const char* junk :
         {"", "el7", "kernel", "3", "3.", ".10", "web1.2", "192.168.1.1", "99999999999999.1", "-1.2", "three.ten"}) {
        EXPECT_FALSE(parse_release(junk)) << junk;
        EXPECT_FALSE(resolve_kernel(junk)) << junk;
    }
}

TEST(Release, OrderIsByVersionOnly) {
    const auto of = [](const char* text) { return *parse_release(text); };
    EXPECT_LT(of("3.10.0-1160.el7"), of("3.10.105"));
    EXPECT_LT(of("4.9.229"), of("4.12"));
    EXPECT_LT(of("6.2"), of("6.12"));
    EXPECT_FALSE(of("3.10.0-1160.el7") < of("3.10.0-123.el7"));
}

TEST(Kernel, QueueRules) {
    for (const char* old : {"2.6.32.69", "2.6.32-642.el6", "3.10.105", "3.10.0-1160.el7", "3.18", "4.3"}) {
        EXPECT_EQ(behaviours_of(old).accept_rule, AcceptRule::full_and_young) << old;
        EXPECT_EQ(behaviours_of(old).syn_queue_rule, SynQueueRule::table) << old;
        EXPECT_TRUE(behaviours_of(old).send_failure_drops_syn) << old;
    }
    for (const char* middle : {"4.4.178", "4.9.229", "4.18.0-553.el8", "5.15.85", "6.1.20", "6.6.9", "6.8", "6.12.0"}) {
        EXPECT_EQ(behaviours_of(middle).accept_rule, AcceptRule::full) << middle;
        EXPECT_EQ(behaviours_of(middle).syn_queue_rule, SynQueueRule::at_backlog) << middle;
    }
    for (const char* young : {"6.1.192", "6.12.19", "6.13.2", "6.14", "6.18.16", "6.18.44", "6.1.0-debian",
                              "6.1.0-56-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)"}) {
        EXPECT_EQ(behaviours_of(young).syn_queue_rule, SynQueueRule::above_backlog) << young;
    }
}

TEST(Kernel, HostPawsVariants) {
    EXPECT_EQ(behaviours_of("2.6.32.69").host_paws, HostPaws::inetpeer);
    EXPECT_EQ(behaviours_of("2.6.32-642.el6").host_paws, HostPaws::inetpeer);
    EXPECT_EQ(behaviours_of("3.0.86").host_paws, HostPaws::inetpeer_v6);
    EXPECT_EQ(behaviours_of("3.4.113").host_paws, HostPaws::inetpeer_v6);
    EXPECT_EQ(behaviours_of("3.10.105").host_paws, HostPaws::metrics_peer);
    EXPECT_EQ(behaviours_of("3.14.1").host_paws, HostPaws::metrics_pair_ts);
    EXPECT_EQ(behaviours_of("3.10.0-1160.el7").host_paws, HostPaws::metrics_pair);
    EXPECT_EQ(behaviours_of("4.9.229").host_paws, HostPaws::metrics_pair);
    EXPECT_EQ(behaviours_of("4.11.12").host_paws, HostPaws::metrics_pair);
    EXPECT_EQ(behaviours_of("4.12").host_paws, HostPaws::none);
    EXPECT_EQ(behaviours_of("6.18.17").host_paws, HostPaws::none);
    EXPECT_FALSE(behaviours_of("3.10.105").v4_on_v6_listener_stamped);
    EXPECT_TRUE(behaviours_of("3.10.0-1160.el7").v4_on_v6_listener_stamped);
    EXPECT_TRUE(behaviours_of("2.6.32.69").v4_on_v6_listener_stamped);
}

TEST(Kernel, QuarterRuleAndRecycle) {
    EXPECT_EQ(behaviours_of("2.6.32.69").quarter_with_recycle, QuarterWithRecycle::known_peer_only);
    EXPECT_EQ(behaviours_of("3.10.105").quarter_with_recycle, QuarterWithRecycle::timestamps_only);
    EXPECT_EQ(behaviours_of("3.10.0-1160.el7").quarter_with_recycle, QuarterWithRecycle::always);
    EXPECT_EQ(behaviours_of("4.4.178").quarter_with_recycle, QuarterWithRecycle::always);
    EXPECT_EQ(behaviours_of("4.12").quarter_with_recycle, QuarterWithRecycle::absent);
    EXPECT_EQ(behaviours_of("4.13").proven_peer, ProvenPeer::never);
    EXPECT_EQ(behaviours_of("4.14").proven_peer, ProvenPeer::by_rtt);
}

TEST(Kernel, SynOnALiveConnection) {
    EXPECT_EQ(behaviours_of("2.6.32.69").syn_on_established, SynOnEstablished::reset_in_window);
    EXPECT_EQ(behaviours_of("2.6.32-642.el6").syn_on_established, SynOnEstablished::challenge);
    EXPECT_EQ(behaviours_of("3.0.86").syn_on_established, SynOnEstablished::challenge);
    EXPECT_EQ(behaviours_of("3.10.105").syn_on_established, SynOnEstablished::ignored);
    EXPECT_EQ(behaviours_of("3.10.0-1160.el7").syn_on_established, SynOnEstablished::challenge);
    EXPECT_EQ(behaviours_of("4.9.229").syn_on_established, SynOnEstablished::challenge);
    EXPECT_EQ(behaviours_of("6.1.192").syn_on_established, SynOnEstablished::challenge);
    EXPECT_EQ(behaviours_of("6.6.9").syn_on_established, SynOnEstablished::challenge_always);
    EXPECT_FALSE(behaviours_of("3.10.105").duplicate_rate_limited);
    EXPECT_TRUE(behaviours_of("3.10.0-1160.el7").duplicate_rate_limited);
    EXPECT_TRUE(behaviours_of("4.4.178").duplicate_rate_limited);
}

TEST(Kernel, CountersAsMeasured) {
    for (const char* counts : {"3.10.105", "3.10.0-1160.el7", "4.4.178"}) {
        EXPECT_TRUE(behaviours_of(counts).cookie_counts_listen_drop) << counts;
    }
    for (const char* silent : {"2.6.32.69", "4.9.229", "6.1.192", "6.18.44"}) {
        EXPECT_FALSE(behaviours_of(silent).cookie_counts_listen_drop) << silent;
    }
    EXPECT_FALSE(behaviours_of("2.6.32.69").listen_drop_counted_at_syn);
    EXPECT_FALSE(behaviours_of("3.6.5").listen_drop_counted_at_syn);
    EXPECT_TRUE(behaviours_of("3.10.105").listen_drop_counted_at_syn);
    EXPECT_FALSE(behaviours_of("2.6.32-642.el6").req_queue_full_counted);
    EXPECT_TRUE(behaviours_of("3.4.113").req_queue_full_counted);
    EXPECT_FALSE(behaviours_of("4.4.178").consume_skb_on_listen);
    EXPECT_TRUE(behaviours_of("4.9.229").consume_skb_on_listen);
    EXPECT_TRUE(behaviours_of("6.18.44").paws_timewait_counter);
    EXPECT_FALSE(behaviours_of("6.14").paws_timewait_counter);
}

TEST(Kernel, TimersAndDefaults) {
    EXPECT_EQ(behaviours_of("2.6.32.69").initial_rto_ms, 3000);
    EXPECT_EQ(behaviours_of("3.0.86").initial_rto_ms, 3000);
    EXPECT_EQ(behaviours_of("2.6.32-642.el6").initial_rto_ms, 1000);
    EXPECT_EQ(behaviours_of("3.4.113").initial_rto_ms, 1000);
    EXPECT_EQ(behaviours_of("5.3").default_somaxconn, 128);
    EXPECT_EQ(behaviours_of("5.4.18").default_somaxconn, 4096);
    EXPECT_EQ(behaviours_of("2.6.32.69").default_syncookies, 0);
    EXPECT_EQ(behaviours_of("6.6.9").paws_expiry_s, 24 * 86400);
    EXPECT_EQ(behaviours_of("6.8").paws_expiry_s, 2147);
    EXPECT_TRUE(behaviours_of("3.10.0-1160.el7").recycle_rounds_to_15s);
    EXPECT_FALSE(behaviours_of("2.6.32.69").recycle_rounds_to_15s);
    EXPECT_TRUE(behaviours_of("2.6.32.69").fin_wait2_rounds_to_15s);
    EXPECT_FALSE(behaviours_of("4.4.178").fin_wait2_rounds_to_15s);
}

TEST(Kernel, SourceChecksAsMeasured) {
    EXPECT_TRUE(behaviours_of("2.6.32.69").land_is_martian);
    EXPECT_FALSE(behaviours_of("3.10.105").land_is_martian);
    EXPECT_FALSE(behaviours_of("3.10.0-1160.el7").land_is_martian);
    EXPECT_TRUE(behaviours_of("4.4.178").land_is_martian);
    for (const char* drops : {"2.6.32.69", "4.4.178", "4.9.229"}) {
        EXPECT_TRUE(behaviours_of(drops).subnet_broadcast_source_dropped) << drops;
    }
    for (const char* answers : {"3.10.105", "3.10.0-1160.el7", "6.1.192", "6.18.44"}) {
        EXPECT_FALSE(behaviours_of(answers).subnet_broadcast_source_dropped) << answers;
    }
}

TEST(Kernel, TimestampClocks) {
    EXPECT_EQ(behaviours_of("4.9.229").timestamp_clock, TimestampClock::jiffies);
    EXPECT_EQ(behaviours_of("4.12").timestamp_clock, TimestampClock::jiffies_pair);
    EXPECT_EQ(behaviours_of("4.14").timestamp_clock, TimestampClock::milliseconds);
    EXPECT_EQ(behaviours_of("6.18.16").timestamp_clock, TimestampClock::milliseconds);
    EXPECT_EQ(behaviours_of("6.18.17").timestamp_clock, TimestampClock::milliseconds_tuple);
    EXPECT_EQ(behaviours_of("7.0").timestamp_clock, TimestampClock::milliseconds_tuple);
}

TEST(Kernel, WhatTheNameDoesNotSettleIsAsked) {
    EXPECT_THAT(kernel_of("6.12.7").open_questions, Contains(HasSubstr("SYN-queue rule '>'")));
    EXPECT_THAT(kernel_of("6.12.7").open_questions, Contains(HasSubstr("present in 6.12.19; assumed absent")));
    EXPECT_THAT(kernel_of("6.1.112").open_questions, Contains(HasSubstr("absent in 6.1.20, present in 6.1.192")));
    EXPECT_THAT(kernel_of("6.1.0-40-amd64").open_questions, Contains(HasSubstr("SYN-queue rule '>'")));
    EXPECT_THAT(kernel_of("6.1.0-40-amd64").open_questions, Contains(HasSubstr("uname -v")));
    EXPECT_THAT(kernel_of("5.15.0-91-generic").open_questions, Contains(HasSubstr("version_signature")));
    EXPECT_THAT(kernel_of("3.10").open_questions, Contains(HasSubstr("3.10.0-*.el7")));
    EXPECT_THAT(kernel_of("4.18.0-553.el8").open_questions, Contains(HasSubstr("RHEL 8")));
    EXPECT_THAT(kernel_of("3.8").open_questions, Contains(HasSubstr("ListenDrops")));
    EXPECT_THAT(kernel_of("2.4.37").open_questions, Contains(HasSubstr("older than 2.6.32")));
    EXPECT_THAT(kernel_of("8.1").open_questions, Contains(HasSubstr("newer than 6.18.44")));
}

TEST(Kernel, WhatWasMeasuredIsNotAsked) {
    for (const char* measured : {"3.10.0-1160.el7", "4.9.229", "6.1.192", "6.18.44"}) {
        EXPECT_THAT(kernel_of(measured).open_questions, Not(Contains(HasSubstr("SYN-queue")))) << measured;
    }
    EXPECT_THAT(kernel_of("3.10.0-1160.el7").open_questions, IsEmpty());
    EXPECT_THAT(kernel_of("4.9.229").open_questions, IsEmpty());
    EXPECT_THAT(kernel_of("3.10.105").open_questions, IsEmpty());
}

TEST(Kernel, FamilyNamesTheRow) {
    EXPECT_EQ(kernel_of("3.10.0-1160.el7").family, "el7");
    EXPECT_EQ(kernel_of("2.6.32-642.el6").family, "el6");
    EXPECT_EQ(kernel_of("4.9.229").family, "4.9");
    EXPECT_EQ(kernel_of("6.12.0").family, "6.12.0");
    EXPECT_EQ(kernel_of("6.12.19").family, "6.12.19");
    EXPECT_EQ(kernel_of("6.1.192").family, "6.1.192");
    EXPECT_EQ(kernel_of("6.18.17").family, "6.18.17");
}

TEST(Kernel, KnownReleasesResolveInOrder) {
    std::optional<Release> previous;
    for (const auto text : known_releases()) {
        const auto kernel = resolve_kernel(text);
        ASSERT_TRUE(kernel) << text;
        // el6 and el7 stand behind the mainline they are named after
        if (previous && kernel->release.vendor == Vendor::upstream) {
            EXPECT_FALSE(kernel->release < *previous) << text;
            previous = kernel->release;
        }
        if (!previous) previous = kernel->release;
    }
    EXPECT_GE(known_releases().size(), 24U);
}

}  // namespace
}  // namespace synwhy::core
