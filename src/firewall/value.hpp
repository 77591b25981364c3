// How does a match compare addresses, ports, marks and interface names alike?
//
// Every value is one 16-byte key in network order: numbers and IPv4 addresses at its end, IPv6 addresses filling it,
// interface names at its start, padded with zeros. Comparing keys byte by byte is then right for each of them, and
// "eth*" is an interval. Left out: values longer than 16 bytes (none of a TCP segment's is).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/address.hpp"

namespace synwhy::firewall {

using Key = std::array<std::uint8_t, 16>;

/// Both ends belong to it.
struct Interval {
    Key low{};
    Key high{};

    friend bool operator==(const Interval&, const Interval&) = default;
};

Key key_of_number(std::uint64_t number);
/// IPv4 in the last four bytes, the others zero.
Key key_of_address(const core::Address& address);
/// @return nullopt when longer than the 15 bytes of an interface name
std::optional<Key> key_of_interface(std::string_view name);
/// The last eight bytes.
std::uint64_t number_of(const Key& key);

Key operator&(const Key& a, const Key& b);
Key operator|(const Key& a, const Key& b);

inline Interval single(const Key& key) { return {key, key}; }
/// "eth" + wildcard: every name that starts so. @return nullopt when too long
std::optional<Interval> interfaces_starting(std::string_view start);
/// The addresses that share the first `length` bits. @return nullopt when length exceeds the family's
std::optional<Interval> prefix_of(const core::Address& address, unsigned length);
/// A mask of `length` leading ones, in the form of the family's keys; length is cut to 32 or 128.
Key prefix_mask(core::Family family, unsigned length);

}  // namespace synwhy::firewall
