// Does the index of 4-tuples say the same as a map does, whatever came and went before?
//
// Also the queue beside it. The index keeps hints in its slots that must follow every entry that moves.
#include "model/flow_index.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <vector>

#include "model/fifo.hpp"

namespace synwhy::model {
namespace {

constexpr std::uint32_t kKindBit = 0x40000000U;

struct KeyOf {
    const std::vector<FlowKey>* keys;
    const FlowKey& operator()(std::uint32_t handle) const { return (*keys)[handle & ~kKindBit]; }
};

class Dice {
  public:
    std::uint32_t below(std::uint32_t bound) {
        state_ += 0x9e3779b97f4a7c15U;
        return static_cast<std::uint32_t>(mix64(state_) >> 32U) % bound;
    }

  private:
    std::uint64_t state_ = 1;
};

TEST(FlowIndex, agrees_with_a_map) {
    constexpr std::uint32_t kKeys = 3000;
    std::vector<FlowKey> keys;
    for (std::uint32_t i = 0; i < kKeys; ++i) {
        keys.push_back({i / 7, static_cast<std::uint16_t>(i % 7), static_cast<std::uint16_t>(i % 2)});
    }
    FlowIndex<KeyOf> index(7, KeyOf{&keys});
    std::map<std::uint32_t, std::uint32_t> expected;  // number of a key -> handle
    Dice dice;
    for (int step = 0; step < 200'000; ++step) {
        const std::uint32_t number = dice.below(kKeys);
        const auto known = expected.find(number);
        // Grows first, shrinks and grows again, so that clusters of every length are made and cut.
        const bool shrinking = step / 20'000 % 2 == 1;
        if (known == expected.end()) {
            if (shrinking && dice.below(8) != 0) continue;
            index.insert(number);
            expected.emplace(number, number);
        } else if (dice.below(4) == 0) {
            const std::uint32_t other = known->second ^ kKindBit;
            index.replace(known->second, other);
            known->second = other;
        } else if (shrinking || dice.below(4) == 0) {
            index.erase(known->second);
            expected.erase(known);
        }
        const std::uint32_t asked = dice.below(kKeys);
        const auto there = expected.find(asked);
        ASSERT_EQ(index.find(keys[asked]), there == expected.end() ? FlowIndex<KeyOf>::kNone : there->second) << step;
    }
    for (std::uint32_t number = 0; number < kKeys; ++number) {
        const auto there = expected.find(number);
        EXPECT_EQ(index.find(keys[number]), there == expected.end() ? FlowIndex<KeyOf>::kNone : there->second);
    }
}

TEST(FlowIndex, crowded_homes_are_told_apart) {
    // One table of the smallest size, as full as it gets before it grows: places far from their home.
    std::vector<FlowKey> keys;
    for (std::uint32_t i = 0; i < 44; ++i) keys.push_back({i * 2654435761U, 80, 0});
    for (std::uint64_t secret = 0; secret < 200; ++secret) {
        FlowIndex<KeyOf> index(secret, KeyOf{&keys});
        for (std::uint32_t i = 0; i < keys.size(); ++i) index.insert(i);
        for (std::uint32_t i = 0; i < keys.size(); i += 3) index.erase(i);
        for (std::uint32_t i = 0; i < keys.size(); ++i) {
            ASSERT_EQ(index.find(keys[i]), i % 3 == 0 ? FlowIndex<KeyOf>::kNone : i) << secret;
        }
    }
}

TEST(FlowIndex, erasing_what_is_not_there_changes_nothing) {
    const std::vector<FlowKey> keys{{1, 2, 3}, {4, 5, 6}};
    FlowIndex<KeyOf> index(3, KeyOf{&keys});
    index.insert(0);
    index.erase(1);
    EXPECT_EQ(index.find(keys[0]), 0U);
    EXPECT_EQ(index.find(keys[1]), FlowIndex<KeyOf>::kNone);
}

TEST(Fifo, agrees_with_a_deque) {
    Fifo<int> fifo;
    std::deque<int> expected;
    Dice dice;
    for (int step = 0; step < 100'000; ++step) {
        const bool filling = step / 5'000 % 2 == 0;
        if (expected.empty() || dice.below(10) < (filling ? 7U : 3U)) {
            fifo.push_back(step);
            expected.push_back(step);
        } else {
            ASSERT_EQ(fifo.front(), expected.front());
            fifo.pop_front();
            expected.pop_front();
        }
        ASSERT_EQ(fifo.size(), expected.size());
        ASSERT_EQ(fifo.empty(), expected.empty());
        if (!expected.empty()) {
            ASSERT_EQ(fifo.back(), expected.back());
        }
    }
}

}  // namespace
}  // namespace synwhy::model
