// How did answered and unanswered SYNs go over time?
//
// Rows of block characters (ASCII where the terminal is not UTF-8), one column per interval, with each row's highest
// column and the times of both ends. Left out: exact numbers per interval; --json has them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/verdict.hpp"
#include "emit/time_text.hpp"

namespace synwhy::emit {

struct TimelineOptions {
    std::size_t width = 80;  ///< columns, at least 40
    bool utf8 = true;
    Zone zone = Zone::utc;
};

/// Lines without newline, empty when there are fewer than two buckets. All rows share one scale.
/// @param bucket_ns length of a bucket; neighbouring buckets are joined until they fit the width
std::vector<std::string> print_timeline(std::span<const core::TimeBucket> timeline, std::int64_t bucket_ns,
                                        const TimelineOptions& options);

}  // namespace synwhy::emit
