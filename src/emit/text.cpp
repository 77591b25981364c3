// UTF-8 measuring, wrapping and cleaning; see text.hpp.
#include "emit/text.hpp"

#include <algorithm>
#include <array>

namespace synwhy::emit {
namespace {

struct Range {
    char32_t first;
    char32_t last;
};

// East Asian Wide and Fullwidth blocks (Unicode TR 11), whole blocks only.
constexpr std::array<Range, 10> kWide{{{0x1100, 0x115F},
                                       {0x2E80, 0x303E},
                                       {0x3041, 0xA4CF},
                                       {0xAC00, 0xD7A3},
                                       {0xF900, 0xFAFF},
                                       {0xFE30, 0xFE6F},
                                       {0xFF00, 0xFF60},
                                       {0xFFE0, 0xFFE6},
                                       {0x1F300, 0x1FAFF},
                                       {0x20000, 0x3FFFD}}};
// Combining marks, zero-width characters, variation selectors.
constexpr std::array<Range, 5> kZeroWidth{
    {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}}};
// Bidirectional embeddings, overrides and isolates: they can make a line read as something else.
constexpr std::array<Range, 2> kBidi{{{0x202A, 0x202E}, {0x2066, 0x2069}}};

template <std::size_t kSize>
bool within(const std::array<Range, kSize>& ranges, char32_t value) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [value](Range range) { return value >= range.first && value <= range.last; });
}

bool is_control(char32_t value) { return value < 0x20 || (value >= 0x7F && value < 0xA0); }

std::size_t columns_of(char32_t value) {
    if (is_control(value) || within(kZeroWidth, value)) return 0;
    return within(kWide, value) ? 2 : 1;
}

std::uint8_t byte_at(std::string_view text, std::size_t at) { return static_cast<std::uint8_t>(text[at]); }

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Bytes of `text` that fit into `width` columns, at least one code point.
std::size_t prefix_bytes(std::string_view text, std::size_t width) {
    std::size_t at = 0;
    std::size_t columns = 0;
    while (at < text.size()) {
        const CodePoint point = decode_utf8(text, at);
        columns += columns_of(point.value);
        if (columns > width && at > 0) break;
        at += point.length;
    }
    return at;
}

std::vector<std::string> fill(const std::string& text, std::size_t width, std::string_view continued) {
    const std::size_t usable = std::max<std::size_t>(width, continued.size() + 8) - continued.size();
    std::vector<std::string> lines(1);
    std::size_t used = 0;
    std::size_t at = 0;
    const auto start_line = [&] {
        lines.back() += continued;
        lines.emplace_back();
        used = 0;
    };
    while (at < text.size()) {
        const std::size_t word_start = text.find_first_not_of(' ', at);
        if (word_start == std::string::npos) break;
        std::size_t word_end = text.find(' ', word_start);
        if (word_end == std::string::npos) word_end = text.size();
        std::string_view word = std::string_view(text).substr(word_start, word_end - word_start);
        at = word_end;
        const std::size_t columns = display_width(word);
        if (used > 0 && used + 1 + columns <= usable) {
            lines.back() += ' ';
            lines.back() += word;
            used += 1 + columns;
            continue;
        }
        if (used > 0) start_line();
        while (display_width(word) > usable) {
            const std::size_t bytes = prefix_bytes(word, usable);
            lines.back() += word.substr(0, bytes);
            word.remove_prefix(bytes);
            lines.emplace_back();
        }
        lines.back() += word;
        used = display_width(word);
    }
    return lines;
}

}  // namespace

CodePoint decode_utf8(std::string_view text, std::size_t at) noexcept {
    const std::uint8_t lead = byte_at(text, at);
    if (lead < 0x80) return {lead, 1, true};
    std::size_t length = 0;
    char32_t value = 0;
    char32_t smallest = 0;
    if ((lead & 0xE0) == 0xC0) {
        length = 2, value = lead & 0x1FU, smallest = 0x80;
    } else if ((lead & 0xF0) == 0xE0) {
        length = 3, value = lead & 0x0FU, smallest = 0x800;
    } else if ((lead & 0xF8) == 0xF0) {
        length = 4, value = lead & 0x07U, smallest = 0x10000;
    } else {
        return {};
    }
    if (at + length > text.size()) return {};
    for (std::size_t i = 1; i < length; ++i) {
        const std::uint8_t next = byte_at(text, at + i);
        if ((next & 0xC0) != 0x80) return {};
        value = (value << 6) | (next & 0x3FU);
    }
    if (value < smallest || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
    return {value, length, true};
}

std::size_t display_width(std::string_view text) noexcept {
    std::size_t columns = 0;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = decode_utf8(text, at);
        columns += columns_of(point.value);
        at += point.length;
    }
    return columns;
}

std::string printable(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = decode_utf8(text, at);
        if (point.value == '\t' || point.value == '\n') {
            clean += ' ';
        } else if (!point.valid || is_control(point.value) || within(kBidi, point.value)) {
            clean += kReplacement;
        } else {
            clean += text.substr(at, point.length);
        }
        at += point.length;
    }
    return clean;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) { return fill(printable(text), width, ""); }

std::vector<std::string> wrap_command(std::string_view command, std::size_t width) {
    const std::string clean = printable(command);
    if (display_width(clean) <= width) return {clean};
    return fill(clean, width, " \\");
}

void append_wrapped(std::string& out, std::string_view first, std::string_view text, std::size_t width) {
    const std::size_t indent = display_width(first);
    const std::size_t room = width > indent + 20 ? width - indent : 20;
    bool is_first = true;
    for (const std::string& line : wrap(text, room)) {
        out += is_first ? std::string(first) : std::string(indent, ' ');
        out += line;
        out += '\n';
        is_first = false;
    }
}

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, 1, ',');
    }
    return digits;
}

std::string counted(std::uint64_t number, std::string_view noun) {
    return grouped(number) + ' ' + std::string(noun) + (number == 1 ? "" : "s");
}

}  // namespace synwhy::emit
