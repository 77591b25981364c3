// How fast is the model, and how small are its entries?
//
// One core, no I/O: verdicts per second over many peers, whole connections per second, bytes per half-open request,
// per TIME_WAIT bucket and per remembered peer. Prints one JSON object; bench/model.py sets it beside ns-3.
// Left out: the simulation around the model (links, clients), which `synwhy sim` measures itself.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "model/server.hpp"

namespace {

using namespace synwhy;
namespace flag = core::tcp_flag;
/// CPU time of this process, seconds: other work on the machine does not count.
double cpu_s() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

core::Address address(std::uint32_t value) {
    const std::array<std::uint8_t, 4> octets{static_cast<std::uint8_t>(value >> 24U),
                                             static_cast<std::uint8_t>(value >> 16U),
                                             static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value)};
    return core::Address::from_ipv4(octets.data());
}

core::Segment segment(std::uint32_t peer, std::uint8_t flags, std::uint32_t seq, std::uint32_t ack, std::uint32_t ts) {
    core::Segment s;
    s.source = {address(peer), 40000};
    s.destination = {address(0x0a000001), 80};
    s.flags = flags;
    s.sequence = seq;
    s.acknowledgment = ack;
    s.window = 64240;
    s.ttl = 64;
    s.options.has_timestamps = true;
    s.options.ts_value = ts;
    s.options.has_mss = (flags & flag::syn) != 0;
    s.options.mss = 1460;
    return s;
}

model::Server server(const char* release, int recycle) {
    model::ServerConfig config;
    config.kernel = *core::resolve_kernel(release);
    config.settings = model::Settings::defaults_of(config.kernel);
    config.settings.somaxconn = 4'000'000;
    config.settings.max_syn_backlog = 4'000'000;
    config.settings.max_tw_buckets = 4'000'000;
    config.settings.tw_recycle = recycle;
    config.max_requests = config.max_sockets = config.max_peers = 4'000'000;
    return model::Server(std::move(config));
}

/// Addresses far apart, so that neighbours in time are no neighbours in memory.
std::uint32_t peer_of(std::uint32_t i) { return 0x0b000000U + (i * 2654435761U) % 0x60000000U; }

struct Measured {
    double connections_per_s = 0, refusals_per_s = 0, answers_per_s = 0;
    double bucket_bytes = 0, request_bytes = 0, peer_bytes = 0;
    std::uint64_t refused = 0;
};

/// Whole connections that the server closes: each leaves a TIME_WAIT bucket and a remembered peer.
void connect_all(model::Server& s, std::uint32_t peers, Measured& m) {
    model::Outbox out;
    const auto listener = s.listen({.local = {address(0), 80}, .backlog = 1'000'000}, 1'000'000'000);
    const double start = cpu_s();
    std::int64_t now = 1'000'000'000;
    const std::size_t before = s.occupied().bytes;
    for (std::uint32_t i = 0; i < peers; ++i, now += 10'000) {
        const std::uint32_t peer = peer_of(i);
        out.clear();
        s.receive(segment(peer, flag::syn, 1000, 0, 1'000'000), {}, now, out);
        const std::uint32_t iss = out.back().segment.sequence;
        out.clear();
        s.receive(segment(peer, flag::ack, 1001, iss + 1, 1'000'001), {}, now, out);
        const auto socket = s.accept(*listener, now);
        s.close(*socket, now, out);
        s.receive(segment(peer, flag::ack, 1001, iss + 2, 1'000'002), {}, now, out);
        s.receive(segment(peer, flag::ack | flag::fin, 1001, iss + 2, 1'000'003), {}, now, out);
    }
    m.connections_per_s = peers / (cpu_s() - start);
    const auto occupied = s.occupied();
    if (occupied.buckets != 0) {
        const std::size_t without_peers = occupied.bytes - occupied.peer_bytes - before;
        m.bucket_bytes = static_cast<double>(without_peers) / static_cast<double>(occupied.buckets);
    }
}

/// SYNs come in batches, as from a capture or a device.
using Batch = std::array<core::Segment, 32>;

/// Receives a SYN of every peer and tells `receive` about each.
/// @return SYNs per second
template <typename MakeSyn, typename Receive>
double receive_all(model::Server& s, std::uint32_t peers, const MakeSyn& syn_of, const Receive& receive) {
    Batch batch;
    const double start = cpu_s();
    for (std::uint32_t i = 0; i < peers; i += batch.size()) {
        const std::uint32_t count = std::min<std::uint32_t>(batch.size(), peers - i);
        for (std::uint32_t k = 0; k < count; ++k) batch[k] = syn_of(i + k);
        s.expect({batch.data(), count});
        for (std::uint32_t k = 0; k < count; ++k) receive(batch[k], i + k);
    }
    return peers / (cpu_s() - start);
}

/// SYNs with an older timestamp from every peer: per-host PAWS refuses each.
void refuse_all(model::Server& s, std::uint32_t peers, Measured& m) {
    model::Outbox out;
    const std::int64_t now = 15'000'000'000;
    s.advance(now, out);  // the recycled TIME_WAITs are over
    const auto syn_of = [](std::uint32_t i) {
        core::Segment syn = segment(peer_of(i), flag::syn, 2000, 0, 5);
        syn.source.port = 40001;
        return syn;
    };
    m.refusals_per_s = receive_all(s, peers, syn_of, [&](const core::Segment& syn, std::uint32_t) {
        m.refused += s.receive(syn, {}, now, out).fate == model::Fate::silence;
    });
}

void answer_all(std::uint32_t peers, Measured& m) {
    model::Server s = server("6.1.20", 0);
    model::Outbox out;
    s.listen({.local = {address(0), 80}, .backlog = 4'000'000}, 1'000'000'000);
    const std::size_t before = s.occupied().bytes;
    const auto syn_of = [](std::uint32_t i) { return segment(peer_of(i), flag::syn, 1000, 0, 1'000'000); };
    m.answers_per_s = receive_all(s, peers, syn_of, [&](const core::Segment& syn, std::uint32_t i) {
        out.clear();
        s.receive(syn, {}, 1'000'000'000 + i * 100LL, out);
    });
    m.request_bytes = static_cast<double>(s.occupied().bytes - before) / static_cast<double>(s.occupied().requests);
}

}  // namespace

int main(int count, char** arguments) {
    const auto peers = static_cast<std::uint32_t>(count > 1 ? std::atoi(arguments[1]) : 1'000'000);
    Measured m;
    model::Server recycling = server("3.10.105", 1);
    connect_all(recycling, peers, m);
    refuse_all(recycling, peers, m);
    const std::size_t memory = recycling.occupied().peers;
    m.peer_bytes = memory == 0 ? 0 : static_cast<double>(recycling.occupied().peer_bytes) / static_cast<double>(memory);
    model::Server plain = server("6.1.20", 0);
    Measured timed_wait;
    connect_all(plain, peers, timed_wait);
    answer_all(peers, m);
    std::printf(
        "{\"peers\":%u,\"verdicts_refused_per_s\":%.0f,\"verdicts_answered_per_s\":%.0f,\"connections_per_s\":%.0f,"
        "\"refused\":%llu,\"bytes_per_request\":%.1f,\"bytes_per_time_wait\":%.1f,\"bytes_per_peer\":%.1f}\n",
        peers, m.refusals_per_s, m.answers_per_s, timed_wait.connections_per_s,
        static_cast<unsigned long long>(m.refused), m.request_bytes, timed_wait.bucket_bytes, m.peer_bytes);
}
