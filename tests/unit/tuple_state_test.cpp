// In which state is the server's socket after every order of closing?
#include "model/tuple_state.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace synwhy::model {
namespace {

using core::Existing;

constexpr std::int64_t kSecond = 1'000'000'000;

struct Expected {
    std::int64_t at_s;
    Existing state;
    const char* name;
};

struct Case {
    const char* story;
    Connection connection;
    std::vector<Expected> states;
};

/// A connection that was answered at 1 s and established at 2 s.
Connection opened() {
    Connection c;
    c.synack_ns = 1 * kSecond;
    c.request_end_ns = 2 * kSecond;
    c.established_ns = 2 * kSecond;
    return c;
}

Connection closing(std::int64_t server_fin, std::int64_t server_fin_acked, std::int64_t client_fin,
                   std::int64_t client_fin_acked) {
    const auto mark = [](std::int64_t second) { return second == 0 ? kUnseen : second * kSecond; };
    Connection c = opened();
    c.server_fin_ns = mark(server_fin);
    c.server_fin_acked_ns = mark(server_fin_acked);
    c.client_fin_ns = mark(client_fin);
    c.client_fin_acked_ns = mark(client_fin_acked);
    return c;
}

Connection request_until(std::int64_t second) {
    Connection c;
    c.synack_ns = 1 * kSecond;
    c.request_end_ns = second * kSecond;
    return c;
}

Connection reset_at(Connection c, std::int64_t second) {
    c.reset_ns = second * kSecond;
    return c;
}

std::vector<Case> cases() {
    return {
        {"nothing happened", {}, {{5, Existing::none, ""}}},
        {"a request that expires",
         request_until(64),
         {{0, Existing::none, ""},
          {1, Existing::request, "SYN-RECV"},
          {63, Existing::request, "SYN-RECV"},
          {64, Existing::none, ""}}},
        {"established",
         opened(),
         {{1, Existing::request, "SYN-RECV"},
          {2, Existing::established, "ESTAB"},
          {9000, Existing::established, "ESTAB"}}},
        {"server closes first, client acknowledges, then closes: FIN_WAIT1, FIN_WAIT2, TIME_WAIT for 60 s",
         closing(10, 11, 12, 13),
         {{9, Existing::established, "ESTAB"},
          {10, Existing::closing, "FIN-WAIT-1"},
          {11, Existing::fin_wait2_bucket, "FIN-WAIT-2"},
          {12, Existing::time_wait, "TIME-WAIT"},
          {71, Existing::time_wait, "TIME-WAIT"},
          {72, Existing::none, ""}}},
        {"server closes first, the client acknowledges with its own FIN",
         closing(10, 11, 11, 12),
         {{10, Existing::closing, "FIN-WAIT-1"}, {11, Existing::time_wait, "TIME-WAIT"}, {71, Existing::none, ""}}},
        {"server closes first, the client never does: the orphan's bucket lives 60 s",
         closing(10, 11, 0, 0),
         {{69, Existing::fin_wait2_bucket, "FIN-WAIT-2"}, {71, Existing::none, ""}}},
        {"server closes first, its FIN is never acknowledged",
         closing(10, 0, 0, 0),
         {{5000, Existing::closing, "FIN-WAIT-1"}}},
        {"both close at once: CLOSING until the server's FIN is acknowledged",
         closing(10, 15, 11, 11),
         {{10, Existing::closing, "FIN-WAIT-1"},
          {11, Existing::closing, "CLOSING"},
          {15, Existing::time_wait, "TIME-WAIT"},
          {75, Existing::none, ""}}},
        {"both FINs in the same moment",
         closing(10, 15, 10, 11),
         {{10, Existing::closing, "CLOSING"}, {15, Existing::time_wait, "TIME-WAIT"}}},
        {"client closes first: CLOSE_WAIT, LAST_ACK, gone without TIME_WAIT",
         closing(12, 13, 10, 11),
         {{10, Existing::closing, "CLOSE-WAIT"}, {12, Existing::closing, "LAST-ACK"}, {13, Existing::none, ""}}},
        {"client closes first, the server never does",
         closing(0, 0, 10, 11),
         {{5000, Existing::closing, "CLOSE-WAIT"}}},
        {"client closes first, the server's FIN is never acknowledged",
         closing(12, 0, 10, 11),
         {{5000, Existing::closing, "LAST-ACK"}}},
        {"a reset ends ESTABLISHED",
         reset_at(opened(), 20),
         {{19, Existing::established, "ESTAB"}, {20, Existing::none, ""}}},
        {"a reset ends a request",
         reset_at(request_until(64), 20),
         {{19, Existing::request, "SYN-RECV"}, {20, Existing::none, ""}}},
        {"a reset ends TIME_WAIT (tcp_rfc1337=0)",
         reset_at(closing(10, 11, 12, 13), 20),
         {{19, Existing::time_wait, "TIME-WAIT"}, {20, Existing::none, ""}}},
    };
}

TEST(tuple_state, follows_every_order_of_closing) {
    for (const Case& scenario : cases()) {
        for (const Expected& expected : scenario.states) {
            const TupleState state = state_at(scenario.connection, expected.at_s * kSecond);
            EXPECT_EQ(static_cast<int>(state.state), static_cast<int>(expected.state))
                << scenario.story << ", at " << expected.at_s << " s";
            EXPECT_EQ(std::string(state.name), expected.name) << scenario.story << ", at " << expected.at_s << " s";
        }
    }
}

TEST(tuple_state, buckets_say_when_they_end) {
    const TupleState time_wait = state_at(closing(10, 11, 12, 13), 20 * kSecond);
    EXPECT_EQ(time_wait.since_ns, 12 * kSecond);
    EXPECT_EQ(time_wait.expires_ns, 72 * kSecond);
    const TupleState bucket = state_at(closing(10, 11, 0, 0), 20 * kSecond);
    EXPECT_EQ(bucket.expires_ns, 71 * kSecond);
    EXPECT_EQ(state_at(opened(), 20 * kSecond).expires_ns, INT64_MAX);
}

}  // namespace
}  // namespace synwhy::model
