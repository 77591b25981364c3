// Which numbers do the words of nft and iptables stand for?
//
// Only words of fields a SYN has. Sources: linux/netfilter/nf_conntrack_common.h, linux/in.h, linux/rtnetlink.h, RFC
// 2474.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace synwhy::firewall {

/// How a value is written.
enum class Kind : std::uint8_t {
    number,
    address4,
    address6,
    interface,
    protocol,
    family,
    ether_type,
    tcp_flag,
    ct_state,
    ct_direction,
    ct_status,
    address_type,
    packet_type,
};

/// @return nullopt for a word nobody taught us; numbers are not words
std::optional<std::uint64_t> number_of_word(Kind kind, std::string_view word);
/// All digits, or 0x and hexadecimal digits; at most 64 bits.
std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace synwhy::firewall
