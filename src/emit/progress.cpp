// The progress line; see progress.hpp.
#include "emit/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "emit/text.hpp"

namespace synwhy::emit {
namespace {

constexpr std::int64_t kQuiet_ns = 1'000'000'000;
constexpr std::int64_t kInterval_ns = 100'000'000;
constexpr std::size_t kBarColumns = 30;
constexpr std::string_view kErase = "\r\x1b[K";

std::string bar(double fraction, bool utf8) {
    const auto filled = static_cast<std::size_t>(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(kBarColumns));
    std::string text;
    for (std::size_t i = 0; i < kBarColumns; ++i) {
        if (utf8) {
            text += i < filled ? "█" : "░";
        } else {
            text += i < filled ? '#' : '.';
        }
    }
    return text;
}

}  // namespace

std::string Progress::update(std::int64_t now_ns, std::optional<double> fraction, std::uint64_t packets) {
    if (now_ns - start_ns_ < kQuiet_ns) return {};
    if (shown_ns_ != INT64_MIN && now_ns - shown_ns_ < kInterval_ns) return {};
    shown_ns_ = now_ns;
    const double seconds = static_cast<double>(now_ns - start_ns_) / 1e9;
    std::string line = fmt::format("{} packets", grouped(packets));
    if (fraction && *fraction > 0.0 && *fraction <= 1.0) {
        line = fmt::format("{} {:3.0f} %  {}, {:.0f} s left", bar(*fraction, utf8_), *fraction * 100.0, line,
                           seconds / *fraction - seconds);
    }
    if (display_width(line) >= width_) line = fmt::format("{} packets", packets);
    return fmt::format("{}{}", kErase, line);
}

std::string Progress::erase() {
    if (shown_ns_ == INT64_MIN) return {};
    shown_ns_ = INT64_MIN;
    return std::string(kErase);
}

}  // namespace synwhy::emit
