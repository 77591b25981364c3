// How does a host open a connection, send, repeat and close? See client.hpp.
//
// net/ipv4/tcp_output.c:tcp_connect, net/ipv4/tcp_timer.c:tcp_write_timeout, tcp_retransmit_timer
#include "model/client.hpp"

#include <algorithm>

#include "core/existing.hpp"
#include "core/seq.hpp"

namespace synwhy::model {

using core::Segment;
using core::TimestampClock;
namespace flag = core::tcp_flag;

namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kTimeWait_ns = 60'000 * kMillisecond;  ///< TCP_TIMEWAIT_LEN
constexpr std::uint32_t kMaxRtoMs = 120'000;                  ///< TCP_RTO_MAX
constexpr std::uint32_t kMinRtoMs = 200;                      ///< TCP_RTO_MIN
constexpr std::uint32_t kReceiveWindow = 64'240;              ///< bytes
constexpr std::uint8_t kReceiveScale = 7;
constexpr std::uint32_t kIsnApart = 65535 + 2;       ///< of a reused TIME_WAIT
constexpr std::uint32_t kJiffiesBeforeWrap_s = 300;  ///< INITIAL_JIFFIES
constexpr int kRetries = 15;                         ///< net.ipv4.tcp_retries2
constexpr int kOrphanRetries = 8;

}  // namespace

ClientHost::ClientHost(const ClientKernel& shared, const core::Address& address, std::int64_t boot_ns,
                       std::uint64_t secret, std::uint32_t port_hint)
    : shared_(shared), address_(address), boot_ns_(boot_ns), secret_(secret), port_hint_(port_hint) {}

ClientHost::~ClientHost() = default;

// ------------------------------------------------------------------------------------------------------------ storage

std::uint32_t ClientHost::take_connection() {
    ++live_;
    if (!free_connections_.empty()) {
        const std::uint32_t slot = free_connections_.back();
        free_connections_.pop_back();
        return slot;
    }
    connections_.emplace_back();
    connection_keys_.emplace_back();
    return static_cast<std::uint32_t>(connections_.size() - 1);
}

void ClientHost::free_connection(std::uint32_t slot) {
    Connection& c = connections_[slot];
    unindex(slot, c.server);
    c.state = State::unused;
    c.due_ns = 0;
    free_connections_.push_back(slot);
    --live_;
}

std::uint32_t ClientHost::take_wait() {
    ++waiting_;
    if (!free_waits_.empty()) {
        const std::uint32_t slot = free_waits_.back();
        free_waits_.pop_back();
        return slot;
    }
    waits_.emplace_back();
    wait_keys_.emplace_back();
    return static_cast<std::uint32_t>(waits_.size() - 1);
}

void ClientHost::free_wait(std::uint32_t slot) {
    Wait& w = waits_[slot];
    unindex(slot | kWaitBit, w.server);
    w.used = false;
    w.due_ns = 0;
    free_waits_.push_back(slot);
    --waiting_;
}

ConnectionId ClientHost::id_of(const Connection& c) {
    return static_cast<ConnectionId>(c.generation) << 32U | (c.slot + 1);
}

const ClientHost::Connection* ClientHost::live_of(ConnectionId id) const {
    const auto number = static_cast<std::uint32_t>(id);
    if (number == 0 || number > connections_.size()) return nullptr;
    const Connection& c = connections_[number - 1];
    const bool same = c.state != State::unused && c.generation == static_cast<std::uint32_t>(id >> 32U);
    return same ? &c : nullptr;
}

ClientHost::Connection* ClientHost::live_of(ConnectionId id) {
    return const_cast<Connection*>(static_cast<const ClientHost*>(this)->live_of(id));
}

void ClientHost::forget_tag(ConnectionId connection) {
    if (Connection* c = live_of(connection)) c->tag = kNoTag;
}

std::uint32_t ClientHost::tag(ConnectionId connection) const {
    const Connection* c = live_of(connection);
    return c == nullptr ? kNoTag : c->tag;
}

std::uint32_t ClientHost::isn(ConnectionId connection) const {
    const Connection* c = live_of(connection);
    return c == nullptr ? 0 : c->isn;
}

std::uint16_t ClientHost::port(ConnectionId connection) const {
    const Connection* c = live_of(connection);
    return c == nullptr ? std::uint16_t{0} : c->port;
}

std::size_t ClientHost::bytes() const {
    return connections_.capacity() * (sizeof(Connection) + sizeof(FlowKey)) +
           waits_.capacity() * (sizeof(Wait) + sizeof(FlowKey)) + timers_.capacity() * sizeof(Timer) +
           long_timers_[0].bytes() + long_timers_[1].bytes() +
           (free_connections_.capacity() + free_waits_.capacity()) * sizeof(std::uint32_t) +
           servers_.capacity() * sizeof(ServerUse) + (flows_ ? flows_->bytes() : 0);
}

// ------------------------------------------------------------------------------------------------------------- clocks

std::uint32_t ClientHost::second_of(std::int64_t now_ns) const {
    // Wall clock and time since boot differ by a constant here, since the simulated clock is never set.
    return static_cast<std::uint32_t>((now_ns - boot_ns_) / (1000 * kMillisecond));
}

std::uint32_t ClientHost::tsval(const core::Endpoint& server, std::uint16_t port, std::int64_t now_ns) const {
    const std::int64_t up_ns = now_ns - boot_ns_;
    const auto hz = static_cast<std::uint32_t>(shared_.hz);
    const auto jiffies = static_cast<std::uint32_t>(up_ns / (1000 * kMillisecond / shared_.hz));
    const auto milliseconds = static_cast<std::uint32_t>(up_ns / kMillisecond);
    std::uint64_t hash = secret_ ^ 0x7573U;
    for (std::size_t i = 0; i < server.address.bytes.size(); i += 4) {
        hash = mix64(hash ^ core::load_be32(&server.address.bytes[i]));
    }
    const bool plain = shared_.settings.timestamps == 2;
    const auto pair_offset = plain ? 0U : static_cast<std::uint32_t>(hash);
    const auto tuple_offset =
        plain ? 0U : static_cast<std::uint32_t>(mix64(hash ^ (std::uint64_t{port} << 16U | server.port)));
    switch (shared_.kernel.behaviours.timestamp_clock) {
        case TimestampClock::jiffies: return jiffies - kJiffiesBeforeWrap_s * hz;
        case TimestampClock::jiffies_pair: return jiffies - kJiffiesBeforeWrap_s * hz + pair_offset;
        case TimestampClock::milliseconds: return milliseconds + pair_offset;
        case TimestampClock::milliseconds_tuple: break;
    }
    return milliseconds + tuple_offset;
}

/// A constant length may have changed meanwhile: what would not be the last goes into the heap.
void ClientHost::set_timer(const Timer& timer, Length length) {
    if (length != Length::other) {
        auto& waiting = long_timers_[static_cast<std::size_t>(length)];
        if (waiting.empty() || timer < waiting.back()) return waiting.push_back(timer);
    }
    timers_.push_back(timer);
    std::push_heap(timers_.begin(), timers_.end());
}

/// The earliest; nullptr when there is none.
const ClientHost::Timer* ClientHost::first_timer() const {
    const Timer* first = timers_.empty() ? nullptr : &timers_.front();
    for (const auto& waiting : long_timers_) {
        if (!waiting.empty() && (first == nullptr || *first < waiting.front())) first = &waiting.front();
    }
    return first;
}

/// Takes the earliest; there is one.
ClientHost::Timer ClientHost::take_timer() {
    const Timer* first = first_timer();
    const Timer timer = *first;
    for (auto& waiting : long_timers_) {
        if (!waiting.empty() && first == &waiting.front()) return waiting.pop_front(), timer;
    }
    std::pop_heap(timers_.begin(), timers_.end());
    timers_.pop_back();
    return timer;
}

/// Timers fire on the tick after the delay.
void ClientHost::arm(std::uint32_t slot, std::int64_t now_ns, std::uint32_t delay_ms, Length length) {
    const std::int64_t tick_ns = 1000 * kMillisecond / shared_.hz;
    const std::int64_t ticks = (now_ns - boot_ns_ + std::int64_t{delay_ms} * kMillisecond + tick_ns - 1) / tick_ns;
    Connection& c = connections_[slot];
    c.due_ns = boot_ns_ + ticks * tick_ns;
    set_timer({c.due_ns, slot, c.generation}, length);
}

std::int64_t ClientHost::next_deadline_ns() const {
    const Timer* first = first_timer();
    return first == nullptr ? INT64_MAX : first->due_ns;
}

void ClientHost::advance(std::int64_t now_ns, Outbox& out, std::vector<ClientEvent>& events) {
    while (next_deadline_ns() <= now_ns) {
        const Timer timer = take_timer();
        const std::uint32_t slot = timer.handle & ~kWaitBit;
        if ((timer.handle & kWaitBit) != 0) {
            const Wait& w = waits_[slot];
            if (w.used && w.generation == timer.generation && w.due_ns == timer.due_ns) free_wait(slot);
            continue;
        }
        const Connection& c = connections_[slot];
        const bool meant = c.state != State::unused && c.generation == timer.generation && c.due_ns == timer.due_ns;
        if (meant) connection_timer(slot, timer.due_ns, out, events);
    }
}

// ------------------------------------------------------------------------------------------------------------ sending

Segment ClientHost::frame(const Connection& c, std::int64_t now_ns) const {
    Segment s;
    s.source = {address_, c.port};
    s.destination = servers_[c.server].endpoint;
    s.sequence = c.snd_nxt;
    s.ttl = 64;
    if (c.timestamps) {
        s.options.has_timestamps = true;
        s.options.ts_value = tsval(s.destination, c.port, now_ns);
        s.options.ts_echo = c.ts_recent;
    }
    return s;
}

void ClientHost::send_syn(Connection& c, std::int64_t now_ns, bool again, Outbox& out) {
    Segment syn = frame(c, now_ns);
    syn.sequence = c.isn;
    syn.flags = flag::syn;
    syn.window = static_cast<std::uint16_t>(kReceiveWindow);
    syn.options.has_mss = true;
    syn.options.mss = shared_.mss;
    syn.options.has_sack_permitted = shared_.settings.sack != 0;
    syn.options.has_window_scale = shared_.settings.window_scaling != 0;
    syn.options.window_scale = kReceiveScale;
    ++(again ? counts_.syn_retransmissions : counts_.syns);
    out.push_back({syn, id_of(c), 0, again});
}

void ClientHost::send_ack(const Connection& c, std::int64_t now_ns, Outbox& out) {
    Segment ack = frame(c, now_ns);
    ack.flags = flag::ack;
    ack.acknowledgment = c.rcv_nxt;
    ack.window =
        static_cast<std::uint16_t>(kReceiveWindow >> (shared_.settings.window_scaling != 0 ? kReceiveScale : 0));
    out.push_back({ack, id_of(c), 0, false});
}

std::uint32_t ClientHost::payload_of(const Connection& c) const {
    if (shared_.segment_bytes != 0) return shared_.segment_bytes;
    const std::uint32_t mss = std::clamp<std::uint32_t>(std::min(c.peer_mss, shared_.mss), 88, 65483);
    return mss - (c.timestamps ? 12U : 0U);
}

void ClientHost::push(std::uint32_t slot, std::int64_t now_ns, Outbox& out) {
    Connection& c = connections_[slot];
    while (!c.fin_sent && c.sent < c.written) {
        const std::uint32_t in_flight = c.snd_nxt - c.snd_una;
        const std::uint32_t room = c.send_window > in_flight ? c.send_window - in_flight : 0;
        // A window that closes down is not nibbled at (RFC 1122 4.2.3.4).
        const auto wanted = static_cast<std::uint32_t>(std::min<std::uint64_t>(payload_of(c), c.written - c.sent));
        const std::uint32_t length = std::min(wanted, room);
        if (length == 0 || (length < wanted && in_flight != 0)) break;
        send_ack(c, now_ns, out);
        out.back().segment.flags |= flag::psh;
        out.back().segment.payload_length = length;
        out.back().stream_offset = c.sent;
        c.snd_nxt += length;
        c.sent += length;
    }
    if (c.fin_queued && !c.fin_sent && c.sent == c.written) {
        send_ack(c, now_ns, out);
        out.back().segment.flags |= flag::fin;
        ++c.snd_nxt;
        c.fin_sent = true;
    }
    if (c.snd_una != c.snd_nxt && c.due_ns == 0) arm(slot, now_ns, c.rto_ms);
}

/// The oldest unacknowledged segment once more.
void ClientHost::retransmit(std::uint32_t slot, std::int64_t now_ns, Outbox& out) {
    Connection& c = connections_[slot];
    const std::uint32_t data = c.snd_nxt - c.snd_una - (c.fin_sent ? 1U : 0U);
    send_ack(c, now_ns, out);
    Outgoing& sent = out.back();
    sent.retransmission = true;
    sent.segment.sequence = c.snd_una;
    if (data != 0) {
        sent.segment.flags |= flag::psh;
        sent.segment.payload_length = std::min(payload_of(c), data);
        sent.stream_offset = c.sent - data;
    } else {
        sent.segment.flags |= flag::fin;
    }
}

/// 2.6.32 reckons its limit with the smallest RTO and gives up after 21 s instead of 189.
/// net/ipv4/tcp_timer.c:retransmits_timed_out, v2.6.32
bool ClientHost::syn_is_given_up(const Connection& c, std::int64_t now_ns) const {
    const Settings& settings = shared_.settings;
    const core::Release& r = shared_.kernel.release;
    const bool early = r.vendor == core::Release::Vendor::upstream && r.major == 2 && r.minor == 6 && r.patch == 32;
    if (early) {
        const std::int64_t limit_ms = ((2LL << std::min(settings.syn_retries, 9)) - 1) * kMinRtoMs;
        return c.retransmits > 0 && now_ns - c.syn_sent_ns >= limit_ms * kMillisecond;
    }
    return c.retransmits >= settings.syn_retries + settings.syn_linear_timeouts;
}

void ClientHost::connection_timer(std::uint32_t slot, std::int64_t now_ns, Outbox& out,
                                  std::vector<ClientEvent>& events) {
    Connection& c = connections_[slot];
    c.due_ns = 0;
    ClientEvent event{.connection = id_of(c), .tag = c.tag};
    if (c.state == State::fin_wait2) {  // tcp_fin_timeout
        event.gone = true;
        free_connection(slot);
        events.push_back(event);
        return;
    }
    const bool opening = c.state == State::syn_sent;
    const int most = c.fin_queued ? kOrphanRetries : kRetries;
    if (opening ? syn_is_given_up(c, now_ns) : c.retransmits >= most) {
        event.timed_out = event.gone = true;
        free_connection(slot);
        events.push_back(event);
        return;
    }
    if (!opening && c.snd_una == c.snd_nxt) return;
    ++c.retransmits;
    if (opening) {
        send_syn(c, now_ns, true, out);
        // The interval before a retransmission is that of the one before, doubled once the linear ones are spent.
        if (c.retransmits > shared_.settings.syn_linear_timeouts) c.rto_ms = std::min(c.rto_ms * 2, kMaxRtoMs);
    } else {
        c.recovering = true;
        c.recover = c.snd_nxt;
        retransmit(slot, now_ns, out);
        c.rto_ms = std::min(c.rto_ms * 2, kMaxRtoMs);
    }
    arm(slot, now_ns, c.rto_ms);
}

// -------------------------------------------------------------------------------------------------------- the program

std::expected<ConnectionId, ConnectError> ClientHost::connect(const ConnectPlan& plan, std::int64_t now_ns,
                                                              Outbox& out) {
    const std::uint16_t server = number_of(plan.server);
    std::uint16_t port = plan.source_port;
    if (port == 0) {
        const auto chosen = choose_port(server, now_ns);
        if (!chosen) return std::unexpected(chosen.error());
        port = *chosen;
    }
    std::optional<Wait> old;
    if (const std::uint32_t taken = find(server, port); taken != FlowIndex<KeyOf>::kNone) {
        const bool waits = (taken & kWaitBit) != 0;
        if (!waits || !may_reuse(waits_[taken & ~kWaitBit], now_ns, plan.source_port != 0)) {
            return std::unexpected(ConnectError::port_in_use);
        }
        old = waits_[taken & ~kWaitBit];
        free_wait(taken & ~kWaitBit);
        ++counts_.time_wait_reused;
    }
    const std::uint32_t slot = take_connection();
    Connection& c = connections_[slot];
    c = Connection{};
    c.generation = ++generation_;
    c.slot = slot;
    c.tag = plan.tag;
    c.server = server;
    c.port = port;
    c.state = State::syn_sent;
    c.timestamps = shared_.settings.timestamps != 0;
    index(slot, server, port);
    const std::uint64_t hash = mix64(secret_ ^ place_of(server) ^ (std::uint64_t{port} << 40U));
    c.isn = static_cast<std::uint32_t>(hash) + static_cast<std::uint32_t>(static_cast<std::uint64_t>(now_ns) >> 6U);
    if (old) {
        c.isn = old->snd_nxt + kIsnApart;
        c.ts_recent = old->ts_recent;
        c.ts_recent_s = old->ts_recent_s;
    }
    if (plan.isn) c.isn = *plan.isn;
    c.snd_una = c.isn;
    c.snd_nxt = c.isn + 1;
    c.syn_sent_ns = now_ns;
    c.rto_ms = c.base_rto_ms = static_cast<std::uint32_t>(shared_.kernel.behaviours.initial_rto_ms);
    send_syn(c, now_ns, false, out);
    arm(slot, now_ns, c.rto_ms);
    return id_of(c);
}

void ClientHost::write(ConnectionId connection, std::uint64_t bytes, std::int64_t now_ns, Outbox& out) {
    Connection* c = live_of(connection);
    if (c == nullptr || c->fin_queued) return;
    c->written += bytes;
    const bool open = c->state == State::established || c->state == State::close_wait;
    if (open) push(static_cast<std::uint32_t>(connection) - 1, now_ns, out);
}

void ClientHost::close(ConnectionId connection, std::int64_t now_ns, Outbox& out) {
    Connection* c = live_of(connection);
    if (c == nullptr || c->fin_queued) return;
    const std::uint32_t slot = static_cast<std::uint32_t>(connection) - 1;
    switch (c->state) {
        case State::syn_sent: return free_connection(slot);
        case State::established: c->state = State::fin_wait1; break;
        case State::close_wait: c->state = State::last_ack; break;
        case State::unused:
        case State::fin_wait1:
        case State::fin_wait2:
        case State::closing:
        case State::last_ack: return;
    }
    c->fin_queued = true;
    push(slot, now_ns, out);
}

void ClientHost::enter_time_wait(std::uint32_t slot, std::int64_t now_ns) {
    const Connection c = connections_[slot];
    free_connection(slot);
    if (waiting_ >= static_cast<std::uint32_t>(std::max(0, shared_.settings.max_tw_buckets))) return;
    const std::uint32_t i = take_wait();
    Wait& w = waits_[i];
    w = Wait{};
    w.generation = ++generation_;
    w.used = true;
    w.server = c.server;
    w.port = c.port;
    w.timestamps = c.timestamps;
    w.snd_nxt = c.snd_nxt;
    w.rcv_nxt = c.rcv_nxt;
    w.ts_recent = c.ts_recent;
    w.ts_recent_s = c.ts_recent_s;
    w.entered_ns = now_ns;
    index(i | kWaitBit, c.server, c.port);
    const bool recycles = shared_.settings.tw_recycle != 0 && c.timestamps;
    const std::int64_t short_ns = (std::int64_t{c.base_rto_ms} * 4 - c.base_rto_ms / 2) * kMillisecond;
    w.due_ns = now_ns + (recycles ? short_ns : kTimeWait_ns);
    const Timer timer{w.due_ns, i | kWaitBit, w.generation};
    set_timer(timer, recycles ? Length::other : Length::time_wait);
}

}  // namespace synwhy::model
