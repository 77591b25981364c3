// How does a server remember a SYN without storing it?
//
// SYN cookies after D. J. Bernstein (https://cr.yp.to/syncookies.html) as Linux arranges them: a keyed hash of the
// 4-tuple, the client's ISN, a slow counter in the top byte and the MSS class below. With timestamps the low six bits
// of TSval carry window scale and SACK. net/ipv4/syncookies.c. Left out: ECN.
#include <algorithm>

#include "model/server_impl.hpp"

namespace synwhy::model {

using core::Segment;
namespace flag = core::tcp_flag;

namespace {

constexpr std::uint32_t kDataBits = 24;
constexpr std::uint32_t kDataMask = (1U << kDataBits) - 1;
constexpr std::uint32_t kOptionBits = 6;
constexpr std::uint32_t kOptionMask = (1U << kOptionBits) - 1;
constexpr std::uint32_t kScaleMask = 0xf;  ///< 15: no window scaling
constexpr std::uint32_t kSackBit = 0x10;

constexpr std::array<std::uint16_t, 4> kMssIpv4{536, 1300, 1440, 1460};
constexpr std::array<std::uint16_t, 4> kMssIpv6{1220, 1420, 1440, 8940};

const std::array<std::uint16_t, 4>& mss_classes(bool ipv6) { return ipv6 ? kMssIpv6 : kMssIpv4; }

/// The largest class that is not above the client's MSS, the smallest if all are.
std::uint32_t mss_class(std::uint16_t mss, bool ipv6) {
    const auto& classes = mss_classes(ipv6);
    std::uint32_t i = static_cast<std::uint32_t>(classes.size() - 1);
    while (i > 0 && mss < classes[i]) --i;
    return i;
}

}  // namespace

/// Minutes on old kernels, periods of 64 s later. include/net/tcp.h:tcp_cookie_time
std::uint32_t Server::Impl::cookie_period(std::int64_t now_ns) const {
    const std::int64_t length_s = behaviours().cookie_counter_minutes ? 60 : 64;
    return static_cast<std::uint32_t>((now_ns - config.boot_ns) / 1'000'000'000 / length_s);
}

std::uint32_t Server::Impl::cookie(const FlowKey& key, std::uint32_t isn, std::uint32_t period,
                                   std::uint32_t data) const {
    const auto always = static_cast<std::uint32_t>(hash_of(key, config.secret ^ 0xc001U));
    const auto now = static_cast<std::uint32_t>(hash_of(key, config.secret ^ 0xc002U ^ std::uint64_t{period} << 32U));
    return always + isn + (period << kDataBits) + ((now + data) & kDataMask);
}

Outcome Server::Impl::send_cookie(std::uint32_t number, const Received& in, Outbox& out) {
    Listener& listener = listeners[number];
    const FlowKey key{make_peer(in.segment.source.address), in.segment.source.port, make_local(in.segment.destination)};
    const Agreed agreed = agree(in.segment.options);
    const bool ipv6 = is_ipv6(key);
    Segment reply = reply_frame(key);
    reply.flags = flag::syn | flag::ack;
    reply.sequence = cookie(key, in.seq(), cookie_period(in.now_ns), mss_class(agreed.peer_mss, ipv6));
    reply.acknowledgment = in.seq() + 1;
    reply.window = static_cast<std::uint16_t>(initial_window(ipv6, agreed.timestamps));
    reply.options.has_mss = true;
    reply.options.mss = advertised_mss(ipv6);
    if (agreed.timestamps) {
        // The newest value not after the clock whose low bits say what was agreed.
        const std::uint32_t said =
            (agreed.window_scaling ? agreed.send_scale & kScaleMask : kScaleMask) | (agreed.sack ? kSackBit : 0U);
        const std::uint32_t clock = clock_ticks(in.now_ns);
        std::uint32_t value = (clock & ~kOptionMask) | said;
        if (core::seq_after(value, clock)) value -= kOptionMask + 1;
        reply.options.has_timestamps = true;
        reply.options.ts_value = value + timestamp_offset(key);
        reply.options.ts_echo = in.segment.options.ts_value;
        reply.options.has_sack_permitted = agreed.sack;
        reply.options.has_window_scale = agreed.window_scaling;
        reply.options.window_scale = agreed.receive_scale;
    }
    listener.overflow_ms = in.now_ms;
    count(Counter::syncookies_sent);
    if (behaviours().cookie_counts_listen_drop) count(Counter::listen_drops);
    emit(reply, out);
    release_peer(key);
    return {Fate::cookie, row<"listen.cookie">()};
}

/// An ACK that no request expects: perhaps it brings a cookie back. net/ipv4/syncookies.c:cookie_v4_check
Outcome Server::Impl::cookie_ack(std::uint32_t number, const Received& in, Outbox& out) {
    Listener& listener = listeners[number];
    const auto refuse = [&] { return no_socket(in, row<"final-ack.cookie-invalid">(), out); };
    const auto validity_ms = static_cast<std::uint32_t>(behaviours().cookie_validity_s) * 1000;
    const bool recent = listener.overflow_ms != 0 && in.now_ms - listener.overflow_ms <= validity_ms;
    if (!recent) {
        if (behaviours().stray_cookie_ack_counted) count(Counter::syncookies_failed);
        return refuse();
    }
    const FlowKey key{make_peer(in.segment.source.address), in.segment.source.port, make_local(in.segment.destination)};
    const std::uint32_t isn = in.seq() - 1;
    const std::uint32_t now = cookie_period(in.now_ns);
    const std::uint32_t periods = behaviours().cookie_counter_minutes ? 4 : 2;
    const auto& classes = mss_classes(is_ipv6(key));
    std::optional<std::uint32_t> found;
    for (std::uint32_t age = 0; age < periods && age <= now && !found; ++age) {
        const std::uint32_t data = (in.ack() - 1 - cookie(key, isn, now - age, 0));
        if (data < classes.size()) found = data;
    }
    if (!found) {
        release_peer(key);
        count(Counter::syncookies_failed);
        return refuse();
    }
    count(Counter::syncookies_recv);
    const core::TcpOptions& options = in.segment.options;
    const std::uint32_t said = (options.ts_echo - timestamp_offset(key)) & kOptionMask;
    const bool scaling = options.has_timestamps && (said & kScaleMask) != kScaleMask;
    Request request;
    request.key = key;
    request.isn = isn;
    request.iss = in.ack() - 1;
    request.ts_recent = options.ts_value;
    request.first_ms = request.last_ms = in.now_ms;
    request.listener = static_cast<std::uint16_t>(number);
    request.peer_mss = classes[*found];
    request.scales = scaling ? static_cast<std::uint8_t>((said & kScaleMask) | receive_scale() << 4U) : std::uint8_t{0};
    request.bits = static_cast<std::uint8_t>((options.has_timestamps ? Request::kTimestamps : 0) |
                                             (options.has_timestamps && (said & kSackBit) != 0 ? Request::kSack : 0) |
                                             (scaling ? Request::kScaling : 0));
    Received known = in;
    known.key = key;
    if (listener.accept_queue.size() > listener.limit) {
        // Nothing is kept and nothing is sent: abort_on_overflow needs a request.
        count(Counter::listen_overflows);
        count(Counter::listen_drops);
        release_peer(key);
        return {Fate::silence, row<"final-ack.cookie-full">()};
    }
    return complete(number, known, request, out);
}

}  // namespace synwhy::model
