#include "firewall/value.hpp"

#include <algorithm>

namespace synwhy::firewall {

namespace {
constexpr std::size_t kInterfaceNameBytes = 15;  // IFNAMSIZ without the closing zero
}

Key key_of_number(std::uint64_t number) {
    Key key{};
    for (std::size_t i = key.size(); i-- > 8;) {
        key[i] = static_cast<std::uint8_t>(number);
        number >>= 8U;
    }
    return key;
}

Key key_of_address(const core::Address& address) {
    Key key = address.bytes;
    if (address.family == core::Family::ipv4) std::fill_n(key.begin(), 12, std::uint8_t{0});
    return key;
}

std::optional<Key> key_of_interface(std::string_view name) {
    if (name.size() > kInterfaceNameBytes) return std::nullopt;
    Key key{};
    std::ranges::copy(name, key.begin());
    return key;
}

std::uint64_t number_of(const Key& key) {
    std::uint64_t number = 0;
    for (std::size_t i = 8; i < key.size(); ++i) number = number << 8U | key[i];
    return number;
}

Key operator&(const Key& a, const Key& b) {
    Key result{};
    for (std::size_t i = 0; i < a.size(); ++i) result[i] = static_cast<std::uint8_t>(a[i] & b[i]);
    return result;
}

Key operator|(const Key& a, const Key& b) {
    Key result{};
    for (std::size_t i = 0; i < a.size(); ++i) result[i] = static_cast<std::uint8_t>(a[i] | b[i]);
    return result;
}

std::optional<Interval> interfaces_starting(std::string_view start) {
    const auto low = key_of_interface(start);
    if (!low) return std::nullopt;
    Interval interval{*low, *low};
    std::fill(interval.high.begin() + static_cast<std::ptrdiff_t>(start.size()), interval.high.end(),
              std::uint8_t{0xff});
    return interval;
}

Key prefix_mask(core::Family family, unsigned length) {
    Key mask{};
    const unsigned first_bit = family == core::Family::ipv4 ? 96 : 0;
    const unsigned end_bit = std::min(first_bit + length, 128U);
    for (unsigned bit = first_bit; bit < end_bit; ++bit) {
        mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | 0x80U >> bit % 8);
    }
    return mask;
}

std::optional<Interval> prefix_of(const core::Address& address, unsigned length) {
    if (length > (address.family == core::Family::ipv4 ? 32U : 128U)) return std::nullopt;
    const Key all = prefix_mask(address.family, 128);
    const Key mask = prefix_mask(address.family, length);
    Interval interval{key_of_address(address) & mask, {}};
    for (std::size_t i = 0; i < mask.size(); ++i) {
        interval.high[i] = static_cast<std::uint8_t>(interval.low[i] | (all[i] & static_cast<std::uint8_t>(~mask[i])));
    }
    return interval;
}

}  // namespace synwhy::firewall
