// Is text measured, wrapped and cleaned as a terminal shows it, and are times written right?
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/suggest.hpp"
#include "emit/text.hpp"
#include "emit/time_text.hpp"
#include "emit/timeline_print.hpp"
#include "emit_report.hpp"

namespace synwhy::emit {
namespace {

using testing::ElementsAre;

TEST(Text, Width) {
    EXPECT_EQ(display_width(""), 0U);
    EXPECT_EQ(display_width("a\xC3\xA9z"), 3U);
    EXPECT_EQ(display_width("e\xCC\x81"), 1U);                 // combining accent
    EXPECT_EQ(display_width("\xE6\xBC\xA2\xE5\xAD\x97"), 4U);  // two wide characters
    EXPECT_EQ(display_width("▁█"), 2U);
    EXPECT_EQ(display_width("\xFF"), 1U);
}

TEST(Text, Wrap) {
    EXPECT_THAT(wrap("", 10), ElementsAre(""));
    EXPECT_THAT(wrap("one two three", 7), ElementsAre("one two", "three"));
    EXPECT_THAT(wrap("  one   two ", 20), ElementsAre("one two"));
    EXPECT_THAT(wrap("abcdefghijklmnopqrstuvwxyz", 10), ElementsAre("abcdefghij", "klmnopqrst", "uvwxyz"));
}

TEST(Text, Printable) {
    EXPECT_EQ(printable("a\tb\nc"), "a b c");
    EXPECT_EQ(printable("\x1b[31m"), "\xEF\xBF\xBD[31m");
    EXPECT_EQ(printable("\xE2\x80\xAE"), "\xEF\xBF\xBD");  // right-to-left override
}

TEST(Text, HangingIndent) {
    std::string out;
    append_wrapped(out, "  - ", "one two three four five six seven", 24);
    EXPECT_EQ(out, "  - one two three four\n    five six seven\n");
}

TEST(Text, Numbers) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1'234'567), "1,234,567");
    EXPECT_EQ(counted(1, "SYN"), "1 SYN");
    EXPECT_EQ(counted(0, "SYN"), "0 SYNs");
}

TEST(Time, Rfc3339) {
    EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
    EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
    EXPECT_EQ(rfc3339(test::kNoon_ns + 123), "2015-03-01T12:00:00.000000123Z");
    EXPECT_EQ(rfc3339(INT64_MAX), "2262-04-11T23:47:16.854775807Z");
}

TEST(Time, Spans) {
    EXPECT_EQ(time_span(test::kNoon_ns, test::kNoon_ns + 58 * test::kSecond_ns, Zone::utc),
              "2015-03-01 12:00:00 to 12:00:58 UTC");
    EXPECT_EQ(time_span(test::kNoon_ns, test::kNoon_ns + 86400 * test::kSecond_ns, Zone::utc),
              "2015-03-01 12:00:00 to 2015-03-02 12:00:00 UTC");
    EXPECT_EQ(duration(250'000'000), "250 ms");
    EXPECT_EQ(duration(200 * test::kSecond_ns), "3 min 20 s");
}

TEST(TimelinePrint, FitsAnyWidthAndShowsASingleSyn) {
    const core::Report report = test::paws_report();
    for (const std::size_t width : {40U, 80U, 100U}) {
        const auto lines = print_timeline(report.timeline, report.bucket_ns, {.width = width});
        ASSERT_FALSE(lines.empty());
        for (const std::string& line : lines) EXPECT_LE(display_width(line), width) << line;
    }
    const std::vector<core::TimeBucket> buckets = {{.start_ns = 0, .answered = 1000, .unanswered = 1},
                                                   {.start_ns = 1, .answered = 1}};
    EXPECT_THAT(print_timeline(buckets, 1, {.utf8 = false})[1], testing::HasSubstr("no answer  .   max 1"));
    EXPECT_TRUE(print_timeline(std::vector<core::TimeBucket>(1), 1, {}).empty());
}

TEST(Suggest, NearNames) {
    const std::vector<std::string_view> known = {"per-host-paws", "accept-queue-full", "syn-queue-full", "rp-filter"};
    EXPECT_THAT(cli::near_matches("per-host-pwas", known), ElementsAre("per-host-paws"));
    EXPECT_THAT(cli::near_matches("queue-full", known), ElementsAre("accept-queue-full", "syn-queue-full"));
    EXPECT_THAT(cli::near_matches("RP_Filter", known), ElementsAre("rp-filter"));
    EXPECT_TRUE(cli::near_matches("nothing like it at all", known).empty());
    EXPECT_TRUE(cli::near_matches("", known).empty());
    EXPECT_EQ(cli::either({"a", "b", "c"}), "a, b or c");
}

}  // namespace
}  // namespace synwhy::emit
