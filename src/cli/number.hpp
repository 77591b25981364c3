// What number does a whole text name? Left out: signs in front, blanks, units.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace synwhy::cli {

/// nullopt unless the text is that number and nothing else.
template <typename Number>
std::optional<Number> number_of(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace synwhy::cli
