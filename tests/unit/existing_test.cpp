// What does a SYN get when its 4-tuple is taken? The table of measurements on six real kernels (tests/truth, the n7
// and n8 experiments), one row a case.
#include "core/existing.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace synwhy::core {
namespace {

constexpr std::array kMeasured{"2.6.32.69", "3.10.105", "3.10.0-1160.el7", "4.9.229", "6.1.192", "6.18.44"};
constexpr std::uint32_t kRcvNxt = 1'000'000;
constexpr std::uint32_t kRecent = 50'000;

const char* name_of(ExistingReply reply) {
    switch (reply) {
        case ExistingReply::listen: return "listen";
        case ExistingReply::synack_again: return "synack";
        case ExistingReply::ack: return "ack";
        case ExistingReply::rst: return "rst";
        case ExistingReply::silence: return "none";
    }
    return "?";
}

/// A SYN on a socket in this state, `ahead` of rcv_nxt, its TSval `newer` than the last one.
ExistingFacts syn_on(Existing state, std::int32_t ahead, std::optional<std::int32_t> newer,
                     std::int64_t since_ms = -1) {
    ExistingFacts facts;
    facts.state = state;
    facts.rcv_nxt = kRcvNxt;
    facts.window = 65535;
    facts.request_isn = kRcvNxt - 1;
    facts.has_ts_recent = true;
    facts.ts_recent = kRecent;
    facts.sequence = kRcvNxt + static_cast<std::uint32_t>(ahead);
    facts.has_timestamps = newer.has_value();
    facts.ts_value = kRecent + static_cast<std::uint32_t>(newer.value_or(0));
    facts.since_last_reply_ms = since_ms;
    return facts;
}

struct Row {
    const char* story;
    ExistingFacts facts;
    std::array<const char*, 6> replies;  ///< in the order of kMeasured
};

std::vector<Row> live_state_table() {
    return {
        {"ESTABLISHED, seq = rcv_nxt",
         syn_on(Existing::established, 0, 1),
         {"rst", "none", "ack", "ack", "ack", "ack"}},
        {"ESTABLISHED, in the window",
         syn_on(Existing::established, 1000, 1),
         {"rst", "none", "ack", "ack", "ack", "ack"}},
        {"ESTABLISHED, below the window",
         syn_on(Existing::established, -5000, 1),
         {"ack", "none", "ack", "ack", "ack", "ack"}},
        {"ESTABLISHED, far from the window",
         syn_on(Existing::established, 90'000'000, 1),
         {"ack", "none", "ack", "ack", "ack", "ack"}},
        {"ESTABLISHED, older TSval",
         syn_on(Existing::established, 0, -10),
         {"ack", "none", "ack", "ack", "ack", "ack"}},
        {"ESTABLISHED, 100 ms after such an ACK",
         syn_on(Existing::established, 90'000'000, 1, 100),
         {"ack", "none", "none", "none", "none", "none"}},
        {"ESTABLISHED, 600 ms after such an ACK",
         syn_on(Existing::established, 90'000'000, 1, 600),
         {"ack", "none", "ack", "ack", "ack", "ack"}},
        {"SYN_RECV, the same SYN",
         syn_on(Existing::request, -1, 0),
         {"synack", "synack", "synack", "synack", "synack", "synack"}},
        {"SYN_RECV, the same SYN 100 ms after the last answer",
         syn_on(Existing::request, -1, 0, 100),
         {"synack", "synack", "none", "none", "none", "none"}},
        {"SYN_RECV, another ISN", syn_on(Existing::request, 90'000'000, 0), {"ack", "ack", "ack", "ack", "ack", "ack"}},
        {"TIME_WAIT, higher seq, newer TSval",
         syn_on(Existing::time_wait, 5000, 10),
         {"listen", "listen", "listen", "listen", "listen", "listen"}},
        {"TIME_WAIT, seq = rcv_nxt, same TSval",
         syn_on(Existing::time_wait, 0, 0),
         {"ack", "ack", "ack", "ack", "ack", "ack"}},
        {"TIME_WAIT, seq = rcv_nxt + 1, same TSval",
         syn_on(Existing::time_wait, 1, 0),
         {"listen", "listen", "listen", "listen", "listen", "listen"}},
        {"TIME_WAIT, lower seq, newer TSval",
         syn_on(Existing::time_wait, -5000, 10),
         {"listen", "listen", "listen", "listen", "listen", "listen"}},
        {"TIME_WAIT, higher seq, older TSval",
         syn_on(Existing::time_wait, 5000, -10),
         {"ack", "ack", "ack", "ack", "ack", "ack"}},
        {"TIME_WAIT, lower seq, no timestamps",
         syn_on(Existing::time_wait, -5000, std::nullopt),
         {"ack", "ack", "ack", "ack", "ack", "ack"}},
        {"TIME_WAIT, higher seq, no timestamps",
         syn_on(Existing::time_wait, 5000, std::nullopt),
         {"listen", "listen", "listen", "listen", "listen", "listen"}},
        {"full FIN_WAIT2 far from the window",
         syn_on(Existing::closing, 90'000'000, 10),
         {"ack", "none", "ack", "ack", "ack", "ack"}},
        {"orphan's FIN_WAIT2, higher seq and TSval",
         syn_on(Existing::fin_wait2_bucket, 90'000'000, 10),
         {"ack", "ack", "ack", "ack", "ack", "ack"}},
        {"nothing there", syn_on(Existing::none, 0, 0), {"listen", "listen", "listen", "listen", "listen", "listen"}},
    };
}

TEST(existing, replies_as_measured) {
    for (const Row& row : live_state_table()) {
        for (std::size_t k = 0; k < kMeasured.size(); ++k) {
            const Kernel kernel = resolve_kernel(kMeasured[k]).value();
            const ExistingDecision decision = decide_existing(kernel.behaviours, row.facts);
            EXPECT_STREQ(name_of(decision.reply), row.replies[k]) << row.story << " on " << kMeasured[k];
        }
    }
}

TEST(existing, names_what_held_the_tuple) {
    const Behaviours kernel = resolve_kernel("4.9.229").value().behaviours;
    EXPECT_EQ(decide_existing(kernel, syn_on(Existing::established, 0, 1)).cause, Cause::established_collision);
    EXPECT_EQ(decide_existing(kernel, syn_on(Existing::closing, 0, 1)).cause, Cause::established_collision);
    EXPECT_EQ(decide_existing(kernel, syn_on(Existing::request, 90'000'000, 1)).cause, Cause::syn_recv_collision);
    EXPECT_EQ(decide_existing(kernel, syn_on(Existing::time_wait, -5000, -1)).cause, Cause::time_wait_refused);
    EXPECT_EQ(decide_existing(kernel, syn_on(Existing::established, 0, 1, 10)).cause, Cause::ack_rate_limited);
}

TEST(existing, the_limit_of_replies_is_half_a_second) {
    const Behaviours kernel = resolve_kernel("6.1.192").value().behaviours;
    EXPECT_EQ(decide_existing(kernel, syn_on(Existing::established, 0, 1, 499)).reply, ExistingReply::silence);
    EXPECT_EQ(decide_existing(kernel, syn_on(Existing::established, 0, 1, 500)).reply, ExistingReply::ack);
}

TEST(existing, sequence_numbers_wrap) {
    const Behaviours kernel = resolve_kernel("4.9.229").value().behaviours;
    ExistingFacts facts = syn_on(Existing::time_wait, 0, std::nullopt);
    facts.rcv_nxt = 0xffff'fff0U;
    facts.sequence = 0x10;
    EXPECT_EQ(decide_existing(kernel, facts).reply, ExistingReply::listen) << "0x10 is after 0xfffffff0";
    facts.rcv_nxt = 0x10;
    facts.sequence = 0xffff'fff0U;
    EXPECT_EQ(decide_existing(kernel, facts).reply, ExistingReply::ack);
}

}  // namespace
}  // namespace synwhy::core
