// Can any packets make the emulated host contradict itself: wrong bytes out, a timer that is never over, lost payload?
//
// The way of a TUN device's bytes: decoding, checksums, the kernel model, the HTTP parser, replies. Two bytes of
// choices (kernel, application), then packets: a byte for the time that passes, two for the length, the packet. Bits
// of the first byte of each packet's time let checksums be repaired and the acknowledgment count from the host's last
// SYN+ACK, so that connections come about; without them the bytes are taken as they are.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "tun/control.hpp"
#include "tun/emulation.hpp"

using namespace synwhy;

namespace {

constexpr std::int64_t kStart = 1'700'000'000'000'000'000;
constexpr std::size_t kMaxPackets = 300;
constexpr std::uint8_t kRepair = 0x80;    ///< of a packet's time byte: make the checksums right
constexpr std::uint8_t kRelative = 0x40;  ///< acknowledgment counted from the last SYN+ACK

void require(bool holds) {
    if (!holds) std::abort();
}

core::Endpoint any(const char* address, std::uint16_t port) { return {*core::parse_address(address), port}; }

tun::EmulationOptions options_of(std::uint8_t kernel, std::uint8_t application) {
    constexpr std::array<std::string_view, 8> kReleases = {"2.6.32.69", "3.4.113", "3.10.105", "3.10.0-1160.el7",
                                                           "4.4.178",   "4.12",    "6.1.20",   "6.18.44"};
    tun::EmulationOptions options;
    options.server.kernel = *core::resolve_kernel(kReleases[kernel & 7U]);
    options.server.settings = model::Settings::defaults_of(options.server.kernel);
    if ((kernel & 0x08U) != 0) options.server.settings.tw_recycle = 1;
    if ((kernel & 0x10U) != 0) options.server.settings.syncookies = 0;
    if ((kernel & 0x20U) != 0) options.server.settings.syncookies = 2;
    if ((kernel & 0x40U) != 0) options.server.settings.abort_on_overflow = 1;
    options.server.max_sockets = 64;
    options.server.max_requests = 64;
    options.server.max_peers = 64;
    options.application.http = (application & 1U) == 0;
    options.application.keep_alive = (application & 2U) == 0;
    options.application.server_closes_first = (application & 4U) == 0;
    if ((application & 8U) != 0) options.application.accepts_per_s = 2.0;
    if ((application & 16U) != 0) options.application.stalls = {{kStart + 1'000'000'000, kStart + 9'000'000'000}};
    options.application.response_bytes = (application & 32U) != 0 ? 20'000 : 40;
    options.application.idle_ns = 30'000'000'000;
    model::ListenOptions listener;
    listener.backlog = (kernel & 0x80U) != 0 ? 1 : 8;
    if ((application & 64U) != 0) listener.defer_accept_s = 3;
    const bool one_for_both = (application & 128U) != 0;
    listener.local = any("0.0.0.0", 80);
    if (!one_for_both) options.listeners.push_back(listener);
    listener.local = any("::", 80);
    listener.v6_only = !one_for_both;
    options.listeners.push_back(listener);
    return options;
}

void store16(std::uint8_t* at, std::uint32_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8U);
    at[1] = static_cast<std::uint8_t>(value);
}

std::uint32_t sum_of(std::span<const std::uint8_t> bytes, std::uint32_t sum) {
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
    return sum;
}

std::uint32_t folded(std::uint32_t sum) {
    while (sum > 0xffffU) sum = (sum & 0xffffU) + (sum >> 16U);
    return ~sum & 0xffffU;
}

/// Makes the checksums of a plain TCP packet right and moves its acknowledgment; others stay as they are.
void mend(std::vector<std::uint8_t>& packet, std::uint8_t how, std::uint32_t base) {
    const core::Decoded decoded = core::decode(core::LinkType::raw, packet, static_cast<std::uint32_t>(packet.size()));
    if (decoded.kind != core::FrameKind::tcp || decoded.ip_header_bad || packet.size() < decoded.tcp_offset + 20U)
        return;
    std::uint8_t* const tcp = packet.data() + decoded.tcp_offset;
    if ((how & kRelative) != 0) {
        const std::uint32_t moved = core::load_be32(tcp + 8) + base;
        store16(tcp + 8, moved >> 16U);
        store16(tcp + 10, moved & 0xffffU);
    }
    if ((how & kRepair) == 0) return;
    const bool ipv4 = packet[0] >> 4U == 4;
    const std::size_t end = decoded.tcp_offset + (tcp[12] >> 4U) * std::size_t{4} + decoded.segment.payload_length;
    if (end > packet.size()) return;
    if (ipv4) {
        store16(packet.data() + 10, 0);
        store16(packet.data() + 10, folded(sum_of(std::span(packet).first((packet[0] & 15U) * std::size_t{4}), 0)));
    }
    store16(tcp + 16, 0);
    const auto segment = std::span(packet).subspan(decoded.tcp_offset, end - decoded.tcp_offset);
    std::uint32_t sum = sum_of(std::span(packet).subspan(ipv4 ? 12 : 8, ipv4 ? 8 : 32), 6);
    sum += static_cast<std::uint32_t>(segment.size());
    store16(tcp + 16, folded(sum_of(segment, sum)));
}

/// Every reply is a whole TCP packet of the host with right checksums. @return the ISN of a SYN+ACK, or `base`
std::uint32_t check_replies(const tun::PacketBatch& out, std::uint32_t base) {
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto packet = out[i];
        const auto length = static_cast<std::uint32_t>(packet.size());
        require(length <= 1500);
        const core::Decoded decoded = core::decode(core::LinkType::raw, packet, length);
        require(decoded.kind == core::FrameKind::tcp && !decoded.ip_header_bad);
        const core::Checksums sums = core::verify_checksums(decoded, packet, length);
        require(sums.ip == core::Checksum::ok && sums.tcp == core::Checksum::ok);
        if (decoded.segment.is_syn_ack()) base = decoded.segment.sequence;
    }
    return base;
}

std::int64_t pause_of(std::uint8_t how) {
    constexpr std::array<std::int64_t, 16> kPauses_ms = {0,    0,    1,     10,    100,   200,   500,    999,
                                                         1000, 3000, 15000, 30000, 59000, 61000, 120000, 600000};
    return kPauses_ms[how & 15U] * 1'000'000;
}

/// All timers on the way, each of which must lead on.
void pass(tun::Emulation& emulation, std::int64_t& now_ns, std::int64_t until_ns, tun::PacketBatch& out) {
    for (int wakeups = 0; emulation.next_deadline_ns() <= until_ns; ++wakeups) {
        require(wakeups < 100'000);
        now_ns = std::max(now_ns, emulation.next_deadline_ns());
        emulation.advance(now_ns, out);
        require(emulation.next_deadline_ns() > now_ns);
        check_replies(out, 0);
        out.clear();
    }
    now_ns = until_ns;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    auto made = tun::Emulation::make(options_of(data[0], data[1]), kStart);
    require(made.has_value());
    tun::Emulation& emulation = *made;
    std::span<const std::uint8_t> rest(data + 2, size - 2);
    tun::PacketBatch out;
    std::int64_t now_ns = kStart;
    std::uint32_t base = 0;
    std::uint64_t segments = 0;
    for (std::size_t packets = 0; rest.size() >= 3 && packets < kMaxPackets; ++packets) {
        const std::uint8_t how = rest[0];
        const std::size_t length = std::min<std::size_t>(core::load_be16(rest.data() + 1), rest.size() - 3);
        std::vector<std::uint8_t> packet(rest.begin() + 3, rest.begin() + 3 + static_cast<std::ptrdiff_t>(length));
        rest = rest.subspan(3 + length);
        mend(packet, how, base);
        pass(emulation, now_ns, now_ns + pause_of(how), out);
        if (emulation.receive(packet, now_ns, out)) ++segments;
        base = check_replies(out, base);
        out.clear();
        require(emulation.next_deadline_ns() > now_ns);
    }
    std::uint64_t tallied = 0;
    for (const tun::Tally& tally : emulation.tallies()) tallied += tally.segments;
    require(tallied == segments);
    require(emulation.counts().lost_bodies == 0);
    for (const std::string_view table : tun::kControlTables) {
        require(tun::answer_control(emulation, std::string("show ") + std::string(table), now_ns).starts_with("ok\n"));
    }
    // Left alone, everything comes to an end: stalls, silence, TIME_WAIT.
    pass(emulation, now_ns, now_ns + 7'200'000'000'000, out);
    require(emulation.application().size() == 0);
    return 0;
}
