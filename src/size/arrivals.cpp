#include "size/arrivals.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "sim/scenario.hpp"
#include "size/listener.hpp"

namespace synwhy::size {
namespace {

constexpr std::int64_t kSecond_ns = 1'000'000'000;
constexpr std::int64_t kLatest_s = 9'000'000'000;  ///< fits 64 bits of nanoseconds
constexpr std::size_t kFewest = 2;

/// "1733572800.123456" in nanoseconds.
std::optional<std::int64_t> time_of(std::string_view word) {
    std::int64_t seconds = 0;
    const char* const end = word.data() + word.size();
    auto [at, error] = std::from_chars(word.data(), end, seconds);
    if (error != std::errc{} || seconds < 0 || seconds > kLatest_s || word.starts_with('-')) return std::nullopt;
    std::int64_t fraction = 0;
    if (at != end && *at == '.') {
        std::int64_t weight = kSecond_ns / 10;
        for (++at; at != end && *at >= '0' && *at <= '9'; ++at, weight /= 10) fraction += weight * (*at - '0');
    }
    if (at != end) return std::nullopt;
    return seconds * kSecond_ns + fraction;
}

std::string_view first_word(std::string_view line) {
    constexpr std::string_view kBlanks = " \t\r,;";
    const auto start = std::min(line.find_first_not_of(kBlanks), line.size());
    line.remove_prefix(start);
    return line.substr(0, line.find_first_of(kBlanks));
}

}  // namespace

std::expected<std::vector<std::int64_t>, core::Error> from_first(std::vector<std::int64_t> times_ns,
                                                                 const std::string& name) {
    if (times_ns.size() < kFewest) return std::unexpected(core::Error{"fewer than two arrivals", name});
    if (times_ns.size() > kMaxArrivals) {
        return std::unexpected(core::Error{"more than " + std::to_string(kMaxArrivals) + " arrivals", name});
    }
    std::ranges::sort(times_ns);
    const std::int64_t first = times_ns.front();
    if (times_ns.back() == first) return std::unexpected(core::Error{"all arrivals are at one moment", name});
    if (times_ns.back() - first >= sim::kMaxDuration_ns) {
        return std::unexpected(core::Error{"the arrivals span more than the 30 days that can be simulated", name});
    }
    for (std::int64_t& time : times_ns) time -= first;
    return times_ns;
}

std::expected<std::vector<std::int64_t>, core::Error> parse_arrivals(std::string_view text, const std::string& name) {
    std::vector<std::int64_t> times_ns;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        const std::string_view word = first_word(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (word.empty() || word.starts_with('#')) continue;
        const auto time = time_of(word);
        if (!time || times_ns.size() >= kMaxArrivals) {
            const std::string what = time ? "more than " + std::to_string(kMaxArrivals) + " arrivals"
                                          : "a time in seconds is needed, like 1733572800.123456";
            return std::unexpected(core::Error{what, name + ':' + std::to_string(number)});
        }
        times_ns.push_back(*time);
    }
    return from_first(std::move(times_ns), name);
}

}  // namespace synwhy::size
