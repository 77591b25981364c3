// What TCP segment is in this captured frame?
//
// Link layer to TCP header, no state, no allocation. Everything a server's kernel checks before its socket lookup
// is kept as a fact (checksums, addresses, fragment state, L2 destination) and judged elsewhere.
// Left out: reassembly. A fragment is recognised and reported, never put together.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/address.hpp"
#include "core/tcp_options.hpp"

namespace synwhy::core {

/// Link-layer types as pcap numbers them (https://www.tcpdump.org/linktypes.html); others are refused by name.
enum class LinkType : std::uint16_t {
    null_loopback = 0,  ///< BSD loopback, family in host order of the writer
    ethernet = 1,
    ppp = 9,
    raw_bsd = 12,  ///< raw IP on most BSDs
    raw_openbsd = 14,
    ppp_hdlc = 50,
    ppp_ether = 51,  ///< PPPoE session
    raw = 101,
    loop = 108,  ///< OpenBSD loopback, family in network order
    linux_sll = 113,
    ipv4 = 228,
    ipv6 = 229,
    linux_sll2 = 276,
};

/// TCP header flag bits (RFC 9293 3.1), low byte of the flags field.
namespace tcp_flag {
inline constexpr std::uint8_t fin = 0x01, syn = 0x02, rst = 0x04, psh = 0x08, ack = 0x10, urg = 0x20, ece = 0x40,
                              cwr = 0x80;
}

/// Result of verifying a checksum.
enum class Checksum : std::uint8_t {
    not_checked,  ///< nobody asked
    ok,
    bad,           ///< wrong on the wire, or not yet filled in by offload
    unverifiable,  ///< the capture does not hold all bytes
};

/// Who the link layer says the frame was for.
enum class LinkDirection : std::uint8_t {
    unknown,     ///< the link type does not say
    to_host,     ///< Linux cooked: packet type 0
    broadcast,   ///< L2 broadcast or multicast destination
    other_host,  ///< Linux cooked: packet type 3
    from_host,   ///< Linux cooked: packet type 4
};

struct Segment {
    Endpoint source{};
    Endpoint destination{};
    std::uint32_t sequence = 0;        ///< host order
    std::uint32_t acknowledgment = 0;  ///< host order; meaningful with the ACK flag
    std::uint32_t payload_length = 0;  ///< TCP payload bytes by the IP length, not by what was captured
    std::uint16_t window = 0;          ///< as sent, unscaled
    std::uint16_t ip_id = 0;           ///< IPv4 identification; 0 for IPv6
    std::uint16_t vlan = 0;            ///< innermost VLAN id, 0 = none
    std::uint8_t flags = 0;            ///< tcp_flag bits
    std::uint8_t ttl = 0;              ///< TTL or hop limit
    LinkDirection direction = LinkDirection::unknown;
    std::array<std::uint8_t, 6> mac_destination{};  ///< Ethernet only
    bool has_mac = false;
    TcpOptions options{};

    [[nodiscard]] bool is_syn() const { return (flags & (tcp_flag::syn | tcp_flag::ack)) == tcp_flag::syn; }
    [[nodiscard]] bool is_syn_ack() const {
        return (flags & (tcp_flag::syn | tcp_flag::ack | tcp_flag::rst)) == (tcp_flag::syn | tcp_flag::ack);
    }
    /// Sequence space used: payload plus one for SYN and one for FIN.
    [[nodiscard]] std::uint32_t sequence_length() const {
        return payload_length + ((flags & tcp_flag::syn) != 0) + ((flags & tcp_flag::fin) != 0);
    }
};

/// What decode() found in a frame.
enum class FrameKind : std::uint8_t {
    tcp,              ///< Decoded::segment is valid
    tcp_malformed,    ///< IP addresses valid; TCP header too short or data offset wrong (ports when they were there)
    tcp_cut,          ///< captured bytes end inside the fixed TCP header
    fragment,         ///< an IP fragment other than the first, or a first one cut inside the TCP header
    icmp_error,       ///< ICMP/ICMPv6 error; segment holds the *quoted* TCP header (ports, sequence only)
    arp,              ///< ARP request or reply; see Decoded::arp_*
    other,            ///< not TCP, not IP
    cut,              ///< captured bytes end before the transport header
    unsupported_link  ///< no decoder for this link type
};

struct Decoded {
    FrameKind kind = FrameKind::other;
    Segment segment{};
    bool ip_header_bad = false;   ///< version, header length or total length wrong (Ip:InHdrErrors)
    bool first_fragment = false;  ///< a first fragment whose TCP header is complete: kind is still tcp
    std::uint8_t icmp_type = 0;   ///< icmp_error
    std::uint8_t icmp_code = 0;
    Address icmp_sender{};     ///< icmp_error: who sent it
    bool arp_request = false;  ///< arp: who-has (true) or is-at (false)
    Address arp_sender{};      ///< arp, IPv4 only
    Address arp_target{};
    std::uint16_t ip_offset = 0;   ///< bytes from the frame's start to the IP header
    std::uint16_t tcp_offset = 0;  ///< bytes from the frame's start to the TCP header
};

/// Decodes one frame. Total: never fails, never reads past `frame`.
/// @param frame captured bytes
/// @param wire_length length of the frame on the wire, >= frame.size()
Decoded decode(LinkType link, std::span<const std::uint8_t> frame, std::uint32_t wire_length) noexcept;

struct Checksums {
    Checksum ip = Checksum::not_checked;   ///< IPv4 header (RFC 791); ok for IPv6, which has none
    Checksum tcp = Checksum::not_checked;  ///< RFC 9293 3.1 with pseudo header
};

/// Verifies the checksums of a frame that decode() called tcp. Separate because only SYNs need it.
Checksums verify_checksums(const Decoded& decoded, std::span<const std::uint8_t> frame,
                           std::uint32_t wire_length) noexcept;

}  // namespace synwhy::core
