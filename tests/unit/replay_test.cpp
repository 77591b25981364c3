// Does a replay find what differs, name the place of a broken file, and believe a list of known differences?
#include "truth/replay.hpp"

#include <gtest/gtest.h>

#include "truth/known.hpp"

namespace synwhy::truth {
namespace {

/// A SYN and its answer on 6.1; `verdict` and `drops` are what a test breaks.
std::string recording(const std::string& answer, int drops) {
    const std::string rx =
        answer.empty() ? ""
                       : R"({"t":1.001,"flags":")" + answer +
                             R"(","src":"10.0.0.1:80","dst":"198.51.100.7:40000","seq":77,"ack":1001,"win":65160,)"
                             R"("dlen":0,"ttl":64,"mss":1460,"kind":"synack"})";
    return R"({"scenario":"s","kernel":"6.1.20","hz":250,"wall_start":1700000000.5,"duration":1.2,
      "sysctls_at_start":{},"steps":[
      {"n":1,"t":0.9,"line":"listen L port=80 backlog=4","op":"listen","result":"bind=ok listen=ok","counters":{}},
      {"n":2,"t":1.0,"line":"syn A src=198.51.100.7 sport=40000 isn=1000 ts=none opts=020405b4","op":"syn",
       "sent":{"flags":"S","src":"198.51.100.7:40000","dst":"10.0.0.1:80","seq":1000,"ack":0,"win":64240,"dlen":0,
       "ttl":64,"mss":1460},"t_inj":1.0,"rx":[)" +
           rx + R"(],"verdict":")" + (answer.empty() ? "none" : "synack") +
           R"(","counters":{"Tcp.InSegs":1,"Ip.InReceives":1,"Ip.InDelivers":1)" +
           (answer.empty() ? "" : R"(,"Tcp.OutSegs":1,"Ip.OutRequests":1)") +
           (drops != 0 ? R"(,"TcpExt.ListenDrops":)" + std::to_string(drops) : "") + R"(},"socks":{"acceptq:80":0)" +
           (answer.empty() ? "" : R"(,"SYN_RECV":1)") + "}}]}";
}

TEST(Replay, AgreesWithWhatTheModelDoes) {
    const auto parsed = parse_recording(recording("SA", 0), "s.json");
    ASSERT_TRUE(parsed) << core::to_string(parsed.error());
    const auto result = replay(*parsed);
    EXPECT_EQ(result.steps, 1);
    EXPECT_EQ(result.agree, 1) << result.differences.front().field;
}

TEST(Replay, FindsAMissingAnswerAndACounter) {
    const auto silent = replay(*parse_recording(recording("", 0), "s.json"));
    ASSERT_FALSE(silent.differences.empty());
    EXPECT_EQ(silent.differences.front().field, "verdict");
    EXPECT_EQ(silent.differences.front().expected, "none");
    EXPECT_EQ(silent.differences.front().got, "synack");
    const auto counted = replay(*parse_recording(recording("SA", 1), "s.json"));
    ASSERT_EQ(counted.differences.size(), 1U);
    EXPECT_EQ(counted.differences.front().field, "TcpExt.ListenDrops");
    EXPECT_EQ(counted.agree, 0);
}

TEST(Replay, NamesThePlaceOfABrokenFile) {
    const auto broken = parse_recording("{\"kernel\": ", "x.json");
    ASSERT_FALSE(broken);
    EXPECT_NE(broken.error().where.find("x.json: offset"), std::string::npos) << broken.error().where;
    EXPECT_FALSE(parse_recording("{}", "x.json"));
}

TEST(Known, ListedDifferencesGetTheirReason) {
    const auto known = parse_known("# comment\n6.1.20 s 2-3: measured before lunch\n", "known.txt");
    ASSERT_TRUE(known);
    auto result = replay(*parse_recording(recording("SA", 1), "s.json"));
    mark_known(result, *known);
    EXPECT_EQ(result.known, 1);
    EXPECT_EQ(result.differences.front().known, "measured before lunch");
    const auto wrong = parse_known("\n6.1.20 s\n", "known.txt");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().where, "known.txt:2");
}

}  // namespace
}  // namespace synwhy::truth
