#include "core/packet_build.hpp"

#include <algorithm>

namespace synwhy::core {

namespace {

constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kTcpHeader = 20;
constexpr std::uint8_t kTcpProtocol = 6;
constexpr std::uint8_t kDefaultTtl = 64;

void put16(std::uint8_t* at, std::uint32_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8U);
    at[1] = static_cast<std::uint8_t>(value);
}

void put32(std::uint8_t* at, std::uint32_t value) {
    put16(at, value >> 16U);
    put16(at + 2, value & 0xffffU);
}

/// RFC 1071 sum of 16-bit words, not folded.
std::uint64_t sum_words(std::span<const std::uint8_t> bytes, std::uint64_t sum = 0) {
    std::size_t i = 0;
    for (; i + 1 < bytes.size(); i += 2) sum += static_cast<std::uint32_t>(bytes[i] << 8U | bytes[i + 1]);
    if (i < bytes.size()) sum += static_cast<std::uint32_t>(bytes[i]) << 8U;
    return sum;
}

std::uint16_t folded(std::uint64_t sum) {
    while (sum >> 16U) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum);
}

/// As net/ipv4/tcp_output.c:tcp_options_write lays them out: SACK permitted takes the place of the timestamps' padding.
std::size_t write_options(const TcpOptions& o, std::uint8_t* at) {
    std::size_t n = 0;
    const auto byte = [&](unsigned value) { at[n++] = static_cast<std::uint8_t>(value); };
    if (o.has_mss) {
        byte(2), byte(4);
        put16(at + n, o.mss);
        n += 2;
    }
    if (o.has_timestamps) {
        if (o.has_sack_permitted) {
            byte(4), byte(2);
        } else {
            byte(1), byte(1);
        }
        byte(8), byte(10);
        put32(at + n, o.ts_value);
        put32(at + n + 4, o.ts_echo);
        n += 8;
    } else if (o.has_sack_permitted) {
        byte(1), byte(1), byte(4), byte(2);
    }
    if (o.has_window_scale) {
        byte(1), byte(3), byte(3), byte(o.window_scale);
    }
    return n;
}

std::span<const std::uint8_t> address_bytes(const Address& address, bool ipv6) {
    return ipv6 ? std::span<const std::uint8_t>(address.bytes) : std::span<const std::uint8_t>(address.bytes).last(4);
}

void write_ip_header(const Segment& s, std::size_t tcp_length, bool ipv6, std::uint8_t* ip) {
    const std::uint8_t ttl = s.ttl == 0 ? kDefaultTtl : s.ttl;
    const auto source = address_bytes(s.source.address, ipv6);
    const auto destination = address_bytes(s.destination.address, ipv6);
    if (ipv6) {
        ip[0] = 0x60;
        put16(ip + 4, static_cast<std::uint32_t>(tcp_length));
        ip[6] = kTcpProtocol;
        ip[7] = ttl;
        std::ranges::copy(source, ip + 8);
        std::ranges::copy(destination, ip + 24);
        return;
    }
    ip[0] = 0x45;
    put16(ip + 2, static_cast<std::uint32_t>(kIpv4Header + tcp_length));
    put16(ip + 4, s.ip_id);
    put16(ip + 6, 0x4000);  // don't fragment
    ip[8] = ttl;
    ip[9] = kTcpProtocol;
    std::ranges::copy(source, ip + 12);
    std::ranges::copy(destination, ip + 16);
    put16(ip + 10, folded(sum_words({ip, kIpv4Header})));
}

}  // namespace

std::size_t option_bytes(const TcpOptions& o) {
    return (o.has_mss ? 4U : 0U) + (o.has_timestamps ? 12U : (o.has_sack_permitted ? 4U : 0U)) +
           (o.has_window_scale ? 4U : 0U);
}

void append_packet(const Segment& s, std::span<const std::uint8_t> payload, std::vector<std::uint8_t>& out) {
    const bool ipv6 = s.source.address.family == Family::ipv6;
    const std::size_t ip_header = ipv6 ? kIpv6Header : kIpv4Header;
    const std::size_t header = kTcpHeader + option_bytes(s.options);
    const std::size_t tcp_length = header + s.payload_length;
    const std::size_t start = out.size();
    out.resize(start + ip_header + tcp_length, 0);
    std::uint8_t* const ip = out.data() + start;
    std::uint8_t* const tcp = ip + ip_header;

    put16(tcp, s.source.port);
    put16(tcp + 2, s.destination.port);
    put32(tcp + 4, s.sequence);
    put32(tcp + 8, s.acknowledgment);
    tcp[12] = static_cast<std::uint8_t>(header / 4 << 4U);
    tcp[13] = s.flags;
    put16(tcp + 14, s.window);
    write_options(s.options, tcp + kTcpHeader);
    std::ranges::copy(payload.first(std::min<std::size_t>(payload.size(), s.payload_length)), tcp + header);

    std::uint64_t sum = sum_words(address_bytes(s.source.address, ipv6));
    sum = sum_words(address_bytes(s.destination.address, ipv6), sum) + kTcpProtocol + tcp_length;
    put16(tcp + 16, folded(sum_words({tcp, tcp_length}, sum)));
    write_ip_header(s, tcp_length, ipv6, ip);
}

}  // namespace synwhy::core
