// Is decode() of what append_packet() writes the segment again?
#include "core/packet_build.hpp"

#include <gtest/gtest.h>

#include <random>

namespace synwhy {
namespace {

core::Segment random_segment(std::mt19937& random) {
    core::Segment s;
    const bool ipv6 = random() % 2 == 0;
    for (auto* endpoint : {&s.source, &s.destination}) {
        std::array<std::uint8_t, 16> octets{};
        for (auto& octet : octets) octet = static_cast<std::uint8_t>(random());
        endpoint->address = ipv6 ? core::Address::from_ipv6(octets.data()) : core::Address::from_ipv4(octets.data());
        endpoint->port = static_cast<std::uint16_t>(random());
    }
    s.sequence = static_cast<std::uint32_t>(random());
    s.acknowledgment = static_cast<std::uint32_t>(random());
    s.payload_length = random() % 3 == 0 ? 0 : static_cast<std::uint32_t>(random() % 1400);
    s.window = static_cast<std::uint16_t>(random());
    s.ip_id = ipv6 ? std::uint16_t{0} : static_cast<std::uint16_t>(random());
    s.flags = static_cast<std::uint8_t>(random());
    s.ttl = static_cast<std::uint8_t>(1 + random() % 255);
    core::TcpOptions& o = s.options;
    o.has_mss = random() % 2 == 0;
    o.has_window_scale = random() % 2 == 0;
    o.has_sack_permitted = random() % 2 == 0;
    o.has_timestamps = random() % 2 == 0;
    if (o.has_mss) o.mss = static_cast<std::uint16_t>(random());
    if (o.has_window_scale) o.window_scale = static_cast<std::uint8_t>(random() % 15);
    if (o.has_timestamps) {
        o.ts_value = static_cast<std::uint32_t>(random());
        o.ts_echo = static_cast<std::uint32_t>(random());
    }
    return s;
}

TEST(PacketBuild, DecodeOfWriteIsIdentity) {
    std::mt19937 random(20261125);
    for (int i = 0; i < 5000; ++i) {
        const core::Segment s = random_segment(random);
        std::vector<std::uint8_t> payload(s.payload_length);
        for (auto& byte : payload) byte = static_cast<std::uint8_t>(random());
        std::vector<std::uint8_t> bytes;
        core::append_packet(s, payload, bytes);
        const auto length = static_cast<std::uint32_t>(bytes.size());
        const auto decoded = core::decode(core::LinkType::raw, bytes, length);
        ASSERT_EQ(decoded.kind, core::FrameKind::tcp);
        const core::Segment& d = decoded.segment;
        EXPECT_EQ(d.source, s.source);
        EXPECT_EQ(d.destination, s.destination);
        EXPECT_EQ(d.sequence, s.sequence);
        EXPECT_EQ(d.acknowledgment, s.acknowledgment);
        EXPECT_EQ(d.payload_length, s.payload_length);
        EXPECT_EQ(d.window, s.window);
        EXPECT_EQ(d.ip_id, s.ip_id);
        EXPECT_EQ(d.flags, s.flags);
        EXPECT_EQ(d.ttl, s.ttl);
        EXPECT_EQ(d.options.has_mss, s.options.has_mss);
        EXPECT_EQ(d.options.mss, s.options.mss);
        EXPECT_EQ(d.options.has_sack_permitted, s.options.has_sack_permitted);
        EXPECT_EQ(d.options.has_window_scale, s.options.has_window_scale);
        EXPECT_EQ(d.options.window_scale, s.options.window_scale);
        EXPECT_EQ(d.options.has_timestamps, s.options.has_timestamps);
        EXPECT_EQ(d.options.ts_value, s.options.ts_value);
        EXPECT_EQ(d.options.ts_echo, s.options.ts_echo);
        const auto sums = core::verify_checksums(decoded, bytes, length);
        EXPECT_EQ(sums.ip, core::Checksum::ok);
        EXPECT_EQ(sums.tcp, core::Checksum::ok);
        if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace synwhy
