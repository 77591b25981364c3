// What became of each copy of a SYN: which SYN+ACK answers it and which one a timer sent, whether the final ACK was
// refused, what the capture does not show but must have happened.
#include "diagnose/reading.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "story.hpp"

namespace synwhy::diagnose {
namespace {

using capture::kNever;
using core::Outcome;
using test::moment;
using test::Side;
using test::Story;
using test::Talk;
using testing::SizeIs;

struct Read {
    capture::Fold fold;
    HostTraits traits;
    std::vector<Reading> readings;
};

/// Every handshake of a story, all of one host.
Read read(const Story& story, std::optional<int> initial_rto_ms = std::nullopt) {
    Read result{story.fold(), {}, {}};
    std::vector<std::uint32_t> all(result.fold.handshakes().size());
    std::iota(all.begin(), all.end(), 0U);
    result.traits = read_traits(result.fold, all, initial_rto_ms);
    for (const capture::Handshake& handshake : result.fold.handshakes())
        result.readings.push_back(read_handshake(handshake, result.traits));
    mark_cookies(result.fold, all, result.traits, result.readings);
    return result;
}

TEST(reading, a_synack_at_once_answers_the_copy) {
    Story story;
    Talk(story, "192.0.2.1", 40000, 1000).syn().at(1).syn().synack().ack().server_data(10);
    SCOPED_TRACE(story);
    const Reading reading = read(story).readings.at(0);
    ASSERT_THAT(reading.copies, SizeIs(2));
    EXPECT_EQ(reading.copies[0].outcome, Outcome::none);
    EXPECT_EQ(reading.copies[1].outcome, Outcome::synack);
    EXPECT_EQ(reading.timer_synacks, 0U);
    EXPECT_EQ(reading.answered_ns, moment(1.001));
    EXPECT_EQ(reading.queued_ns, moment(1.002));
    EXPECT_EQ(reading.served_ns, moment(1.003));
    EXPECT_EQ(reading.request_end, moment(1.002)) << "the final ACK ended the request";
}

TEST(reading, later_synacks_are_the_timers) {
    Story story;
    Talk(story, "192.0.2.1", 40000, 1000).syn().synack().at(1.001).synack().at(3.001).synack();
    SCOPED_TRACE(story);
    const Read all = read(story);
    const Reading& reading = all.readings.at(0);
    EXPECT_EQ(reading.timer_synacks, 2U);
    EXPECT_THAT(reading.synacks, SizeIs(3));
    EXPECT_EQ(reading.refused_final_acks, 0U) << "the client never acknowledged";
    EXPECT_TRUE(all.traits.initial_rto_known);
    EXPECT_EQ(all.traits.initial_rto_ns, 1 * test::kSecond);
    EXPECT_EQ(reading.young_end, moment(1.001));
    EXPECT_EQ(reading.request_end, moment(3.001 + 4)) << "two timers fired: the third runs 4 s";
}

TEST(reading, the_first_timer_tells_a_kernel_with_three_seconds) {
    Story story;
    Talk(story, "192.0.2.1", 40000, 1000).syn().synack().at(3.3).synack();
    SCOPED_TRACE(story);
    EXPECT_EQ(read(story).traits.initial_rto_ns, 3 * test::kSecond);
    EXPECT_EQ(read(story, 1000).traits.initial_rto_ns, 1 * test::kSecond) << "a known kernel overrules the guess";
}

TEST(reading, a_synack_for_each_copy_is_no_timer) {
    Story story;
    Talk(story, "192.0.2.1", 40000, 1000).syn().synack().at(1).syn().synack();
    SCOPED_TRACE(story);
    const Reading reading = read(story).readings.at(0);
    EXPECT_EQ(reading.timer_synacks, 0U);
    EXPECT_EQ(reading.copies[1].outcome, Outcome::synack);
}

TEST(reading, a_synack_repeated_after_the_final_ack_says_it_was_refused) {
    Story story;
    Talk(story, "192.0.2.1", 40000, 1000).syn().synack().ack().at(1.001).synack().at(3.001).synack();
    SCOPED_TRACE(story);
    const Reading reading = read(story).readings.at(0);
    EXPECT_EQ(reading.refused_final_acks, 2U);
    EXPECT_EQ(reading.first_refused_ack_ns, moment(0.002));
    EXPECT_EQ(reading.last_refused_ack_ns, moment(3.001));
    EXPECT_EQ(reading.queued_ns, kNever) << "the child never reached the accept queue";
}

TEST(reading, within_twenty_milliseconds_ack_and_synack_crossed) {
    for (const auto& [gap_ms, refused] : {std::pair{19, 0U}, {21, 1U}}) {
        Story story;
        Talk(story, "192.0.2.1", 40000, 1000).syn().synack().at(1).ack().at(1 + gap_ms * 1e-3).synack();
        SCOPED_TRACE(story);
        EXPECT_EQ(read(story).readings.at(0).refused_final_acks, refused) << gap_ms << " ms";
    }
}

TEST(reading, a_reset_numbered_by_the_final_ack_aborts) {
    Story story;
    Talk talk(story, "192.0.2.1", 40000, 1000);
    talk.syn().synack().ack().abort();
    SCOPED_TRACE(story);
    const Reading reading = read(story).readings.at(0);
    EXPECT_EQ(reading.aborted_ns, moment(0.003));
    EXPECT_EQ(reading.outcome, Outcome::synack) << "the SYN itself was answered";
    EXPECT_EQ(reading.request_end, moment(0.003));
    EXPECT_EQ(reading.served_ns, kNever);
}

TEST(reading, an_applications_reset_is_no_abort) {
    Story story;
    Talk(story, "192.0.2.1", 40000, 1000).syn().synack().ack().server_data(5).server_rst();
    SCOPED_TRACE(story);
    EXPECT_EQ(read(story).readings.at(0).aborted_ns, kNever);
}

TEST(reading, a_closed_port_resets_the_syn) {
    Story story;
    Talk(story, "192.0.2.1", 40000, 1000).syn().refuse();
    SCOPED_TRACE(story);
    const Reading reading = read(story).readings.at(0);
    EXPECT_EQ(reading.outcome, Outcome::rst);
    EXPECT_EQ(reading.aborted_ns, kNever);
}

TEST(reading, a_bare_ack_and_an_icmp_error_are_replies) {
    Story story;
    Talk(story, "192.0.2.1", 40000, 1000).syn().server_ack();
    Talk(story, "192.0.2.2", 40000, 1000).syn().unreachable(10);
    SCOPED_TRACE(story);
    const Read all = read(story);
    EXPECT_EQ(all.readings.at(0).outcome, Outcome::ack);
    EXPECT_EQ(all.readings.at(1).outcome, Outcome::icmp);
}

TEST(reading, only_the_clients_side_captured_its_next_segment_proves_the_answer) {
    Story story;
    Talk answered(story, "192.0.2.1", 40000, 1000);
    answered.syn().at(1).syn().wait(0.05).ack().data(100);
    Talk silent(story, "192.0.2.2", 40000, 1000);
    silent.syn();
    SCOPED_TRACE(story);
    const Read all = read(story);
    EXPECT_FALSE(all.traits.replies_visible);
    EXPECT_TRUE(all.readings.at(0).answer_inferred);
    EXPECT_EQ(all.readings.at(0).copies[0].outcome, Outcome::none);
    EXPECT_EQ(all.readings.at(0).copies[1].outcome, Outcome::synack) << "the copy before the ACK";
    EXPECT_EQ(all.readings.at(1).outcome, Outcome::none);
}

TEST(reading, with_both_sides_captured_a_lone_ack_proves_nothing) {
    Story story;
    Talk(story, "192.0.2.9", 50000, 1).served();
    Talk(story, "192.0.2.1", 40000, 1000).syn().ack();
    SCOPED_TRACE(story);
    EXPECT_EQ(read(story).readings.at(1).outcome, Outcome::none);
}

TEST(reading, server_data_proves_a_lost_synack) {
    Story story;
    Talk(story, "192.0.2.1", 40000, 1000).syn().ack().data(10).server_data(10).ack();
    SCOPED_TRACE(story);
    const Reading reading = read(story).readings.at(0);
    EXPECT_TRUE(reading.answer_inferred);
    EXPECT_EQ(reading.outcome, Outcome::synack);
}

/// A SYN+ACK that is never repeated although nobody acknowledged it: nothing was stored.
TEST(reading, a_synack_that_no_timer_repeats_is_a_cookie) {
    Story story;
    Talk(story, "192.0.2.1", 40000, 1000).clock(10).syn().synack();
    Talk(story, "192.0.2.2", 40000, 2000).clock(10).syn().synack().at(1.01).synack();  // a stored request, for
                                                                                       // comparison
    Talk(story, "192.0.2.9", 40000, 3000).at(9).clock(10).served();
    SCOPED_TRACE(story);
    const Read all = read(story, 1000);
    EXPECT_EQ(all.readings.at(0).outcome, Outcome::cookie);
    EXPECT_EQ(all.readings.at(0).request_end, all.readings.at(0).request_start) << "no request in the queue";
    EXPECT_EQ(all.readings.at(1).outcome, Outcome::synack);
    EXPECT_EQ(all.readings.at(2).outcome, Outcome::synack);
}

TEST(reading, a_synack_at_the_captures_end_may_still_be_repeated) {
    Story story;
    Talk(story, "192.0.2.1", 40000, 1000).clock(10).syn().synack();
    SCOPED_TRACE(story);
    EXPECT_EQ(read(story, 1000).readings.at(0).outcome, Outcome::synack);
}

}  // namespace
}  // namespace synwhy::diagnose
