// Do the shipped scenarios tell the story that their titles promise, and does `synwhy pcap` see it too?
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "core/catalogue.hpp"
#include "emit/sim_html.hpp"
#include "emit/sim_json.hpp"
#include "emit/sim_text.hpp"
#include "sim/scenario.hpp"
#include "sim/shipped.hpp"
#include "sim/world.hpp"

namespace synwhy::sim {
namespace {

Scenario shipped(std::string_view name, std::string_view variant = {}) {
    for (const ShippedScenario& one : shipped_scenarios()) {
        if (one.name != name) continue;
        auto scenario = parse_scenario(one.text, name).value();
        if (!variant.empty() && !apply_variant(scenario, variant)) ADD_FAILURE() << "no variant " << variant;
        return scenario;
    }
    ADD_FAILURE() << "no scenario " << name;
    return {};
}

const RowCount* find_row(const Result& result, std::string_view slug) {
    for (const RowCount& row : result.servers.at(0).rows) {
        if (core::slug(row.cause) == slug) return &row;
    }
    return nullptr;
}

std::uint64_t counter(const Result& result, std::string_view name) {
    for (const CounterResult& c : result.servers.at(0).counters) {
        if (c.name == name) return c.value;
    }
    return 0;
}

struct Output {
    int status = -1;
    std::string text{};
};

Output run_program(const std::string& arguments) {
    const std::string command = std::string(SYNWHY_BINARY) + ' ' + arguments + " 2>/dev/null";
    Output output;
    FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return output;
    char buffer[65536];
    for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.text.append(buffer, n);
    output.status = WEXITSTATUS(::pclose(pipe));
    return output;
}

class NatStory : public testing::TestWithParam<const char*> {};

TEST_P(NatStory, YoungPcIsLockedOutAndTheCaptureSaysWhy) {
    Scenario scenario = shipped("nat-recycle");
    scenario.servers[0].kernel = GetParam();
    const Result result = run(scenario);
    EXPECT_EQ(result.groups.at(0).attempts.hindered, 0U) << "the old PC notices nothing";
    const Attempts& young = result.groups.at(1).attempts;
    EXPECT_GT(young.total, 50U);
    EXPECT_EQ(young.connected, 0U);
    EXPECT_EQ(young.hindered, young.total);
    const RowCount* row = find_row(result, "per-host-paws");
    ASSERT_NE(row, nullptr);
    EXPECT_EQ(row->syns, counter(result, "TcpExt.PAWSPassive"));

    const std::string file = testing::TempDir() + "nat-story-" + std::to_string(::getpid()) + ".pcapng";
    EXPECT_EQ(run_program("sim nat-recycle --kernel " + std::string(GetParam()) + " -w " + file).status, 1);
    const Output pcap = run_program("pcap --json " + file);
    EXPECT_EQ(pcap.status, 1);
    const auto report = nlohmann::json::parse(pcap.text, nullptr, false);
    ASSERT_FALSE(report.is_discarded());
    ASSERT_FALSE(report.at("findings").empty());
    EXPECT_EQ(report["findings"][0]["cause"], "per-host-paws");
    EXPECT_EQ(report["findings"][0]["handshakes"], young.total);
    std::remove(file.c_str());
}

INSTANTIATE_TEST_SUITE_P(Recycling, NatStory, testing::Values("2.6.32", "3.10", "3.10.0-1160.el7", "4.9"));

class NatWithoutRecycle : public testing::TestWithParam<const char*> {};

TEST_P(NatWithoutRecycle, NobodyIsRefused) {
    Scenario scenario = shipped("nat-recycle");
    scenario.servers[0].kernel = GetParam();
    const Result result = run(scenario);
    EXPECT_EQ(result.attempts.hindered, 0U);
    EXPECT_EQ(result.servers[0].of(SynFate::silence), 0U);
    EXPECT_FALSE(emit::anything_wrong(result));
    ASSERT_EQ(result.remarks.size(), 1U);
    EXPECT_NE(result.remarks[0].find("tcp_tw_recycle does not exist"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Newer, NatWithoutRecycle, testing::Values("4.12", "4.19", "6.1", "6.18"));

TEST(Story, NatCures) {
    EXPECT_EQ(run(shipped("nat-recycle", "recycle-off")).attempts.hindered, 0U);
    EXPECT_EQ(run(shipped("nat-recycle", "timestamps-off")).attempts.hindered, 0U);
}

TEST(Story, TimestampsOffLocksOutEvenTheWinner) {
    const Result result = run(shipped("nat-recycle-late"));
    EXPECT_GT(result.groups.at(0).attempts.hindered, 30U) << "the old PC, from 60 s to 120 s";
    for (const core::TimeBucket& bucket : result.servers[0].timeline) {
        const std::int64_t second = (bucket.start_ns - kStart_ns) / 1'000'000'000;
        if (second > 62 && second < 110) {
            EXPECT_EQ(bucket.answered, 0U) << second;
        } else if (second > 182) {
            EXPECT_EQ(bucket.unanswered, 0U) << second;
        }
    }
}

TEST(Story, AcceptStallBeforeAndAfter) {
    const Result result = run(shipped("accept-stall"));
    const RowCount* row = find_row(result, "accept-queue-full");
    ASSERT_NE(row, nullptr);
    EXPECT_GE(row->first_ns, kStart_ns + 20'000'000'000);
    EXPECT_LE(row->last_ns, kStart_ns + 31'000'000'000) << "the second stall fits into the larger queue";
    const RowCount* acks = find_row(result, "final-ack-refused");
    EXPECT_EQ(row->syns + (acks == nullptr ? 0 : acks->segments), counter(result, "TcpExt.ListenOverflows"));
}

TEST(Story, SynFloodAndCookies) {
    const Result without = run(shipped("syn-flood"));
    EXPECT_EQ(core::slug(emit::worst_row(without)->cause), "syn-queue-full");
    EXPECT_EQ(counter(without, "TcpExt.SyncookiesSent"), 0U);
    const Result full = run(shipped("syn-flood", "cookies-1"));
    const Result always = run(shipped("syn-flood", "cookies-2"));
    EXPECT_EQ(full.attempts.hindered, 0U);
    EXPECT_EQ(always.attempts.hindered, 0U);
    EXPECT_GT(counter(full, "TcpExt.SyncookiesSent"), 50'000U);
    EXPECT_EQ(always.servers[0].of(SynFate::answered), 0U) << "every SYN gets a cookie";
}

TEST(Story, PortExhaustion) {
    const Result without = run(shipped("port-exhaustion"));
    EXPECT_GT(without.attempts.ended(Ending::no_port), 1000U);
    EXPECT_EQ(without.servers[0].of(SynFate::silence), 0U) << "the server is not to blame";
    const Result with = run(shipped("port-exhaustion", "tw-reuse"));
    EXPECT_EQ(with.attempts.ended(Ending::no_port), 0U);
    EXPECT_GT(with.ports_reused, 1000U);
    EXPECT_EQ(run(shipped("port-exhaustion", "more-ports")).attempts.ended(Ending::no_port), 0U);
}

TEST(Story, PawsSavesAnUpload) {
    const Result with = run(shipped("paws-saves"));
    EXPECT_EQ(with.servers[0].old_arrived, 1U);
    EXPECT_EQ(with.servers[0].old_accepted_bytes, 0U);
    EXPECT_EQ(counter(with, "TcpExt.PAWSEstab"), 1U);
    EXPECT_EQ(with.attempts.ended(Ending::served), 1U);
    const Result without = run(shipped("paws-saves", "timestamps-off"));
    EXPECT_GT(without.servers[0].old_accepted_bytes, 20'000U);
    EXPECT_EQ(counter(without, "TcpExt.PAWSEstab"), 0U);
}

TEST(Story, WhatRecycleWasFor) {
    const Result with = run(shipped("what-recycle-was-for"));
    const Result without = run(shipped("what-recycle-was-for", "recycle-off"));
    EXPECT_FALSE(emit::anything_wrong(with));
    EXPECT_LT(with.servers[0].most_buckets * 20, without.servers[0].most_buckets);
    EXPECT_EQ(with.attempts.ended(Ending::no_port), 0U);
    EXPECT_GT(without.attempts.ended(Ending::no_port), 1000U);
}

TEST(Story, WhatTimeWaitProtects) {
    EXPECT_EQ(run(shipped("what-time-wait-protects")).servers[0].old_accepted_bytes, 200U);
    EXPECT_EQ(run(shipped("what-time-wait-protects", "time-wait")).servers[0].old_accepted_bytes, 0U);
    EXPECT_EQ(run(shipped("what-time-wait-protects", "assassinated")).servers[0].old_accepted_bytes, 200U);
    EXPECT_EQ(run(shipped("what-time-wait-protects", "timestamps")).servers[0].old_accepted_bytes, 0U);
    EXPECT_EQ(run(shipped("what-time-wait-protects", "linux-6.1")).servers[0].old_accepted_bytes, 0U);
}

TEST(Story, ModernClientNeedsNoNat) {
    const Result result = run(shipped("modern-client"));
    EXPECT_GT(result.attempts.hindered, 20U);
    EXPECT_EQ(run(shipped("modern-client", "plain-timestamps")).attempts.hindered, 0U);
}

TEST(Output, SameSeedSameBytesAndAnotherSeedOthers) {
    Scenario scenario = shipped("syn-flood", "cookies-1");
    const std::string first = emit::sim_json(run(scenario));
    EXPECT_EQ(emit::sim_json(run(scenario)), first);
    scenario.seed = 2;
    EXPECT_NE(emit::sim_json(run(scenario)), first);
}

TEST(Output, HtmlIsOneFileWithoutReferences) {
    const std::string html = emit::sim_html(run(shipped("nat-recycle")));
    EXPECT_TRUE(html.starts_with("<!doctype html>"));
    EXPECT_TRUE(html.ends_with("</html>\n"));
    for (const char* reference : {"src=", "href=\"http", "url(", "@import", "<script"}) {
        EXPECT_EQ(html.find(reference), std::string::npos) << reference;
    }
    EXPECT_NE(html.find("prefers-color-scheme"), std::string::npos);
    EXPECT_LT(html.size(), 1'500'000U);
}

TEST(Output, NamesFromAScenarioAreEscaped) {
    Scenario scenario = shipped("nat-recycle");
    scenario.title = "<script>alert(1)</script> & \"more\"";
    scenario.clients[0].name = "<b>bold</b>";
    const std::string html = emit::sim_html(run(scenario));
    EXPECT_EQ(html.find("<script"), std::string::npos);
    EXPECT_EQ(html.find("<b>bold"), std::string::npos);
}

TEST(CommandLine, MistakesAreUsageErrors) {
    EXPECT_EQ(run_program("sim").status, 2);
    EXPECT_EQ(run_program("sim nat-recycel").status, 2);
    EXPECT_EQ(run_program("sim nat-recycle/no-such-variant").status, 2);
    EXPECT_EQ(run_program("sim nat-recycle --duration never").status, 2);
    EXPECT_EQ(run_program("sim nat-recycle --kernel none").status, 2);
    EXPECT_EQ(run_program("sim nat-recycle -w /nonexistent/x.pcapng").status, 3);
    EXPECT_EQ(run_program("sim nat-recycle/recycle-off").status, 0);
    EXPECT_EQ(run_program("sim nat-recycle --exit-zero").status, 0);
    EXPECT_EQ(run_program("sim list").status, 0);
}

}  // namespace
}  // namespace synwhy::sim
