// Addresses as text, and their hash.
#include "core/address.hpp"

#include <gtest/gtest.h>

#include <set>

namespace synwhy::core {
namespace {

std::string canonical(const std::string& text) {
    const auto address = parse_address(text);
    return address ? to_string(*address) : "not an address";
}

TEST(address, writes_what_rfc_5952_asks_for) {
    EXPECT_EQ(canonical("192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(canonical("2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
    EXPECT_EQ(canonical("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");  // 4.2.2: one zero group is not shortened
    EXPECT_EQ(canonical("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1");           // 4.2.3: the longest run
    EXPECT_EQ(canonical("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");     // the first of equals
    EXPECT_EQ(canonical("::"), "::");
    EXPECT_EQ(canonical("::1"), "::1");
    EXPECT_EQ(canonical("1::"), "1::");
    EXPECT_EQ(canonical("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
    EXPECT_EQ(canonical("64:ff9b::192.0.2.33"), "64:ff9b::c000:221");
}

TEST(address, refuses_what_is_none) {
    for (const char* text : {"",
                             "1.2.3",
                             "1.2.3.4.5",
                             "1.2.3.256",
                             "1.2.3.04",
                             "1.2.3.-4",
                             "a.b.c.d",
                             "1.2.3.4 ",
                             ":",
                             ":::",
                             "1:2:3:4:5:6:7",
                             "1:2:3:4:5:6:7:8:9",
                             "1::2::3",
                             "12345::",
                             "g::",
                             "1:",
                             ":1",
                             "1:2:3:4:5:6:7::8",
                             "::1.2.3",
                             "1.2.3.4::",
                             "fe80::1%eth0",
                             "1:2:3:4:5:6:7:1.2.3.4"}) {
        EXPECT_FALSE(parse_address(text)) << text;
    }
}

TEST(address, a_mapped_address_is_ipv6_and_not_the_ipv4_one) {
    const auto mapped = *parse_address("::ffff:192.0.2.1");
    const auto plain = *parse_address("192.0.2.1");
    EXPECT_EQ(mapped.bytes, plain.bytes);
    EXPECT_NE(mapped, plain);
    EXPECT_NE(hash_of(mapped), hash_of(plain));
    EXPECT_EQ(plain.ipv4_value(), 0xc0000201U);
}

TEST(address, endpoints_have_brackets_around_ipv6) {
    EXPECT_EQ(to_string(Endpoint{*parse_address("192.0.2.1"), 80}), "192.0.2.1:80");
    EXPECT_EQ(to_string(Endpoint{*parse_address("2001:db8::1"), 65535}), "[2001:db8::1]:65535");
}

TEST(address, the_hash_spreads_neighbours) {
    // 2^16 neighbouring endpoints in 2^16 slots: a good hash fills about 1 - 1/e of them, whichever bits are used.
    std::set<std::uint64_t> low;
    std::set<std::uint64_t> high;
    for (std::uint32_t i = 0; i < 65536; ++i) {
        const std::array<std::uint8_t, 4> octets{10, 0, static_cast<std::uint8_t>(i >> 8U), 1};
        const auto hash = hash_of(Endpoint{Address::from_ipv4(octets.data()), static_cast<std::uint16_t>(i & 0xffU)});
        low.insert(hash & 0xffffU);
        high.insert(hash >> 48U);
    }
    EXPECT_NEAR(static_cast<double>(low.size()), 41427.0, 600.0);
    EXPECT_NEAR(static_cast<double>(high.size()), 41427.0, 600.0);
}

}  // namespace
}  // namespace synwhy::core
