#include "firewall/names.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace synwhy::firewall {

namespace {

struct Word {
    Kind kind;
    std::string_view word;
    std::uint64_t number;
};

constexpr auto kWords = std::to_array<Word>({
    {Kind::protocol, "tcp", 6},
    {Kind::protocol, "udp", 17},
    {Kind::protocol, "icmp", 1},
    {Kind::protocol, "ipv6-icmp", 58},
    {Kind::protocol, "icmpv6", 58},
    {Kind::protocol, "esp", 50},
    {Kind::protocol, "ah", 51},
    {Kind::protocol, "sctp", 132},
    {Kind::protocol, "dccp", 33},
    {Kind::protocol, "udplite", 136},
    {Kind::protocol, "igmp", 2},
    {Kind::protocol, "gre", 47},
    {Kind::protocol, "ospf", 89},
    {Kind::protocol, "vrrp", 112},
    {Kind::protocol, "pim", 103},
    {Kind::protocol, "ipencap", 4},
    {Kind::protocol, "ipip", 4},
    {Kind::protocol, "ipv6", 41},
    {Kind::protocol, "comp", 108},
    {Kind::protocol, "l2tp", 115},
    {Kind::protocol, "mptcp", 262},
    {Kind::protocol, "icmp6", 58},
    {Kind::family, "ipv4", 2},
    {Kind::family, "ipv6", 10},
    {Kind::family, "arp", 3},
    {Kind::family, "bridge", 7},
    {Kind::ether_type, "ip", 0x0800},
    {Kind::ether_type, "ip6", 0x86dd},
    {Kind::ether_type, "arp", 0x0806},
    {Kind::ether_type, "vlan", 0x8100},
    {Kind::ether_type, "8021q", 0x8100},
    {Kind::ether_type, "8021ad", 0x88a8},
    {Kind::tcp_flag, "fin", 1},
    {Kind::tcp_flag, "syn", 2},
    {Kind::tcp_flag, "rst", 4},
    {Kind::tcp_flag, "psh", 8},
    {Kind::tcp_flag, "ack", 16},
    {Kind::tcp_flag, "urg", 32},
    {Kind::tcp_flag, "ecn", 64},
    {Kind::tcp_flag, "cwr", 128},
    {Kind::tcp_flag, "all", 63},
    {Kind::tcp_flag, "none", 0},
    {Kind::ct_state, "invalid", 1},
    {Kind::ct_state, "established", 2},
    {Kind::ct_state, "related", 4},
    {Kind::ct_state, "new", 8},
    {Kind::ct_state, "untracked", 64},
    {Kind::ct_direction, "original", 0},
    {Kind::ct_direction, "reply", 1},
    {Kind::ct_status, "expected", 1},
    {Kind::ct_status, "seen-reply", 2},
    {Kind::ct_status, "assured", 4},
    {Kind::ct_status, "confirmed", 8},
    {Kind::ct_status, "snat", 16},
    {Kind::ct_status, "dnat", 32},
    {Kind::ct_status, "dying", 512},
    {Kind::address_type, "unspec", 0},
    {Kind::address_type, "unicast", 1},
    {Kind::address_type, "local", 2},
    {Kind::address_type, "broadcast", 3},
    {Kind::address_type, "anycast", 4},
    {Kind::address_type, "multicast", 5},
    {Kind::address_type, "blackhole", 6},
    {Kind::address_type, "unreachable", 7},
    {Kind::address_type, "prohibit", 8},
    {Kind::packet_type, "host", 0},
    {Kind::packet_type, "unicast", 0},
    {Kind::packet_type, "broadcast", 1},
    {Kind::packet_type, "multicast", 2},
    {Kind::packet_type, "other", 3},
});

bool same_letters(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
        return lower(x) == lower(y);
    });
}

}  // namespace

std::optional<std::uint64_t> number_of_word(Kind kind, std::string_view word) {
    const auto* const found = std::ranges::find_if(
        kWords, [&](const Word& entry) { return entry.kind == kind && same_letters(entry.word, word); });
    return found == kWords.end() ? std::nullopt : std::optional(found->number);
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    const std::string_view digits = hexadecimal ? text.substr(2) : text;
    std::uint64_t number = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, hexadecimal ? 16 : 10);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return number;
}

}  // namespace synwhy::firewall
