#include "firewall/packet.hpp"

namespace synwhy::firewall {

namespace {

Content known(const Key& value) {
    Content content{Content::Kind::known, value, {}};
    content.known_bits.fill(0xff);
    return content;
}

Content known(std::uint64_t number) { return known(key_of_number(number)); }

constexpr Content kAbsent{Content::Kind::absent, {}, {}};

template <class T>
Content number(const std::optional<T>& value) {
    return value ? known(std::uint64_t{*value}) : Content{};
}

Content address(const std::optional<core::Address>& value) { return value ? known(key_of_address(*value)) : Content{}; }

Content interface(const std::optional<std::string>& name) {
    const auto key = name ? key_of_interface(*name) : std::nullopt;
    return key ? known(*key) : Content{};
}

/// Before connection tracking a packet's state reads "invalid": net/netfilter/nft_ct.c:nft_ct_get_eval, v6.1.
Content ct_state(const Packet& packet, bool tracked) {
    return tracked || packet.ct_state == ct_untracked ? number(packet.ct_state) : known(ct_invalid);
}

/// Whether the packet has a connection to read from; nullopt when that is not known.
std::optional<bool> has_connection(const Packet& packet, bool tracked) {
    if (!tracked) return false;
    if (!packet.ct_state) return std::nullopt;
    return *packet.ct_state != ct_untracked && *packet.ct_state != ct_invalid;
}

/// Bits as in enum ip_conntrack_status: 2 seen-reply, 4 assured, 8 confirmed, 0x20 DNAT. Only what a first SYN or its
/// answer settles is known.
Content ct_status(const Packet& packet) {
    constexpr std::uint64_t kSeenReply = 0x02;
    constexpr std::uint64_t kAssured = 0x04;
    constexpr std::uint64_t kDnat = 0x20;
    Content content = known((packet.reply ? kSeenReply : 0) | (packet.translated.value_or(false) ? kDnat : 0));
    content.known_bits = key_of_number(kSeenReply | kAssured | (packet.translated ? kDnat : 0));
    return content;
}

Content of_connection(Field field, const Packet& packet, bool tracked) {
    const auto connection = has_connection(packet, tracked);
    if (!connection) return {};
    if (!*connection) return kAbsent;
    if (field == Field::ct_mark) return number(packet.ct_mark);
    if (field == Field::ct_direction) return known(packet.reply ? 1U : 0U);
    return ct_status(packet);
}

/// Fields that only one of the two families has.
std::optional<core::Family> family_of(Field field) {
    switch (field) {
        case Field::ip4_protocol:
        case Field::ip4_version:
        case Field::source4:
        case Field::destination4:
        case Field::ttl4:
        case Field::length4:
        case Field::fragment_offset: return core::Family::ipv4;
        case Field::ip6_next:
        case Field::ip6_version:
        case Field::source6:
        case Field::destination6:
        case Field::hop_limit6: return core::Family::ipv6;
        case Field::in_interface:
        case Field::out_interface:
        case Field::nfproto:
        case Field::ether_type:
        case Field::l4proto:
        case Field::length:
        case Field::source_port:
        case Field::destination_port:
        case Field::tcp_flags:
        case Field::mark:
        case Field::ct_state:
        case Field::ct_direction:
        case Field::ct_mark:
        case Field::ct_status:
        case Field::destination_type:
        case Field::packet_type:
        case Field::absent:
        case Field::other: return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

Packet syn(const core::Endpoint& client, const core::Endpoint& server) {
    Packet packet;
    packet.family = server.address.family;
    packet.source = client.address;
    packet.source_port = client.port;
    packet.destination = server.address;
    packet.destination_port = server.port;
    return packet;
}

Packet answer_to(const Packet& syn_at_socket) {
    Packet answer;
    answer.family = syn_at_socket.family;
    answer.source = syn_at_socket.destination;
    answer.source_port = syn_at_socket.destination_port;
    answer.destination = syn_at_socket.source;
    answer.destination_port = syn_at_socket.source_port;
    answer.tcp_flags = 0x12;
    // With tcp_fwmark_accept the answer carries the SYN's mark, without it none.
    if (syn_at_socket.mark != 0U) answer.mark.reset();
    answer.ct_mark = syn_at_socket.ct_mark;
    // A SYN that was not tracked leaves no connection, and a SYN+ACK does not open one.
    if (!syn_at_socket.ct_state) {
        answer.ct_state.reset();
    } else {
        answer.ct_state = *syn_at_socket.ct_state == ct_untracked ? ct_invalid : ct_established;
    }
    answer.reply = true;
    answer.translated = syn_at_socket.translated;
    answer.to_this_host = false;
    answer.local_addresses = syn_at_socket.local_addresses;
    return answer;
}

Content read_field(Field field, const Packet& packet, bool tracked) {
    const bool ipv4 = packet.family == core::Family::ipv4;
    if (const auto family = family_of(field); family && *family != packet.family) return kAbsent;
    switch (field) {
        case Field::in_interface: return packet.is_synack() ? known(Key{}) : interface(packet.in_interface);
        case Field::out_interface: return packet.is_synack() ? interface(packet.out_interface) : known(Key{});
        case Field::nfproto: return known(ipv4 ? 2U : 10U);
        case Field::ether_type: return known(ipv4 ? 0x0800U : 0x86ddU);
        case Field::l4proto:
        case Field::ip4_protocol:
        case Field::ip6_next: return known(6);
        case Field::ip4_version:
        case Field::ip6_version: return known(ipv4 ? 4U : 6U);
        case Field::source4:
        case Field::source6: return address(packet.source);
        case Field::destination4:
        case Field::destination6: return address(packet.destination);
        case Field::ttl4:
        case Field::hop_limit6: return number(packet.ttl);
        case Field::length4:
        case Field::length: return number(packet.length_bytes);
        case Field::fragment_offset: return known(std::uint64_t{0});
        case Field::source_port: return number(packet.source_port);
        case Field::destination_port: return number(packet.destination_port);
        case Field::tcp_flags: return known(packet.tcp_flags);
        case Field::mark: return number(packet.mark);
        case Field::ct_state: return ct_state(packet, tracked);
        case Field::ct_direction:
        case Field::ct_mark:
        case Field::ct_status: return of_connection(field, packet, tracked);
        case Field::destination_type: return packet.to_this_host == true && !packet.is_synack() ? known(2) : Content{};
        case Field::packet_type: return packet.is_synack() ? Content{} : known(std::uint64_t{0});
        case Field::absent: return kAbsent;
        case Field::other: return {};
    }
    return {};
}

std::string_view name_of(Field field) {
    switch (field) {
        case Field::in_interface: return "the interface it came in on";
        case Field::out_interface: return "the interface it leaves by";
        case Field::nfproto: return "the family";
        case Field::ether_type: return "the network protocol";
        case Field::l4proto:
        case Field::ip4_protocol:
        case Field::ip6_next: return "the transport protocol";
        case Field::ip4_version:
        case Field::ip6_version: return "the IP version";
        case Field::source4:
        case Field::source6: return "the source address";
        case Field::destination4:
        case Field::destination6: return "the destination address";
        case Field::ttl4: return "the TTL";
        case Field::hop_limit6: return "the hop limit";
        case Field::length4:
        case Field::length: return "the packet's length";
        case Field::fragment_offset: return "the fragment offset";
        case Field::source_port: return "the source port";
        case Field::destination_port: return "the destination port";
        case Field::tcp_flags: return "the TCP flags";
        case Field::mark: return "the packet's mark";
        case Field::ct_state: return "the connection tracking state";
        case Field::ct_direction: return "the direction";
        case Field::ct_mark: return "the connection's mark";
        case Field::ct_status: return "the connection's status";
        case Field::destination_type: return "the destination's routing type";
        case Field::packet_type: return "the link layer's packet type";
        case Field::absent:
        case Field::other: return "a field";
    }
    return "a field";
}

}  // namespace synwhy::firewall
