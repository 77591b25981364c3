// Which steps does a plan choose on which kernel, and when does it leave a value alone?
#include "fix/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "emit/fix_report.hpp"
#include "fix/sysctl_tree.hpp"

namespace synwhy {
namespace {

using core::Cause;
using fix::SettingState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

core::Kernel kernel(std::string_view release) { return core::resolve_kernel(release).value(); }

/// A host with these sysctls and no others.
fix::ReadSysctl host(std::map<std::string, std::string> values) {
    return [values =
                std::move(values)](const std::string& path) -> std::expected<std::optional<std::string>, core::Error> {
        const auto found = values.find(path);
        return found == values.end() ? std::nullopt : std::optional(found->second);
    };
}

std::vector<std::string> changes(const fix::Plan& plan) {
    std::vector<std::string> list;
    for (const fix::PlannedSetting* setting : plan.changes()) list.push_back(setting->name + "=" + setting->wanted);
    return list;
}

TEST(FixPlan, FollowsTheKernel) {
    const auto old_values = host({{"net/core/somaxconn", "128"},
                                  {"net/ipv4/tcp_max_syn_backlog", "256"},
                                  {"net/ipv4/tcp_syncookies", "0"},
                                  {"net/ipv4/tcp_synack_retries", "5"}});
    const auto changed = [&](const char* release) {
        return changes(fix::make_plan(Cause::syn_queue_full, kernel(release), {}, old_values));
    };
    EXPECT_THAT(changed("6.1"), ElementsAre("net.ipv4.tcp_syncookies=1", "net.core.somaxconn=4096"));
    EXPECT_THAT(
        changed("3.10.0-1160.el7"),
        ElementsAre("net.ipv4.tcp_syncookies=1", "net.ipv4.tcp_max_syn_backlog=4096", "net.core.somaxconn=4096"));
}

TEST(FixPlan, NeverLowersALimitThatIsHigher) {
    const auto plan =
        fix::make_plan(Cause::accept_queue_full, kernel("6.1"), {}, host({{"net/core/somaxconn", "65535"}}));
    EXPECT_THAT(changes(plan), IsEmpty());
    EXPECT_EQ(plan.count(SettingState::beyond), 1U);
    EXPECT_TRUE(plan.needs_backlog());
    EXPECT_EQ(fix::drop_in_text(plan), "");
}

TEST(FixPlan, NeverRaisesATimeoutThatIsShorter) {
    const auto plan =
        fix::make_plan(Cause::fin_wait2_collision, kernel("6.1"), {}, host({{"net/ipv4/tcp_fin_timeout", "10"}}));
    EXPECT_THAT(changes(plan), IsEmpty());
    EXPECT_EQ(plan.count(SettingState::beyond), 1U);
}

TEST(FixPlan, WidensAPortRangeOnBothSidesOnly) {
    const auto widened = [](const char* now) {
        const auto plan = fix::make_plan(Cause::port_exhausted, kernel("6.1"), {},
                                         host({{"net/ipv4/ip_local_port_range", now}, {"net/ipv4/tcp_tw_reuse", "1"}}));
        return changes(plan);
    };
    EXPECT_THAT(widened("32768\t60999"), ElementsAre("net.ipv4.ip_local_port_range=10240 65535"));
    EXPECT_THAT(widened("1024 60999"), ElementsAre("net.ipv4.ip_local_port_range=1024 65535"));
    EXPECT_THAT(widened("1024 65535"), IsEmpty());
}

TEST(FixPlan, WhatIsRiskyHasToBeAskedFor) {
    const auto values = host({{"net/ipv4/tcp_timestamps", "1"}});
    const auto usual = fix::make_plan(Cause::final_ack_invalid, kernel("6.18"), {}, values);
    EXPECT_THAT(changes(usual), IsEmpty());
    std::size_t number = 0;
    for (const fix::PlannedStep& step : usual.steps) {
        if (!step.settings.empty()) number = step.number;
    }
    ASSERT_NE(number, 0U);
    const auto asked = fix::make_plan(Cause::final_ack_invalid, kernel("6.18"), {.steps = {number}}, values);
    EXPECT_THAT(changes(asked), ElementsAre("net.ipv4.tcp_timestamps=0"));
}

TEST(FixPlan, RpFilterIsForOneInterfaceAndNeverForAll) {
    const auto values = host({{"net/ipv4/conf/all/rp_filter", "1"}, {"net/ipv4/conf/eth0.7/rp_filter", "1"}});
    const auto unnamed = fix::make_plan(Cause::rp_filter, kernel("6.1"), {}, values);
    EXPECT_THAT(changes(unnamed), IsEmpty());
    EXPECT_EQ(unnamed.count(SettingState::needs_interface), 1U);
    const auto named = fix::make_plan(Cause::rp_filter, kernel("6.1"), {.interface = "eth0.7"}, values);
    EXPECT_THAT(changes(named), ElementsAre("net.ipv4.conf.eth0/7.rp_filter=2"));
    for (const char* name : {"all", "default", "..", "a/b", "a name", "0123456789abcdef"}) {
        EXPECT_NE(fix::complaint(Cause::rp_filter, kernel("6.1"), {.interface = name}), "") << name;
    }
    EXPECT_EQ(fix::complaint(Cause::rp_filter, kernel("6.1"), {.interface = "eth0.7"}), "");
    EXPECT_NE(fix::complaint(Cause::rp_filter, kernel("6.1"), {.steps = {4}}), "") << "off everywhere is for nobody";
    EXPECT_NE(fix::complaint(Cause::rp_filter, kernel("6.1"), {.steps = {99}}), "");
}

TEST(FixPlan, AbsentSysctlsAreSaid) {
    const auto plan = fix::make_plan(Cause::per_host_paws, kernel("4.9"), {}, host({}));
    EXPECT_THAT(changes(plan), IsEmpty());
    EXPECT_EQ(plan.count(SettingState::absent), 1U);
    EXPECT_FALSE(fix::make_plan(Cause::per_host_paws, kernel("6.1"), {}, host({})).kernel_has_cause);
}

TEST(FixPlan, APlanForAnotherHostLooksAtNothing) {
    const emit::FixReport report{.plan = fix::make_plan(Cause::accept_queue_full, kernel("4.19"), {}, {})};
    EXPECT_EQ(report.plan.count(SettingState::not_looked), 1U);
    EXPECT_TRUE(report.pending());
    EXPECT_THAT(emit::fix_text(report, 80, false), HasSubstr("ListenBacklog N"));
}

// The whole catalogue: a command that sets sysctls is those sysctls, and nothing else is applied.
TEST(FixPlan, CommandsAreTheirSettings) {
    std::size_t settings = 0;
    for (const core::CausePage& page : core::all_pages()) {
        for (const core::PageFix& fix : page.fixes) {
            EXPECT_EQ(fix.command.starts_with("sysctl -w"), !fix.settings.empty()) << page.slug;
            for (const core::PageSetting& setting : fix.settings) {
                ++settings;
                EXPECT_THAT(std::string(fix.command), HasSubstr(setting.name));
                EXPECT_THAT(std::string(fix.command), HasSubstr(setting.value));
                EXPECT_TRUE(fix::is_sysctl_path(fix::sysctl_path(setting.name, "eth0"))) << setting.name;
                const bool all_rp_filter = setting.name == "net.ipv4.conf.all.rp_filter";
                EXPECT_FALSE(all_rp_filter && fix.apply != core::FixApply::never);
            }
        }
    }
    EXPECT_GT(settings, 30U);
}

TEST(SysctlTree, ValuesAreComparedAsTheKernelMeansThem) {
    EXPECT_TRUE(fix::same_value("32768\t60999\n", "32768 60999"));
    EXPECT_TRUE(fix::same_value("00000000,00000000", "0"));
    EXPECT_FALSE(fix::same_value("1 2", "12"));
    EXPECT_FALSE(fix::same_value("", "0"));
    for (const char* path : {"net/../etc", "/net/core", "kernel/panic", "net//x", "net/core/", "net"}) {
        EXPECT_FALSE(fix::is_sysctl_path(path)) << path;
    }
}

}  // namespace
}  // namespace synwhy
