// Does the emulated host answer packets as a server with an application does?
//
// A client of a few lines speaks TCP with it in bytes: what goes in was built and what comes out is decoded by core, so
// checksums and lengths are real. Time is an argument.
#include "tun/emulation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/packet_build.hpp"
#include "tun/control.hpp"

using namespace synwhy;
using core::Segment;
namespace flag = core::tcp_flag;

namespace {

constexpr std::int64_t kStart = 1'700'000'000'000'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;

core::Endpoint endpoint(const char* address, std::uint16_t port) { return {*core::parse_address(address), port}; }

/// The whole stage: one emulated host, its clock.
struct Stage {
    tun::Emulation emulation;
    std::int64_t now_ns = kStart;
    tun::PacketBatch out{};

    explicit Stage(const std::string& kernel = "6.12", tun::ApplicationOptions application = {}, int backlog = 128,
                   bool recycle = false)
        : emulation(make(kernel, std::move(application), backlog, recycle)) {}

    static tun::Emulation make(const std::string& kernel, tun::ApplicationOptions application, int backlog,
                               bool recycle) {
        tun::EmulationOptions options;
        options.server.kernel = *core::resolve_kernel(kernel);
        options.server.settings = model::Settings::defaults_of(options.server.kernel);
        options.server.settings.tw_recycle = recycle ? 1 : 0;
        options.application = std::move(application);
        model::ListenOptions listener;
        listener.backlog = backlog;
        listener.local = endpoint("0.0.0.0", 80);
        options.listeners.push_back(listener);
        listener.local = endpoint("::", 80);
        listener.v6_only = true;
        options.listeners.push_back(listener);
        return *tun::Emulation::make(std::move(options), kStart);
    }

    std::optional<model::Outcome> send(std::vector<std::uint8_t> packet) {
        return emulation.receive(packet, now_ns, out);
    }
    void wait(std::int64_t ns) {
        now_ns += ns;
        emulation.advance(now_ns, out);
    }
};

/// One client port.
struct Client {
    Stage& stage;
    core::Endpoint here;
    core::Endpoint server;
    std::uint32_t next = 1000;     ///< our next sequence number
    std::uint32_t expected = 0;    ///< the server's
    std::uint32_t ts = 5'000'000;  ///< TSval
    std::string received{};
    bool closed = false;  ///< the server's FIN came
    bool reset = false;
    bool answers = true;  ///< acknowledges what comes
    std::optional<model::Outcome> last{};

    explicit Client(Stage& s, std::uint16_t port = 40000, const char* from = "10.0.0.7", const char* to = "10.0.0.1")
        : stage(s), here(endpoint(from, port)), server(endpoint(to, 80)) {}

    void send(std::uint8_t flags, const std::string& payload = {}) {
        Segment s;
        s.source = here;
        s.destination = server;
        s.flags = flags;
        s.sequence = next;
        s.acknowledgment = (flags & flag::ack) != 0 ? expected : 0;
        s.window = 64240;
        s.ttl = 64;
        s.payload_length = static_cast<std::uint32_t>(payload.size());
        s.options.has_timestamps = true;
        s.options.ts_value = ts;
        if ((flags & flag::syn) != 0) {
            s.options.has_mss = s.options.has_sack_permitted = true;
            s.options.mss = 1460;
        }
        next += s.sequence_length();
        std::vector<std::uint8_t> packet;
        core::append_packet(s, {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()}, packet);
        last = stage.send(packet);
        take();
    }

    /// Takes what the server sent to this port, in order, and acknowledges it.
    void take() {
        bool must_ack = false;
        for (std::size_t i = 0; i < stage.out.size(); ++i) {
            const auto packet = stage.out[i];
            const auto length = static_cast<std::uint32_t>(packet.size());
            const auto decoded = core::decode(core::LinkType::raw, packet, length);
            ASSERT_EQ(core::FrameKind::tcp, decoded.kind);
            ASSERT_EQ(core::Checksum::ok, core::verify_checksums(decoded, packet, length).tcp);
            const Segment& s = decoded.segment;
            if (s.destination != here) continue;
            reset = reset || (s.flags & flag::rst) != 0;
            if ((s.flags & flag::syn) != 0) {
                expected = s.sequence + 1;
                must_ack = true;
            } else if (s.sequence == expected && s.sequence_length() != 0) {
                received.append(reinterpret_cast<const char*>(packet.data()) + packet.size() - s.payload_length,
                                s.payload_length);
                closed = closed || (s.flags & flag::fin) != 0;
                expected += s.sequence_length();
                must_ack = true;
            }
        }
        stage.out.clear();
        if (must_ack && answers) send(flag::ack);
    }

    void wait(std::int64_t ns) {
        stage.wait(ns);
        take();
    }
    void get(const std::string& more = "") {
        send(flag::ack | flag::psh, "GET / HTTP/1.1\r\nHost: x\r\n" + more + "\r\n");
    }
};

TEST(emulation, answers_a_request_and_closes_first) {
    Stage stage;
    Client client(stage);
    client.send(flag::syn);
    EXPECT_EQ(model::Fate::established, client.last->fate);
    client.get("Connection: close\r\n");
    EXPECT_THAT(client.received, testing::StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(client.received, testing::EndsWith("\r\n\r\n000000000000000\n000000000000001\n000000000000002\n"
                                                   "000000000000003\n"));
    EXPECT_TRUE(client.closed);
    client.send(flag::ack | flag::fin);
    const auto states = stage.emulation.server().count_states();
    EXPECT_EQ(1U, states[static_cast<std::size_t>(model::State::time_wait)]) << "who closes first keeps TIME_WAIT";
    EXPECT_EQ(0U, stage.emulation.application().size());
}

TEST(emulation, answers_over_ipv6) {
    Stage stage;
    Client client(stage, 40000, "fd00::7", "fd00::1");
    client.send(flag::syn);
    client.get("Connection: close\r\n");
    EXPECT_THAT(client.received, testing::StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(client.closed);
}

TEST(emulation, keeps_the_connection_for_a_client_that_wants_it) {
    Stage stage;
    Client client(stage);
    client.send(flag::syn);
    for (int i = 0; i < 5; ++i) client.get();
    EXPECT_FALSE(client.closed);
    EXPECT_EQ(5U, stage.emulation.application().counts().requests);
    const std::string one = client.received.substr(0, client.received.size() / 5);
    EXPECT_EQ(one + one + one + one + one, client.received);
    client.send(flag::ack | flag::fin);
    EXPECT_TRUE(client.closed) << "the client went first, the server follows";
    const auto states = stage.emulation.server().count_states();
    EXPECT_EQ(0U, states[static_cast<std::size_t>(model::State::time_wait)]);
    EXPECT_EQ(0U, stage.emulation.application().size());
}

TEST(emulation, without_keep_alive_closes_after_every_answer) {
    Stage stage("6.12", {.keep_alive = false});
    Client client(stage);
    client.send(flag::syn);
    client.get();
    EXPECT_THAT(client.received, testing::HasSubstr("Connection: close"));
    EXPECT_TRUE(client.closed);
}

TEST(emulation, leaves_the_first_close_to_the_client) {
    Stage stage("6.12", {.server_closes_first = false});
    Client client(stage);
    client.send(flag::syn);
    client.get("Connection: close\r\n");
    EXPECT_THAT(client.received, testing::HasSubstr("Connection: close"));
    EXPECT_FALSE(client.closed);
    client.send(flag::ack | flag::fin);
    EXPECT_TRUE(client.closed);
}

TEST(emulation, retransmits_the_same_bytes) {
    Stage stage("6.12", {.response_bytes = 5000});
    Client client(stage);
    client.send(flag::syn);
    client.answers = false;
    client.get("Connection: close\r\n");
    const std::string first = client.received;
    ASSERT_GT(first.size(), 5000U);
    client.received.clear();
    client.expected -= static_cast<std::uint32_t>(first.size()) + 1;  // as if nothing had come, FIN included
    client.closed = false;
    client.answers = true;
    for (int i = 0; i < 20 && !client.closed; ++i) client.wait(kSecond);
    EXPECT_EQ(first, client.received);
    EXPECT_TRUE(client.closed);
    EXPECT_EQ(0U, stage.emulation.counts().lost_bodies);
}

TEST(emulation, a_body_without_http) {
    Stage stage("6.12", {.http = false, .response_bytes = 32});
    Client client(stage);
    client.send(flag::syn);
    EXPECT_EQ("000000000000000\n000000000000001\n", client.received);
    EXPECT_TRUE(client.closed);
}

TEST(emulation, a_broken_request_is_refused_and_closed) {
    Stage stage;
    Client client(stage);
    client.send(flag::syn);
    client.send(flag::ack | flag::psh, "how do you do?\n");
    EXPECT_THAT(client.received, testing::StartsWith("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_TRUE(client.closed);
    EXPECT_EQ(1U, stage.emulation.application().counts().refused_requests);
}

TEST(emulation, a_stalled_process_fills_the_accept_queue) {
    Stage stage("6.12", {}, 2);
    stage.emulation.application().stall();
    std::vector<std::unique_ptr<Client>> clients;
    for (std::uint16_t i = 0; i < 3; ++i) {
        clients.push_back(std::make_unique<Client>(stage, static_cast<std::uint16_t>(40000 + i)));
        clients.back()->send(flag::syn);
        clients.back()->get("Connection: close\r\n");
    }
    Client late(stage, 50000);
    late.send(flag::syn);
    ASSERT_EQ(model::Fate::silence, late.last->fate);
    EXPECT_EQ(core::Cause::accept_queue_full, late.last->row->cause);
    EXPECT_THAT(tun::answer_control(stage.emulation, "show queues", stage.now_ns),
                testing::HasSubstr("0.0.0.0:80\t3\t2\t0\t0\t"));
    for (const auto& client : clients) EXPECT_EQ("", client->received);
    stage.emulation.application().resume();
    stage.wait(0);
    const tun::PacketBatch batch = stage.out;
    for (const auto& client : clients) {
        stage.out = batch;  // every client picks its own
        client->take();
        EXPECT_THAT(client->received, testing::StartsWith("HTTP/1.1 200 OK")) << "what it had asked is answered now";
    }
    const auto tallies = stage.emulation.tallies();
    ASSERT_EQ(2U, std::ranges::count_if(tallies, [](const tun::Tally& t) { return t.syn; }));
}

TEST(emulation, a_planned_stall_ends_by_itself) {
    Stage stage("6.12", {.stalls = {{kStart + kSecond, kStart + 3 * kSecond}}});
    Client client(stage);
    client.send(flag::syn);
    client.wait(2 * kSecond);
    client.get("Connection: close\r\n");
    EXPECT_EQ("", client.received);
    EXPECT_EQ(kStart + 3 * kSecond, stage.emulation.next_deadline_ns());
    client.wait(kSecond);
    EXPECT_THAT(client.received, testing::StartsWith("HTTP/1.1 200 OK"));
}

TEST(emulation, accepts_at_its_rate) {
    Stage stage("6.12", {.accepts_per_s = 10.0});
    for (std::uint16_t i = 0; i < 20; ++i) Client(stage, static_cast<std::uint16_t>(40000 + i)).send(flag::syn);
    for (int tenth = 0; tenth < 10; ++tenth) stage.wait(kSecond / 10);
    EXPECT_NEAR(11.0, static_cast<double>(stage.emulation.application().counts().accepted), 1.0);
    for (int tenth = 0; tenth < 20; ++tenth) stage.wait(kSecond / 10);
    EXPECT_EQ(20U, stage.emulation.application().counts().accepted);
}

TEST(emulation, deadlines_are_in_the_future) {
    Stage stage("6.12", {.accepts_per_s = 3.0, .stalls = {{kStart + kSecond, kStart + 2 * kSecond}}}, 4);
    for (std::uint16_t i = 0; i < 8; ++i) Client(stage, static_cast<std::uint16_t>(40000 + i)).send(flag::syn);
    int wakeups = 0;
    while (stage.now_ns < kStart + 300 * kSecond && stage.emulation.next_deadline_ns() != INT64_MAX) {
        ASSERT_GT(stage.emulation.next_deadline_ns(), stage.now_ns) << "a loop would spin";
        stage.now_ns = stage.emulation.next_deadline_ns();
        stage.emulation.advance(stage.now_ns, stage.out);
        stage.out.clear();
        ASSERT_LT(++wakeups, 1000);
    }
    EXPECT_EQ(0U, stage.emulation.application().size()) << "silent connections were closed and forgotten";
}

TEST(emulation, closes_silent_connections) {
    Stage stage("6.12", {.idle_ns = 5 * kSecond});
    Client client(stage);
    client.send(flag::syn);
    client.wait(4 * kSecond);
    EXPECT_FALSE(client.closed);
    client.wait(kSecond);
    EXPECT_TRUE(client.closed);
    EXPECT_EQ(1U, stage.emulation.application().counts().idle_closed);
}

TEST(emulation, forgets_what_clients_reset) {
    Stage stage;
    Client client(stage);
    client.send(flag::syn);
    EXPECT_EQ(1U, stage.emulation.application().size());
    client.send(flag::rst | flag::ack);
    EXPECT_EQ(0U, stage.emulation.application().size());
    EXPECT_EQ(1U, stage.emulation.application().counts().resets_seen);
    EXPECT_EQ(0U, stage.emulation.server().occupied().sockets);
}

/// The office behind one address: the machine with the older clock is locked out, and only on the old kernel.
TEST(emulation, per_host_paws_behind_one_address) {
    for (const bool old_kernel : {true, false}) {
        Stage stage(old_kernel ? "3.10" : "4.12", {.keep_alive = false}, 128, old_kernel);
        Client newer(stage, 40000);
        newer.ts = 9'000'000;
        newer.send(flag::syn);
        newer.get();
        newer.send(flag::ack | flag::fin);
        stage.now_ns += 2 * kSecond;
        Client older(stage, 40001);
        older.ts = 1'000'000;
        older.send(flag::syn);
        if (old_kernel) {
            ASSERT_EQ(model::Fate::silence, older.last->fate);
            EXPECT_EQ(core::Cause::per_host_paws, older.last->row->cause);
            EXPECT_THAT(tun::answer_control(stage.emulation, "show peers", stage.now_ns),
                        testing::HasSubstr("10.0.0.7\t*\t9000000\t2\t"));
        } else {
            EXPECT_EQ(model::Fate::established, older.last->fate);
        }
    }
}

std::vector<std::uint8_t> syn_packet(std::uint16_t port = 40000) {
    Segment s;
    s.source = endpoint("10.0.0.7", port);
    s.destination = endpoint("10.0.0.1", 80);
    s.flags = flag::syn;
    s.window = 1000;
    std::vector<std::uint8_t> packet;
    core::append_packet(s, {}, packet);
    return packet;
}

TEST(emulation, broken_packets_meet_their_rows) {
    const auto fate_of = [](std::vector<std::uint8_t> packet) -> std::string {
        Stage stage;
        const auto outcome = stage.send(std::move(packet));
        return !outcome                  ? "no segment"
               : outcome->row == nullptr ? model::to_string(outcome->fate)
                                         : std::string(outcome->row->id);
    };
    const auto changed = [](std::size_t at, std::uint8_t value) {
        auto packet = syn_packet();
        packet[at] = value;
        return packet;
    };
    EXPECT_EQ("answered", fate_of(syn_packet()));
    EXPECT_EQ("ip.checksum", fate_of(changed(10, 0x55)));
    EXPECT_EQ("ip.checksum", fate_of(changed(3, 0xff))) << "looked at before the length";
    auto cut = syn_packet();
    cut.resize(cut.size() - 1);  // its checksum is right, its last byte is not there
    EXPECT_EQ("ip.truncated", fate_of(cut));
    EXPECT_EQ("ip.header", fate_of(changed(0, 0x44)));
    EXPECT_EQ("tcp.checksum", fate_of(changed(36, 0x55)));
    EXPECT_EQ("tcp.header", fate_of(changed(32, 0x40)));
    EXPECT_EQ("tcp.header", fate_of(changed(32, 0xf0)));
    EXPECT_EQ("no segment", fate_of(changed(9, 1)));
    EXPECT_EQ("no segment", fate_of({}));
    EXPECT_EQ("no segment", fate_of({0x45, 0, 0}));
}

TEST(emulation, taking_a_port_twice_is_an_error) {
    tun::EmulationOptions options;
    options.server.kernel = *core::resolve_kernel("6.12");
    model::ListenOptions listener;
    listener.local = endpoint("0.0.0.0", 80);
    options.listeners = {listener, listener};
    const auto made = tun::Emulation::make(std::move(options), kStart);
    ASSERT_FALSE(made);
    EXPECT_EQ("0.0.0.0:80: another listener has this port", core::to_string(made.error()));
}

}  // namespace
