// Times as text; see time_text.hpp.
#include "emit/time_text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <ctime>

namespace synwhy::emit {
namespace {

constexpr std::int64_t kSecond_ns = 1'000'000'000;

struct Civil {
    int year = 1970;
    unsigned month = 1;
    unsigned day = 1;
    std::int64_t second_of_day = 0;
    std::int64_t nanosecond = 0;
    std::string zone{"UTC"};
};

Civil civil(std::int64_t time_ns, Zone zone) {
    std::int64_t seconds = time_ns / kSecond_ns;
    std::int64_t nanoseconds = time_ns % kSecond_ns;
    if (nanoseconds < 0) {
        nanoseconds += kSecond_ns;
        --seconds;
    }
    Civil result;
    result.nanosecond = nanoseconds;
    if (zone == Zone::local) {
        const std::time_t stamp = seconds;
        std::tm broken{};
        if (localtime_r(&stamp, &broken) != nullptr) {
            const long offset_min = broken.tm_gmtoff / 60;
            result.zone = fmt::format("{}{:02}:{:02}", offset_min < 0 ? '-' : '+', std::abs(offset_min) / 60,
                                      std::abs(offset_min) % 60);
            seconds += broken.tm_gmtoff;
        }
    }
    const std::chrono::sys_seconds instant{std::chrono::seconds(seconds)};
    const auto midnight = std::chrono::floor<std::chrono::days>(instant);
    const std::chrono::year_month_day date{midnight};
    result.year = static_cast<int>(date.year());
    result.month = static_cast<unsigned>(date.month());
    result.day = static_cast<unsigned>(date.day());
    result.second_of_day = (instant - midnight).count();
    return result;
}

std::string date_of(const Civil& at) { return fmt::format("{:04}-{:02}-{:02}", at.year, at.month, at.day); }

std::string clock_of(const Civil& at) {
    return fmt::format("{:02}:{:02}:{:02}", at.second_of_day / 3600, at.second_of_day / 60 % 60, at.second_of_day % 60);
}

}  // namespace

std::string rfc3339(std::int64_t time_ns) {
    const Civil at = civil(time_ns, Zone::utc);
    return fmt::format("{}T{}.{:09}Z", date_of(at), clock_of(at), at.nanosecond);
}

std::string date_time(std::int64_t time_ns, Zone zone) {
    const Civil at = civil(time_ns, zone);
    return fmt::format("{} {} {}", date_of(at), clock_of(at), at.zone);
}

std::string clock_time(std::int64_t time_ns, Zone zone, bool microseconds) {
    const Civil at = civil(time_ns, zone);
    return microseconds ? fmt::format("{}.{:06}", clock_of(at), at.nanosecond / 1000) : clock_of(at);
}

std::string time_span(std::int64_t first_ns, std::int64_t last_ns, Zone zone) {
    const Civil first = civil(first_ns, zone);
    const Civil last = civil(last_ns, zone);
    const bool same_day = date_of(first) == date_of(last);
    return fmt::format("{} {} to {}{} {}", date_of(first), clock_of(first), same_day ? "" : date_of(last) + ' ',
                       clock_of(last), last.zone);
}

std::string duration(std::int64_t length_ns) {
    const std::int64_t milliseconds = std::max<std::int64_t>(length_ns, 0) / 1'000'000;
    if (milliseconds < 1000) return fmt::format("{} ms", milliseconds);
    const std::int64_t seconds = milliseconds / 1000;
    if (seconds < 60 && milliseconds % 1000 != 0) return fmt::format("{}.{} s", seconds, milliseconds % 1000 / 100);
    if (seconds < 60) return fmt::format("{} s", seconds);
    if (seconds < 3600) {
        return seconds % 60 == 0 ? fmt::format("{} min", seconds / 60)
                                 : fmt::format("{} min {} s", seconds / 60, seconds % 60);
    }
    return seconds / 60 % 60 == 0 ? fmt::format("{} h", seconds / 3600)
                                  : fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

}  // namespace synwhy::emit
