// How is a text from a strange host cut into lines and words?
//
// Views into the text, no copies. Private to host/.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace synwhy::host {

inline bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

inline std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && (is_blank(text.back()) || text.back() == '\0')) text.remove_suffix(1);
    return text;
}

/// Cuts the next line off `text`, without its newline; nullopt at the end.
inline std::optional<std::string_view> next_line(std::string_view& text) {
    if (text.empty()) return std::nullopt;
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

/// Blank-separated words, at most `limit`.
inline std::vector<std::string_view> words_of(std::string_view text, std::size_t limit) {
    std::vector<std::string_view> words;
    while (words.size() < limit) {
        text = trimmed(text);
        if (text.empty()) break;
        std::size_t end = 0;
        while (end < text.size() && !is_blank(text[end])) ++end;
        words.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return words;
}

/// The whole text as a decimal number. Counters are unsigned 64 bit in some kernels: what does not fit is nullopt.
inline std::optional<std::int64_t> integer_of(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// The whole text as a hexadecimal number without prefix, as the tables below /proc/net have them.
inline std::optional<std::uint64_t> hex_of(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// What stands behind "KEY" and an optional colon in a line that begins so ("MemTotal:  8 kB"); nullopt otherwise.
inline std::optional<std::string_view> value_of(std::string_view line, std::string_view key) {
    if (!line.starts_with(key)) return std::nullopt;
    line.remove_prefix(key.size());
    if (line.starts_with(':')) line.remove_prefix(1);
    if (line.empty() || !is_blank(line.front())) return std::nullopt;
    return trimmed(line);
}

}  // namespace synwhy::host
