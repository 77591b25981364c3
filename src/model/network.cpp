#include "model/network.hpp"

#include <algorithm>

namespace synwhy::model {

using core::Address;
using core::Family;

namespace {

/// Bits of the address that the prefix fixes; IPv4 lies in the last four bytes.
int fixed_bits(const Interface& prefix) {
    return prefix.prefix_length + (prefix.address.family == Family::ipv4 ? 96 : 0);
}

Address host_part_filled(const Interface& prefix, bool ones) {
    Address address = prefix.address;
    for (int bit = fixed_bits(prefix); bit < 128; ++bit) {
        const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
        auto& byte = address.bytes[static_cast<std::size_t>(bit / 8)];
        byte = static_cast<std::uint8_t>(ones ? byte | mask : byte & ~mask);
    }
    return address;
}

}  // namespace

bool in_prefix(const Address& address, const Interface& prefix) {
    if (address.family != prefix.address.family) return false;
    const int bits = fixed_bits(prefix);
    const auto whole = static_cast<std::size_t>(bits / 8);
    if (!std::equal(address.bytes.begin(), address.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                    prefix.address.bytes.begin())) {
        return false;
    }
    if (bits % 8 == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xff00U >> (bits % 8));
    return (address.bytes[whole] & mask) == (prefix.address.bytes[whole] & mask);
}

Network::Network(std::vector<Interface> interfaces) : interfaces_(std::move(interfaces)) {
    for (const Interface& i : interfaces_) {
        if (i.address.family != Family::ipv4 || i.prefix_length > 30) continue;
        broadcasts_.push_back(host_part_filled(i, true));
        broadcasts_.push_back(host_part_filled(i, false));
    }
}

namespace {

std::vector<Interface> usual_interfaces() {
    const std::array<std::uint8_t, 4> four{10, 0, 0, 1};
    std::array<std::uint8_t, 16> six{};
    six[0] = 0xfd;
    six[15] = 1;
    return {{Address::from_ipv4(four.data()), 24}, {Address::from_ipv6(six.data()), 64}};
}

}  // namespace

Network::Network() : Network(usual_interfaces()) {}

bool Network::is_ours(const Address& address) const {
    return std::ranges::any_of(interfaces_, [&](const Interface& i) { return i.address == address; });
}

bool Network::on_link(const Address& address) const {
    return std::ranges::any_of(interfaces_, [&](const Interface& i) { return in_prefix(address, i); });
}

}  // namespace synwhy::model
