// Arithmetic on numbers that wrap at 2^32: sequence numbers and timestamp values.
//
// Every comparison is the sign of a 32-bit difference (RFC 9293 3.4, RFC 7323 5.2). Two values exactly 2^31
// apart are "before" in both directions; the kernel's before()/after() share that corner, so we keep it.
#pragma once

#include <cstdint>

namespace synwhy::core {

/// a - b as a signed distance modulo 2^32.
constexpr std::int32_t wrap_distance(std::uint32_t a, std::uint32_t b) noexcept {
    return static_cast<std::int32_t>(a - b);
}

/// a is strictly before b (include/net/tcp.h:before).
constexpr bool seq_before(std::uint32_t a, std::uint32_t b) noexcept { return wrap_distance(a, b) < 0; }

/// a is strictly after b.
constexpr bool seq_after(std::uint32_t a, std::uint32_t b) noexcept { return seq_before(b, a); }

/// The later of two sequence numbers.
constexpr std::uint32_t seq_max(std::uint32_t a, std::uint32_t b) noexcept { return seq_after(a, b) ? a : b; }

/// How many ticks `value` is older than `reference`; negative when it is newer.
constexpr std::int32_t ts_older_by(std::uint32_t reference, std::uint32_t value) noexcept {
    return wrap_distance(reference, value);
}

}  // namespace synwhy::core
