// From a captured frame to a TCP segment, one layer after the other, each a function that moves `offset` forward.
//
// Two lengths are kept apart everywhere: what was captured (may be read) and what the wire carried (decides whether
// a header is wrong or merely cut by the snap length). Checksums are a separate pass because only SYNs need it.
#include "core/packet.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "core/bytes.hpp"

namespace synwhy::core {
namespace {

constexpr std::size_t kMaxVlanTags = 4;
constexpr std::size_t kMaxExtensionHeaders = 8;  // net.ipv6.max_hbh/dst options aside, more is an attack
constexpr std::size_t kIpv4HeaderMin = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kTcpHeaderMin = 20;
constexpr std::size_t kEthernetHeader = 14;

namespace ether_type {
constexpr std::uint16_t ipv4 = 0x0800, arp = 0x0806, vlan = 0x8100, ipv6 = 0x86dd, pppoe_session = 0x8864,
                        service_vlan = 0x88a8, old_service_vlan = 0x9100, lowest = 0x0600;
}
namespace ip_protocol {
constexpr std::uint8_t hop_by_hop = 0, icmp = 1, tcp = 6, routing = 43, fragment = 44, ah = 51, icmpv6 = 58,
                       destination_options = 60;
}

struct Frame {
    const std::uint8_t* data;
    std::size_t captured;
    std::size_t wire;  // >= captured

    [[nodiscard]] bool holds(std::size_t offset, std::size_t length) const noexcept {
        return offset <= captured && captured - offset >= length;
    }
    [[nodiscard]] std::size_t captured_from(std::size_t offset) const noexcept {
        return offset < captured ? captured - offset : 0;
    }
    [[nodiscard]] std::size_t wire_from(std::size_t offset) const noexcept {
        return offset < wire ? wire - offset : 0;
    }
};

// ---------------------------------------------------------------------------------------------------- link layer

/// What follows the link layer.
enum class Network : std::uint8_t { ipv4, ipv6, arp, other, cut, unsupported };

Network by_version(const Frame& frame, std::size_t offset) noexcept {
    if (!frame.holds(offset, 1)) {
        return Network::cut;
    }
    const unsigned version = frame.data[offset] >> 4U;
    return version == 4 ? Network::ipv4 : version == 6 ? Network::ipv6 : Network::other;
}

Network after_ppp_protocol(std::uint16_t protocol) noexcept {
    return protocol == 0x0021 ? Network::ipv4 : protocol == 0x0057 ? Network::ipv6 : Network::other;
}

/// PPP, with or without address and control bytes and with a compressed protocol field (RFC 1661 6.5, 6.6).
Network strip_ppp(const Frame& frame, std::size_t& offset) noexcept {
    if (frame.holds(offset, 2) && frame.data[offset] == 0xff && frame.data[offset + 1] == 0x03) {
        offset += 2;
    }
    if (!frame.holds(offset, 2)) {
        return Network::cut;
    }
    if ((frame.data[offset] & 1U) != 0) {
        return after_ppp_protocol(frame.data[offset++]);
    }
    offset += 2;
    return after_ppp_protocol(load_be16(frame.data + offset - 2));
}

Network strip_pppoe(const Frame& frame, std::size_t& offset) noexcept {
    if (!frame.holds(offset, 6)) {
        return Network::cut;
    }
    if (frame.data[offset] != 0x11 || frame.data[offset + 1] != 0) {  // RFC 2516: version 1, type 1, session data
        return Network::other;
    }
    offset += 6;
    return strip_ppp(frame, offset);
}

/// @param type EtherType in front of `offset`; VLAN tags and PPPoE are walked through
Network after_ether_type(const Frame& frame, std::size_t& offset, std::uint16_t type, Segment& segment) noexcept {
    for (std::size_t tags = 0;
         type == ether_type::vlan || type == ether_type::service_vlan || type == ether_type::old_service_vlan; ++tags) {
        if (tags == kMaxVlanTags) {
            return Network::other;
        }
        if (!frame.holds(offset, 4)) {
            return Network::cut;
        }
        segment.vlan = load_be16(frame.data + offset) & 0x0fffU;
        type = load_be16(frame.data + offset + 2);
        offset += 4;
    }
    switch (type) {
        case ether_type::ipv4: return Network::ipv4;
        case ether_type::ipv6: return Network::ipv6;
        case ether_type::arp: return Network::arp;
        case ether_type::pppoe_session: return strip_pppoe(frame, offset);
        default: break;
    }
    // IEEE 802.3 with LLC/SNAP: the type field is a length, the EtherType follows the SNAP header (RFC 1042).
    if (type < ether_type::lowest && frame.holds(offset, 8) && load_be32(frame.data + offset) == 0xaaaa0300U &&
        load_be16(frame.data + offset + 4) == 0) {
        const std::uint16_t inner = load_be16(frame.data + offset + 6);
        offset += 8;
        return inner == ether_type::ipv4 ? Network::ipv4 : inner == ether_type::ipv6 ? Network::ipv6 : Network::other;
    }
    return Network::other;
}

Network strip_ethernet(const Frame& frame, std::size_t& offset, Segment& segment) noexcept {
    if (frame.captured >= 6) {
        std::copy_n(frame.data, 6, segment.mac_destination.begin());
        segment.has_mac = true;
        if ((frame.data[0] & 1U) != 0) {
            segment.direction = LinkDirection::broadcast;
        }
    }
    if (frame.captured < kEthernetHeader) {
        return Network::cut;
    }
    offset = kEthernetHeader;
    const std::uint16_t type = load_be16(frame.data + 12);
    return type == ether_type::ipv4 ? Network::ipv4 : after_ether_type(frame, offset, type, segment);
}

/// Packet types of Linux cooked captures, equal to include/uapi/linux/if_packet.h:PACKET_HOST and following.
LinkDirection cooked_direction(unsigned packet_type) noexcept {
    constexpr std::array kMeaning = {LinkDirection::to_host, LinkDirection::broadcast, LinkDirection::broadcast,
                                     LinkDirection::other_host, LinkDirection::from_host};
    return packet_type < kMeaning.size() ? kMeaning[packet_type] : LinkDirection::unknown;
}

Network strip_cooked(const Frame& frame, std::size_t& offset, Segment& segment) noexcept {
    if (frame.captured < 16) {
        return Network::cut;
    }
    segment.direction = cooked_direction(load_be16(frame.data));
    offset = 16;
    return after_ether_type(frame, offset, load_be16(frame.data + 14), segment);
}

Network strip_cooked_v2(const Frame& frame, std::size_t& offset, Segment& segment) noexcept {
    if (frame.captured < 20) {
        return Network::cut;
    }
    segment.direction = cooked_direction(frame.data[10]);
    offset = 20;
    return after_ether_type(frame, offset, load_be16(frame.data), segment);
}

/// BSD loopback: an address family in the writer's or in network order; AF_INET6 differs between systems.
Network strip_loopback(const Frame& frame, std::size_t& offset) noexcept {
    if (frame.captured < 4) {
        return Network::cut;
    }
    offset = 4;
    std::uint32_t family = load_be32(frame.data);
    if (family > 0xffffU) {
        family = byte_swapped(family);
    }
    switch (family) {
        case 2: return Network::ipv4;
        case 10:  // Linux
        case 24:  // NetBSD, OpenBSD
        case 28:  // FreeBSD
        case 30:  // macOS
            return Network::ipv6;
        default: return Network::other;
    }
}

/// Cisco HDLC and PPP share a link type; the first byte tells them apart (RFC 1547 4.3.1).
Network strip_ppp_hdlc(const Frame& frame, std::size_t& offset, Segment& segment) noexcept {
    if (frame.captured < 4) {
        return Network::cut;
    }
    if (frame.data[0] == 0x0f || frame.data[0] == 0x8f) {
        offset = 4;
        return after_ether_type(frame, offset, load_be16(frame.data + 2), segment);
    }
    return strip_ppp(frame, offset);
}

Network strip_link(LinkType link, const Frame& frame, std::size_t& offset, Segment& segment) noexcept {
    switch (link) {
        case LinkType::ethernet: return strip_ethernet(frame, offset, segment);
        case LinkType::raw:
        case LinkType::raw_bsd:
        case LinkType::raw_openbsd: return by_version(frame, offset);
        case LinkType::ipv4: return Network::ipv4;
        case LinkType::ipv6: return Network::ipv6;
        case LinkType::linux_sll: return strip_cooked(frame, offset, segment);
        case LinkType::linux_sll2: return strip_cooked_v2(frame, offset, segment);
        case LinkType::null_loopback:
        case LinkType::loop: return strip_loopback(frame, offset);
        case LinkType::ppp: return strip_ppp(frame, offset);
        case LinkType::ppp_hdlc: return strip_ppp_hdlc(frame, offset, segment);
        case LinkType::ppp_ether: return strip_pppoe(frame, offset);
    }
    return Network::unsupported;  // a number from a file that no enumerator has
}

// --------------------------------------------------------------------------------------------------------- IP

/// An IP header, either family, reduced to what the transport layer needs. Addresses go into the segment directly.
struct IpPacket {
    std::size_t payload = 0;       // offset of the transport header
    std::size_t payload_wire = 0;  // transport bytes by the IP length
    std::uint16_t fragment_offset = 0;
    std::uint8_t protocol = 0;
    bool more_fragments = false;
    bool source_routed = false;  // a routing header with segments left: the pseudo header has another destination
    bool bad = false;
    bool cut = false;  // captured bytes end before the transport header
    bool ipv6 = false;
};

/// Conditions of net/ipv4/ip_input.c:ip_rcv_core, v6.1. A bad header is read on as if it had 20 bytes, so that the
/// segment the kernel threw away can still be named.
void read_ipv4(const Frame& frame, std::size_t offset, IpPacket& ip, Segment& segment) noexcept {
    if (!frame.holds(offset, kIpv4HeaderMin)) {
        ip.cut = true;
        return;
    }
    const std::uint8_t* header = frame.data + offset;
    const std::size_t on_wire = frame.wire_from(offset);
    std::size_t header_length = (header[0] & 0x0fU) * 4U;
    if ((header[0] >> 4U) != 4 || header_length < kIpv4HeaderMin || header_length > on_wire) {
        ip.bad = true;
        header_length = kIpv4HeaderMin;
    }
    std::size_t total_length = load_be16(header + 2);
    if (total_length == 0) {
        total_length = on_wire;  // segmentation offload: the length is filled in later, or is beyond 64 KiB
    } else if (total_length < header_length || total_length > on_wire) {
        ip.bad = true;
        total_length = on_wire;
    }
    const std::uint16_t fragment = load_be16(header + 6);
    segment.source.address.set_ipv4(header + 12);
    segment.destination.address.set_ipv4(header + 16);
    segment.ip_id = load_be16(header + 4);
    segment.ttl = header[8];
    ip.more_fragments = (fragment & 0x2000U) != 0;
    ip.fragment_offset = fragment & 0x1fffU;
    ip.protocol = header[9];
    ip.payload = offset + header_length;
    ip.payload_wire = total_length > header_length ? total_length - header_length : 0;
}

/// One IPv6 extension header. @return false where the chain ends: at the transport header, or because it is cut
bool skip_extension(const Frame& frame, IpPacket& ip, std::size_t end) noexcept {
    const bool fixed_size = ip.protocol == ip_protocol::fragment;
    const bool known = fixed_size || ip.protocol == ip_protocol::hop_by_hop || ip.protocol == ip_protocol::routing ||
                       ip.protocol == ip_protocol::destination_options || ip.protocol == ip_protocol::ah;
    if (!known) {
        return false;
    }
    if (!frame.holds(ip.payload, 8)) {
        ip.cut = true;
        return false;
    }
    const std::uint8_t* header = frame.data + ip.payload;
    std::size_t length = 8;
    if (fixed_size) {
        const std::uint16_t field = load_be16(header + 2);
        ip.fragment_offset = field >> 3U;
        ip.more_fragments = (field & 1U) != 0;
    } else if (ip.protocol == ip_protocol::ah) {
        length = (header[1] + 2U) * 4U;  // RFC 4302 2.2: 32-bit words minus two
    } else {
        length = (header[1] + 1U) * 8U;
        ip.source_routed |= ip.protocol == ip_protocol::routing && header[3] != 0;
    }
    if (ip.payload + length > end) {
        ip.bad = true;
        ip.protocol = ip_protocol::hop_by_hop;  // nothing that can be a transport protocol
        return false;
    }
    ip.payload += length;
    ip.protocol = header[0];
    return ip.fragment_offset == 0;
}

/// Conditions of net/ipv6/ip6_input.c:ip6_rcv_core, v6.1.
void read_ipv6(const Frame& frame, std::size_t offset, IpPacket& ip, Segment& segment) noexcept {
    ip.ipv6 = true;
    if (!frame.holds(offset, kIpv6Header)) {
        ip.cut = true;
        return;
    }
    const std::uint8_t* header = frame.data + offset;
    const std::size_t on_wire = frame.wire_from(offset) - kIpv6Header;
    ip.bad = (header[0] >> 4U) != 6;
    std::size_t length = load_be16(header + 4);
    if (length == 0) {
        length = on_wire;  // jumbogram or segmentation offload
    } else if (length > on_wire) {
        ip.bad = true;
        length = on_wire;
    }
    segment.source.address.set_ipv6(header + 8);
    segment.destination.address.set_ipv6(header + 24);
    segment.ttl = header[7];
    ip.protocol = header[6];
    ip.payload = offset + kIpv6Header;
    const std::size_t end = ip.payload + length;
    for (std::size_t count = 0; count < kMaxExtensionHeaders && skip_extension(frame, ip, end); ++count) {
    }
    ip.payload_wire = end - ip.payload;
}

// -------------------------------------------------------------------------------------------------- transport

/// @param available captured TCP bytes; @param on_wire TCP bytes by the IP length
FrameKind read_tcp(const std::uint8_t* header, std::size_t available, std::size_t on_wire, Segment& segment) noexcept {
    if (available >= kTcpHeaderMin) {
        segment.source.port = load_be16(header);
        segment.destination.port = load_be16(header + 2);
        segment.sequence = load_be32(header + 4);
        segment.acknowledgment = load_be32(header + 8);
        segment.flags = header[13];
        segment.window = load_be16(header + 14);
        const std::size_t header_length = (header[12] >> 4U) * 4U;
        if (header_length < kTcpHeaderMin || header_length > on_wire) {
            return FrameKind::tcp_malformed;  // net/ipv4/tcp_ipv4.c:tcp_v4_rcv, v6.1: doff checks
        }
        segment.payload_length = static_cast<std::uint32_t>(on_wire - header_length);
        const std::size_t options = header_length - kTcpHeaderMin;
        const std::size_t captured_options = std::min(options, available - kTcpHeaderMin);
        if (options > 0) {
            parse_tcp_options({header + kTcpHeaderMin, captured_options}, options, segment.options);
        }
        return FrameKind::tcp;
    }
    if (available >= 4) {
        segment.source.port = load_be16(header);
        segment.destination.port = load_be16(header + 2);
    }
    if (available >= 8) {
        segment.sequence = load_be32(header + 4);
    }
    return on_wire < kTcpHeaderMin ? FrameKind::tcp_malformed : FrameKind::tcp_cut;
}

/// The bulk of all traffic in one straight line: IPv4 without options, whole, well-formed, TCP header captured.
/// @return false, with nothing decided, for everything else; the general functions judge it then
inline bool read_plain_tcp(const Frame& frame, std::size_t offset, Decoded& decoded) noexcept {
    if (!frame.holds(offset, kIpv4HeaderMin + kTcpHeaderMin)) {
        return false;
    }
    const std::uint8_t* ip = frame.data + offset;
    const std::uint8_t* tcp = ip + kIpv4HeaderMin;
    const std::size_t total_length = load_be16(ip + 2);
    const std::size_t header_length = (tcp[12] >> 4U) * 4U;
    const bool unfragmented = (load_be16(ip + 6) & 0x3fffU) == 0;
    if (ip[0] != 0x45 || ip[9] != ip_protocol::tcp || !unfragmented || total_length > frame.wire - offset ||
        header_length < kTcpHeaderMin || total_length < kIpv4HeaderMin + header_length) {
        return false;
    }
    Segment& segment = decoded.segment;
    segment.source.address.set_ipv4(ip + 12);
    segment.destination.address.set_ipv4(ip + 16);
    segment.ip_id = load_be16(ip + 4);
    segment.ttl = ip[8];
    segment.source.port = load_be16(tcp);
    segment.destination.port = load_be16(tcp + 2);
    segment.sequence = load_be32(tcp + 4);
    segment.acknowledgment = load_be32(tcp + 8);
    segment.flags = tcp[13];
    segment.window = load_be16(tcp + 14);
    segment.payload_length = static_cast<std::uint32_t>(total_length - kIpv4HeaderMin - header_length);
    if (header_length > kTcpHeaderMin) {
        const std::size_t options = header_length - kTcpHeaderMin;
        const std::size_t captured = frame.captured - offset - kIpv4HeaderMin - kTcpHeaderMin;
        parse_tcp_options({tcp + kTcpHeaderMin, std::min(options, captured)}, options, segment.options);
    }
    decoded.kind = FrameKind::tcp;
    decoded.ip_offset = static_cast<std::uint16_t>(offset);
    decoded.tcp_offset = static_cast<std::uint16_t>(offset + kIpv4HeaderMin);
    return true;
}

bool is_error(bool ipv6, std::uint8_t type) noexcept {
    if (ipv6) {
        return type >= 1 && type <= 4;  // unreachable, too big, time exceeded, parameter problem (RFC 4443)
    }
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;  // RFC 792
}

/// An ICMP error names the segment it is about by quoting its IP header and at least eight more bytes.
FrameKind read_icmp(const Frame& frame, const IpPacket& outer, Decoded& decoded) noexcept {
    const bool ipv6 = outer.ipv6;
    if (outer.fragment_offset != 0) {
        return FrameKind::other;
    }
    if (!frame.holds(outer.payload, 8)) {
        return FrameKind::cut;
    }
    const std::uint8_t* header = frame.data + outer.payload;
    if (!is_error(ipv6, header[0])) {
        return FrameKind::other;
    }
    // The quote may be shorter than its own IP length says: give it a wire length that never contradicts it.
    const Frame quote{frame.data, frame.captured, frame.captured + 0x10000U};
    IpPacket inner;
    Segment quoted;
    (ipv6 ? read_ipv6 : read_ipv4)(quote, outer.payload + 8, inner, quoted);
    if (inner.cut || !quote.holds(inner.payload, 8)) {
        return FrameKind::cut;
    }
    if (inner.bad || inner.protocol != ip_protocol::tcp || inner.fragment_offset != 0) {
        return FrameKind::other;
    }
    decoded.icmp_type = header[0];
    decoded.icmp_code = header[1];
    Segment& segment = decoded.segment;
    decoded.icmp_sender = segment.source.address;
    segment.source = {quoted.source.address, load_be16(quote.data + inner.payload)};
    segment.destination = {quoted.destination.address, load_be16(quote.data + inner.payload + 2)};
    segment.sequence = load_be32(quote.data + inner.payload + 4);
    segment.ip_id = quoted.ip_id;
    decoded.tcp_offset = static_cast<std::uint16_t>(std::min<std::size_t>(inner.payload, 0xffff));
    return FrameKind::icmp_error;
}

FrameKind read_arp(const Frame& frame, std::size_t offset, Decoded& decoded) noexcept {
    if (!frame.holds(offset, 28)) {
        return FrameKind::cut;
    }
    const std::uint8_t* arp = frame.data + offset;
    const std::uint16_t operation = load_be16(arp + 6);
    // Ethernet addresses for IPv4 only (RFC 826): hardware length 6, protocol length 4.
    if (load_be32(arp) != 0x00010800U || load_be16(arp + 4) != 0x0604 || (operation != 1 && operation != 2)) {
        return FrameKind::other;
    }
    decoded.arp_request = operation == 1;
    decoded.arp_sender = Address::from_ipv4(arp + 14);
    decoded.arp_target = Address::from_ipv4(arp + 24);
    return FrameKind::arp;
}

FrameKind read_transport(const Frame& frame, const IpPacket& ip, Decoded& decoded) noexcept {
    if (ip.protocol == ip_protocol::tcp) {
        if (ip.fragment_offset != 0) {
            return FrameKind::fragment;
        }
        decoded.tcp_offset = static_cast<std::uint16_t>(std::min<std::size_t>(ip.payload, 0xffff));
        const std::size_t available = std::min(frame.captured_from(ip.payload), ip.payload_wire);
        if (available == 0 && ip.payload_wire > 0) {
            return FrameKind::cut;
        }
        const FrameKind kind = read_tcp(frame.data + ip.payload, available, ip.payload_wire,
                                        decoded.segment);
        if (ip.more_fragments) {
            decoded.first_fragment = kind == FrameKind::tcp;
            return kind == FrameKind::tcp ? kind : FrameKind::fragment;
        }
        return kind;
    }
    if (ip.protocol == (ip.ipv6 ? ip_protocol::icmpv6 : ip_protocol::icmp)) {
        return read_icmp(frame, ip, decoded);
    }
    return FrameKind::other;
}

// -------------------------------------------------------------------------------------------------- checksums

/// Sum of 16-bit words in the machine's order (RFC 1071: the order does not matter for comparing with all ones).
std::uint64_t sum_words(const std::uint8_t* data, std::size_t length, std::uint64_t sum) noexcept {
    for (; length >= 4; data += 4, length -= 4) {
        sum += detail::load_raw<std::uint32_t>(data);
    }
    if (length >= 2) {
        sum += detail::load_raw<std::uint16_t>(data);
        data += 2;
        length -= 2;
    }
    if (length == 1) {
        const std::array<std::uint8_t, 2> last{*data, 0};
        sum += detail::load_raw<std::uint16_t>(last.data());
    }
    return sum;
}

Checksum judge(std::uint64_t sum) noexcept {
    while (sum > 0xffffU) {
        sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return sum == 0xffffU ? Checksum::ok : Checksum::bad;
}

Checksum verify_ipv4_header(const Frame& frame, std::size_t offset) noexcept {
    if (!frame.holds(offset, kIpv4HeaderMin)) {
        return Checksum::unverifiable;
    }
    const std::size_t length = (frame.data[offset] & 0x0fU) * 4U;
    if (length < kIpv4HeaderMin || !frame.holds(offset, length)) {
        return Checksum::unverifiable;
    }
    return judge(sum_words(frame.data + offset, length, 0));
}

Checksum verify_tcp(const Frame& frame, const IpPacket& ip, std::size_t ip_offset) noexcept {
    const bool fragment = ip.more_fragments || ip.fragment_offset != 0;
    if (ip.cut || ip.bad || fragment || ip.source_routed || !frame.holds(ip.payload, ip.payload_wire)) {
        return Checksum::unverifiable;
    }
    const std::uint8_t* addresses = frame.data + ip_offset + (ip.ipv6 ? 8 : 12);
    const auto length = static_cast<std::uint32_t>(ip.payload_wire);
    const std::array<std::uint8_t, 8> rest{static_cast<std::uint8_t>(length >> 24U),
                                           static_cast<std::uint8_t>(length >> 16U),
                                           static_cast<std::uint8_t>(length >> 8U),
                                           static_cast<std::uint8_t>(length),
                                           0, 0, 0, ip_protocol::tcp};
    std::uint64_t sum = sum_words(addresses, ip.ipv6 ? 32 : 8, 0);
    sum = sum_words(rest.data(), rest.size(), sum);
    return judge(sum_words(frame.data + ip.payload, ip.payload_wire, sum));
}

}  // namespace

Decoded decode(LinkType link, std::span<const std::uint8_t> bytes, std::uint32_t wire_length) noexcept {
    const Frame frame{bytes.data(), bytes.size(), std::max<std::size_t>(bytes.size(), wire_length)};
    Decoded decoded;
    std::size_t offset = 0;
    const Network network = strip_link(link, frame, offset, decoded.segment);
    if (network == Network::ipv4 && read_plain_tcp(frame, offset, decoded)) {
        return decoded;
    }
    IpPacket ip;
    switch (network) {
        case Network::ipv4: read_ipv4(frame, offset, ip, decoded.segment); break;
        case Network::ipv6: read_ipv6(frame, offset, ip, decoded.segment); break;
        case Network::arp:
            decoded.ip_offset = static_cast<std::uint16_t>(offset);
            decoded.kind = read_arp(frame, offset, decoded);
            return decoded;
        case Network::other: decoded.kind = FrameKind::other; return decoded;
        case Network::cut: decoded.kind = FrameKind::cut; return decoded;
        case Network::unsupported: decoded.kind = FrameKind::unsupported_link; return decoded;
    }
    decoded.ip_offset = static_cast<std::uint16_t>(offset);
    decoded.ip_header_bad = ip.bad;
    if (ip.cut) {
        decoded.kind = FrameKind::cut;
        return decoded;
    }
    decoded.kind = read_transport(frame, ip, decoded);
    return decoded;
}

Checksums verify_checksums(const Decoded& decoded, std::span<const std::uint8_t> bytes,
                           std::uint32_t wire_length) noexcept {
    const Frame frame{bytes.data(), bytes.size(), std::max<std::size_t>(bytes.size(), wire_length)};
    if (decoded.kind != FrameKind::tcp || !frame.holds(decoded.ip_offset, 1)) {
        return {Checksum::unverifiable, Checksum::unverifiable};
    }
    IpPacket ip;
    Segment again;
    if (decoded.segment.source.address.family == Family::ipv6) {
        read_ipv6(frame, decoded.ip_offset, ip, again);
        return {Checksum::ok, verify_tcp(frame, ip, decoded.ip_offset)};
    }
    read_ipv4(frame, decoded.ip_offset, ip, again);
    return {verify_ipv4_header(frame, decoded.ip_offset), verify_tcp(frame, ip, decoded.ip_offset)};
}

}  // namespace synwhy::core
