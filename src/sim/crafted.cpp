#include "sim/crafted.hpp"

#include <algorithm>
#include <span>

#include "core/bytes.hpp"
#include "core/packet_build.hpp"
#include "model/arrival.hpp"

namespace synwhy::sim {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kTcpHeader = 20;
constexpr std::uint16_t kWrongBits = 0x1111;
constexpr std::uint8_t kTcpProtocol = 6;
constexpr std::uint8_t kPayloadByte = 'x';

void put16(std::uint8_t* at, std::size_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8U);
    at[1] = static_cast<std::uint8_t>(value);
}

void pad_to_words(Bytes& bytes) { bytes.resize((bytes.size() + 3) / 4 * 4); }

std::uint64_t sum_words(std::span<const std::uint8_t> bytes, std::uint64_t sum) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
        sum += static_cast<std::uint64_t>(bytes[i]) << (i % 2 == 0 ? 8U : 0U);
    return sum;
}

std::uint16_t folded(std::uint64_t sum) {
    while (sum >> 16U) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum);
}

/// The options as core writes them for this segment.
Bytes usual_options(const core::Segment& segment) {
    Bytes packet;
    core::append_packet(segment, {}, packet);
    const bool ipv6 = segment.source.address.family == core::Family::ipv6;
    const std::size_t start = (ipv6 ? kIpv6Header : kIpv4Header) + kTcpHeader;
    return {packet.begin() + static_cast<std::ptrdiff_t>(start),
            packet.begin() + static_cast<std::ptrdiff_t>(start + core::option_bytes(segment.options))};
}

bool is_ordinary(const Crafted& c) {
    return !c.options && c.more_options.empty() && c.ip_options.empty() && !c.tcp_checksum && !c.tcp_checksum_bad &&
           !c.ip_checksum_bad && !c.data_offset && c.reserved == 0 && c.urgent == 0 && c.type_of_service == 0 &&
           c.ttl != 0 && c.protocol == kTcpProtocol && !c.ip_version && !c.ip_header_words && !c.ip_total_length &&
           c.fragment == 0x4000 && !c.truncate_to;
}

Bytes address_bytes(const core::Address& address) {
    const std::span<const std::uint8_t> all(address.bytes);
    const auto used = address.family == core::Family::ipv6 ? all : all.last(4);
    return {used.begin(), used.end()};
}

Bytes tcp_part(const Crafted& c) {
    const core::Segment& s = c.segment;
    Bytes options = c.options ? *c.options : usual_options(s);
    options.insert(options.end(), c.more_options.begin(), c.more_options.end());
    pad_to_words(options);
    Bytes tcp(kTcpHeader);
    put16(&tcp[0], s.source.port);
    put16(&tcp[2], s.destination.port);
    put16(&tcp[4], s.sequence >> 16U);
    put16(&tcp[6], s.sequence & 0xffffU);
    put16(&tcp[8], s.acknowledgment >> 16U);
    put16(&tcp[10], s.acknowledgment & 0xffffU);
    const auto words = c.data_offset ? *c.data_offset : (kTcpHeader + options.size()) / 4;
    tcp[12] = static_cast<std::uint8_t>((words & 15U) << 4U | (c.reserved & 15U));
    tcp[13] = s.flags;
    put16(&tcp[14], s.window);
    put16(&tcp[18], c.urgent);
    tcp.insert(tcp.end(), options.begin(), options.end());
    tcp.insert(tcp.end(), s.payload_length, kPayloadByte);

    std::uint64_t sum = sum_words(address_bytes(s.source.address), kTcpProtocol + tcp.size());
    sum = sum_words(tcp, sum_words(address_bytes(s.destination.address), sum));
    std::uint16_t checksum = folded(sum);
    if (c.tcp_checksum_bad) checksum ^= kWrongBits;
    put16(&tcp[16], c.tcp_checksum.value_or(checksum));
    return tcp;
}

Bytes ip_header(const Crafted& c, std::size_t tcp_length) {
    const Bytes source = address_bytes(c.segment.source.address);
    const Bytes destination = address_bytes(c.segment.destination.address);
    if (c.segment.source.address.family == core::Family::ipv6) {
        Bytes ip(kIpv6Header);
        ip[0] = static_cast<std::uint8_t>(c.ip_version.value_or(6) << 4U);
        put16(&ip[4], tcp_length);
        ip[6] = c.protocol;
        ip[7] = c.ttl;
        std::ranges::copy(source, &ip[8]);
        std::ranges::copy(destination, &ip[24]);
        return ip;
    }
    Bytes ip(kIpv4Header);
    ip.insert(ip.end(), c.ip_options.begin(), c.ip_options.end());
    pad_to_words(ip);
    const auto words = c.ip_header_words.value_or(static_cast<std::uint8_t>(ip.size() / 4));
    ip[0] = static_cast<std::uint8_t>(c.ip_version.value_or(4) << 4U | words);
    ip[1] = c.type_of_service;
    put16(&ip[2], c.ip_total_length ? *c.ip_total_length : ip.size() + tcp_length);
    put16(&ip[4], c.segment.ip_id);
    put16(&ip[6], c.fragment);
    ip[8] = c.ttl;
    ip[9] = c.protocol;
    std::ranges::copy(source, &ip[12]);
    std::ranges::copy(destination, &ip[16]);
    std::uint16_t checksum = folded(sum_words(ip, 0));
    if (c.ip_checksum_bad) checksum ^= kWrongBits;
    put16(&ip[10], checksum);
    return ip;
}

}  // namespace

Bytes write_packet(const Crafted& crafted) {
    if (is_ordinary(crafted)) {
        core::Segment segment = crafted.segment;
        segment.ttl = crafted.ttl;
        const Bytes payload(segment.payload_length, kPayloadByte);
        Bytes packet;
        core::append_packet(segment, payload, packet);
        return packet;
    }
    const Bytes tcp = tcp_part(crafted);
    Bytes packet = ip_header(crafted, tcp.size());
    packet.insert(packet.end(), tcp.begin(), tcp.end());
    if (crafted.truncate_to) packet.resize(std::min(*crafted.truncate_to, packet.size()));
    return packet;
}

std::optional<Arrived> read_arrival(const Bytes& packet) {
    const auto wire_length = static_cast<std::uint32_t>(packet.size());
    const core::Decoded decoded = core::decode(core::LinkType::raw, packet, wire_length);
    if (decoded.kind != core::FrameKind::tcp && decoded.kind != core::FrameKind::tcp_malformed) return std::nullopt;
    if (decoded.first_fragment) return std::nullopt;  // waits for the others below TCP
    return Arrived{.segment = decoded.segment, .arrival = model::arrival_of(decoded, packet)};
}

}  // namespace synwhy::sim
