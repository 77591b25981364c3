// What does the IP header say? The kernel's own conditions decide whether it is bad.
//
// A bad header is read on as if it had its smallest size, so that the segment the kernel threw away can still be named.
#include "core/bytes.hpp"
#include "core/layers.hpp"

namespace synwhy::core {
namespace {

constexpr std::size_t kMaxExtensionHeaders = 8;

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

}  // namespace

/// Conditions of net/ipv4/ip_input.c:ip_rcv_core, v6.1.
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

}  // namespace synwhy::core
