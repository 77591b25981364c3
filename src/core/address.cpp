// How are addresses written and read? RFC 5952 for IPv6, dotted quads for IPv4.
//
// No inet_pton(): it accepts nothing more, but core knows <std> only, and a strict parser is short.
// Left out: zone identifiers ("fe80::1%eth0"); a packet does not carry them.
#include "core/address.hpp"

#include <charconv>
#include <cstddef>
#include <span>

namespace synwhy::core {
namespace {

constexpr std::size_t kGroups = 8;
using Groups = std::array<std::uint16_t, kGroups>;

void append_number(std::string& text, unsigned value, int base) {
    std::array<char, 8> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
    text.append(digits.data(), end);
}

void append_ipv4(std::string& text, const std::uint8_t* octets) {
    for (std::size_t i = 0; i < 4; ++i) {
        if (i > 0) {
            text += '.';
        }
        append_number(text, octets[i], 10);
    }
}

/// The longest run of two or more zero groups, the first of equals (RFC 5952 4.2); length 0 when there is none.
struct ZeroRun {
    std::size_t start = 0;
    std::size_t length = 0;
};

ZeroRun longest_zero_run(const Groups& groups) {
    ZeroRun best;
    for (std::size_t i = 0; i < kGroups; ++i) {
        std::size_t length = 0;
        while (i + length < kGroups && groups[i + length] == 0) {
            ++length;
        }
        if (length >= 2 && length > best.length) {
            best = {i, length};
        }
        i += length;
    }
    return best;
}

bool is_v4_mapped(const Address& address) {
    for (std::size_t i = 0; i < 10; ++i) {
        if (address.bytes[i] != 0) {
            return false;
        }
    }
    return address.bytes[10] == 0xff && address.bytes[11] == 0xff;
}

void append_ipv6(std::string& text, const Address& address) {
    if (is_v4_mapped(address)) {
        text += "::ffff:";
        append_ipv4(text, &address.bytes[12]);
        return;
    }
    Groups groups{};
    for (std::size_t i = 0; i < kGroups; ++i) {
        groups[i] = load_be16(&address.bytes[2 * i]);
    }
    const ZeroRun zeros = longest_zero_run(groups);
    for (std::size_t i = 0; i < kGroups;) {
        if (zeros.length > 0 && i == zeros.start) {
            text += "::";
            i += zeros.length;
            continue;
        }
        if (i > 0 && !(zeros.length > 0 && i == zeros.start + zeros.length)) {
            text += ':';
        }
        append_number(text, groups[i], 16);
        ++i;
    }
}

/// Exactly four decimal octets without leading zeros ("010" means eight to some readers).
bool read_ipv4(std::string_view text, std::uint8_t* octets) {
    for (std::size_t i = 0; i < 4; ++i) {
        if (i > 0) {
            if (text.empty() || text.front() != '.') {
                return false;
            }
            text.remove_prefix(1);
        }
        const bool leading_zero = text.size() >= 2 && text[0] == '0' && text[1] >= '0' && text[1] <= '9';
        const auto result = std::from_chars(text.data(), text.data() + text.size(), octets[i], 10);
        if (leading_zero || result.ec != std::errc{} || text.front() == '-') {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
    }
    return text.empty();
}

/// Colon-separated groups, the last of which may be a dotted quad; at most `room` groups.
/// @return how many groups were read, nullopt when the text is not of this form
std::optional<std::size_t> read_groups(std::string_view text, std::span<std::uint16_t> groups) {
    std::size_t count = 0;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(':'));
        if (word.find('.') != std::string_view::npos) {
            std::array<std::uint8_t, 4> quad{};
            if (word.size() != text.size() || count + 2 > groups.size() || !read_ipv4(word, quad.data())) {
                return std::nullopt;
            }
            groups[count] = load_be16(&quad[0]);
            groups[count + 1] = load_be16(&quad[2]);
            return count + 2;
        }
        if (word.empty() || word.size() > 4 || count == groups.size()) {
            return std::nullopt;
        }
        const auto result = std::from_chars(word.data(), word.data() + word.size(), groups[count], 16);
        if (result.ec != std::errc{} || result.ptr != word.data() + word.size()) {
            return std::nullopt;
        }
        ++count;
        text.remove_prefix(word.size());
        if (!text.empty()) {
            text.remove_prefix(1);
            if (text.empty()) {
                return std::nullopt;  // a colon with nothing behind it
            }
        }
    }
    return count;
}

std::optional<Address> parse_ipv6(std::string_view text) {
    Groups head{};
    Groups tail{};
    std::size_t head_count = 0;
    std::size_t tail_count = 0;
    if (const auto gap = text.find("::"); gap != std::string_view::npos) {
        const auto before = text.substr(0, gap);
        const auto front = read_groups(before, head);
        const auto back = read_groups(text.substr(gap + 2), tail);
        // A dotted quad may only end the whole text; "::" stands for at least one group.
        if (!front || !back || *front + *back >= kGroups || before.find('.') != std::string_view::npos) {
            return std::nullopt;
        }
        head_count = *front;
        tail_count = *back;
    } else {
        const auto all = read_groups(text, head);
        if (!all || *all != kGroups) {
            return std::nullopt;
        }
        head_count = kGroups;
    }
    Address address;
    address.family = Family::ipv6;
    const auto put = [&address](std::size_t group, std::uint16_t value) {
        address.bytes[2 * group] = static_cast<std::uint8_t>(value >> 8U);
        address.bytes[2 * group + 1] = static_cast<std::uint8_t>(value & 0xffU);
    };
    for (std::size_t i = 0; i < head_count; ++i) {
        put(i, head[i]);
    }
    for (std::size_t i = 0; i < tail_count; ++i) {
        put(kGroups - tail_count + i, tail[i]);
    }
    return address;
}

}  // namespace

std::string to_string(const Address& address) {
    std::string text;
    if (address.family == Family::ipv4) {
        append_ipv4(text, &address.bytes[12]);
    } else {
        append_ipv6(text, address);
    }
    return text;
}

std::string to_string(const Endpoint& endpoint) {
    std::string text;
    if (endpoint.address.family == Family::ipv4) {
        append_ipv4(text, &endpoint.address.bytes[12]);
    } else {
        text += '[';
        append_ipv6(text, endpoint.address);
        text += ']';
    }
    text += ':';
    append_number(text, endpoint.port, 10);
    return text;
}

std::optional<Address> parse_address(std::string_view text) {
    if (text.find(':') != std::string_view::npos) {
        return parse_ipv6(text);
    }
    std::array<std::uint8_t, 4> octets{};
    if (!read_ipv4(text, octets.data())) {
        return std::nullopt;
    }
    return Address::from_ipv4(octets.data());
}

}  // namespace synwhy::core
