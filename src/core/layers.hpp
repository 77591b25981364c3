// How do the decoder's layers meet? One function per layer moves an offset forward through the same frame.
//
// Private to packet.cpp, link_layer.cpp, ip_layer.cpp and checksum.cpp; everyone else includes packet.hpp.
// Two lengths are kept apart everywhere: what was captured (may be read) and what the wire carried (decides whether
// a header is wrong or merely cut by the snap length).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/bytes.hpp"
#include "core/packet.hpp"

namespace synwhy::core {

inline constexpr std::size_t kIpv4HeaderMin = 20;
inline constexpr std::size_t kIpv6Header = 40;
inline constexpr std::size_t kTcpHeaderMin = 20;

namespace ip_protocol {
inline constexpr std::uint8_t hop_by_hop = 0, icmp = 1, tcp = 6, routing = 43, fragment = 44, ah = 51, icmpv6 = 58,
                              destination_options = 60;
}

/// A frame and its two lengths.
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
    [[nodiscard]] std::size_t wire_from(std::size_t offset) const noexcept { return offset < wire ? wire - offset : 0; }
};

/// What follows the link layer.
enum class Network : std::uint8_t { ipv4, ipv6, arp, other, cut, unsupported };

/// Moves `offset` from the frame's start to what the link layer carries; fills the segment's VLAN, MAC and direction.
Network strip_link(LinkType link, const Frame& frame, std::size_t& offset, Segment& segment) noexcept;

inline constexpr std::size_t kEthernetHeader = 14;
inline constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;

/// Keeps whom an Ethernet frame was for. @param frame holds at least six bytes
inline void take_destination_mac(const Frame& frame, Segment& segment) noexcept {
    std::memcpy(segment.mac_destination.data(), frame.data, segment.mac_destination.size());
    segment.has_mac = true;
    if ((frame.data[0] & 1U) != 0) {
        segment.direction = LinkDirection::broadcast;
    }
}

/// strip_link(), with the most frequent case inline.
inline Network enter_link(LinkType link, const Frame& frame, std::size_t& offset, Segment& segment) noexcept {
    if (link == LinkType::ethernet && frame.captured >= kEthernetHeader &&
        load_be16(frame.data + 12) == kEtherTypeIpv4) {
        take_destination_mac(frame, segment);
        offset = kEthernetHeader;
        return Network::ipv4;
    }
    return strip_link(link, frame, offset, segment);
}

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

/// Read the IP header at `offset`, and IPv6 extension headers; fill addresses, id and TTL of the segment.
void read_ipv4(const Frame& frame, std::size_t offset, IpPacket& ip, Segment& segment) noexcept;
void read_ipv6(const Frame& frame, std::size_t offset, IpPacket& ip, Segment& segment) noexcept;

}  // namespace synwhy::core
