// The time line as text; see timeline_print.hpp.
#include "emit/timeline_print.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "emit/text.hpp"

namespace synwhy::emit {
namespace {

constexpr std::size_t kLabelColumns = 11;
constexpr std::string_view kPeak = "  max ";
constexpr std::array<std::string_view, 9> kBlocks{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, 9> kAscii{" ", ".", ":", "-", "=", "+", "*", "#", "@"};

using Member = std::uint64_t core::TimeBucket::*;

/// Joins `group` neighbours into one.
std::vector<core::TimeBucket> joined(std::span<const core::TimeBucket> buckets, std::size_t group) {
    std::vector<core::TimeBucket> result;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
        if (i % group == 0) result.push_back({.start_ns = buckets[i].start_ns});
        result.back().answered += buckets[i].answered;
        result.back().refused += buckets[i].refused;
        result.back().unanswered += buckets[i].unanswered;
    }
    return result;
}

std::uint64_t peak_of(std::span<const core::TimeBucket> buckets, Member member) {
    std::uint64_t peak = 0;
    for (const core::TimeBucket& bucket : buckets) peak = std::max(peak, bucket.*member);
    return peak;
}

std::uint64_t highest(std::span<const core::TimeBucket> buckets) {
    return std::max({peak_of(buckets, &core::TimeBucket::answered), peak_of(buckets, &core::TimeBucket::refused),
                     peak_of(buckets, &core::TimeBucket::unanswered), std::uint64_t{1}});
}

/// What "answered   " and "  max N" leave.
std::size_t room_for_columns(std::size_t width, std::uint64_t peak) {
    return width - kLabelColumns - fmt::formatted_size("{}{}", kPeak, peak);
}

std::string row(std::string_view label, std::span<const core::TimeBucket> buckets, Member member, std::uint64_t scale,
                bool utf8) {
    std::string bars;
    for (const core::TimeBucket& bucket : buckets) {
        // Any SYN at all must be visible: round up.
        const double share = static_cast<double>(bucket.*member) / static_cast<double>(scale);
        const auto level = std::min<std::size_t>(static_cast<std::size_t>(share * 8.0 + 0.999), 8);
        bars += utf8 ? kBlocks[level] : kAscii[level];
    }
    return fmt::format("{:<{}}{}{}{}", label, kLabelColumns, bars, kPeak, peak_of(buckets, member));
}

}  // namespace

std::vector<std::string> print_timeline(std::span<const core::TimeBucket> timeline, std::int64_t bucket_ns,
                                        const TimelineOptions& options) {
    if (timeline.size() < 2 || bucket_ns <= 0) return {};
    const std::size_t width = std::max<std::size_t>(options.width, 40);
    std::size_t group = 1;
    std::vector<core::TimeBucket> buckets(timeline.begin(), timeline.end());
    while (buckets.size() > room_for_columns(width, highest(buckets)) && buckets.size() > 1) {
        group = std::max(group + 1, timeline.size() / width);
        buckets = joined(timeline, group);
    }
    const std::int64_t column_ns = bucket_ns * static_cast<std::int64_t>(group);
    const std::uint64_t scale = highest(buckets);
    std::vector<std::string> lines;
    lines.push_back(row("answered", buckets, &core::TimeBucket::answered, scale, options.utf8));
    if (peak_of(buckets, &core::TimeBucket::refused) > 0) {
        lines.push_back(row("refused", buckets, &core::TimeBucket::refused, scale, options.utf8));
    }
    lines.push_back(row("no answer", buckets, &core::TimeBucket::unanswered, scale, options.utf8));

    const std::string first = clock_time(buckets.front().start_ns, options.zone);
    const std::string last = clock_time(buckets.back().start_ns + column_ns, options.zone);
    const std::size_t gap =
        buckets.size() > first.size() + last.size() ? buckets.size() - first.size() - last.size() : 1;
    lines.push_back(fmt::format("{:<{}}{}{:{}}{}", "", kLabelColumns, first, "", gap, last));
    const std::string caption = fmt::format("SYNs by fate, one column is {}", duration(column_ns));
    lines.push_back(fmt::format("{:<{}}{}", "", std::min(kLabelColumns, width - caption.size()), caption));
    return lines;
}

}  // namespace synwhy::emit
