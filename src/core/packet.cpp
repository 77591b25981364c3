// From a captured frame to a TCP segment: link layer, IP, transport, in that order.
//
// Nothing is allocated and nothing is read past the captured bytes. Checksums are a separate pass (checksum.cpp)
// because only SYNs need it.
#include "core/packet.hpp"

#include <algorithm>
#include <cstddef>

#include "core/bytes.hpp"
#include "core/layers.hpp"
#include "core/usual_options.hpp"

namespace synwhy::core {
namespace {

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
        const std::span list(tcp + kTcpHeaderMin, std::min(options, captured));
        if (list.size() < options || !parse_usual_options(list, segment.options)) {
            parse_tcp_options(list, options, segment.options);
        }
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
    if (ipv6) {
        read_ipv6(quote, outer.payload + 8, inner, quoted);
    } else {
        read_ipv4(quote, outer.payload + 8, inner, quoted);
    }
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
        const FrameKind kind = read_tcp(frame.data + ip.payload, available, ip.payload_wire, decoded.segment);
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

}  // namespace

Decoded decode(LinkType link, std::span<const std::uint8_t> bytes, std::uint32_t wire_length) noexcept {
    const Frame frame{bytes.data(), bytes.size(), std::max<std::size_t>(bytes.size(), wire_length)};
    Decoded decoded;
    std::size_t offset = 0;
    const Network network = enter_link(link, frame, offset, decoded.segment);
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

}  // namespace synwhy::core
