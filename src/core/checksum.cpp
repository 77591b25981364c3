// Are a segment's checksums right? RFC 1071 sums, RFC 9293 3.1 pseudo header.
//
// A checksum over bytes that were not captured, not whole, or meant for another destination is unverifiable, never bad.
#include <algorithm>
#include <array>

#include "core/bytes.hpp"
#include "core/layers.hpp"

namespace synwhy::core {
namespace {

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
                                           0,
                                           0,
                                           0,
                                           ip_protocol::tcp};
    std::uint64_t sum = sum_words(addresses, ip.ipv6 ? 32 : 8, 0);
    sum = sum_words(rest.data(), rest.size(), sum);
    return judge(sum_words(frame.data + ip.payload, ip.payload_wire, sum));
}

}  // namespace

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
