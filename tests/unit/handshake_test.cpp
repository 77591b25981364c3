// Joining two records of one handshake gives the same in either order; lists stay bounded, nothing is lost uncounted.
#include "capture/handshake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "story.hpp"

namespace synwhy::capture {
namespace {

using test::moment;
using test::Side;
using test::Story;
using test::Talk;
using testing::SizeIs;

/// Everything a record says, as text: two records are the same when their texts are.
std::string told(const Handshake& h) {
    const auto mark = [](const Mark& m) {
        return m.seen() ? fmt::format("{}/{}/{}", m.time_ns, m.sequence, m.ts_value) : std::string("-");
    };
    std::string text = fmt::format("{} > {} isn {}/{} server {}/{} midstream {} first {} last {}\n",
                                   core::to_string(h.tuple.client), core::to_string(h.tuple.server), h.isn, h.isn_known,
                                   h.server_isn, h.server_isn_known, h.midstream, h.first_ns, h.last_ns);
    for (const SynCopy& s : h.syns)
        text += fmt::format("syn {} file {} ordinal {} x{}\n", s.time_ns, s.file, s.ordinal, s.sightings);
    for (const Reply& r : h.replies)
        text += fmt::format("reply {} at {} seq {} ack {}\n", static_cast<int>(r.kind), r.time_ns, r.sequence,
                            r.acknowledgment);
    text += fmt::format("more {}/{} final ack {}/{} data {} {} rst {} {} last {} {} window {}\n", h.more_syns,
                        h.more_replies, h.final_ack_ns, h.final_ack, h.client_data_ns, h.server_data_ns,
                        h.client_rst_ns, h.server_rst_ns, h.client_last_ns, h.server_last_ns, h.server_window);
    text += fmt::format("fins {} {} acked {} {} next {} {} ts {}/{} segments {} {}\n", mark(h.client_fin),
                        mark(h.server_fin), mark(h.server_acked), mark(h.client_acked), h.client_next, h.server_next,
                        h.client_ts, h.client_ts_ns, h.client_segments, h.server_segments);
    return text;
}

/// The record that a part of the story leaves.
Handshake part(const Story& story, std::size_t from, std::size_t to) {
    Fold fold;
    for (std::size_t i = from; i < to; ++i) fold.add(story.steps()[i].packet, story.steps()[i].decoded);
    return fold.handshakes().at(0);
}

std::string joined(const Handshake& a, const Handshake& b) {
    Handshake into = a;
    combine(into, b);
    into.previous = kNoHandshake;
    return told(into);
}

TEST(handshake, combine_is_symmetric_wherever_the_story_is_cut) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    talk.clock(10)
        .syn()
        .at(1)
        .clock(11)
        .syn()
        .synack()
        .at(2.1)
        .synack()
        .clock(12)
        .ack()
        .data(100)
        .server_data(300)
        .clock(13)
        .ack();
    talk.clock(14).closed_by(Side::server);
    SCOPED_TRACE(story);
    for (std::size_t cut = 1; cut < story.steps().size(); ++cut) {
        SCOPED_TRACE(fmt::format("cut before step {}", cut));
        const Handshake a = part(story, 0, cut);
        const Handshake b = part(story, cut, story.steps().size());
        EXPECT_EQ(joined(a, b), joined(b, a));
    }
}

TEST(handshake, the_last_synack_names_the_server_isn_in_either_order) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    talk.syn().server_isn(7'000'000).synack().at(1).syn().server_isn(3'000'000).synack();
    SCOPED_TRACE(story);
    const Handshake early = part(story, 0, 2);
    const Handshake late = part(story, 2, 4);
    for (const auto& [a, b] : {std::pair{early, late}, {late, early}}) {
        Handshake into = a;
        combine(into, b);
        EXPECT_EQ(into.server_isn, 3'000'000U);
    }
}

TEST(handshake, two_sightings_of_a_syn_become_one_and_the_earlier_one_is_kept) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    talk.clock(10).syn();
    story.in_file(1).sighted_again(0.2);
    SCOPED_TRACE(story);
    const Handshake near = part(story, 0, 1);
    const Handshake far = part(story, 1, 2);
    EXPECT_EQ(joined(near, far), joined(far, near));
    Handshake into = far;
    combine(into, near);
    ASSERT_THAT(into.syns, SizeIs(1));
    EXPECT_EQ(into.syns[0].file, 0U);
    EXPECT_EQ(into.syns[0].sightings, 2U);
}

TEST(handshake, joined_lists_stay_bounded_and_what_falls_off_is_counted) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    constexpr std::size_t kRounds = 40;
    for (std::size_t i = 0; i < kRounds; ++i) talk.at(static_cast<double>(i)).syn().synack();
    const Handshake a = part(story, 0, kRounds);
    const Handshake b = part(story, kRounds, 2 * kRounds);
    EXPECT_EQ(joined(a, b), joined(b, a));
    Handshake into = b;
    combine(into, a);
    EXPECT_THAT(into.syns, SizeIs(kMaxSynCopies));
    EXPECT_EQ(into.syns.size() + into.more_syns, kRounds);
    EXPECT_THAT(into.replies, SizeIs(kMaxReplies));
    EXPECT_EQ(into.replies.size() + into.more_replies, kRounds);
    EXPECT_EQ(into.syns.front().time_ns, moment(0)) << "the earliest are kept";
}

TEST(handshake, packets_are_the_same_only_within_their_window) {
    SynCopy first;
    first.ip_id = 7;
    SynCopy second = first;
    second.time_ns = kMirrorWindowNs;
    EXPECT_TRUE(same_packet(first, second));
    second.time_ns = kMirrorWindowNs + 1;
    EXPECT_FALSE(same_packet(first, second)) << "one file: a mirror is faster";
    second.file = 1;
    EXPECT_TRUE(same_packet(first, second)) << "two files: both ends of a link";
    second.time_ns = kOtherEndWindowNs + 1;
    EXPECT_FALSE(same_packet(first, second));
    second = first;
    second.ts_value = 1;
    EXPECT_FALSE(same_packet(first, second));
}

TEST(handshake, a_repeated_synack_is_another_one_in_each_of_two_files) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);  // without timestamps the timer's SYN+ACK is the same packet again
    for (const double timer : {0.0, 1.0, 3.0}) {
        talk.at(timer);
        core::Segment segment = talk.from_server(core::tcp_flag::syn | core::tcp_flag::ack);
        segment.ip_id = 1;
        segment.sequence = 7;
        talk.send(segment);
        story.in_file(1).sighted_again(0.03);
        story.in_file(0);
    }
    SCOPED_TRACE(story);
    EXPECT_THAT(story.fold().handshakes().at(0).replies, SizeIs(3));
}

TEST(handshake, a_server_has_answered_when_only_its_data_was_seen) {
    Handshake handshake;
    EXPECT_FALSE(handshake.answered());
    handshake.server_data_ns = moment(1);
    EXPECT_TRUE(handshake.answered());
    EXPECT_FALSE(handshake.has_synack());
}

TEST(handshake, a_fin_is_acknowledged_only_up_to_its_own_number) {
    Handshake handshake;
    handshake.server_fin = {moment(1), 0x0000'0001U, 0, false};  // wrapped
    handshake.server_acked = {moment(2), 0xffff'ffffU, 0, false};
    EXPECT_FALSE(handshake.server_fin_acked());
    handshake.server_acked.sequence = 1;
    EXPECT_TRUE(handshake.server_fin_acked());
}

}  // namespace
}  // namespace synwhy::capture
