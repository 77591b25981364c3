// Does a person read the verdict first, within 80 columns, in every form of the report?
//
// Golden texts lie in tests/cli/golden/; SYNWHY_UPDATE_GOLDEN=1 rewrites them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "emit/comments.hpp"
#include "emit/progress.hpp"
#include "emit/style.hpp"
#include "emit/terminal.hpp"
#include "emit/text.hpp"
#include "emit_report.hpp"

namespace synwhy::emit {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

void expect_golden(const std::string& file, const std::string& text) {
    const std::string path = std::string(SYNWHY_SOURCE_DIR "/tests/cli/golden/") + file;
    const char* update = std::getenv("SYNWHY_UPDATE_GOLDEN");
    if (update != nullptr && std::string_view(update) == "1") {
        std::ofstream(path) << text;
        return;
    }
    std::ifstream in(path);
    ASSERT_TRUE(in) << path << " is missing; make it with SYNWHY_UPDATE_GOLDEN=1";
    std::ostringstream golden;
    golden << in.rdbuf();
    EXPECT_EQ(text, golden.str()) << path << " differs; if that is right, rewrite it with SYNWHY_UPDATE_GOLDEN=1";
}

/// Commands stand behind four blanks and are never broken, because they are there to be copied.
void expect_columns(const std::string& text, std::size_t width) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const bool command = line.starts_with("    ") && !line.starts_with("     ");
        EXPECT_TRUE(command || display_width(line) <= width) << line;
        EXPECT_FALSE(line.ends_with(' ')) << '\'' << line << '\'';
    }
    EXPECT_THAT(text, EndsWith("\n"));
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

TEST(Terminal, GoldenTexts) {
    const std::pair<const char*, std::string> texts[] = {
        {"render_healthy.txt", render(test::healthy_report(), {})},
        {"render_paws.txt", render(test::paws_report(), {})},
        {"render_two_findings.txt", render(test::paws_report(true), {})},
        {"render_paws_verbose.txt", render(test::paws_report(), {.verbose = true})},
        {"render_paws_ascii.txt", render(test::paws_report(), {.utf8 = false})},
        {"render_unexplained.txt", render(test::unexplained_report(), {.verbose = true})},
    };
    for (const auto& [file, text] : texts) {
        SCOPED_TRACE(file);
        expect_golden(file, text);
        expect_columns(text, 80);
    }
}

TEST(Terminal, VerdictComesFirst) {
    EXPECT_EQ(first_line(render(test::healthy_report(), {})), "All 97 connection attempts were answered.");
    EXPECT_THAT(render(test::paws_report(), {}),
                StartsWith("14 of 111 connection attempts to 10.0.0.1:80 got no answer at first,"));
    EXPECT_THAT(first_line(render(test::unexplained_report(), {})), HasSubstr("could not be determined"));
    EXPECT_THAT(first_line(render(core::Report{}, {})), StartsWith("No connection attempt"));
}

TEST(Terminal, AnUnsureFindingSaysSo) {
    core::Report report = test::paws_report();
    report.findings[0].confidence = core::Confidence::possible;
    EXPECT_THAT(render(report, {.width = 200}), HasSubstr(", possibly: Per-host PAWS"));
    report.findings[0].never_answered = 14;
    report.findings[0].confidence = core::Confidence::likely;
    EXPECT_THAT(render(report, {.width = 200}),
                StartsWith("14 of 111 connection attempts to 10.0.0.1:80 got no answer: Per-host PAWS"));
    report.findings[0].never_answered = 0;
    EXPECT_THAT(render(report, {.width = 200}), HasSubstr("got an answer only after repeated SYNs"));
}

TEST(Terminal, AnyWidth) {
    for (const std::size_t width : {0U, 40U, 60U, 80U, 120U}) {
        for (const bool verbose : {false, true}) {
            const std::string text = render(test::paws_report(true), {.width = width, .verbose = verbose});
            expect_columns(text, width < 40 ? 40 : width);
        }
    }
}

TEST(Terminal, ColourChangesNoWord) {
    const std::string plain = render(test::paws_report(true), {.verbose = true});
    std::string coloured = render(test::paws_report(true), {.colour = true, .verbose = true});
    EXPECT_THAT(plain, Not(HasSubstr("\x1b")));
    EXPECT_THAT(coloured, HasSubstr("\x1b[1;31m"));
    for (std::size_t at = coloured.find('\x1b'); at != std::string::npos; at = coloured.find('\x1b')) {
        coloured.erase(at, coloured.find('m', at) - at + 1);
    }
    EXPECT_EQ(coloured, plain);
}

TEST(Terminal, GrowthIsBounded) {
    core::Report report = test::paws_report();
    report.findings.resize(500, report.findings[0]);
    report.unknown.resize(500, "one more");
    const std::string text = render(report, {});
    EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 500);
    EXPECT_THAT(text, HasSubstr("452 findings (--json has all)"));
    EXPECT_THAT(text, HasSubstr("and 480 more (-v)"));
    report.handshakes.resize(5000, report.handshakes.back());
    EXPECT_THAT(render(report, {.verbose = true}), HasSubstr("more attempts (--ndjson has all)"));
}

TEST(Terminal, HostileTextIsHarmless) {
    core::Report report = test::paws_report();
    report.source.files = {"\x1b[2J\xff.pcap"};
    report.findings[0].story = {"name \x1b]0;x\x07 end"};
    report.findings[0].settle = "echo \x1b[31m";
    EXPECT_THAT(render(report, {.verbose = true}), Not(HasSubstr("\x1b")));
}

TEST(Colour, FlagBeforeVariableBeforeTerminal) {
    EXPECT_TRUE(decide_colour(ColourMode::always, false, "1", "dumb"));
    EXPECT_FALSE(decide_colour(ColourMode::never, true, nullptr, "xterm"));
    EXPECT_TRUE(decide_colour(ColourMode::automatic, true, nullptr, "xterm"));
    EXPECT_TRUE(decide_colour(ColourMode::automatic, true, "", "xterm"));
    EXPECT_FALSE(decide_colour(ColourMode::automatic, true, "1", "xterm"));
    EXPECT_FALSE(decide_colour(ColourMode::automatic, true, nullptr, "dumb"));
    EXPECT_FALSE(decide_colour(ColourMode::automatic, false, nullptr, "xterm"));
}

TEST(Comments, OneForEachSynInQuestion) {
    const auto comments = packet_comments(test::paws_report());
    ASSERT_EQ(comments.size(), 14U * 3U);
    EXPECT_EQ(comments[0].ordinal, 400000U);
    EXPECT_EQ(
        comments[0].text,
        "synwhy: not answered: per-host-paws (likely). TSval 12345 is 417 ticks behind the remembered 12762 (3 s old)");
    EXPECT_EQ(comments.back().text, "synwhy: SYN+ACK. Whole handshake: per-host-paws (likely)");
    EXPECT_TRUE(packet_comments(test::healthy_report()).empty());
}

TEST(Comments, RivalsAreNamed) {
    core::Report report = test::paws_report();
    report.handshakes.back().rivals = {core::Cause::syn_queue_full, core::Cause::netfilter_drop};
    const auto comments = packet_comments(report);
    EXPECT_THAT(comments[comments.size() - 2].text,
                HasSubstr("(likely); rivals: syn-queue-full, netfilter-drop. TSval"));
}

TEST(Progress, QuietForASecondThenTenTimesASecond) {
    constexpr std::int64_t kMillisecond_ns = 1'000'000;
    Progress progress(0, 80, false);
    EXPECT_EQ(progress.update(999 * kMillisecond_ns, 0.5, 1), "");
    EXPECT_EQ(progress.erase(), "");
    EXPECT_EQ(progress.update(1000 * kMillisecond_ns, 0.5, 1'234'567),
              "\r\x1b[K###############...............  50 %  1,234,567 packets, 1 s left");
    EXPECT_EQ(progress.update(1099 * kMillisecond_ns, 0.6, 2), "");
    EXPECT_EQ(progress.update(1100 * kMillisecond_ns, std::nullopt, 2'000), "\r\x1b[K2,000 packets");
    EXPECT_EQ(progress.erase(), "\r\x1b[K");
    EXPECT_EQ(progress.erase(), "");
}

TEST(Progress, StaysWithinTheTerminal) {
    Progress progress(0, 40, true);
    const std::string line = progress.update(test::kSecond_ns, 0.25, 1'000'000'000'000);
    EXPECT_LT(display_width(line.substr(4)), 40U) << line;
}

}  // namespace
}  // namespace synwhy::emit
