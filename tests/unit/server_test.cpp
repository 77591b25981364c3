// Does the modelled server do what its kernel does? Stories by hand; the measured ones are replayed by truth.replay.
#include "model/server.hpp"

#include <gtest/gtest.h>

#include "server_client.hpp"

namespace synwhy::test {
namespace {

using model::Counter;
using model::Fate;
using model::State;

void recycle(model::Settings& s) { s.tw_recycle = 1; }
void no_cookies(model::Settings& s) { s.syncookies = 0; }
void always_cookies(model::Settings& s) { s.syncookies = 2; }

/// One connection of `client` that the server closes first.
void serve_and_close(TestClient& client, model::ListenerId listener, std::int64_t ms) {
    ASSERT_EQ(client.syn(ms).fate, Fate::answered);
    ASSERT_EQ(client.final_ack(ms + 10).fate, Fate::established);
    const auto socket = client.server.accept(listener, at_ms(ms + 20));
    ASSERT_TRUE(socket);
    client.out.clear();
    client.server.close(*socket, at_ms(ms + 30), client.out);
    client.learn();
    client.final_ack(ms + 40);
    client.fin(ms + 50);
}

TEST(Server, LocksOutTheOlderClockBehindOneAddress) {
    for (const char* release : {"2.6.32.69", "3.10.105", "3.10.0-1160.el7", "4.9.229"}) {
        SCOPED_TRACE(release);
        auto server = server_of(release, recycle);
        const auto listener = listen_on(server, 16);
        auto winner = client_of(server, "198.51.100.7");
        winner.ts = 9'000'000;
        serve_and_close(winner, listener, 0);
        auto loser = client_of(server, "198.51.100.7", 40001);
        const auto refused = loser.syn(1000);
        EXPECT_EQ(refused.fate, Fate::silence);
        ASSERT_NE(refused.row, nullptr);
        EXPECT_EQ(refused.row->cause, core::Cause::per_host_paws);
        EXPECT_EQ(server.counters()[Counter::paws_passive], 1U);
        auto stranger = client_of(server, "198.51.100.8");
        EXPECT_EQ(stranger.syn(1001).fate, Fate::answered);
        EXPECT_EQ(loser.syn(61'100).fate, Fate::answered) << "the stamp is believed for a minute";
    }
}

TEST(Server, RefusesNobodyAfterRecycleIsGone) {
    for (const char* release : {"4.12", "4.19.78", "6.1.20", "6.18.16"}) {
        SCOPED_TRACE(release);
        auto server = server_of(release, recycle);
        const auto listener = listen_on(server, 16);
        auto winner = client_of(server, "198.51.100.7");
        winner.ts = 9'000'000;
        serve_and_close(winner, listener, 0);
        EXPECT_EQ(client_of(server, "198.51.100.7", 40001).syn(1000).fate, Fate::answered);
        EXPECT_FALSE(server.counters().has(Counter::paws_passive));
    }
}

TEST(Server, AcceptQueueHoldsBacklogPlusOne) {
    auto server = server_of("6.1.20");
    const auto listener = listen_on(server, 2);
    int established = 0;
    for (int i = 0; i < 6; ++i) {
        auto client = client_of(server, "198.51.100." + std::to_string(i + 1));
        const auto outcome = client.syn(i);
        if (outcome.fate != Fate::answered) {
            EXPECT_EQ(outcome.row->cause, core::Cause::accept_queue_full);
            continue;
        }
        established += client.final_ack(i).fate == Fate::established;
    }
    EXPECT_EQ(established, 3);
    EXPECT_EQ(server.view_listener(listener).accept_length, 3U);
    EXPECT_EQ(server.counters()[Counter::listen_overflows], 3U);
    ASSERT_TRUE(server.accept(listener, at_ms(10)));
    EXPECT_EQ(client_of(server, "198.51.100.99").syn(11).fate, Fate::answered);
}

TEST(Server, SynQueueCapacityByKernel) {
    const struct {
        const char* release;
        std::uint32_t capacity;
    } kernels[] = {{"3.10.105", 16}, {"4.9.229", 5}, {"6.1.20", 5}, {"6.18.16", 6}};
    for (const auto& [release, capacity] : kernels) {
        SCOPED_TRACE(release);
        auto server = server_of(release, [](model::Settings& s) {
            s.syncookies = 0;
            s.max_syn_backlog = 1024;
        });
        const auto listener = listen_on(server, 5);
        std::uint32_t answered = 0;
        for (int i = 0; i < 40; ++i) {
            answered += client_of(server, "203.0.113." + std::to_string(i + 1)).syn(i).fate == Fate::answered;
        }
        EXPECT_EQ(answered, capacity);
        EXPECT_EQ(server.view_listener(listener).syn_capacity, capacity);
    }
}

TEST(Server, CookieComesBackWithTheOptionsItCarried) {
    for (const bool timestamps : {true, false}) {
        auto server = server_of("6.1.20", always_cookies);
        const auto listener = listen_on(server, 8);
        auto client = client_of(server, "198.51.100.7");
        client.timestamps = timestamps;
        ASSERT_EQ(client.syn(0).fate, Fate::cookie);
        EXPECT_EQ(server.view_listener(listener).request_length, 0U) << "nothing is stored";
        EXPECT_EQ(client.out.back().segment.options.has_window_scale, timestamps);
        const auto done = client.final_ack(50'000);
        EXPECT_EQ(done.fate, Fate::established);
        EXPECT_EQ(server.counters()[Counter::syncookies_recv], 1U);
        client.data(50'010, 100);
        EXPECT_EQ(server.view(done.socket)->unread_bytes, 100U);
    }
}

TEST(Server, WrongOrStaleCookieIsReset) {
    auto server = server_of("6.1.20", always_cookies);
    listen_on(server, 8);
    auto client = client_of(server, "198.51.100.7");
    ASSERT_EQ(client.syn(0).fate, Fate::cookie);
    client.ack += 12345;
    EXPECT_EQ(client.final_ack(10).fate, Fate::reset);
    EXPECT_EQ(server.counters()[Counter::syncookies_failed], 1U);
    client.ack -= 12345;
    EXPECT_EQ(client.final_ack(121'000).fate, Fate::reset) << "no overflow within two minutes";
}

TEST(Server, SynAckIsRepeatedAndGivenUp) {
    auto server = server_of("6.1.20");
    const auto listener = listen_on(server, 8);
    auto client = client_of(server, "198.51.100.7");
    client.syn(0);
    std::vector<std::int64_t> times;
    for (std::int64_t ms = 1; ms < 70'000; ms += 1) {
        model::Outbox out;
        server.advance(at_ms(ms), out);
        if (!out.empty()) times.push_back(ms);
    }
    EXPECT_EQ(times, (std::vector<std::int64_t>{1000, 3000, 7000, 15'000, 31'000}));
    EXPECT_EQ(server.view_listener(listener).request_length, 0U);
    EXPECT_EQ(server.counters()[Counter::tcp_timeouts], 6U);
}

TEST(Server, TimeWaitIsReopenedByANewerSynOnly) {
    auto server = server_of("6.18.16");
    const auto listener = listen_on(server, 8);
    auto client = client_of(server, "198.51.100.7");
    serve_and_close(client, listener, 0);
    const std::uint32_t server_next = client.ack;
    client.isn = 500;  // below the old connection's
    EXPECT_EQ(client.syn(1000).fate, Fate::bare_ack);
    client.ts += 1;
    const auto reopened = client.syn(2000);
    EXPECT_EQ(reopened.fate, Fate::answered);
    EXPECT_TRUE(reopened.reopened);
    EXPECT_EQ(client.out.back().segment.sequence, server_next + 65537);
}

TEST(Server, DeliversEveryByteOverALossyPath) {
    auto server = server_of("6.1.20");
    const auto listener = listen_on(server, 8);
    auto client = client_of(server, "198.51.100.7");
    client.syn(0);
    client.final_ack(20);
    const auto socket = *server.accept(listener, at_ms(20));
    constexpr std::uint64_t kBytes = 100'000;
    model::Outbox out;
    EXPECT_EQ(server.write(socket, kBytes, at_ms(21), out), kBytes);
    server.close(socket, at_ms(21), out);
    std::uint64_t received = 0;
    bool closed = false;
    int nth = 0;
    for (std::int64_t ms = 22; ms < 600'000 && !closed; ms += 5) {
        server.advance(at_ms(ms), out);
        model::Outbox arriving;
        arriving.swap(out);
        for (const auto& sent : arriving) {
            if (++nth % 4 == 0) continue;  // every fourth is lost
            if (sent.segment.sequence != client.ack) continue;
            received += sent.segment.payload_length;
            closed = (sent.segment.flags & tcp::fin) != 0;
            client.ack += sent.segment.sequence_length();
            if (sent.segment.options.has_timestamps) client.echo = sent.segment.options.ts_value;
        }
        const std::uint32_t so_far = client.ack;
        client.send(tcp::ack, client.next, ms);
        for (auto& sent : client.out) out.push_back(sent);
        client.ack = so_far;
    }
    EXPECT_EQ(received, kBytes);
    EXPECT_TRUE(closed);
}

TEST(Server, OldDuplicateOfAWrappedSequenceIsRefusedByPaws) {
    auto server = server_of("6.1.20");
    const auto listener = listen_on(server, 8);
    auto client = client_of(server, "198.51.100.7");
    client.syn(0);
    client.final_ack(10);
    const auto socket = *server.accept(listener, at_ms(10));
    client.ts += 5000;
    client.data(20, 100);
    model::Outbox out;
    server.read(socket, 100, at_ms(20), out);
    const std::uint32_t now = client.ts;
    client.ts = now - 4000;  // the same sequence number, one wrap ago
    EXPECT_EQ(client.send(tcp::ack | tcp::psh, client.next, 30, 50).fate, Fate::bare_ack);
    EXPECT_EQ(server.view(socket)->unread_bytes, 0U);
    EXPECT_EQ(server.counters()[Counter::paws_estab], 1U);
    client.ts = now;
    client.data(40, 50);
    EXPECT_EQ(server.view(socket)->unread_bytes, 50U);
}

TEST(Server, EveryOrderOfClosingEndsWhereTheKernelEnds) {
    auto server = server_of("6.1.20");
    const auto listener = listen_on(server, 8);
    const auto count = [&](State state) { return server.count_states()[static_cast<std::size_t>(state)]; };
    auto first = client_of(server, "198.51.100.1");
    serve_and_close(first, listener, 0);
    EXPECT_EQ(count(State::time_wait), 1U) << "the server closed first";
    auto second = client_of(server, "198.51.100.2");
    second.syn(100);
    second.final_ack(101);
    const auto socket = *server.accept(listener, at_ms(102));
    second.fin(103);
    EXPECT_EQ(count(State::close_wait), 1U);
    second.out.clear();
    server.close(socket, at_ms(104), second.out);
    second.learn();
    EXPECT_EQ(count(State::last_ack), 1U);
    second.final_ack(105);
    EXPECT_EQ(count(State::last_ack), 0U);
    EXPECT_EQ(count(State::time_wait), 1U) << "the client keeps this one";
    model::Outbox out;
    server.advance(at_ms(61'000), out);
    EXPECT_EQ(count(State::time_wait), 0U);
}

TEST(Server, MemoryBoundsHoldAndAreCounted) {
    model::ServerConfig config;
    config.kernel = core::resolve_kernel("6.1.20").value();
    config.settings = model::Settings::defaults_of(config.kernel);
    no_cookies(config.settings);
    config.settings.max_syn_backlog = 1'000'000;
    config.max_requests = 10;
    model::Server server(config);
    listen_on(server, 4096);
    for (int i = 0; i < 30; ++i) client_of(server, "203.0.113." + std::to_string(i + 1)).syn(i);
    EXPECT_EQ(server.occupied().requests, 10U);
    EXPECT_EQ(server.occupied().refused, 20U);
}

TEST(Server, ALockedListenerOfOldLosesWhatItsBacklogCannotHold) {
    auto server = server_of("3.10.105");
    const auto listener = listen_on(server, 1024);
    model::Outbox out;
    server.lock_listener(listener, true, at_ms(0), out);
    int lost = 0;
    for (int i = 0; i < 200; ++i) {
        const auto outcome = client_of(server, "203.0.113." + std::to_string(i + 1)).syn(i);
        if (outcome.fate != Fate::silence) continue;
        ++lost;
        EXPECT_EQ(outcome.row->cause, core::Cause::listener_backlog_full);
    }
    EXPECT_EQ(lost, 65) << "(87380 + 16384) bytes hold 135 segments of 768";
    EXPECT_EQ(server.counters()[Counter::tcp_backlog_drop], 65U);
    EXPECT_EQ(server.view_listener(listener).request_length, 0U);
    server.lock_listener(listener, false, at_ms(300), out);
    EXPECT_EQ(server.view_listener(listener).request_length, 135U) << "judged once the lock is free";
    auto modern = server_of("6.1.20");
    const auto lockless = listen_on(modern, 8);
    modern.lock_listener(lockless, true, at_ms(0), out);
    EXPECT_EQ(client_of(modern, "203.0.113.1").syn(1).fate, Fate::answered);
}

TEST(Server, Ipv6IsServedLikeIpv4) {
    auto server = server_of("6.1.20");
    const auto listener = listen_on(server, 8, "::");
    auto client = client_of(server, "2001:db8::7");
    client.remote = place("fd00::1", 80);
    serve_and_close(client, listener, 0);
    auto mapped = client_of(server, "198.51.100.7");
    EXPECT_EQ(mapped.syn(100).fate, Fate::answered) << "[::] takes IPv4 too";
}

}  // namespace
}  // namespace synwhy::test
