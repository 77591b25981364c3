// One frame in, one segment out: every link type, every header that can stand in between, every way to be broken.
#include "core/packet.hpp"

#include <gtest/gtest.h>

#include "capture_bytes.hpp"

namespace synwhy::core {
namespace {

using test::Bytes;
using test::operator+;

Decoded decode_all(LinkType link, const Bytes& frame) {
    return decode(link, frame, static_cast<std::uint32_t>(frame.size()));
}

/// The frame holds the usual SYN over IPv4 or IPv6.
void expect_the_syn(const Decoded& decoded, const std::string& story) {
    SCOPED_TRACE(story);
    ASSERT_EQ(decoded.kind, FrameKind::tcp);
    const Segment& segment = decoded.segment;
    const bool ipv6 = segment.source.address.family == Family::ipv6;
    EXPECT_EQ(to_string(segment.source), ipv6 ? "[2001:db8::7]:40001" : "198.51.100.7:40001");
    EXPECT_EQ(to_string(segment.destination), ipv6 ? "[2001:db8::1]:80" : "10.0.0.1:80");
    EXPECT_TRUE(segment.is_syn());
    EXPECT_EQ(segment.sequence, 0x01020304U);
    EXPECT_EQ(segment.acknowledgment, 0x0a0b0c0dU);
    EXPECT_EQ(segment.window, 64240);
    EXPECT_EQ(segment.payload_length, 0U);
    EXPECT_EQ(segment.ttl, ipv6 ? 61 : 63);
    EXPECT_EQ(segment.ip_id, ipv6 ? 0 : 0xbeef);
    EXPECT_EQ(segment.options.ts_value, 123456U);
    EXPECT_FALSE(decoded.ip_header_bad);
}

TEST(packet, every_link_type_carries_both_families) {
    const Bytes v4 = test::ipv4(test::tcp());
    const Bytes v6 = test::ipv6(test::tcp());
    const Bytes cooked = test::be16(0) + test::be16(1) + test::be16(6) + test::zeros(8);
    const Bytes cooked2_tail = test::be16(0) + test::be32(2) + test::be16(1) + Bytes{0, 6} + test::zeros(8);
    struct Row {
        LinkType link;
        Bytes v4_head;
        Bytes v6_head;
        const char* story;
    };
    const std::vector<Row> rows = {
        {LinkType::ethernet, test::ethernet(0x0800, {}), test::ethernet(0x86dd, {}), "ethernet"},
        {LinkType::raw, {}, {}, "raw"},
        {LinkType::raw_bsd, {}, {}, "raw 12"},
        {LinkType::raw_openbsd, {}, {}, "raw 14"},
        {LinkType::linux_sll, cooked + test::be16(0x0800), cooked + test::be16(0x86dd), "cooked"},
        {LinkType::linux_sll2, test::be16(0x0800) + cooked2_tail, test::be16(0x86dd) + cooked2_tail, "cooked v2"},
        {LinkType::null_loopback, {2, 0, 0, 0}, {30, 0, 0, 0}, "loopback, little endian, macOS"},
        {LinkType::null_loopback, {0, 0, 0, 2}, {0, 0, 0, 28}, "loopback, big endian, FreeBSD"},
        {LinkType::null_loopback, {2, 0, 0, 0}, {10, 0, 0, 0}, "loopback, Linux"},
        {LinkType::loop, {0, 0, 0, 2}, {0, 0, 0, 24}, "OpenBSD loopback"},
        {LinkType::ppp, {0xff, 3, 0, 0x21}, {0xff, 3, 0, 0x57}, "PPP"},
        {LinkType::ppp, {0, 0x21}, {0, 0x57}, "PPP, address compressed"},
        {LinkType::ppp, {0x21}, {0x57}, "PPP, protocol compressed"},
        {LinkType::ppp_hdlc, {0xff, 3, 0, 0x21}, {0xff, 3, 0, 0x57}, "PPP in HDLC"},
        {LinkType::ppp_hdlc, {0x0f, 0, 8, 0}, {0x0f, 0, 0x86, 0xdd}, "Cisco HDLC"},
        {LinkType::ppp_ether, {0x11, 0, 0, 1, 0, 62, 0, 0x21}, {0x11, 0, 0, 1, 0, 82, 0, 0x57}, "PPPoE"},
        {LinkType::ethernet, test::ethernet(0x8864, {0x11, 0, 0, 1, 0, 62, 0, 0x21}),
         test::ethernet(0x8864, {0x11, 0, 0, 1, 0, 82, 0, 0x57}), "PPPoE in ethernet"},
        {LinkType::ethernet, test::ethernet(48, {0xaa, 0xaa, 3, 0, 0, 0, 8, 0}),
         test::ethernet(68, {0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd}), "802.3 with SNAP"},
    };
    for (const Row& row : rows) {
        expect_the_syn(decode_all(row.link, row.v4_head + v4), std::string(row.story) + ", IPv4");
        expect_the_syn(decode_all(row.link, row.v6_head + v6), std::string(row.story) + ", IPv6");
    }
    expect_the_syn(decode_all(LinkType::ipv4, v4), "ipv4");
    expect_the_syn(decode_all(LinkType::ipv6, v6), "ipv6");
}

TEST(packet, vlan_tags_are_walked_and_the_innermost_kept) {
    const Bytes inner = test::be16(0x0800) + test::ipv4(test::tcp());
    const Bytes tag = test::be16(0x6078) + inner;  // priority 3, VLAN 120
    const auto one = decode_all(LinkType::ethernet, test::ethernet(0x8100, tag));
    expect_the_syn(one, "one tag");
    EXPECT_EQ(one.segment.vlan, 120);
    EXPECT_EQ(one.ip_offset, 18);
    EXPECT_EQ(one.tcp_offset, 38);
    for (const unsigned outer : {0x88a8U, 0x9100U, 0x8100U}) {
        const auto two =
            decode_all(LinkType::ethernet, test::ethernet(outer, test::be16(7) + test::be16(0x8100) + tag));
        expect_the_syn(two, "two tags");
        EXPECT_EQ(two.segment.vlan, 120);
    }
    Bytes five = tag;
    for (int i = 0; i < 4; ++i) {
        five = test::be16(7) + test::be16(0x8100) + five;
    }
    EXPECT_EQ(decode_all(LinkType::ethernet, test::ethernet(0x8100, five)).kind, FrameKind::other);
}

TEST(packet, the_link_layer_says_who_it_was_for) {
    const Bytes ip = test::ipv4(test::tcp());
    const auto unicast = decode_all(LinkType::ethernet, test::ethernet(0x0800, ip));
    EXPECT_EQ(unicast.segment.direction, LinkDirection::unknown);
    EXPECT_TRUE(unicast.segment.has_mac);
    EXPECT_EQ(unicast.segment.mac_destination, (std::array<std::uint8_t, 6>{2, 0, 0, 0, 0, 1}));
    const auto broadcast = decode_all(LinkType::ethernet, test::ethernet(0x0800, ip, Bytes(6, 0xff)));
    EXPECT_EQ(broadcast.segment.direction, LinkDirection::broadcast);
    const auto multicast = decode_all(LinkType::ethernet, test::ethernet(0x0800, ip, {1, 0, 0x5e, 0, 0, 1}));
    EXPECT_EQ(multicast.segment.direction, LinkDirection::broadcast);
    constexpr std::array kMeanings = {LinkDirection::to_host,    LinkDirection::broadcast, LinkDirection::broadcast,
                                      LinkDirection::other_host, LinkDirection::from_host, LinkDirection::unknown};
    for (unsigned type = 0; type < kMeanings.size(); ++type) {
        const auto cooked =
            decode_all(LinkType::linux_sll, test::be16(type) + test::zeros(12) + test::be16(0x0800) + ip);
        EXPECT_EQ(cooked.segment.direction, kMeanings[type]) << type;
        EXPECT_FALSE(cooked.segment.has_mac);
    }
}

TEST(packet, lengths_come_from_ip_not_from_padding_or_capture) {
    auto frame = test::ethernet(0x0800, test::ipv4(test::tcp({.options = {}, .payload = {}, .flags = 0x10})));
    frame.resize(60);
    EXPECT_EQ(decode_all(LinkType::ethernet, frame).segment.payload_length, 0U);
    EXPECT_FALSE(decode_all(LinkType::ethernet, frame).ip_header_bad);
    // 1000 payload bytes, 54 bytes captured
    const auto data = test::ethernet(0x0800, test::ipv4(test::tcp({.options = {}, .payload = test::zeros(1000)})));
    const auto cut = decode(LinkType::ethernet, std::span(data).first(54), static_cast<std::uint32_t>(data.size()));
    EXPECT_EQ(cut.kind, FrameKind::tcp);
    EXPECT_EQ(cut.segment.payload_length, 1000U);
    // segmentation offload: total length zero
    auto offload = data;
    test::put_be16(offload, 16, 0);
    const auto zero = decode_all(LinkType::ethernet, offload);
    EXPECT_EQ(zero.kind, FrameKind::tcp);
    EXPECT_FALSE(zero.ip_header_bad);
    EXPECT_EQ(zero.segment.payload_length, 1000U);
}

TEST(packet, snaplen_54_keeps_the_segment_and_says_that_options_are_missing) {
    const auto frame = test::syn_frame();
    const auto decoded =
        decode(LinkType::ethernet, std::span(frame).first(54), static_cast<std::uint32_t>(frame.size()));
    EXPECT_EQ(decoded.kind, FrameKind::tcp);
    EXPECT_TRUE(decoded.segment.is_syn());
    EXPECT_TRUE(decoded.segment.options.cut_by_snaplen);
    EXPECT_FALSE(decoded.segment.options.has_timestamps);
}

TEST(packet, every_cut_of_a_frame_is_named_after_the_layer_it_ends_in) {
    const auto frame = test::syn_frame();
    for (std::size_t length = 0; length <= frame.size(); ++length) {
        const Bytes head(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));  // exact size, for ASan
        const auto kind = decode(LinkType::ethernet, head, static_cast<std::uint32_t>(frame.size())).kind;
        const auto expected = length < 35 ? FrameKind::cut : length < 54 ? FrameKind::tcp_cut : FrameKind::tcp;
        EXPECT_EQ(kind, expected) << length << " of " << frame.size() << " bytes";
    }
}

TEST(packet, ip_options_and_extension_headers_are_skipped) {
    expect_the_syn(decode_all(LinkType::raw, test::ipv4(test::tcp(), 6, 0, {1, 1, 1, 1, 7, 3, 4, 0})), "IPv4 options");
    const Bytes hop{43, 0, 5, 2, 0, 0, 0, 0};
    const Bytes routing{60, 0, 4, 0, 0, 0, 0, 0};
    const Bytes destination = Bytes{51, 1, 1, 12} + test::zeros(12);
    const Bytes authentication = Bytes{6, 4, 0, 0} + test::zeros(20);
    expect_the_syn(decode_all(LinkType::raw, test::ipv6(hop + routing + destination + authentication + test::tcp(), 0)),
                   "four extension headers");
    Bytes endless;
    for (int i = 0; i < 20; ++i) {
        endless = endless + Bytes{60, 0, 1, 4, 0, 0, 0, 0};
    }
    EXPECT_EQ(decode_all(LinkType::raw, test::ipv6(endless + test::tcp(), 60)).kind, FrameKind::other);
    EXPECT_TRUE(decode_all(LinkType::raw, test::ipv6(Bytes{6, 200, 1, 4, 0, 0, 0, 0} + test::tcp(), 60)).ip_header_bad);
}

TEST(packet, a_bad_ip_header_still_names_the_segment) {
    const auto good = test::ipv4(test::tcp());
    const auto spoil = [&good](std::size_t at, std::uint8_t value) {
        auto bytes = good;
        bytes.at(at) = value;
        return decode_all(LinkType::ipv4, bytes);
    };
    for (const auto& decoded : {spoil(0, 0x55), spoil(0, 0x44), spoil(0, 0x40), spoil(3, 19), spoil(3, 200)}) {
        EXPECT_TRUE(decoded.ip_header_bad);
        ASSERT_EQ(decoded.kind, FrameKind::tcp);
        EXPECT_EQ(to_string(decoded.segment.destination), "10.0.0.1:80");
    }
    EXPECT_FALSE(spoil(8, 1).ip_header_bad);  // a TTL of one is nothing bad at its destination
}

TEST(packet, a_bad_tcp_header_is_malformed_and_keeps_the_ports) {
    auto segment = test::tcp();
    segment[12] = 0x40;
    auto decoded = decode_all(LinkType::raw, test::ipv4(segment));
    EXPECT_EQ(decoded.kind, FrameKind::tcp_malformed);
    EXPECT_EQ(decoded.segment.destination.port, 80);
    segment[12] = 0xf0;  // 60 bytes of header in 40
    decoded = decode_all(LinkType::raw, test::ipv4(segment));
    EXPECT_EQ(decoded.kind, FrameKind::tcp_malformed);
    decoded = decode_all(LinkType::raw, test::ipv4(Bytes(segment.begin(), segment.begin() + 10)));
    EXPECT_EQ(decoded.kind, FrameKind::tcp_malformed);
    EXPECT_EQ(decoded.segment.source.port, 40001);
}

TEST(packet, fragments_are_recognised) {
    EXPECT_EQ(decode_all(LinkType::raw, test::ipv4(test::tcp(), 6, 0x0002)).kind, FrameKind::fragment);
    const auto first = decode_all(LinkType::raw, test::ipv4(test::tcp(), 6, 0x2000));
    expect_the_syn(first, "first fragment with all of the header");
    EXPECT_TRUE(first.first_fragment);
    EXPECT_EQ(decode_all(LinkType::raw, test::ipv4({0, 80, 0, 81, 0, 0, 0, 1}, 6, 0x2000)).kind, FrameKind::fragment);
    EXPECT_EQ(decode_all(LinkType::raw, test::ipv4(test::zeros(16), 17, 0x0002)).kind, FrameKind::other);
    const auto v6 = [](unsigned field) {
        return test::ipv6(Bytes{6, 0} + test::be16(field) + test::be32(9) + test::tcp(), 44);
    };
    EXPECT_EQ(decode_all(LinkType::raw, v6(0x0008)).kind, FrameKind::fragment);
    EXPECT_TRUE(decode_all(LinkType::raw, v6(0x0001)).first_fragment);
    EXPECT_FALSE(decode_all(LinkType::raw, v6(0x0000)).first_fragment);  // an "atomic" fragment, RFC 6946
}

TEST(packet, icmp_errors_name_the_quoted_segment) {
    const auto quote = test::ipv4(test::tcp());
    const Bytes eight(quote.begin(), quote.begin() + 28);  // what RFC 792 guarantees
    for (const std::uint8_t type : Bytes{3, 4, 5, 11, 12}) {
        const auto decoded = decode_all(LinkType::raw, test::ipv4(Bytes{type, 13} + test::zeros(6) + eight, 1));
        ASSERT_EQ(decoded.kind, FrameKind::icmp_error) << int{type};
        EXPECT_EQ(decoded.icmp_type, type);
        EXPECT_EQ(decoded.icmp_code, 13);
        EXPECT_EQ(to_string(decoded.icmp_sender), "198.51.100.7");
        EXPECT_EQ(to_string(decoded.segment.source), "198.51.100.7:40001");
        EXPECT_EQ(to_string(decoded.segment.destination), "10.0.0.1:80");
        EXPECT_EQ(decoded.segment.sequence, 0x01020304U);
    }
    const auto v6 = decode_all(LinkType::raw, test::ipv6(Bytes{1, 4} + test::zeros(6) + test::ipv6(test::tcp()), 58));
    ASSERT_EQ(v6.kind, FrameKind::icmp_error);
    EXPECT_EQ(to_string(v6.segment.destination), "[2001:db8::1]:80");
    EXPECT_EQ(to_string(v6.icmp_sender), "2001:db8::7");
    EXPECT_EQ(decode_all(LinkType::raw, test::ipv4(Bytes{8, 0} + test::zeros(40), 1)).kind, FrameKind::other);  // ping
    const auto udp = test::ipv4(test::zeros(8), 17);
    EXPECT_EQ(decode_all(LinkType::raw, test::ipv4(Bytes{3, 3} + test::zeros(6) + udp, 1)).kind, FrameKind::other);
}

TEST(packet, arp_shows_who_asks_for_whom) {
    const Bytes body = test::be16(1) + test::be16(0x0800) + Bytes{6, 4} + test::be16(1) + test::zeros(6) +
                       test::kServer4 + test::zeros(6) + test::kClient4;
    const auto request = decode_all(LinkType::ethernet, test::ethernet(0x0806, body, Bytes(6, 0xff)));
    ASSERT_EQ(request.kind, FrameKind::arp);
    EXPECT_TRUE(request.arp_request);
    EXPECT_EQ(to_string(request.arp_sender), "10.0.0.1");
    EXPECT_EQ(to_string(request.arp_target), "198.51.100.7");
    auto reply = body;
    reply[7] = 2;
    EXPECT_FALSE(decode_all(LinkType::ethernet, test::ethernet(0x0806, reply)).arp_request);
}

TEST(packet, other_things_are_other) {
    EXPECT_EQ(decode_all(LinkType::raw, test::ipv4(test::zeros(20), 17)).kind, FrameKind::other);
    EXPECT_EQ(decode_all(LinkType::ethernet, test::ethernet(0x88cc, test::zeros(40))).kind, FrameKind::other);
    EXPECT_EQ(decode_all(LinkType{147}, test::syn_frame()).kind, FrameKind::unsupported_link);
}

Checksums verify(LinkType link, const Bytes& frame, std::uint32_t wire = 0) {
    wire = wire == 0 ? static_cast<std::uint32_t>(frame.size()) : wire;
    return verify_checksums(decode(link, frame, wire), frame, wire);
}

TEST(packet, checksums_are_verified) {
    const auto frame = test::syn_frame({.payload = test::text("odd")});
    EXPECT_EQ(verify(LinkType::ethernet, frame).ip, Checksum::ok);
    EXPECT_EQ(verify(LinkType::ethernet, frame).tcp, Checksum::ok);
    for (std::size_t at = 26; at < frame.size(); ++at) {
        auto bad = frame;
        bad[at] ^= 0x10U;
        if (at == 46) {
            continue;  // the data offset: then it is another header altogether
        }
        EXPECT_EQ(verify(LinkType::ethernet, bad).tcp, Checksum::bad) << at;
        EXPECT_EQ(verify(LinkType::ethernet, bad).ip, at < 34 ? Checksum::bad : Checksum::ok) << at;
    }
    const auto v6 = test::ipv6(test::with_tcp_checksum(test::tcp(), test::kClient6, test::kServer6));
    EXPECT_EQ(verify(LinkType::raw, v6).ip, Checksum::ok);
    EXPECT_EQ(verify(LinkType::raw, v6).tcp, Checksum::ok);
    EXPECT_EQ(verify(LinkType::raw, test::ipv6(test::tcp())).tcp, Checksum::bad);
}

TEST(packet, checksums_that_cannot_be_verified_are_not_called_bad) {
    const auto frame = test::syn_frame();
    const Bytes head(frame.begin(), frame.begin() + 60);
    EXPECT_EQ(verify(LinkType::ethernet, head, 74).ip, Checksum::ok);
    EXPECT_EQ(verify(LinkType::ethernet, head, 74).tcp, Checksum::unverifiable);
    EXPECT_EQ(verify(LinkType::raw, test::ipv4(test::tcp(), 6, 0x2000)).tcp, Checksum::unverifiable);
    // A routing header with segments left: the pseudo header holds an address that is not in the IP header yet.
    const auto routed = test::ipv6(Bytes{6, 2, 4, 1} + test::zeros(20) + test::tcp(), 43);
    EXPECT_EQ(verify(LinkType::raw, routed).tcp, Checksum::unverifiable);
}

}  // namespace
}  // namespace synwhy::core
