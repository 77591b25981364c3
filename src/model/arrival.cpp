#include "model/arrival.hpp"

#include <algorithm>

#include "core/bytes.hpp"

namespace synwhy::model {

namespace {

constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kTcpHeader = 20;

/// Loose or strict source route among the options (RFC 791 3.1).
bool has_source_route(std::span<const std::uint8_t> packet) {
    if (packet.size() < kIpv4Header || packet[0] >> 4U != 4) return false;
    const std::size_t end = std::min<std::size_t>((packet[0] & 0x0fU) * 4U, packet.size());
    for (std::size_t at = kIpv4Header; at < end;) {
        const std::uint8_t kind = packet[at];
        if (kind == 0) return false;
        if (kind == 1) {
            ++at;
            continue;
        }
        if (kind == 131 || kind == 137) return true;
        if (at + 1 >= end || packet[at + 1] < 2) return false;
        at += packet[at + 1];
    }
    return false;
}

/// The IP length says more than is there; the header itself may be fine. net/ipv4/ip_input.c:ip_rcv_core,
/// net/ipv6/ip6_input.c:ip6_rcv_core
bool is_truncated(std::span<const std::uint8_t> packet) {
    if (packet.size() >= kIpv4Header && packet[0] >> 4U == 4) {
        const std::size_t header = (packet[0] & 0x0fU) * std::size_t{4};
        return header >= kIpv4Header && header <= packet.size() && core::load_be16(&packet[2]) > packet.size();
    }
    return packet.size() >= kIpv6Header && packet[0] >> 4U == 6 &&
           core::load_be16(&packet[4]) + kIpv6Header > packet.size();
}

}  // namespace

Arrival arrival_of(const core::Decoded& decoded, std::span<const std::uint8_t> packet) {
    Arrival arrival;
    arrival.ip_truncated = is_truncated(packet);
    arrival.ip_header_bad = decoded.ip_header_bad && !arrival.ip_truncated;
    arrival.ip_source_route = has_source_route(packet);
    if (decoded.kind == core::FrameKind::tcp) {
        const auto sums = core::verify_checksums(decoded, packet, static_cast<std::uint32_t>(packet.size()));
        arrival.ip_checksum_bad = sums.ip == core::Checksum::bad;
        arrival.tcp_checksum_bad = sums.tcp == core::Checksum::bad;
        return arrival;
    }
    // A header that is not there whole is thrown away without a word, an impossible offset is an error.
    const bool whole = packet.size() >= decoded.tcp_offset + kTcpHeader;
    const bool offset_impossible = whole && packet[decoded.tcp_offset + 12U] >> 4U < 5;
    arrival.tcp_header_bad = offset_impossible;
    arrival.tcp_header_beyond = !offset_impossible;
    return arrival;
}

}  // namespace synwhy::model
