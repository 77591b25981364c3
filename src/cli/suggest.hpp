// Which known names are near a mistyped one?
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace synwhy::cli {

/// At most `limit` of `known`, best first: those that contain `text` or the other way round, and those within a third
/// of its length in edits (insert, delete, replace, swap of neighbours). Empty when nothing is near.
std::vector<std::string_view> near_matches(std::string_view text, std::span<const std::string_view> known,
                                           std::size_t limit = 3);

/// "a, b or c"
std::string either(const std::vector<std::string_view>& names);

}  // namespace synwhy::cli
