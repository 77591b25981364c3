// TCP option lists: the usual, the rare, the malformed, the cut.
#include "core/tcp_options.hpp"

#include <gtest/gtest.h>

#include "capture_bytes.hpp"

namespace synwhy::core {
namespace {

using test::Bytes;
using test::operator+;

TcpOptions parse(const Bytes& bytes) { return parse_tcp_options(bytes, bytes.size()); }

TEST(tcp_options, a_linux_syn) {
    const auto options = parse(test::kLinuxSynOptions);
    EXPECT_TRUE(options.has_mss && options.has_sack_permitted && options.has_timestamps && options.has_window_scale);
    EXPECT_EQ(options.mss, 1460);
    EXPECT_EQ(options.ts_value, 123456U);
    EXPECT_EQ(options.ts_echo, 0U);
    EXPECT_EQ(options.window_scale, 7);
    EXPECT_FALSE(options.malformed || options.cut_by_snaplen);
}

TEST(tcp_options, timestamps_of_an_open_connection) {
    const auto options = parse({1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 9});
    EXPECT_TRUE(options.has_timestamps);
    EXPECT_EQ(options.ts_value, 5U);
    EXPECT_EQ(options.ts_echo, 9U);
    EXPECT_FALSE(options.has_mss);
}

TEST(tcp_options, other_orders_mean_the_same) {
    const auto options = parse({3, 3, 2, 8, 10, 0, 0, 0, 5, 0, 0, 0, 9, 2, 4, 2, 0, 4, 2, 1});
    EXPECT_TRUE(options.has_mss && options.has_sack_permitted && options.has_timestamps && options.has_window_scale);
    EXPECT_EQ(options.mss, 512);
    EXPECT_EQ(options.ts_value, 5U);
    EXPECT_EQ(options.window_scale, 2);
}

TEST(tcp_options, signatures_and_fast_open) {
    EXPECT_TRUE(parse(Bytes{19, 18} + test::zeros(16)).has_md5);
    EXPECT_FALSE(parse(Bytes{19, 17} + test::zeros(15)).has_md5);
    EXPECT_TRUE(parse(Bytes{29, 16, 1, 2} + test::zeros(12)).has_ao);
    EXPECT_TRUE(parse({34, 2}).has_fast_open);
    EXPECT_TRUE(parse({254, 4, 0xf9, 0x89}).has_fast_open);
    EXPECT_FALSE(parse({254, 4, 0xf9, 0x88}).has_fast_open);
}

TEST(tcp_options, nothing_is_read_behind_the_end_mark) {
    const auto options = parse({0, 2, 4, 5, 0xb4});
    EXPECT_FALSE(options.has_mss || options.malformed);
}

TEST(tcp_options, a_broken_length_keeps_what_came_before) {
    for (const Bytes& rest : {Bytes{8, 1, 0, 0}, Bytes{8, 0, 0, 0}, Bytes{8, 40, 0, 0}, Bytes{1, 1, 1, 8}}) {
        const auto options = parse(Bytes{2, 4, 5, 0xb4} + rest);
        EXPECT_TRUE(options.malformed);
        EXPECT_TRUE(options.has_mss);
        EXPECT_FALSE(options.has_timestamps);
    }
}

TEST(tcp_options, a_known_kind_with_a_wrong_length_is_skipped) {
    const auto options = parse({2, 3, 5, 8, 10, 0, 0, 0, 5, 0, 0, 0, 9, 1, 1, 1});
    EXPECT_FALSE(options.has_mss || options.malformed);
    EXPECT_TRUE(options.has_timestamps);
}

TEST(tcp_options, what_the_snap_length_cut_is_not_malformed) {
    for (std::size_t captured = 0; captured < 20; ++captured) {
        const auto options = parse_tcp_options(std::span(test::kLinuxSynOptions).first(captured), 20);
        EXPECT_TRUE(options.cut_by_snaplen) << captured;
        EXPECT_FALSE(options.malformed) << captured;
        EXPECT_EQ(options.has_mss, captured >= 4) << captured;
        EXPECT_EQ(options.has_timestamps, captured >= 16) << captured;
        EXPECT_FALSE(options.has_window_scale) << captured;
    }
}

}  // namespace
}  // namespace synwhy::core
