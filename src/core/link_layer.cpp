// What does the link layer carry? Ethernet with VLAN tags and PPPoE, Linux cooked, loopback, PPP, raw IP.
//
// Left out: MPLS, tunnels, 802.11; a frame of theirs is `other`.
#include <array>

#include "core/bytes.hpp"
#include "core/layers.hpp"

namespace synwhy::core {
namespace {

constexpr std::size_t kMaxVlanTags = 4;

namespace ether_type {
constexpr std::uint16_t ipv4 = kEtherTypeIpv4, arp = 0x0806, vlan = 0x8100, ipv6 = 0x86dd, pppoe_session = 0x8864,
                        service_vlan = 0x88a8, old_service_vlan = 0x9100, lowest = 0x0600;
}
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
        take_destination_mac(frame, segment);
    }
    if (frame.captured < kEthernetHeader) {
        return Network::cut;
    }
    offset = kEthernetHeader;
    return after_ether_type(frame, offset, load_be16(frame.data + 12), segment);
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

}  // namespace

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

}  // namespace synwhy::core
