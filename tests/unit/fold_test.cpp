// One record per 4-tuple and client ISN, whatever happens on the wire: which packets belong together, what is counted
// once, what is forgotten at the limit.
#include "capture/fold.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "story.hpp"

namespace synwhy::capture {
namespace {

using test::endpoint;
using test::moment;
using test::Side;
using test::Story;
using test::Talk;
using testing::SizeIs;

/// The record of a talk, nullptr when the fold has none.
const Handshake* record_of(const Fold& fold, const Talk& talk) {
    for (const Handshake& handshake : fold.handshakes()) {
        if (handshake.tuple == talk.tuple() && handshake.isn_known && handshake.isn == talk.isn()) return &handshake;
    }
    return nullptr;
}

std::size_t replies_of_kind(const Handshake& handshake, ReplyKind kind) {
    return static_cast<std::size_t>(std::count_if(handshake.replies.begin(), handshake.replies.end(),
                                                  [&](const Reply& reply) { return reply.kind == kind; }));
}

TEST(fold, a_served_connection_is_one_record) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    talk.clock(500).served().closed_by(Side::server);
    SCOPED_TRACE(story);
    const Fold fold = story.fold();
    ASSERT_THAT(fold.handshakes(), SizeIs(1));
    const Handshake& handshake = fold.handshakes()[0];
    EXPECT_EQ(handshake.tuple, talk.tuple());
    EXPECT_EQ(handshake.isn, 1000U);
    EXPECT_EQ(handshake.server_isn, 5'000'000U);
    EXPECT_THAT(handshake.syns, SizeIs(1));
    EXPECT_EQ(handshake.first_ns, moment(0));
    EXPECT_EQ(handshake.final_ack_ns, moment(0.002));
    EXPECT_EQ(handshake.final_ack, 5'000'001U);
    EXPECT_EQ(handshake.client_data_ns, moment(0.003));
    EXPECT_EQ(handshake.server_data_ns, moment(0.004));
    EXPECT_TRUE(handshake.server_closed_first());
    EXPECT_TRUE(handshake.server_fin_acked());
    EXPECT_TRUE(handshake.client_fin_acked());
    EXPECT_EQ(handshake.client_next, talk.client_next());
    EXPECT_EQ(handshake.server_next, talk.server_next());
    EXPECT_THAT(handshake.replies, SizeIs(1)) << "ordinary ACKs of a connection are no replies to its SYN";
}

TEST(fold, retransmitted_syns_are_copies_of_one_handshake) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    talk.clock(100).syn().at(1).clock(1100).syn().at(3).clock(3100).syn().synack();
    SCOPED_TRACE(story);
    const Fold fold = story.fold();
    ASSERT_THAT(fold.handshakes(), SizeIs(1));
    const Handshake& handshake = fold.handshakes()[0];
    ASSERT_THAT(handshake.syns, SizeIs(3));
    EXPECT_EQ(handshake.syns[2].time_ns, moment(3));
    EXPECT_EQ(handshake.syns[2].ts_value, 3100U);
    EXPECT_EQ(fold.counts().syns, 3U);
    EXPECT_TRUE(handshake.has_synack());
    EXPECT_FALSE(handshake.client_established());
}

TEST(fold, another_isn_on_the_tuple_is_another_handshake) {
    Story story;
    Talk first(story, "192.0.2.1", 40000, 1000);
    first.syn().refuse();
    Talk second(story, "192.0.2.1", 40000, 900'000'000);
    second.at(1).syn().synack();
    SCOPED_TRACE(story);
    const Fold fold = story.fold();
    ASSERT_THAT(fold.handshakes(), SizeIs(2));
    EXPECT_EQ(fold.handshakes()[0].isn, 1000U);
    EXPECT_EQ(fold.handshakes()[1].isn, 900'000'000U);
    EXPECT_EQ(fold.handshakes()[1].previous, 0U);
    EXPECT_EQ(replies_of_kind(fold.handshakes()[0], ReplyKind::rst), 1U);
    EXPECT_TRUE(fold.handshakes()[1].has_synack());
}

TEST(fold, a_late_copy_finds_its_handshake_behind_a_newer_one) {
    Story story;
    Talk first(story, "192.0.2.1", 40000, 1000);
    first.syn();
    Talk second(story, "192.0.2.1", 40000, 900'000'000);
    second.at(0.5).syn();
    first.at(1).syn();
    SCOPED_TRACE(story);
    const Fold fold = story.fold();
    ASSERT_THAT(fold.handshakes(), SizeIs(2));
    EXPECT_THAT(fold.handshakes()[0].syns, SizeIs(2));
    EXPECT_THAT(fold.handshakes()[1].syns, SizeIs(1));
}

TEST(fold, copies_out_of_order_are_sorted) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    talk.syn().at(1).syn();
    Fold fold;  // one file may step backwards, so the order of adding is not the order of time
    for (const std::size_t i : {1U, 0U}) fold.add(story.steps()[i].packet, story.steps()[i].decoded);
    fold.finish();
    SCOPED_TRACE(story);
    ASSERT_THAT(fold.handshakes(), SizeIs(1));
    ASSERT_THAT(fold.handshakes()[0].syns, SizeIs(2));
    EXPECT_EQ(fold.handshakes()[0].syns[0].time_ns, moment(0));
    EXPECT_EQ(fold.handshakes()[0].first_ns, moment(0));
}

TEST(fold, a_synack_without_its_syn_names_the_isn) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    talk.synack().ack();
    SCOPED_TRACE(story);
    const Fold fold = story.fold();
    ASSERT_THAT(fold.handshakes(), SizeIs(1));
    const Handshake& handshake = fold.handshakes()[0];
    EXPECT_EQ(handshake.tuple, talk.tuple());
    EXPECT_TRUE(handshake.isn_known);
    EXPECT_EQ(handshake.isn, 1000U);
    EXPECT_THAT(handshake.syns, SizeIs(0));
    EXPECT_FALSE(handshake.midstream);
    EXPECT_EQ(fold.counts().syns, 0U);
}

TEST(fold, a_connection_that_began_earlier_is_remembered_with_its_close) {
    Story story;
    Talk old(story, "192.0.2.1", 40000, 1000);
    old.clock(500).data(10).server_data(10).closed_by(Side::server);
    SCOPED_TRACE(story);
    const Fold fold = story.fold();
    ASSERT_THAT(fold.handshakes(), SizeIs(1));
    const Handshake& handshake = fold.handshakes()[0];
    EXPECT_EQ(handshake.tuple, old.tuple()) << "the lower port is the server's";
    EXPECT_TRUE(handshake.midstream);
    EXPECT_FALSE(handshake.isn_known);
    EXPECT_TRUE(handshake.server_closed_first());
    EXPECT_EQ(handshake.client_fin.ts_value, 500U);
}

TEST(fold, a_known_listener_decides_who_is_the_client) {
    Story story;
    const core::Endpoint high = endpoint("10.0.0.1", 50000);
    Talk opener(story, "192.0.2.9", 1234, 77, high);
    opener.syn().synack();
    Talk old(story, "192.0.2.1", 4000, 1000, high);
    old.server_data(10);
    SCOPED_TRACE(story);
    const Fold fold = story.fold();
    ASSERT_THAT(fold.handshakes(), SizeIs(2));
    EXPECT_EQ(fold.handshakes()[1].tuple, old.tuple());
}

TEST(fold, a_mirrored_packet_counts_once) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    talk.clock(100).syn();
    story.sighted_again(0.00005);
    talk.synack();
    story.sighted_again(0.00005);
    SCOPED_TRACE(story);
    const Fold fold = story.fold();
    ASSERT_THAT(fold.handshakes(), SizeIs(1));
    ASSERT_THAT(fold.handshakes()[0].syns, SizeIs(1));
    EXPECT_EQ(fold.handshakes()[0].syns[0].sightings, 2U);
    EXPECT_THAT(fold.handshakes()[0].replies, SizeIs(1));
    EXPECT_EQ(fold.counts().syns, 1U);
    EXPECT_EQ(fold.counts().duplicate_packets, 2U);
}

TEST(fold, both_ends_of_a_link_see_one_packet) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    talk.clock(100).syn();
    story.in_file(1).sighted_again(0.15);
    talk.at(0.151).synack();
    story.in_file(0).sighted_again(0.15);
    SCOPED_TRACE(story);
    const Fold fold = story.fold();
    ASSERT_THAT(fold.handshakes(), SizeIs(1));
    ASSERT_THAT(fold.handshakes()[0].syns, SizeIs(1));
    EXPECT_EQ(fold.handshakes()[0].syns[0].sightings, 2U);
    EXPECT_THAT(fold.handshakes()[0].replies, SizeIs(1));
    EXPECT_EQ(fold.counts().syns, 1U);
    EXPECT_EQ(fold.counts().duplicate_packets, 2U);
}

TEST(fold, a_real_retransmission_is_no_duplicate) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    talk.clock(100).syn().at(0.2).syn();  // the same TSval, but an IP id of its own
    SCOPED_TRACE(story);
    EXPECT_EQ(story.fold().counts().syns, 2U);
    EXPECT_EQ(story.fold().counts().duplicate_packets, 0U);
}

TEST(fold, icmp_answers_only_the_syn_it_quotes) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    talk.syn().unreachable(13);
    Talk other(story, "192.0.2.2", 40000, 1000);
    other.syn();
    Talk(story, "192.0.2.2", 40000, 999).unreachable(3);  // quotes another segment of the tuple
    SCOPED_TRACE(story);
    const Fold fold = story.fold();
    const Handshake* quoted = record_of(fold, talk);
    ASSERT_NE(quoted, nullptr);
    ASSERT_EQ(replies_of_kind(*quoted, ReplyKind::icmp), 1U);
    EXPECT_EQ(quoted->replies[0].icmp_code, 13U);
    EXPECT_THAT(record_of(fold, other)->replies, SizeIs(0));
}

TEST(fold, arp_is_counted_per_target_up_to_the_limit) {
    Story story;
    story.arp("10.0.0.9", true);
    story.arp("10.0.0.9", true);
    story.arp("10.0.0.9", false);
    story.arp("10.0.0.10", true);
    SCOPED_TRACE(story);
    const Fold fold = story.fold({.max_neighbours = 1});
    ASSERT_THAT(fold.arp(), SizeIs(1));
    const ArpFacts& facts = fold.arp().begin()->second;
    EXPECT_EQ(facts.requests, 2U);
    EXPECT_EQ(facts.replies, 1U);
    EXPECT_EQ(facts.last_request_ns, moment(0.001));
}

TEST(fold, at_the_limit_the_oldest_answered_go_first_and_are_counted) {
    Story story;
    for (std::uint16_t i = 0; i < 6; ++i) {
        Talk talk(story, "192.0.2.1", static_cast<std::uint16_t>(40000 + i), 1000U + i);
        talk.syn();
        if (i % 2 == 1) talk.synack().ack();  // 40001, 40003, 40005 are answered
    }
    SCOPED_TRACE(story);
    const Fold fold = story.fold({.max_handshakes = 4});
    EXPECT_LE(fold.handshakes().size(), 4U);
    EXPECT_EQ(fold.counts().evicted, 2U);
    EXPECT_EQ(fold.counts().evicted_answered, 2U);
    EXPECT_EQ(fold.counts().syns, 6U) << "counts hold what was evicted too";
    for (const Handshake& handshake : fold.handshakes()) {
        const bool silent = handshake.tuple.client.port % 2 == 0;
        EXPECT_TRUE(silent || handshake.tuple.client.port == 40005) << handshake.tuple.client.port;
    }
}

TEST(fold, a_flood_of_silences_is_bounded_too) {
    Story story;
    for (std::uint16_t i = 0; i < 100; ++i) Talk(story, "192.0.2.1", static_cast<std::uint16_t>(10000 + i), i).syn();
    const Fold fold = story.fold({.max_handshakes = 8});
    EXPECT_LE(fold.handshakes().size(), 8U);
    EXPECT_EQ(fold.handshakes().size() + fold.counts().evicted, 100U);
    EXPECT_EQ(fold.counts().evicted_answered, 0U);
}

TEST(fold, copies_and_replies_are_bounded_and_counted) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    constexpr std::size_t kRounds = 40;
    for (std::size_t i = 0; i < kRounds; ++i) talk.at(static_cast<double>(i)).syn().synack();
    const Fold fold = story.fold();
    ASSERT_THAT(fold.handshakes(), SizeIs(1));
    const Handshake& handshake = fold.handshakes()[0];
    EXPECT_THAT(handshake.syns, SizeIs(kMaxSynCopies));
    EXPECT_EQ(handshake.more_syns, kRounds - kMaxSynCopies);
    EXPECT_THAT(handshake.replies, SizeIs(kMaxReplies));
    EXPECT_EQ(handshake.more_replies, kRounds - kMaxReplies);
}

TEST(fold, a_synack_sent_to_a_server_is_no_reply) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    talk.served();
    const Talk backscatter(story, "10.0.0.1", 80, 1, endpoint("203.0.113.5", 443));
    core::Segment stray = backscatter.from_server(core::tcp_flag::syn | core::tcp_flag::ack);
    Talk(story, "10.0.0.1", 80, 1, endpoint("203.0.113.5", 443)).send(stray);
    SCOPED_TRACE(story);
    const Fold fold = story.fold();
    EXPECT_THAT(fold.handshakes(), SizeIs(1)) << "nobody on 10.0.0.1:80 opened anything";
}

/// RFC 5961: SYN on a live connection, challenge ACK, and the RST that a client without that connection sends.
TEST(fold, a_challenge_ack_answers_the_syn_and_its_rst_ends_the_old_connection) {
    Story story;
    Talk old(story, "192.0.2.1", 40000, 1000);
    old.served();
    Talk fresh(story, "192.0.2.1", 40000, 900'000'000);
    fresh.at(10).syn();
    old.server_ack().rst();
    fresh.at(11).syn().server_isn(6'000'000).synack().ack();
    SCOPED_TRACE(story);
    const Fold fold = story.fold();
    ASSERT_THAT(fold.handshakes(), SizeIs(2));
    const Handshake* before = record_of(fold, old);
    const Handshake* after = record_of(fold, fresh);
    ASSERT_NE(before, nullptr);
    ASSERT_NE(after, nullptr);
    EXPECT_EQ(before->client_rst_ns, moment(10.002)) << "the RST carries the old connection's numbers";
    ASSERT_EQ(replies_of_kind(*after, ReplyKind::ack), 1U);
    EXPECT_EQ(after->server_isn, 6'000'000U);
    EXPECT_EQ(after->final_ack, 6'000'001U);
    EXPECT_EQ(before->client_next, old.client_next());
}

TEST(fold, data_of_the_old_connection_after_a_new_syn_stays_with_the_old_one) {
    Story story;
    Talk old(story, "192.0.2.1", 40000, 1000);
    old.served();
    Talk fresh(story, "192.0.2.1", 40000, 900'000'000);
    fresh.at(10).syn();
    old.server_data(50).ack();
    SCOPED_TRACE(story);
    const Fold fold = story.fold();
    EXPECT_FALSE(record_of(fold, fresh)->client_established());
    EXPECT_EQ(record_of(fold, fresh)->server_data_ns, kNever);
    EXPECT_EQ(record_of(fold, old)->server_next, old.server_next());
}

/// The capture folded in two parts, cut before a step, and merged.
Fold folded_in_two(const Story& story, std::size_t cut) {
    Fold early;
    Fold late;
    for (std::size_t i = 0; i < story.steps().size(); ++i)
        (i < cut ? early : late).add(story.steps()[i].packet, story.steps()[i].decoded);
    late.merge(early);
    late.finish();
    return late;
}

TEST(fold, a_later_part_finds_its_connection_behind_a_newer_syn) {
    Story story;
    Talk old(story, "192.0.2.1", 40000, 1000);
    old.served();
    Talk fresh(story, "192.0.2.1", 40000, 900'000'000);
    fresh.at(10).syn();
    const std::size_t cut = story.steps().size();
    old.data(50).server_data(50).ack();
    SCOPED_TRACE(story);
    const Fold fold = folded_in_two(story, cut);
    ASSERT_THAT(fold.handshakes(), SizeIs(2));
    EXPECT_FALSE(record_of(fold, fresh)->client_established());
    EXPECT_EQ(record_of(fold, old)->client_next, old.client_next());
    EXPECT_EQ(record_of(fold, old)->server_next, old.server_next());
}

TEST(fold, a_challenge_ack_in_a_later_part_answers_the_syn_without_giving_it_numbers) {
    Story story;
    Talk old(story, "192.0.2.1", 40000, 1000);
    old.served();
    Talk fresh(story, "192.0.2.1", 40000, 900'000'000);
    fresh.at(10).syn();
    const std::size_t cut = story.steps().size();
    old.server_ack().rst();
    SCOPED_TRACE(story);
    const Fold fold = folded_in_two(story, cut);
    const Handshake* answered = record_of(fold, fresh);
    ASSERT_NE(answered, nullptr);
    EXPECT_EQ(replies_of_kind(*answered, ReplyKind::ack), 1U);
    EXPECT_FALSE(answered->server_next_known);
    EXPECT_FALSE(answered->client_acked.seen());
}

TEST(fold, a_syn_seen_in_both_parts_counts_once) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    talk.syn();
    story.sighted_again(0.0001);
    SCOPED_TRACE(story);
    const Fold fold = folded_in_two(story, 1);
    EXPECT_EQ(fold.counts().syns, 1U);
    EXPECT_EQ(fold.counts().duplicate_packets, 1U);
}

TEST(fold, what_cannot_be_read_is_counted) {
    Story story;
    for (const core::FrameKind kind : {core::FrameKind::fragment, core::FrameKind::tcp_cut, core::FrameKind::cut,
                                       core::FrameKind::unsupported_link, core::FrameKind::other}) {
        core::Decoded decoded;
        decoded.kind = kind;
        story.add(decoded, "unreadable");
    }
    const FoldCounts counts = story.fold().counts();
    EXPECT_EQ(counts.packets, 5U);
    EXPECT_EQ(counts.fragments, 1U);
    EXPECT_EQ(counts.malformed, 2U);
    EXPECT_EQ(counts.unsupported_link, 1U);
    EXPECT_EQ(counts.segments, 0U);
}

}  // namespace
}  // namespace synwhy::capture
