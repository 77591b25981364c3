// How does text fit into a terminal of N columns?
//
// UTF-8 aware measuring, wrapping and cleaning. Everything that reaches a terminal goes through printable(): file
// names and capture comments are untrusted and may hold escape sequences. Left out: grapheme clusters; a small table
// of wide and zero-width ranges is enough for names and sentences.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace synwhy::emit {

struct CodePoint {
    char32_t value = 0xFFFD;  ///< U+FFFD for an invalid byte
    std::size_t length = 1;   ///< bytes consumed, 1..4
    bool valid = false;
};

/// Decodes the code point at `at` (< text.size()). Overlong forms, surrogates and cut sequences are invalid; an
/// invalid byte is consumed alone, so that decoding resumes at the next one.
CodePoint decode_utf8(std::string_view text, std::size_t at) noexcept;

/// Terminal columns of `text`; control characters count 0.
std::size_t display_width(std::string_view text) noexcept;

/// `text` with control characters, bidirectional overrides and invalid UTF-8 replaced by U+FFFD; tabs and newlines
/// become spaces.
std::string printable(std::string_view text);

/// Lines of at most `width` columns, broken at spaces; a word longer than a line is broken where the line ends.
/// The text is made printable first. Never empty: an empty text gives one empty line.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// Like wrap() for a shell command: continued lines end in " \" so that the block can be pasted.
std::vector<std::string> wrap_command(std::string_view command, std::size_t width);

/// Appends wrap(text) with `first` before the first line and as many spaces before the others.
void append_wrapped(std::string& out, std::string_view first, std::string_view text, std::size_t width);

/// 1234567 -> "1,234,567"
std::string grouped(std::uint64_t number);

/// counted(1, "SYN") -> "1 SYN", counted(1200, "SYN") -> "1,200 SYNs"
std::string counted(std::uint64_t number, std::string_view noun);

}  // namespace synwhy::emit
