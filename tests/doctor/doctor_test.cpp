// Does the doctor find what two looks show, and nothing that they do not?
#include "doctor/doctor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/catalogue.hpp"

namespace synwhy {
namespace {

using core::Cause;
using core::Confidence;
using testing::Contains;
using testing::HasSubstr;

core::HostState host(const std::string& release, std::map<std::string, std::int64_t> counters,
                     std::map<std::string, std::string> sysctls = {}) {
    core::HostState state;
    state.facts.kernel = core::resolve_kernel(release);
    state.facts.counters = std::move(counters);
    state.facts.sysctls = std::move(sysctls);
    return state;
}

core::Listener listener(std::uint16_t port, std::uint32_t waiting, std::uint32_t backlog) {
    core::Listener made;
    made.local.port = port;
    made.accept_length = waiting;
    made.backlog = backlog;
    made.half_open = 0;
    return made;
}

doctor::Inputs two_looks(core::HostState before, core::HostState after) {
    before.monotonic_ns = 1'000'000'000;
    after.monotonic_ns = 6'000'000'000;
    doctor::Inputs inputs;
    inputs.before = std::move(before);
    inputs.after = std::move(after);
    return inputs;
}

std::vector<Cause> causes(const core::Report& report) {
    std::vector<Cause> found;
    for (const core::Finding& finding : report.findings) found.push_back(finding.cause);
    return found;
}

TEST(Doctor, FirstStoryIsPerHostPaws) {
    const std::map<std::string, std::string> recycle{{"net.ipv4.tcp_tw_recycle", "1"},
                                                     {"net.ipv4.tcp_timestamps", "1"}};
    const core::Report report =
        doctor::examine(two_looks(host("2.6.32-642.el6", {{"TcpExt.PAWSPassive", 2181}}, recycle),
                                  host("2.6.32-642.el6", {{"TcpExt.PAWSPassive", 2190}}, recycle)));
    ASSERT_EQ(causes(report), std::vector{Cause::per_host_paws});
    EXPECT_EQ(report.findings[0].confidence, Confidence::certain);
    EXPECT_EQ(report.findings[0].syns, 9U);
    EXPECT_THAT(report.findings[0].fix, Contains(HasSubstr("net.ipv4.tcp_tw_recycle=0")));
    EXPECT_THAT(report.findings[0].evidence, Contains("net.ipv4.tcp_tw_recycle is 1"));
}

TEST(Doctor, PerHostPawsOfThePastIsNoFinding) {
    const core::HostState now =
        host("3.10.0-1160.el7", {{"TcpExt.PAWSPassive", 2181}}, {{"net.ipv4.tcp_tw_recycle", "0"}});
    const core::Report report = doctor::examine(two_looks(now, now));
    EXPECT_TRUE(causes(report).empty());
    EXPECT_EQ(std::ranges::count(report.past, Cause::per_host_paws, &core::RuledOut::cause), 1);
}

TEST(Doctor, KernelWithoutPerHostPawsRulesItOutByItsName) {
    const core::Report report = doctor::examine({.before = host("6.1.0-18-amd64", {{"TcpExt.PAWSPassive", 5}})});
    const auto lost = std::ranges::find(report.ruled_out, Cause::per_host_paws, &core::RuledOut::cause);
    ASSERT_NE(lost, report.ruled_out.end());
    EXPECT_THAT(lost->why, HasSubstr("6.1.0"));
}

TEST(Doctor, FullQueueNamesItsOwnerAndWhyItDoesNotAccept) {
    core::HostState before = host("6.1.0", {{"TcpExt.ListenOverflows", 10}}, {{"net.core.somaxconn", "4096"}});
    core::Listener full = listener(80, 129, 128);
    full.pids = {812};
    full.inode = 7;
    full.drops = 3;
    before.listeners = {full, listener(22, 0, 128)};
    core::HostState after = before;
    after.facts.counters["TcpExt.ListenOverflows"] = 15;
    after.listeners[0].drops = 8;
    core::ProcessState stopped{.pid = 812, .name = "nginx", .state = 'T', .thread_count = 1};
    after.processes[812] = stopped;
    const core::Report report = doctor::examine(two_looks(before, after));
    ASSERT_EQ(causes(report), std::vector{Cause::accept_queue_full});
    const core::Finding& finding = report.findings[0];
    EXPECT_EQ(finding.confidence, Confidence::certain);
    EXPECT_EQ(finding.syns, 5U);
    EXPECT_EQ(finding.headline, "The accept queue of 0.0.0.0:80 (nginx, pid 812) is full");
    EXPECT_THAT(finding.processes, Contains("nginx (pid 812)"));
    EXPECT_THAT(finding.story, Contains(HasSubstr("stopped by a signal")));
    EXPECT_THAT(finding.story, Contains(HasSubstr("128 is below net.core.somaxconn (4096)")));
    EXPECT_THAT(finding.fix[0], HasSubstr("kill -CONT 812"));
}

TEST(Doctor, QueueAtItsLimitIsNotFull) {
    core::HostState state = host("6.1.0", {{"TcpExt.ListenOverflows", 0}});
    state.listeners = {listener(80, 128, 128)};
    EXPECT_TRUE(causes(doctor::examine({.before = state})).empty());
}

TEST(Doctor, QueueWhoseLimitIsNotKnownIsNotFull) {
    core::HostState state = host("2.6.32-642.el6", {{"TcpExt.ListenOverflows", 0}});
    state.listeners = {listener(80, 3, 0)};
    state.listeners[0].backlog_known = false;
    const core::Report report = doctor::examine({.before = state});
    EXPECT_TRUE(causes(report).empty());
    EXPECT_EQ(std::ranges::count(report.not_examinable, Cause::accept_queue_full, &core::RuledOut::cause), 1);
}

TEST(Doctor, CounterThatDoesNotExistRulesNothingOut) {
    const core::HostState state = host("2.6.32-642.el6", {});
    const core::Report report = doctor::examine(two_looks(state, state));
    EXPECT_EQ(std::ranges::count(report.ruled_out, Cause::md5_missing, &core::RuledOut::cause), 0);
    EXPECT_EQ(std::ranges::count(report.not_examinable, Cause::md5_missing, &core::RuledOut::cause), 1);
}

TEST(Doctor, SynQueueRuleIsTheKernels) {
    core::HostState state =
        host("4.19.0", {}, {{"net.ipv4.tcp_syncookies", "0"}, {"net.ipv4.tcp_max_syn_backlog", "4096"}});
    state.listeners = {listener(80, 0, 8)};
    state.listeners[0].half_open = 8;
    EXPECT_EQ(causes(doctor::examine({.before = state})), std::vector{Cause::syn_queue_full}) << "full at the backlog";
    state.facts.kernel = core::resolve_kernel("6.18.16");
    EXPECT_TRUE(causes(doctor::examine({.before = state})).empty()) << "full only above the backlog";
}

TEST(Doctor, LastQuarterNeedsCookiesOff) {
    core::HostState state =
        host("6.1.0", {}, {{"net.ipv4.tcp_syncookies", "0"}, {"net.ipv4.tcp_max_syn_backlog", "128"}});
    state.listeners = {listener(80, 0, 4096)};
    state.listeners[0].half_open = 97;
    EXPECT_EQ(causes(doctor::examine({.before = state})), std::vector{Cause::syn_backlog_quarter});
    state.facts.sysctls["net.ipv4.tcp_syncookies"] = "1";
    EXPECT_TRUE(causes(doctor::examine({.before = state})).empty());
}

TEST(Doctor, FirewallThatNobodyMeetsIsNoFinding) {
    doctor::Inputs inputs{.before = host("6.1.0", {})};
    core::FilterSuspect suspect{.rule = {.family = "inet", .table = "f", .chain = "i", .handle = 4, .position = 1},
                                .surely = true};
    core::FilterAnswer answer;
    answer.server.port = 80;
    answer.syn = {.outcome = core::FilterOutcome::dropped, .suspects = {suspect}};
    inputs.filter = {answer};
    EXPECT_TRUE(causes(doctor::examine(inputs)).empty());

    core::WatchedGroup group;
    group.server.port = 80;
    group.syns = 3;
    group.attempts = 1;
    group.unanswered = 1;
    inputs.watched = {.available = true, .syns = 3, .groups = {group}};
    const core::Report report = doctor::examine(inputs);
    ASSERT_EQ(causes(report), std::vector{Cause::netfilter_drop});
    EXPECT_EQ(report.findings[0].confidence, Confidence::likely) << "no counter of the rule has moved";
}

TEST(Doctor, ResetOfAnotherHostBehindTranslationIsNotNobodyListening) {
    doctor::Inputs inputs{.before = host("6.1.0", {})};
    core::WatchedGroup group;
    group.server.port = 8080;
    group.syns = group.attempts = group.reset = 1;
    inputs.watched = {.available = true, .syns = 1, .groups = {group}};
    ASSERT_EQ(causes(doctor::examine(inputs)), std::vector{Cause::no_listener});
    EXPECT_EQ(doctor::examine(inputs).findings[0].confidence, Confidence::certain);
    core::FilterAnswer answer;
    answer.server.port = 8080;
    answer.syn.changes = {{.family = "ip", .table = "nat", .chain = "PREROUTING"}};
    inputs.filter = {answer};
    EXPECT_TRUE(causes(doctor::examine(inputs)).empty());
    inputs.filter.clear();
    inputs.filter_why_not = "no permission";
    EXPECT_EQ(doctor::examine(inputs).findings[0].confidence, Confidence::likely);
}

TEST(Doctor, SilenceThatNothingExplainsIsSaidToBeUnknown) {
    doctor::Inputs inputs{.before = host("6.1.0", {})};
    core::WatchedGroup group;
    group.server.port = 80;
    group.syns = group.attempts = group.unanswered = 1;
    inputs.watched = {.available = true, .syns = 1, .groups = {group}};
    const core::Report report = doctor::examine(inputs);
    EXPECT_TRUE(causes(report).empty());
    ASSERT_EQ(report.unknown.size(), 1U);
    EXPECT_THAT(report.unknown[0], HasSubstr("1 SYN from"));
}

TEST(Doctor, EveryCauseIsSpokenOf) {
    const core::Report report = doctor::examine({});
    std::set<Cause> spoken;
    for (const core::Finding& finding : report.findings) spoken.insert(finding.cause);
    for (const auto* part : {&report.ruled_out, &report.past, &report.not_examinable}) {
        for (const core::RuledOut& entry : *part) {
            spoken.insert(entry.cause);
            EXPECT_FALSE(entry.why.empty()) << core::slug(entry.cause);
        }
    }
    for (const core::CausePage& page : core::all_pages()) EXPECT_TRUE(spoken.contains(page.cause)) << page.slug;
}

}  // namespace
}  // namespace synwhy
