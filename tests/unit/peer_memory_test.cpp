// When does a stamp of a peer's clock replace the one before? The rule of tcp_v4_remember_stamp and tcp_remember_stamp,
// as measured on 2.6.32 to 4.9: newer timestamps win at once, any one after 60 s.
#include "model/peer_memory.hpp"

#include <gtest/gtest.h>

namespace synwhy::model {
namespace {

const core::Address kPeer = core::parse_address("198.51.100.7").value();
constexpr std::int64_t kThen = 1'700'000'000;

/// What is stored after `first` at second 0 and `second` some seconds later, judged at that later second.
std::uint32_t stored_after(std::uint32_t first, std::uint32_t second, std::int64_t seconds_later) {
    PeerMemory memory;
    memory.remember(kPeer, {first, kThen, 1}, kThen);
    memory.remember(kPeer, {second, kThen + seconds_later, 2}, kThen + seconds_later);
    return memory.find(kPeer).value().ts;
}

TEST(peer_memory, a_newer_timestamp_replaces_the_older_one) {
    EXPECT_EQ(stored_after(1000, 1001, 0), 1001U);
    EXPECT_EQ(stored_after(1000, 999, 0), 1000U);
}

TEST(peer_memory, an_equal_timestamp_renews_the_moment) {
    PeerMemory memory;
    memory.remember(kPeer, {1000, kThen, 1}, kThen);
    memory.remember(kPeer, {1000, kThen + 30, 2}, kThen + 30);
    EXPECT_EQ(memory.find(kPeer)->second, kThen + 30);
    EXPECT_EQ(memory.find(kPeer)->writer, 2U);
}

TEST(peer_memory, after_more_than_sixty_seconds_an_older_one_replaces_it) {
    EXPECT_EQ(stored_after(1000, 5, kStampLifeS - 1), 1000U);
    EXPECT_EQ(stored_after(1000, 5, kStampLifeS), 1000U) << "60 s are not more than 60 s";
    EXPECT_EQ(stored_after(1000, 5, kStampLifeS + 1), 5U);
}

TEST(peer_memory, newer_is_the_sign_of_a_32_bit_difference) {
    EXPECT_EQ(stored_after(0xffff'fff0U, 0x10, 0), 0x10U) << "wrapped, newer";
    EXPECT_EQ(stored_after(0x10, 0xffff'fff0U, 0), 0x10U) << "wrapped, older";
    EXPECT_EQ(stored_after(0, 0x7fff'ffffU, 0), 0x7fff'ffffU) << "2^31 - 1 ahead";
    EXPECT_EQ(stored_after(0, 0x8000'0001U, 0), 0U) << "2^31 + 1 ahead is behind";
    EXPECT_EQ(stored_after(0, 0x8000'0000U, 0), 0x8000'0000U) << "exactly 2^31: the kernel's sign says newer";
}

TEST(peer_memory, a_moment_from_before_the_stored_one_never_replaces_by_age) {
    PeerMemory memory;
    memory.remember(kPeer, {1000, kThen, 1}, kThen);
    memory.remember(kPeer, {5, kThen - 1, 2}, kThen + 100);
    EXPECT_EQ(memory.find(kPeer)->ts, 1000U);
}

TEST(peer_memory, peers_are_apart) {
    PeerMemory memory;
    memory.remember(kPeer, {1000, kThen, 1}, kThen);
    EXPECT_FALSE(memory.find(core::parse_address("198.51.100.8").value()));
    EXPECT_FALSE(memory.find(core::parse_address("::ffff:198.51.100.7").value())) << "mapped on the wire is IPv6";
}

TEST(peer_memory, at_the_limit_new_peers_are_forgotten_and_counted) {
    PeerMemory memory(1);
    const core::Address other = core::parse_address("198.51.100.8").value();
    memory.remember(kPeer, {1000, kThen, 1}, kThen);
    memory.remember(other, {7, kThen, 2}, kThen);
    EXPECT_EQ(memory.forgotten(), 1U);
    EXPECT_FALSE(memory.find(other));
    memory.remember(kPeer, {1001, kThen, 3}, kThen);
    EXPECT_EQ(memory.find(kPeer)->ts, 1001U) << "a known peer is still kept up to date";
}

}  // namespace
}  // namespace synwhy::model
