// How is an integer read from untrusted bytes?
//
// Loads at any alignment, in network order or in a file's own byte order. Bounds are the caller's business: every
// function reads exactly sizeof(its result) bytes.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace synwhy::core {

static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big);

namespace detail {
template <typename Integer>
inline Integer load_raw(const std::uint8_t* from) noexcept {
    Integer value;
    std::memcpy(&value, from, sizeof value);
    return value;
}
}  // namespace detail

inline std::uint16_t byte_swapped(std::uint16_t value) noexcept { return __builtin_bswap16(value); }
inline std::uint32_t byte_swapped(std::uint32_t value) noexcept { return __builtin_bswap32(value); }
inline std::uint64_t byte_swapped(std::uint64_t value) noexcept { return __builtin_bswap64(value); }

/// Network byte order to host order.
template <typename Integer>
inline Integer load_big(const std::uint8_t* from) noexcept {
    const auto value = detail::load_raw<Integer>(from);
    return std::endian::native == std::endian::little ? byte_swapped(value) : value;
}
inline std::uint16_t load_be16(const std::uint8_t* from) noexcept { return load_big<std::uint16_t>(from); }
inline std::uint32_t load_be32(const std::uint8_t* from) noexcept { return load_big<std::uint32_t>(from); }
inline std::uint64_t load_be64(const std::uint8_t* from) noexcept { return load_big<std::uint64_t>(from); }

/// Host order when `swap` is false, the other one when it is true: capture files carry their writer's order.
template <typename Integer>
inline Integer load_file(const std::uint8_t* from, bool swap) noexcept {
    const auto value = detail::load_raw<Integer>(from);
    return swap ? byte_swapped(value) : value;
}

}  // namespace synwhy::core
