// How is a packet's time written?
//
// Nanoseconds since 1970-01-01 UTC in, text out. Machine output is RFC 3339 in UTC with nine digits; people get
// seconds, in UTC or in the local zone. The int64 range (years 1677 to 2262) is covered, so hostile times are safe.
#pragma once

#include <cstdint>
#include <string>

namespace synwhy::emit {

enum class Zone : std::uint8_t {
    utc,
    local,  ///< the process's time zone (TZ)
};

/// "2015-03-01T12:00:00.123456789Z"
std::string rfc3339(std::int64_t time_ns);

/// "2015-03-01 12:00:03 UTC", or "2015-03-01 13:00:03 +01:00"
std::string date_time(std::int64_t time_ns, Zone zone);

/// "12:00:03", or "12:00:03.123456" with `microseconds`
std::string clock_time(std::int64_t time_ns, Zone zone, bool microseconds = false);

/// "2015-03-01 12:00:03 to 12:00:58 UTC"; the second date is written only when it differs.
std::string time_span(std::int64_t first_ns, std::int64_t last_ns, Zone zone);

/// "250 ms", "5 s", "3 min 20 s", "2 h 5 min"; negative durations count as 0.
std::string duration(std::int64_t length_ns);

}  // namespace synwhy::emit
