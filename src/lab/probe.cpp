#include "lab/probe.hpp"

#include "core/packet_build.hpp"

namespace synwhy::lab {
namespace {

constexpr std::int64_t kPatience_ns = 5'000'000'000;
constexpr std::int64_t kAnswer_ns = 10'000'000;
constexpr std::uint16_t kClosedPort = 9;

std::vector<std::uint8_t> stray_ack(const char* from, const char* to) {
    core::Segment segment;
    segment.source = {*core::parse_address(from), kClosedPort};
    segment.destination = {*core::parse_address(to), kClosedPort};
    segment.flags = core::tcp_flag::ack;
    std::vector<std::uint8_t> packet;
    core::append_packet(segment, {}, packet);
    return packet;
}

sim::Result<bool> answers(sim::Engine& engine, const std::vector<std::uint8_t>& packet) {
    if (auto done = engine.inject(packet); !done) return std::unexpected(done.error());
    std::vector<sim::Packet> replies;
    if (auto done = engine.collect(engine.now_ns() + kAnswer_ns, replies); !done) return std::unexpected(done.error());
    for (const sim::Packet& reply : replies) {
        const auto decoded =
            core::decode(core::LinkType::raw, reply.bytes, static_cast<std::uint32_t>(reply.bytes.size()));
        const bool reset = (decoded.segment.flags & core::tcp_flag::rst) != 0;
        if (decoded.kind == core::FrameKind::tcp && reset && decoded.segment.source.port == kClosedPort) return true;
    }
    return false;
}

}  // namespace

sim::Result<void> wait_until_answering(sim::Engine& engine) {
    const std::int64_t end_ns = engine.now_ns() + kPatience_ns;
    for (const auto& packet : {stray_ack("198.51.100.254", "10.0.0.1"), stray_ack("2001:db8::fe", "fd00::1")}) {
        while (true) {
            const auto answered = answers(engine, packet);
            if (!answered) return std::unexpected(answered.error());
            if (*answered) break;
            if (engine.now_ns() > end_ns) {
                return std::unexpected(
                    core::Error{"the network of the lab does not come up", std::string(engine.name())});
            }
        }
    }
    return {};
}

}  // namespace synwhy::lab
