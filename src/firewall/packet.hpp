// What does the filter see of a SYN or a SYN+ACK, and what of it do we know?
//
// Every field may be unknown; a match on such a field is undecided, never guessed. The fields that rules change on the
// way (destination, marks, connection tracking) are here too, since later rules read them changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.hpp"
#include "core/filter.hpp"
#include "firewall/value.hpp"

namespace synwhy::firewall {

/// Bits of `ct state`, as nf_tables numbers them (linux/netfilter/nf_conntrack_common.h).
enum CtState : std::uint8_t {
    ct_invalid = 1,
    ct_established = 2,
    ct_related = 4,
    ct_new = 8,
    ct_untracked = 64,
};

/// What a match may read.
enum class Field : std::uint8_t {
    in_interface,
    out_interface,
    nfproto,       ///< 2 IPv4, 10 IPv6
    ether_type,    ///< 0x0800, 0x86dd
    l4proto,       ///< always 6
    ip4_protocol,  ///< the same, of IPv4 only
    ip6_next,      ///< the same, of IPv6 only
    ip4_version,
    ip6_version,
    source4,
    destination4,
    source6,
    destination6,
    ttl4,
    hop_limit6,
    length4,          ///< IPv4 total length, bytes
    length,           ///< of the IP packet, bytes
    fragment_offset,  ///< a SYN is never a fragment: 0
    source_port,
    destination_port,
    tcp_flags,
    mark,
    ct_state,
    ct_direction,  ///< 0 original, 1 reply
    ct_mark,
    ct_status,
    destination_type,  ///< routing type of the destination: 2 local
    packet_type,       ///< 0 to this host
    absent,            ///< not in a TCP segment (UDP ports, ICMP types): such a rule never matches
    other,             ///< we do not know it
};

/// A SYN or a SYN+ACK on its way through this host. Ports in host order.
struct Packet {
    core::Family family = core::Family::ipv4;
    std::optional<core::Address> source{};
    std::optional<core::Address> destination{};
    std::optional<std::uint16_t> source_port{};
    std::optional<std::uint16_t> destination_port{};
    std::uint8_t tcp_flags = 0x02;
    std::optional<std::string> in_interface{};
    std::optional<std::string> out_interface{};
    std::optional<std::uint8_t> ttl{};
    std::optional<std::uint16_t> length_bytes{};
    std::optional<std::uint32_t> mark = 0;
    std::optional<std::uint32_t> ct_mark = 0;
    std::optional<std::uint8_t> ct_state = ct_new;  ///< one bit of CtState, once connection tracking has seen it
    bool reply = false;                             ///< of its connection: the SYN+ACK
    std::optional<bool> translated = false;         ///< by DNAT or REDIRECT
    std::optional<bool> to_this_host = true;        ///< where routing takes it
    /// This host's addresses: tells a DNAT to itself from one to another host. May be empty.
    std::vector<core::Address> local_addresses{};

    [[nodiscard]] bool is_synack() const { return (tcp_flags & 0x12U) == 0x12U; }
};

/// A first SYN: a new connection, mark 0.
Packet syn(const core::Endpoint& client, const core::Endpoint& server);
/// The SYN+ACK to a SYN as it came out of its walk. Its TTL, length and interfaces are not known.
Packet answer_to(const Packet& syn_at_socket);

/// What a field holds.
struct Content {
    enum class Kind : std::uint8_t { known, unknown, absent };
    Kind kind = Kind::unknown;
    Key value{};
    Key known_bits{};  ///< all ones, or fewer for flags of which some are known
};

/// @param tracked connection tracking has seen the packet: it stands at priority -200
Content read_field(Field field, const Packet& packet, bool tracked);
/// "the source port"; for a sentence.
std::string_view name_of(Field field);

}  // namespace synwhy::firewall
