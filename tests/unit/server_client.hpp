// A hand-driven client for tests of model::Server: sends segments, remembers what came back.
//
// Times are milliseconds since the story's start. What the server sent stays in `out` until the next call.
#pragma once

#include <string>

#include "core/address.hpp"
#include "model/server.hpp"

namespace synwhy::test {

namespace tcp = core::tcp_flag;

inline constexpr std::int64_t kModelStart = 1'700'000'000'000'000'000;

inline std::int64_t at_ms(std::int64_t ms) { return kModelStart + ms * 1'000'000; }

inline core::Endpoint place(const std::string& address, std::uint16_t port) {
    return {core::parse_address(address).value(), port};
}

inline model::Server server_of(const char* release, void (*change)(model::Settings&) = nullptr) {
    model::ServerConfig config;
    config.kernel = core::resolve_kernel(release).value();
    config.settings = model::Settings::defaults_of(config.kernel);
    config.boot_ns = kModelStart - 3'600'000'000'000;
    if (change != nullptr) change(config.settings);
    return model::Server(config);
}

inline model::ListenerId listen_on(model::Server& server, int backlog, const std::string& address = "0.0.0.0") {
    return server.listen({.local = place(address, 80), .backlog = backlog}, at_ms(0)).value();
}

struct TestClient {
    model::Server& server;
    core::Endpoint local;
    core::Endpoint remote = place("10.0.0.1", 80);
    std::uint32_t isn = 1000;
    std::uint32_t next = 1001;  ///< snd_nxt
    std::uint32_t ack = 0;      ///< rcv_nxt
    std::uint32_t ts = 1'000'000;
    std::uint32_t echo = 0;
    bool timestamps = true;
    model::Outbox out{};

    model::Outcome send(std::uint8_t flags, std::uint32_t seq, std::int64_t ms, std::uint32_t length = 0) {
        core::Segment s;
        s.source = local;
        s.destination = remote;
        s.flags = flags;
        s.sequence = seq;
        s.acknowledgment = (flags & tcp::ack) != 0 ? ack : 0;
        s.window = 64240;
        s.payload_length = length;
        s.ttl = 64;
        if (timestamps) {
            s.options.has_timestamps = true;
            s.options.ts_value = ts;
            s.options.ts_echo = (flags & tcp::ack) != 0 ? echo : 0;
        }
        if ((flags & tcp::syn) != 0) {
            s.options.has_mss = s.options.has_sack_permitted = s.options.has_window_scale = true;
            s.options.mss = 1460;
            s.options.window_scale = 7;
        }
        out.clear();
        const auto outcome = server.receive(s, {}, at_ms(ms), out);
        learn();
        return outcome;
    }
    model::Outcome syn(std::int64_t ms) {
        next = isn + 1;
        return send(tcp::syn, isn, ms);
    }
    model::Outcome final_ack(std::int64_t ms) { return send(tcp::ack, next, ms); }
    model::Outcome data(std::int64_t ms, std::uint32_t length) {
        const auto outcome = send(tcp::ack | tcp::psh, next, ms, length);
        next += length;
        return outcome;
    }
    model::Outcome fin(std::int64_t ms) {
        const auto outcome = send(tcp::ack | tcp::fin, next, ms);
        ++next;
        return outcome;
    }
    /// Takes over what the last segment in `out` says.
    void learn() {
        for (const auto& sent : out) {
            const auto& s = sent.segment;
            if (s.destination != local || (s.flags & tcp::rst) != 0) continue;
            ack = s.sequence + s.sequence_length();
            if (s.options.has_timestamps) echo = s.options.ts_value;
        }
    }
};

inline TestClient client_of(model::Server& server, const std::string& address, std::uint16_t port = 40000) {
    return TestClient{.server = server, .local = place(address, port)};
}

}  // namespace synwhy::test
