// Which addresses can a TCP endpoint have, and how are they written?
//
// One 16-byte value for both families so that tables need one key type. IPv4 sits in the last four bytes
// (RFC 4291 v4-mapped layout), but the family is kept apart: a v4-mapped address on the wire is IPv6.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.hpp"

namespace synwhy::core {

enum class Family : std::uint8_t {
    ipv4 = 4,  ///< RFC 791
    ipv6 = 6,  ///< RFC 8200
};

/// An IPv4 or IPv6 address, network byte order.
struct Address {
    std::array<std::uint8_t, 16> bytes{};  ///< IPv4: bytes 12..15, with 10..11 = 0xff
    Family family = Family::ipv4;

    /// Two loads a side: addresses are keys of every table, and a byte-wise comparison shows in profiles.
    friend bool operator==(const Address& a, const Address& b) noexcept {
        return load_be64(&a.bytes[8]) == load_be64(&b.bytes[8]) && load_be64(&a.bytes[0]) == load_be64(&b.bytes[0]) &&
               a.family == b.family;
    }
    friend std::strong_ordering operator<=>(const Address& a, const Address& b) noexcept {
        if (const auto high = load_be64(&a.bytes[0]) <=> load_be64(&b.bytes[0]); high != 0) return high;
        if (const auto low = load_be64(&a.bytes[8]) <=> load_be64(&b.bytes[8]); low != 0) return low;
        return a.family <=> b.family;
    }

    /// @param octets four bytes in network order
    static Address from_ipv4(const std::uint8_t* octets) noexcept {
        Address address;
        address.set_ipv4(octets);
        return address;
    }
    /// @param octets sixteen bytes in network order
    static Address from_ipv6(const std::uint8_t* octets) noexcept {
        Address address;
        address.set_ipv6(octets);
        return address;
    }
    /// from_ipv4() in place: what is stored in narrow pieces and copied at once costs a stall per packet.
    void set_ipv4(const std::uint8_t* octets) noexcept {
        std::uint32_t value;
        std::memcpy(&value, octets, sizeof value);
        const std::array<std::uint32_t, 4> words{
            0, 0, std::endian::native == std::endian::little ? 0xffff0000U : 0xffffU, value};
        std::memcpy(bytes.data(), words.data(), sizeof words);
        family = Family::ipv4;
    }
    /// from_ipv6() in place.
    void set_ipv6(const std::uint8_t* octets) noexcept {
        std::memcpy(bytes.data(), octets, bytes.size());
        family = Family::ipv6;
    }
    /// IPv4 value in host order; only meaningful for Family::ipv4.
    [[nodiscard]] std::uint32_t ipv4_value() const noexcept { return load_be32(&bytes[12]); }
};

/// Address and port (host order).
struct Endpoint {
    Address address{};
    std::uint16_t port = 0;

    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// A TCP connection's name, seen from the opener: the client sent the SYN.
struct FourTuple {
    Endpoint client{};
    Endpoint server{};

    friend auto operator<=>(const FourTuple&, const FourTuple&) = default;
};

/// RFC 5952 text for IPv6, dotted quad for IPv4.
std::string to_string(const Address& address);
/// "192.0.2.1:80" or "[2001:db8::1]:80".
std::string to_string(const Endpoint& endpoint);
/// Inverse of to_string(Address); nullopt when the text is not an address.
std::optional<Address> parse_address(std::string_view text);

namespace detail {
/// Both halves of a 128-bit product, folded: every input bit reaches every output bit.
inline std::uint64_t multiply_fold(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

/// @param extra what the caller adds to the address: at most 24 bits
inline std::uint64_t hash_address(const Address& address, std::uint64_t extra) noexcept {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::memcpy(&high, address.bytes.data(), 8);
    std::memcpy(&low, address.bytes.data() + 8, 8);
    // Odd constants with balanced bits; the first product may only vanish for one address in 2^64.
    const std::uint64_t mixed = multiply_fold(high ^ 0x9e3779b97f4a7c15U ^ (extra << 32U), low ^ 0xc2b2ae3d27d4eb4fU);
    return multiply_fold(mixed ^ extra ^ 0x165667b19e3779f9U, 0xd6e8feb86659fd93U);
}
}  // namespace detail

/// 64-bit mix of all bytes, for hash tables; not stable across versions, never stored.
inline std::uint64_t hash_of(const Address& address) noexcept {
    return detail::hash_address(address, static_cast<std::uint64_t>(address.family) << 16U);
}
inline std::uint64_t hash_of(const Endpoint& endpoint) noexcept {
    return detail::hash_address(endpoint.address,
                                static_cast<std::uint64_t>(endpoint.address.family) << 16U | endpoint.port);
}

}  // namespace synwhy::core
