// What do the server's own segments look like: numbers, timestamps, windows, RSTs?
#include <algorithm>

#include "core/packet_build.hpp"
#include "model/server_impl.hpp"

namespace synwhy::model {

using core::Segment;
using core::TimestampClock;
namespace flag = core::tcp_flag;

namespace {

constexpr std::uint32_t kJiffiesBeforeWrap_s = 300;  ///< INITIAL_JIFFIES: the counter wraps 5 minutes after boot

}  // namespace

/// The clock behind TSval, without any offset. include/net/tcp.h:tcp_time_stamp, tcp_time_stamp_raw
std::uint32_t Server::Impl::clock_ticks(std::int64_t now_ns) const {
    const std::int64_t up_ns = now_ns - config.boot_ns;
    switch (behaviours().timestamp_clock) {
        case TimestampClock::jiffies:
        case TimestampClock::jiffies_pair: {
            const auto ticks = static_cast<std::uint32_t>(up_ns / (1'000'000'000 / config.hz));
            return ticks - kJiffiesBeforeWrap_s * static_cast<std::uint32_t>(config.hz);
        }
        case TimestampClock::milliseconds:
        case TimestampClock::milliseconds_tuple: break;
    }
    return static_cast<std::uint32_t>(up_ns / 1'000'000);
}

/// net/core/secure_seq.c:secure_tcp_ts_off
std::uint32_t Server::Impl::timestamp_offset(const FlowKey& key) const {
    if (config.settings.timestamps == 2) return 0;
    switch (behaviours().timestamp_clock) {
        case TimestampClock::jiffies: return 0;
        case TimestampClock::jiffies_pair:
        case TimestampClock::milliseconds:
            return static_cast<std::uint32_t>(hash_of({key.peer, 0, memory_key(key).local}, config.secret ^ 0x7573U));
        case TimestampClock::milliseconds_tuple: break;
    }
    return static_cast<std::uint32_t>(hash_of(key, config.secret ^ 0x7575U));
}

std::uint32_t Server::Impl::tsval_of(const FlowKey& key, std::int64_t now_ns) const {
    return clock_ticks(now_ns) + timestamp_offset(key);
}

/// net/core/secure_seq.c:secure_tcp_seq: a keyed hash plus a clock of 64 ns.
std::uint32_t Server::Impl::fresh_isn(const FlowKey& key, std::int64_t now_ns) const {
    return static_cast<std::uint32_t>(hash_of(key, config.secret ^ 0x1517U)) +
           static_cast<std::uint32_t>(static_cast<std::uint64_t>(now_ns) >> 6U);
}

/// Bytes offered in the SYN+ACK. net/ipv4/tcp_output.c:tcp_select_initial_window
std::uint32_t Server::Impl::initial_window(bool ipv6, bool timestamps) const {
    const std::uint32_t mss = advertised_mss(ipv6) - (timestamps ? 12U : 0U);
    const auto segments = static_cast<std::uint32_t>(behaviours().initial_window_segments);
    return std::min(segments * mss, 65535U / mss * mss);
}

std::uint8_t Server::Impl::receive_scale() const {
    std::uint8_t scale = 0;
    for (int space = config.settings.rmem_max_bytes; space > 65535 && scale < 14; space >>= 1) ++scale;
    return scale;
}

Segment Server::Impl::reply_frame(const FlowKey& key) const {
    Segment segment;
    segment.source = locals[key.local];
    segment.destination = {peer_address(key), key.peer_port};
    segment.ttl = 64;
    return segment;
}

void Server::Impl::emit(const Segment& segment, Outbox& out, SocketId socket, bool again) {
    count(Counter::tcp_out_segs);
    if (segment.source.address.family == core::Family::ipv4) count(Counter::ip_out_requests);
    // A copy of what goes to our own broadcast address comes back; TCP wants nothing of it.
    if (config.network.is_subnet_broadcast(segment.destination.address, behaviours().subnet_zero_is_broadcast)) {
        count(Counter::ip_in_receives);
        count(Counter::ip_in_delivers);
    }
    out.push_back({segment, socket, 0, again});
}

/// net/ipv4/tcp_ipv4.c:tcp_v4_send_reset: never in reply to a RST, never for an address that is not ours.
void Server::Impl::send_reset(const Received& in, Outbox& out) {
    if (in.has(flag::rst) || !config.network.is_ours(in.segment.destination.address)) return;
    Segment reply;
    reply.source = in.segment.destination;
    reply.destination = in.segment.source;
    reply.ttl = 64;
    reply.flags = flag::rst;
    if (in.has(flag::ack)) {
        reply.sequence = in.ack();
    } else {
        reply.flags |= flag::ack;
        reply.acknowledgment = in.end_seq();
    }
    count(Counter::tcp_out_rsts);
    emit(reply, out);
}

}  // namespace synwhy::model
