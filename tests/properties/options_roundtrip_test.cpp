// Properties of the option parser: whatever is written is read, the fast paths agree with the list, nothing is read
// past the captured bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "../unit/capture_bytes.hpp"
#include "core/tcp_options.hpp"

namespace synwhy::core {
namespace {

using test::Bytes;
using test::operator+;

constexpr unsigned kRounds = 20000;
constexpr std::size_t kMaxOptionBytes = 40;

bool same(const TcpOptions& a, const TcpOptions& b) {
    return a.ts_value == b.ts_value && a.ts_echo == b.ts_echo && a.mss == b.mss && a.window_scale == b.window_scale &&
           a.has_timestamps == b.has_timestamps && a.has_mss == b.has_mss && a.has_window_scale == b.has_window_scale &&
           a.has_sack_permitted == b.has_sack_permitted && a.has_fast_open == b.has_fast_open &&
           a.has_md5 == b.has_md5 && a.has_ao == b.has_ao && a.malformed == b.malformed &&
           a.cut_by_snaplen == b.cut_by_snaplen;
}

struct Written {
    Bytes bytes{};
    TcpOptions expected{};
};

/// A well-formed list of distinct options in random order with random NOPs, as many as fit.
Written random_list(std::mt19937& random) {
    Written list;
    std::array kinds = {2, 3, 4, 8, 19, 34, 77};
    std::ranges::shuffle(kinds, random);
    for (const int kind : kinds) {
        Bytes one;
        for (auto nops = random() % 3; nops > 0; --nops) {
            one.push_back(1);
        }
        const auto value = static_cast<std::uint32_t>(random());
        TcpOptions next = list.expected;
        switch (kind) {
            case 2:
                one = one + Bytes{2, 4} + test::be16(value & 0xffffU);
                next.has_mss = true;
                next.mss = value & 0xffffU;
                break;
            case 3:
                one = one + Bytes{3, 3, 7};
                next.has_window_scale = true;
                next.window_scale = 7;
                break;
            case 4:
                one = one + Bytes{4, 2};
                next.has_sack_permitted = true;
                break;
            case 8:
                one = one + Bytes{8, 10} + test::be32(value) + test::be32(~value);
                next.has_timestamps = true;
                next.ts_value = value;
                next.ts_echo = ~value;
                break;
            case 19:
                one = one + Bytes{19, 18} + test::zeros(16);
                next.has_md5 = true;
                break;
            case 34:
                one = one + Bytes{34, 2};
                next.has_fast_open = true;
                break;
            default: one = one + Bytes{77, 5, 8, 10, 2}; break;  // unknown: its value is not looked into
        }
        if (random() % 3 != 0 && list.bytes.size() + one.size() <= kMaxOptionBytes) {
            list.bytes = std::move(list.bytes) + one;
            list.expected = next;
        }
    }
    return list;
}

TEST(options_roundtrip, what_is_written_is_read) {
    std::mt19937 random(1);
    for (unsigned round = 0; round < kRounds; ++round) {
        const Written list = random_list(random);
        EXPECT_TRUE(same(parse_tcp_options(list.bytes, list.bytes.size()), list.expected)) << "round " << round;
    }
}

TEST(options_roundtrip, a_nop_in_front_changes_nothing) {
    // The fast paths look at the whole length, so this compares them with the list parser.
    std::mt19937 random(2);
    for (const Bytes& shape : {Bytes{1, 1, 8, 10} + test::zeros(8), test::kLinuxSynOptions}) {
        for (unsigned round = 0; round < kRounds; ++round) {
            Bytes bytes = shape;
            for (auto changes = random() % 4; changes > 0; --changes) {
                bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random() % 12);
            }
            const auto fast = parse_tcp_options(bytes, bytes.size());
            const auto slow = parse_tcp_options(Bytes{1} + bytes, bytes.size() + 1);
            EXPECT_TRUE(same(fast, slow)) << "round " << round;
        }
    }
}

TEST(options_roundtrip, a_cut_list_knows_a_prefix_of_what_the_whole_one_knows) {
    std::mt19937 random(3);
    for (unsigned round = 0; round < kRounds; ++round) {
        const Written list = random_list(random);
        for (std::size_t captured = 0; captured < list.bytes.size(); ++captured) {
            const Bytes head(list.bytes.begin(), list.bytes.begin() + static_cast<std::ptrdiff_t>(captured));
            const auto options = parse_tcp_options(head, list.bytes.size());
            EXPECT_TRUE(options.cut_by_snaplen);
            EXPECT_FALSE(options.malformed);
            EXPECT_LE(options.has_mss, list.expected.has_mss);
            EXPECT_LE(options.has_timestamps, list.expected.has_timestamps);
            if (options.has_timestamps) {
                EXPECT_EQ(options.ts_value, list.expected.ts_value);
            }
        }
    }
}

TEST(options_roundtrip, random_bytes_never_leave_the_list) {
    std::mt19937 random(4);
    for (unsigned round = 0; round < kRounds; ++round) {
        Bytes bytes(random() % (kMaxOptionBytes + 1));  // exactly sized: a sanitizer sees one byte too far
        for (auto& byte : bytes) {
            byte = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : random() % 40);
        }
        const auto declared = bytes.size() + random() % 8;
        const auto options = parse_tcp_options(bytes, declared);
        EXPECT_EQ(options.cut_by_snaplen, bytes.size() < declared);
    }
}

}  // namespace
}  // namespace synwhy::core
