// Does the catalogue hold together, answer for the right kernels, and fit into a terminal?
#include "core/catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>
#include <string>

#include <nlohmann/json.hpp>

#include "core/path.hpp"
#include "emit/explain.hpp"
#include "emit/text.hpp"

namespace synwhy {
namespace {

using core::Cause;
using core::CausePage;
using core::Release;
using testing::HasSubstr;
using testing::Not;

// The names of core::Stage, in the order of the enum.
constexpr std::array<std::string_view, 12> kStages = {"before_tap",  "ingress", "ip",        "netfilter",
                                                      "tcp_input",   "lookup",  "time_wait", "request",
                                                      "full_socket", "listen",  "reply",     "final_ack"};
static_assert(static_cast<std::size_t>(core::Stage::final_ack) + 1 == kStages.size());

Release release(std::string_view text) {
    const auto parsed = core::parse_release(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(Release{});
}

// The commands of all fixes that hold for a kernel.
std::set<std::string_view> fix_commands(Cause cause, std::string_view kernel) {
    std::set<std::string_view> commands;
    for (const core::PageFix* fix : core::fixes_for(core::page(cause), release(kernel))) commands.insert(fix->command);
    return commands;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

std::string without_escapes(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\x1b')
            i = text.find('m', i);
        else
            plain += text[i];
    }
    return plain;
}

TEST(Catalogue, EveryCauseHasItsPageAndSlug) {
    ASSERT_EQ(core::all_pages().size(), core::kCauseCount);
    std::set<std::string_view> slugs;
    for (std::size_t i = 0; i < core::kCauseCount; ++i) {
        const auto cause = static_cast<Cause>(i);
        EXPECT_EQ(core::page(cause).cause, cause);
        EXPECT_EQ(core::parse_cause(core::slug(cause)), cause) << core::slug(cause);
        EXPECT_TRUE(slugs.insert(core::slug(cause)).second) << core::slug(cause);
    }
    EXPECT_EQ(core::slug(Cause::per_host_paws), "per-host-paws");
}

TEST(Catalogue, ForeignWordsAreNoCause) {
    for (const std::string_view text : {"", "per_host_paws", "Per-Host-Paws", "per-host-paws ", "per-host"})
        EXPECT_FALSE(core::parse_cause(text)) << text;
    EXPECT_EQ(core::page(static_cast<Cause>(255)).cause, core::all_pages().front().cause);
}

TEST(Catalogue, PagesStandInPathOrder) {
    std::size_t last = 0;
    for (const CausePage& page : core::all_pages()) {
        const auto at = static_cast<std::size_t>(std::ranges::find(kStages, page.stage) - kStages.begin());
        ASSERT_LT(at, kStages.size()) << page.slug;
        EXPECT_GE(at, last) << page.slug;
        last = at;
    }
}

// A cause may be met at several stages (a rate limit); its page names one of them.
TEST(Catalogue, EveryCauseHasARowOfThePathAtItsStage) {
    for (const CausePage& page : core::all_pages()) {
        const bool found = std::ranges::any_of(core::path_rows(), [&](const core::Row& row) {
            return row.cause == page.cause && kStages[static_cast<std::size_t>(row.stage)] == page.stage;
        });
        EXPECT_TRUE(found) << page.slug << " at " << page.stage;
    }
}

TEST(Catalogue, EveryPageAdvises) {
    for (const CausePage& page : core::all_pages()) {
        EXPECT_FALSE(page.settle.empty()) << page.slug;
        EXPECT_FALSE(page.fixes.empty()) << page.slug;
        EXPECT_FALSE(page.confirm.empty()) << page.slug;
        EXPECT_EQ(page.sections.size(), 9U) << page.slug;
        EXPECT_FALSE(core::section(page, "Fix").empty()) << page.slug;
        EXPECT_TRUE(core::section(page, "Nothing").empty());
        for (const core::PageFix& fix : page.fixes)
            EXPECT_TRUE(fix.command.empty() || !fix.risk.empty()) << page.slug << ": " << fix.command;
    }
}

// A counter that "only this cause moves" makes a verdict certain, so two pages must not both claim it.
TEST(Catalogue, ADirectCounterBelongsToOneCause) {
    std::set<std::string_view> claimed;
    for (const CausePage& page : core::all_pages())
        for (const core::PageCounter& counter : page.counters)
            EXPECT_TRUE(!counter.direct || claimed.insert(counter.name).second) << page.slug << ": " << counter.name;
    EXPECT_TRUE(claimed.contains("TcpExt.PAWSPassive"));
    EXPECT_FALSE(claimed.contains("TcpExt.ListenDrops"));
}

TEST(CatalogueKernels, PerHostPawsEndsWith411) {
    const CausePage& page = core::page(Cause::per_host_paws);
    for (const char* kernel : {"2.6.32-754.el6.x86_64", "3.10.0-1160.el7.x86_64", "4.9.229", "4.11.12"})
        EXPECT_TRUE(core::possible_in(page, release(kernel))) << kernel;
    for (const char* kernel : {"4.12.0", "4.18.0-553.el8_10.x86_64", "5.14.0", "6.18.44"})
        EXPECT_FALSE(core::possible_in(page, release(kernel))) << kernel;
}

TEST(CatalogueKernels, RecycleIsOnlyAdvisedWhereItExists) {
    const std::string_view off = "sysctl -w net.ipv4.tcp_tw_recycle=0";
    for (const char* kernel : {"2.6.32", "3.10.0-1160.el7.x86_64", "4.9.229", "4.11"})
        EXPECT_TRUE(fix_commands(Cause::per_host_paws, kernel).contains(off)) << kernel;
    for (const char* kernel : {"4.12", "6.1.0"})
        EXPECT_FALSE(fix_commands(Cause::per_host_paws, kernel).contains(off)) << kernel;
}

// Measured on el7, 4.4 and 4.9: without timestamps on the server every SYN is refused while a stamp is fresh.
TEST(CatalogueKernels, TimestampsOffIsNeverAdvisedWhereItMakesThingsWorse) {
    for (const char* kernel : {"3.17", "3.10.0-1160.el7.x86_64", "4.4.178", "4.9.229"})
        for (const std::string_view command : fix_commands(Cause::per_host_paws, kernel))
            EXPECT_THAT(std::string(command), Not(HasSubstr("tcp_timestamps=0"))) << kernel;
}

TEST(CatalogueKernels, MaxSynBacklogIsNoFixForTheSynQueueFrom44) {
    for (const char* kernel : {"4.4.178", "4.9.229", "5.15.0", "6.1.0", "6.18.44"})
        for (const std::string_view command : fix_commands(Cause::syn_queue_full, kernel))
            EXPECT_THAT(std::string(command), Not(HasSubstr("tcp_max_syn_backlog"))) << kernel;
}

TEST(CatalogueKernels, BoundsAndVendors) {
    const std::array<std::string_view, 1> el7 = {"el7"};
    const auto fits = [](core::PageFix fix, std::string_view kernel) {
        CausePage page = core::all_pages().front();
        page.fixes = std::span(&fix, 1);
        return !core::fixes_for(page, release(kernel)).empty();
    };
    const core::PageFix open{"all", "", "", {}, {}, "", "says", "", {}, core::FixApply::never, false};
    EXPECT_TRUE(fits(open, "2.6.32"));
    const core::PageFix range{"4.4 to 6.12.18",      "4.4", "6.12.18", el7, {}, "", "says", "", {},
                              core::FixApply::never, false};
    EXPECT_FALSE(fits(range, "4.3.6"));
    EXPECT_TRUE(fits(range, "4.4.0"));
    EXPECT_TRUE(fits(range, "6.12.18"));
    EXPECT_FALSE(fits(range, "6.12.19"));
    EXPECT_FALSE(fits(range, "6.13.2"));
    EXPECT_TRUE(fits(range, "3.10.0-1160.el7.x86_64")) << "el7 is named beside the range";
    EXPECT_TRUE(fits(range, "6.12")) << "an unknown patch level does not exclude";
    const core::PageFix without{"to 3.16", "", "3.16", {}, el7, "", "says", "", {}, core::FixApply::never, false};
    EXPECT_TRUE(fits(without, "3.10.105"));
    EXPECT_FALSE(fits(without, "3.10.0-1160.el7.x86_64"));
}

// Nothing to break: one word behind the list mark, such as a kernel function's file and name.
bool is_single_word(std::string_view line) {
    const auto first = line.find_first_not_of(" *-0123456789.");
    return first == std::string_view::npos || line.find(' ', first) == std::string_view::npos;
}

// Commands and single words are never broken; everything else ends where the terminal does.
TEST(Explain, StaysWithinTheWidth) {
    for (const std::size_t width : {60U, 80U, 100U, 132U}) {
        for (const CausePage& page : core::all_pages()) {
            std::set<std::string> commands;
            const auto collect = [&](std::string_view text) {
                for (const std::string& line : lines_of(std::string(text))) commands.insert(line);
            };
            for (const core::PageCheck& check : page.confirm) collect(check.command);
            for (const core::PageFix& fix : page.fixes) collect(fix.command);
            for (const core::PageSection& section : page.sections) collect(section.text);
            collect(page.settle);
            for (const std::string& line : lines_of(emit::explain(page, {width, false}))) {
                if (emit::display_width(line) <= width || is_single_word(line)) continue;
                const bool untouched = std::ranges::any_of(commands, [&](const std::string& command) {
                    return !command.empty() && line.ends_with(command.substr(command.find_first_not_of(' ')));
                });
                EXPECT_TRUE(untouched) << page.slug << " at " << width << ": " << line;
            }
        }
        for (const std::string& line : lines_of(emit::explain_list({width, false})))
            EXPECT_LE(emit::display_width(line), width) << line;
    }
}

TEST(Explain, ColourChangesNoText) {
    for (const CausePage& page : core::all_pages()) {
        std::string plain = emit::explain(page, {80, false});
        std::string coloured = emit::explain(page, {80, true});
        EXPECT_THAT(plain, Not(HasSubstr("\x1b"))) << page.slug;
        EXPECT_THAT(coloured, HasSubstr("\x1b[1m")) << page.slug;
        // Without colour code keeps its backticks, which moves line ends: compare the letters.
        const auto letters = [](std::string text) {
            std::erase_if(text, [](char c) { return c == ' ' || c == '\n' || c == '`'; });
            return text;
        };
        EXPECT_EQ(letters(plain), letters(without_escapes(coloured))) << page.slug;
    }
}

TEST(Explain, ShowsFactsAndProse) {
    const std::string text = emit::explain(core::page(Cause::per_host_paws));
    for (const char* part : {"TcpExt.PAWSPassive (!)", "sysctl -w net.ipv4.tcp_tw_recycle=0", "Risk:", "What happens",
                             "Why Linux does this", "The command that settles it", "See also:", "time-wait-refused"})
        EXPECT_THAT(text, HasSubstr(part));
    EXPECT_THAT(text, Not(HasSubstr("|---|"))) << "tables are drawn, not quoted";
    EXPECT_THAT(text, Not(HasSubstr("```")));
}

TEST(Explain, TakesMarksAwayButNotStarsInNames) {
    CausePage page = core::page(Cause::per_host_paws);
    const std::array<core::PageSection, 1> sections = {
        {{"What happens",
          "A *young* request, **really**, of net.ipv4.conf.*.rp_filter and `a * b`.\n\n"
          "    x = y   *  2\n\n| a | b |\n|---|---|\n| 1 | 2 |"}}};
    page.sections = sections;
    const std::string text = emit::explain(page);
    EXPECT_THAT(text, HasSubstr("  A young request, really, of net.ipv4.conf.*.rp_filter and `a * b`.\n"));
    EXPECT_THAT(text, HasSubstr("\n    x = y   *  2\n")) << "indented code keeps its blanks";
    EXPECT_THAT(text, HasSubstr("\n  a  b\n  1  2\n"));
}

TEST(Explain, TheListHasThemAll) {
    const std::vector<std::string> lines = lines_of(emit::explain_list());
    std::size_t at = 0;
    for (const CausePage& page : core::all_pages()) {
        const std::string start = "  " + std::string(page.slug) + "  ";
        while (at < lines.size() && !lines[at].starts_with(start)) ++at;
        ASSERT_LT(at, lines.size()) << page.slug << " is missing or out of order";
    }
}

TEST(Explain, JsonIsComplete) {
    for (const CausePage& page : core::all_pages()) {
        const auto json = nlohmann::json::parse(emit::explain_json(page));
        EXPECT_EQ(json.at("v"), 1);
        EXPECT_EQ(json.at("type"), "cause");
        EXPECT_EQ(json.at("cause"), page.slug);
        EXPECT_EQ(json.at("counters").size(), page.counters.size());
        EXPECT_EQ(json.at("fixes").size(), page.fixes.size());
        EXPECT_EQ(json.at("confirm").size(), page.confirm.size());
        EXPECT_EQ(json.at("no_help").size(), page.no_help.size());
        EXPECT_EQ(json.at("related").size(), page.related.size());
        EXPECT_TRUE(json.at("related").is_array() && json.at("also").is_array());
        EXPECT_EQ(json.at("sections").at("What happens"), core::section(page, "What happens"));
    }
}

}  // namespace
}  // namespace synwhy
