// Frames and capture files as byte arrays, built by hand so that a test shows every byte that matters.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace synwhy::test {

using Bytes = std::vector<std::uint8_t>;

inline Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}
inline Bytes text(std::string_view characters) { return {characters.begin(), characters.end()}; }
inline Bytes be16(unsigned value) { return {static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value)}; }
inline Bytes be32(std::uint32_t value) { return be16(value >> 16U) + be16(value & 0xffffU); }
inline Bytes zeros(std::size_t count) { return Bytes(count, 0); }

/// RFC 1071 over any bytes, the slow and obvious way.
inline std::uint16_t checksum(const Bytes& bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8U : bytes[i];
        sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return static_cast<std::uint16_t>(~sum);
}
inline void put_be16(Bytes& bytes, std::size_t at, unsigned value) {
    bytes.at(at) = static_cast<std::uint8_t>(value >> 8U);
    bytes.at(at + 1) = static_cast<std::uint8_t>(value);
}

inline const Bytes kClient4 = {198, 51, 100, 7};
inline const Bytes kServer4 = {10, 0, 0, 1};
inline const Bytes kClient6 = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
inline const Bytes kServer6 = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
inline const Bytes kLinuxSynOptions = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 1, 0xe2, 0x40, 0, 0, 0, 0, 1, 3, 3, 7};

struct TcpSpec {
    Bytes options = kLinuxSynOptions;  // a multiple of four bytes
    Bytes payload{};
    std::uint8_t flags = 0x02;
    std::uint32_t sequence = 0x01020304;
};

/// 198.51.100.7:40001 to 10.0.0.1:80, checksum still zero.
inline Bytes tcp(const TcpSpec& spec = {}) {
    const auto offset = static_cast<std::uint8_t>((5 + spec.options.size() / 4) << 4U);
    return be16(40001) + be16(80) + be32(spec.sequence) + be32(0x0a0b0c0d) + Bytes{offset, spec.flags} + be16(64240) +
           be16(0) + be16(0) + spec.options + spec.payload;
}
/// Fills in the checksum for the given pseudo-header addresses.
inline Bytes with_tcp_checksum(Bytes segment, const Bytes& source, const Bytes& destination) {
    const Bytes pseudo =
        source + destination + be32(static_cast<std::uint32_t>(segment.size())) + Bytes{0, 0, 0, 6} + segment;
    put_be16(segment, 16, checksum(pseudo));
    return segment;
}
inline Bytes ipv4(const Bytes& payload, std::uint8_t protocol = 6, unsigned fragment = 0, const Bytes& options = {}) {
    const std::size_t header = 20 + options.size();
    Bytes bytes = Bytes{static_cast<std::uint8_t>(0x40 | header / 4), 0} +
                  be16(static_cast<unsigned>(header + payload.size())) + be16(0xbeef) + be16(fragment) +
                  Bytes{63, protocol} + be16(0) + kClient4 + kServer4 + options;
    put_be16(bytes, 10, checksum(bytes));
    return bytes + payload;
}
inline Bytes ipv6(const Bytes& payload, std::uint8_t next_header = 6) {
    return Bytes{0x60, 0, 0, 0} + be16(static_cast<unsigned>(payload.size())) + Bytes{next_header, 61} + kClient6 +
           kServer6 + payload;
}
inline const Bytes kServerMac = {0x02, 0, 0, 0, 0, 1};
inline Bytes ethernet(unsigned type, const Bytes& payload, const Bytes& destination = kServerMac) {
    return destination + Bytes{0x02, 0, 0, 0, 0, 2} + be16(type) + payload;
}
/// An Ethernet frame with a Linux SYN and right checksums.
inline Bytes syn_frame(const TcpSpec& spec = {}) {
    return ethernet(0x0800, ipv4(with_tcp_checksum(tcp(spec), kClient4, kServer4)));
}

/// Builds capture files in either byte order.
struct Order {
    bool big = false;

    [[nodiscard]] Bytes u16(unsigned value) const {
        return big ? be16(value) : Bytes{static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8U)};
    }
    [[nodiscard]] Bytes u32(std::uint32_t value) const {
        return big ? be32(value) : u16(value & 0xffffU) + u16(value >> 16U);
    }
    [[nodiscard]] Bytes u64(std::uint64_t value) const {
        const auto high = static_cast<std::uint32_t>(value >> 32U);
        const auto low = static_cast<std::uint32_t>(value);
        return big ? u32(high) + u32(low) : u32(low) + u32(high);
    }

    [[nodiscard]] Bytes pcap_header(std::uint32_t magic = 0xa1b2c3d4, std::uint32_t link = 1) const {
        return u32(magic) + u16(2) + u16(4) + u32(0) + u32(0) + u32(262144) + u32(link);
    }
    [[nodiscard]] Bytes pcap_record(std::uint32_t seconds, std::uint32_t fraction, const Bytes& data,
                                    std::uint32_t wire = 0) const {
        const auto captured = static_cast<std::uint32_t>(data.size());
        return u32(seconds) + u32(fraction) + u32(captured) + u32(wire == 0 ? captured : wire) + data;
    }

    [[nodiscard]] Bytes block(std::uint32_t type, Bytes body) const {
        body.resize((body.size() + 3) / 4 * 4);
        const auto length = static_cast<std::uint32_t>(body.size() + 12);
        return u32(type) + u32(length) + body + u32(length);
    }
    [[nodiscard]] Bytes option(unsigned code, Bytes value) const {
        Bytes bytes = u16(code) + u16(static_cast<unsigned>(value.size()));
        value.resize((value.size() + 3) / 4 * 4);
        return bytes + value;
    }
    [[nodiscard]] Bytes section(const Bytes& options = {}) const {
        return block(0x0a0d0d0a, u32(0x1a2b3c4d) + u16(1) + u16(0) + u64(~std::uint64_t{0}) + options);
    }
    [[nodiscard]] Bytes interface(const Bytes& options = {}, unsigned link = 1, std::uint32_t snap = 262144) const {
        return block(1, u16(link) + u16(0) + u32(snap) + options);
    }
    [[nodiscard]] Bytes enhanced(std::uint64_t units, Bytes data, const Bytes& options = {}, std::uint32_t number = 0,
                                 std::uint32_t wire = 0) const {
        const auto captured = static_cast<std::uint32_t>(data.size());
        data.resize((data.size() + 3) / 4 * 4);
        return block(6, u32(number) + u32(static_cast<std::uint32_t>(units >> 32U)) +
                            u32(static_cast<std::uint32_t>(units)) + u32(captured) + u32(wire == 0 ? captured : wire) +
                            data + options);
    }
};

}  // namespace synwhy::test
