// Is the machine-readable output JSON, whatever the names hold, and does it keep its fields?
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "emit/json.hpp"
#include "emit/ndjson.hpp"
#include "emit/time_text.hpp"
#include "emit_report.hpp"

namespace synwhy::emit {
namespace {

using nlohmann::json;

std::string json_string(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

json line_of(const core::HandshakeVerdict& handshake) {
    HandshakeWriter writer;
    std::string line;
    writer.append(line, handshake);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    return json::parse(line);
}

TEST(JsonString, Escapes) {
    EXPECT_EQ(json_string(""), R"("")");
    EXPECT_EQ(json_string("a\"b\\c/d"), R"("a\"b\\c/d")");
    EXPECT_EQ(json_string("\n\r\t\b\f\x1f\x7f"), R"("\n\r\t\u0008\u000c\u001f\u007f")");
    EXPECT_EQ(json_string(std::string_view("\0x", 2)), R"("\u0000x")");
    EXPECT_EQ(json_string("gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\xA7"), "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\xA7\"");
}

TEST(JsonString, WhatIsNoUtf8BecomesAReplacement) {
    const std::string replacement = "\xEF\xBF\xBD";
    EXPECT_EQ(json_string("a\xFFz"), "\"a" + replacement + "z\"");
    EXPECT_EQ(json_string("\xC3"), '"' + replacement + '"');                                      // cut
    EXPECT_EQ(json_string("\xC0\xAF"), '"' + replacement + replacement + '"');                    // overlong
    EXPECT_EQ(json_string("\xED\xA0\x80"), '"' + replacement + replacement + replacement + '"');  // surrogate
    EXPECT_EQ(json_string("\xF4\x90\x80\x80").size(), 2 + 4 * replacement.size());                // beyond U+10FFFF
}

TEST(JsonString, EveryPairOfBytesParses) {
    for (int a = 0; a < 256; ++a) {
        for (int b = 0; b < 256; ++b) {
            const std::string text = {static_cast<char>(a), static_cast<char>(b)};
            ASSERT_TRUE(json::accept(json_string(text))) << a << ' ' << b;
        }
    }
}

TEST(Ndjson, ARefusedHandshake) {
    const json line = line_of(test::refused_handshake(40001, test::kNoon_ns + 5, true));
    EXPECT_EQ(line["v"], 1);
    EXPECT_EQ(line["type"], "handshake");
    EXPECT_EQ(line["client"], "198.51.100.7:40001");
    EXPECT_EQ(line["server"], "10.0.0.1:80");
    EXPECT_EQ(line["isn"], 41001);
    EXPECT_EQ(line["t"], "2015-03-01T12:00:00.000000005Z");
    EXPECT_EQ(line["syns"], 3);
    EXPECT_EQ(line["outcome"], "synack");
    EXPECT_EQ(line["cause"], "per-host-paws");
    EXPECT_EQ(line["confidence"], "likely");
    EXPECT_EQ(line["rivals"], json::array());
    EXPECT_EQ(line["copies"].size(), 3U);
    EXPECT_EQ(line["copies"][1]["t"], "2015-03-01T12:00:01.000000005Z");
    EXPECT_EQ(line["copies"][1]["outcome"], "none");
    EXPECT_EQ(line["copies"][2]["cause"], nullptr);
}

TEST(Ndjson, ASimplyAnsweredOneHasNoCause) {
    core::HandshakeVerdict handshake = test::answered_handshake(40001, test::kNoon_ns);
    handshake.answer_inferred = true;
    handshake.more_syns = 7;
    const json line = line_of(handshake);
    EXPECT_EQ(line["cause"], nullptr);
    EXPECT_EQ(line["answer_inferred"], true);
    EXPECT_EQ(line["syns"], 8);
}

TEST(Ndjson, TimesAtTheEdges) {
    for (const std::int64_t time_ns :
         std::vector<std::int64_t>{INT64_MIN, -1, 0, 999'999'999, 1'000'000'000, INT64_MAX}) {
        core::HandshakeVerdict handshake = test::answered_handshake(1, time_ns);
        EXPECT_EQ(line_of(handshake)["t"], rfc3339(time_ns)) << time_ns;
    }
}

TEST(Ndjson, ManyLinesThroughOneWriter) {
    HandshakeWriter writer;
    std::string out;
    const core::Report report = test::paws_report();
    for (const core::HandshakeVerdict& handshake : report.handshakes) writer.append(out, handshake);
    std::size_t at = 0;
    for (const core::HandshakeVerdict& handshake : report.handshakes) {
        const std::size_t end = out.find('\n', at);
        const json line = json::parse(out.substr(at, end - at));
        EXPECT_EQ(line["t"], rfc3339(handshake.first_ns));
        at = end + 1;
    }
    EXPECT_EQ(at, out.size());
}

TEST(ReportJson, HoldsWhatTheReportHolds) {
    core::Report report = test::paws_report(true);
    report.unknown = {"something"};
    report.input_errors = {"trouble.pcap: offset 12: cut"};
    const json document = json::parse(report_json(report));
    EXPECT_EQ(document["v"], 1);
    EXPECT_EQ(document["tool"], "synwhy");
    EXPECT_EQ(document["source"]["files"], json::array({"trouble.pcap"}));
    EXPECT_EQ(document["source"]["first"], "2015-03-01T12:00:00.000000000Z");
    EXPECT_EQ(document["source"]["kernel"], nullptr);
    EXPECT_EQ(document["totals"]["handshakes"], 111);
    EXPECT_EQ(document["totals"]["answered"], 99);
    EXPECT_EQ(document["totals"]["unanswered"], 12);
    ASSERT_EQ(document["findings"].size(), 2U);
    const json& finding = document["findings"][0];
    EXPECT_EQ(finding["cause"], "per-host-paws");
    EXPECT_EQ(finding["servers"], json::array({"10.0.0.1:80"}));
    EXPECT_EQ(finding["clients"], json::array({"198.51.100.7"}));
    EXPECT_EQ(finding["never_answered"], 12);
    EXPECT_EQ(finding["rivals"][1]["refuted_by"], 13);
    EXPECT_EQ(finding["fix"].size(), 2U);
    EXPECT_EQ(document["ruled_out"][1]["cause"], "min-ttl");
    EXPECT_EQ(document["unknown"], json::array({"something"}));
    EXPECT_EQ(document["timeline"]["intervals"].size(), 60U);
    EXPECT_EQ(document["input_errors"].size(), 1U);
}

TEST(ReportJson, NamesThatAreNoUtf8) {
    core::Report report = test::healthy_report();
    report.source.files = {"\xff\xfe.pcap"};
    EXPECT_TRUE(json::accept(report_json(report)));
}

TEST(ReportJson, NothingRead) {
    const json document = json::parse(report_json(core::Report{}));
    EXPECT_EQ(document["source"]["first"], nullptr);
    EXPECT_EQ(document["findings"], json::array());
}

}  // namespace
}  // namespace synwhy::emit
