// When did connections arrive?
//
// A text with one time a line, in seconds, as tcpdump -tt or a log gives them; what follows the time on its line is
// passed over, and so are empty lines and those that begin with '#'. Times are kept to the nanosecond, sorted, and
// counted from the first. Left out: captures, which the capture library reads.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace synwhy::size {

/// Sorts, counts from the first. An error when they are too few, too many, or all at one moment.
std::expected<std::vector<std::int64_t>, core::Error> from_first(std::vector<std::int64_t> times_ns,
                                                                 const std::string& name);
/// @param name for errors: "name:line"
std::expected<std::vector<std::int64_t>, core::Error> parse_arrivals(std::string_view text, const std::string& name);

}  // namespace synwhy::size
