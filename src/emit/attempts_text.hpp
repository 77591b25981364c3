// How do the ends of connection attempts read?
#pragma once

#include <cstdint>
#include <string>

#include "sim/attempts.hpp"

namespace synwhy::emit {

/// "12 served, 3 ETIMEDOUT"; empty when none ended.
std::string endings_text(const sim::Attempts& attempts);

/// "340 us", "1.2 s"
std::string short_time(std::int64_t length_ns);

}  // namespace synwhy::emit
