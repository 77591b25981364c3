// Properties of Fold: parts of a capture, folded apart and merged in any order and grouping, hold what one fold of the
// whole holds; SYNs are neither lost nor counted twice; every limit holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include "../unit/story.hpp"

namespace synwhy::capture {
namespace {

using test::Side;
using test::Story;
using test::Talk;

constexpr unsigned kRounds = 300;

/// What a record must say whichever way it came about.
std::string told(const Handshake& h) {
    const auto mark = [](const Mark& m) {
        return m.seen() ? fmt::format("{}/{}", m.time_ns - test::kStoryStart, m.sequence) : std::string("-");
    };
    std::string text = fmt::format("{} > {} isn {}", core::to_string(h.tuple.client), core::to_string(h.tuple.server),
                                   h.isn_known ? h.isn : 0);
    for (const SynCopy& s : h.syns) text += fmt::format("\n  syn {} x{}", s.time_ns - test::kStoryStart, s.sightings);
    for (const Reply& r : h.replies)
        text += fmt::format("\n  reply {} at {}", static_cast<int>(r.kind), r.time_ns - test::kStoryStart);
    text += fmt::format("\n  more {} {} fins {} {} acked {} {} final ack {}/{} data {} {}\n", h.more_syns,
                        h.more_replies, mark(h.client_fin), mark(h.server_fin), mark(h.server_acked),
                        mark(h.client_acked), h.final_ack_ns == kNever ? 0 : h.final_ack_ns - test::kStoryStart,
                        h.final_ack, h.client_data_ns != kNever, h.server_data_ns != kNever);
    return text;
}

std::string told(const Fold& fold) {
    std::string text = fmt::format("packets {} segments {} syns {} duplicates {}\n", fold.counts().packets,
                                   fold.counts().segments, fold.counts().syns, fold.counts().duplicate_packets);
    for (const Handshake& handshake : fold.handshakes()) text += told(handshake);
    return text;
}

/// One attempt with one of the endings that servers and clients have for it.
void tell_attempt(Story& story, std::mt19937_64& random, std::uint16_t port, std::uint32_t isn, double start) {
    const auto client = fmt::format("192.0.2.{}", 1 + random() % 3);
    Talk talk(story, client, port, isn);
    talk.server_isn(static_cast<std::uint32_t>(random()))
        .at(start)
        .clock(static_cast<std::uint32_t>(random() % 100'000))
        .syn();
    for (auto copies = random() % 3; copies > 0; --copies) talk.wait(1).syn();
    const double pause = static_cast<double>(random() % 1000) * 0.001;
    switch (random() % 6) {
        case 0: return;
        case 1: talk.refuse(); return;
        case 2: talk.server_ack(); return;
        case 3: talk.synack().wait(1).synack(); return;
        default: break;
    }
    talk.synack().wait(pause).ack();
    for (auto exchanges = random() % 4; exchanges > 0; --exchanges) {
        talk.wait(pause).data(100).server_ack().server_data(300).ack();
    }
    switch (random() % 4) {
        case 0: talk.closed_by(Side::server); return;
        case 1: talk.closed_by(Side::client); return;
        case 2: talk.rst(); return;
        default: return;
    }
}

/// Attempts that overlap in time; every sixth tuple is used again later. A second apart from its last use at least.
Story random_story(std::mt19937_64& random) {
    Story story;
    const auto attempts = 2 + random() % 10;
    for (std::uint64_t i = 0; i < attempts; ++i) {
        const auto port = static_cast<std::uint16_t>(40000 + i);
        const auto isn = static_cast<std::uint32_t>(random());
        tell_attempt(story, random, port, isn, static_cast<double>(random() % 5000) * 0.001);
        if (random() % 6 == 0)
            tell_attempt(story, random, port, isn + 1'500'000'000U, 20 + static_cast<double>(random() % 5000) * 0.001);
    }
    return story;
}

/// Cuts 0..size into `parts` pieces at random places; pieces may be empty.
std::vector<std::size_t> random_cuts(std::mt19937_64& random, std::size_t size, std::size_t parts) {
    std::vector<std::size_t> cuts{0, size};
    for (std::size_t i = 1; i < parts; ++i) cuts.push_back(random() % (size + 1));
    std::sort(cuts.begin(), cuts.end());
    return cuts;
}

/// The parts merged in a random order, two neighbours of that order at a time: every grouping can come about.
Fold merged(std::vector<Fold> parts, std::mt19937_64& random) {
    std::shuffle(parts.begin(), parts.end(), random);
    while (parts.size() > 1) {
        const std::size_t at = random() % (parts.size() - 1);
        parts[at].merge(parts[at + 1]);
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
    parts.front().finish();
    return std::move(parts.front());
}

TEST(fold_merge, parts_merged_in_any_order_equal_the_whole) {
    for (unsigned round = 0; round < kRounds; ++round) {
        std::mt19937_64 random(round);
        const Story story = random_story(random);
        const std::vector<test::Step> steps = story.by_time();
        const std::string whole = told(story.fold());
        const std::vector<std::size_t> cuts = random_cuts(random, steps.size(), 2 + random() % 3);
        std::vector<Fold> parts;
        for (std::size_t part = 0; part + 1 < cuts.size(); ++part) {
            Fold& fold = parts.emplace_back();
            for (std::size_t i = cuts[part]; i < cuts[part + 1]; ++i) fold.add(steps[i].packet, steps[i].decoded);
        }
        ASSERT_EQ(whole, told(merged(std::move(parts), random)))
            << "seed " << round << ", cut before steps " << testing::PrintToString(cuts) << "\n"
            << story;
    }
}

/// Two captures of the same traffic, at both ends of the link, folded apart.
TEST(fold_merge, both_ends_folded_apart_equal_one_time_line) {
    for (unsigned round = 0; round < kRounds; ++round) {
        std::mt19937_64 random(round);
        const Story story = random_story(random);
        Fold whole;
        Fold near;
        Fold far;
        for (const test::Step& step : story.by_time()) {
            capture::Packet other_end = step.packet;
            other_end.file = 1;
            other_end.time_ns += 100'000;
            for (Fold* fold : {&whole, &near}) fold->add(step.packet, step.decoded);
            for (Fold* fold : {&whole, &far}) fold->add(other_end, step.decoded);
        }
        whole.finish();
        std::vector<Fold> parts{near, far};
        const Fold joined = merged(std::move(parts), random);
        ASSERT_EQ(whole.counts().syns, joined.counts().syns) << "seed " << round << "\n" << story;
        ASSERT_EQ(whole.handshakes().size(), joined.handshakes().size()) << "seed " << round << "\n" << story;
        for (std::size_t i = 0; i < whole.handshakes().size(); ++i) {
            ASSERT_EQ(whole.handshakes()[i].syns.size(), joined.handshakes()[i].syns.size()) << "seed " << round << "\n"
                                                                                             << story;
        }
    }
}

TEST(fold_merge, every_syn_is_in_one_copy_or_counted) {
    for (unsigned round = 0; round < kRounds; ++round) {
        std::mt19937_64 random(round);
        const Story story = random_story(random);
        std::uint64_t sent = 0;
        for (const test::Step& step : story.steps()) sent += step.decoded.segment.is_syn();
        const Fold fold = story.fold();
        std::uint64_t kept = 0;
        for (const Handshake& handshake : fold.handshakes()) kept += handshake.syns.size() + handshake.more_syns;
        ASSERT_EQ(fold.counts().syns, sent) << "seed " << round << "\n" << story;
        ASSERT_EQ(kept, sent) << "seed " << round << "\n" << story;
    }
}

TEST(fold_merge, limits_hold_under_any_traffic) {
    for (unsigned round = 0; round < kRounds; ++round) {
        std::mt19937_64 random(round);
        const FoldLimits limits{.max_handshakes = 1 + random() % 6, .max_neighbours = 2};
        Story story = random_story(random);
        for (unsigned i = 0; i < 30; ++i) Talk(story, "192.0.2.200", 1, 5).at(i).syn().synack();
        for (unsigned i = 0; i < 5; ++i) story.arp(fmt::format("10.0.0.{}", i + 1), true);
        Fold fold(limits);
        Fold other(limits);
        for (const test::Step& step : story.by_time())
            (random() % 2 == 0 ? fold : other).add(step.packet, step.decoded);
        fold.merge(other);
        fold.finish();
        ASSERT_LE(fold.handshakes().size(), limits.max_handshakes) << "seed " << round;
        ASSERT_LE(fold.arp().size(), limits.max_neighbours) << "seed " << round;
        for (const Handshake& handshake : fold.handshakes()) {
            ASSERT_LE(handshake.syns.size(), kMaxSynCopies) << "seed " << round;
            ASSERT_LE(handshake.replies.size(), kMaxReplies) << "seed " << round;
            const bool chained = handshake.previous == kNoHandshake || handshake.previous < fold.handshakes().size();
            ASSERT_TRUE(chained) << "seed " << round;
        }
    }
}

}  // namespace
}  // namespace synwhy::capture
