// Which way does a received segment go?
//
// IP, the TCP header, then whoever owns the 4-tuple: a connection, a bucket, a pending request, a listener, nobody.
// net/ipv4/ip_input.c:ip_rcv_core, net/ipv4/route.c:ip_route_input_slow, net/ipv4/tcp_ipv4.c:tcp_v4_rcv
#include "model/server.hpp"

#include <algorithm>

#include "model/server_impl.hpp"

namespace synwhy::model {

using core::Address;
using core::Family;
using core::Row;
using core::Segment;
namespace flag = core::tcp_flag;

namespace {

constexpr int kDeepestLoop = 4;  ///< replies to ourselves that provoke replies to ourselves

bool is_limited_broadcast(const Address& a) { return a.family == Family::ipv4 && a.ipv4_value() == 0xffffffffU; }
/// 224.0.0.1, ff02::1: everybody listens to these.
bool is_all_hosts(const Address& a) {
    if (a.family == Family::ipv4) return a.ipv4_value() == 0xe0000001U;
    Address all_nodes;
    all_nodes.family = Family::ipv6;
    all_nodes.bytes[0] = 0xff;
    all_nodes.bytes[1] = 0x02;
    all_nodes.bytes[15] = 1;
    return a == all_nodes;
}

std::uint64_t seed_of(const ServerConfig& config) { return mix64(config.secret ^ 0x51ab5e1U); }

}  // namespace

const char* to_string(State state) {
    switch (state) {
        case State::syn_recv: return "SYN_RECV";
        case State::established: return "ESTABLISHED";
        case State::fin_wait1: return "FIN_WAIT1";
        case State::fin_wait2: return "FIN_WAIT2";
        case State::time_wait: return "TIME_WAIT";
        case State::close_wait: return "CLOSE_WAIT";
        case State::last_ack: return "LAST_ACK";
        case State::closing: return "CLOSING";
        case State::closed: return "CLOSE";
    }
    return "?";
}

const char* to_string(Fate fate) {
    switch (fate) {
        case Fate::answered: return "answered";
        case Fate::cookie: return "cookie";
        case Fate::synack_again: return "synack-again";
        case Fate::reset: return "reset";
        case Fate::bare_ack: return "bare-ack";
        case Fate::silence: return "silence";
        case Fate::established: return "established";
        case Fate::processed: return "processed";
    }
    return "?";
}

std::int64_t timer_granularity_ns(const core::Behaviours& kernel, int hz, std::int64_t delay_ns) {
    const std::int64_t jiffy_ns = 1'000'000'000 / hz;
    if (!kernel.timer_slots_grow) return jiffy_ns;
    std::int64_t slot = 1;
    for (std::int64_t reach = 63; delay_ns / jiffy_ns >= reach; reach *= 8) slot *= 8;
    return slot * jiffy_ns;
}

Server::Impl::Impl(ServerConfig c)
    : config(std::move(c)),
      counters(config.kernel),
      flows(seed_of(config), KeyOf{this}),
      memory(mix64(seed_of(config)), config.max_peers) {
    config.max_requests = std::min<std::size_t>(config.max_requests, kMostEntries);
    config.max_sockets = std::min<std::size_t>(config.max_sockets, kMostEntries);
    const auto variant = config.kernel.behaviours.host_paws;
    remembers_by_peer = variant == core::HostPaws::inetpeer || variant == core::HostPaws::inetpeer_v6 ||
                        variant == core::HostPaws::metrics_peer;
    refuses_net_zero = row<"ip.zero-net-source">()->holds_for(config.kernel);
    for (const Row& r : core::path_rows()) {
        std::vector<Counter> mine;
        bool drops = false;
        for (const auto name : core::row_counters(r, config.kernel)) {
            if (const auto counter = find_counter(name)) mine.push_back(*counter);
            drops = drops || name == "sk_drops";
        }
        row_counters.push_back(std::move(mine));
        row_drops.push_back(drops);
    }
}

void Server::Impl::count_row(const Row* r) {
    for (const Counter counter : row_counters[static_cast<std::size_t>(r - core::path_rows().data())]) count(counter);
}

void Server::Impl::count_drop(Listener& listener, const Row* r) {
    count_row(r);
    if (row_drops[static_cast<std::size_t>(r - core::path_rows().data())]) ++listener.sk_drops;
}

std::uint32_t Server::Impl::to_ms(std::int64_t now_ns) {
    // Starting a second after zero keeps "0: never" apart from the first event.
    if (base_ns == INT64_MIN) base_ns = now_ns - 1'000'000'000;
    return to_ms_const(now_ns);
}

std::uint32_t Server::Impl::to_ms_const(std::int64_t now_ns) const {
    return static_cast<std::uint32_t>((now_ns - base_ns) / 1'000'000);
}

// ------------------------------------------------------------------------------------------------------------- IP

const Row* Server::Impl::header_refusal(const Arrival& arrival) {
    if (arrival.other_host) return row<"ip.other-host">();
    if (arrival.ip_header_bad) return row<"ip.header">();
    if (arrival.ip_checksum_bad) return row<"ip.checksum">();
    if (arrival.ip_truncated) return row<"ip.truncated">();
    return nullptr;
}

void Server::Impl::look_at_destination(const core::Endpoint& endpoint) {
    Destination& d = last_destination;
    const Address& a = endpoint.address;
    d.endpoint = endpoint;
    d.valid = true;
    d.ours = config.network.is_ours(a);
    d.broadcast =
        is_limited_broadcast(a) || config.network.is_subnet_broadcast(a, behaviours().subnet_zero_is_broadcast);
    d.everybody = is_all_hosts(a);
    d.multicast = is_multicast(a);
    d.local = find_local(endpoint);
    d.memory = memory_local(a);
    d.listener = find_listener(endpoint);
}

/// net/ipv4/route.c:ip_route_input_slow in its order. IPv6 checks far less: multicast and loopback sources.
const Row* Server::Impl::source_refusal(const Segment& s) {
    const Address& source = s.source.address;
    const Address& destination = s.destination.address;
    if (source.family == Family::ipv6) {
        return is_multicast(source) || is_loopback(source) ? row<"ip.martian-source">() : nullptr;
    }
    if (is_multicast(source) || is_limited_broadcast(source)) return row<"ip.martian-source">();
    const auto zero = [&](const Address& a) { return refuses_net_zero ? a.bytes[12] == 0 : a.ipv4_value() == 0; };
    if (zero(source)) return refuses_net_zero ? row<"ip.zero-net-source">() : row<"ip.zero-source">();
    if (is_loopback(source) || is_loopback(destination)) return row<"ip.martian-source">();
    const Settings& settings = config.settings;
    const int rp_filter = std::max(settings.rp_filter_all, settings.rp_filter_interface);
    const Destination& to = destination_of(s.destination);
    const bool local = to.ours || to.broadcast || to.multicast;
    if (!local) return nullptr;
    const bool check_source = behaviours().land_is_martian || rp_filter != 0;
    if (check_source && settings.accept_local == 0 && config.network.is_ours(source)) return row<"ip.own-source">();
    if (behaviours().subnet_broadcast_source_dropped && config.network.is_subnet_broadcast(source, true)) {
        return row<"ip.broadcast-source">();
    }
    if (rp_filter != 0 && !config.network.has_route_to(source)) return row<"ip.rp-filter">();
    return nullptr;
}

const Row* Server::Impl::ip_refusal(const Segment& s, const Arrival& arrival) {
    const bool ipv4 = s.source.address.family == Family::ipv4;
    if (ipv4) count(Counter::ip_in_receives);
    if (const Row* r = header_refusal(arrival)) {
        count_row(r);
        return r;
    }
    if (loop_depth == 0) {
        if (const Row* r = source_refusal(s)) {
            count_row(r);
            if (r->id == "ip.rp-filter") count(Counter::rt_cache_in_martian_src);
            const bool by_destination = r->id == "ip.martian-source" && !is_multicast(s.source.address) &&
                                        !is_loopback(s.source.address) && !is_limited_broadcast(s.source.address);
            if (ipv4) {
                if (by_destination) {
                    count(Counter::rt_cache_in_martian_dst);
                    if (behaviours().route_cache) count(Counter::ip_in_addr_errors);
                } else if (r->id != "ip.rp-filter") {
                    count(Counter::rt_cache_in_martian_src);
                }
            }
            return r;
        }
    }
    const Settings& settings = config.settings;
    const bool source_route_accepted =
        settings.accept_source_route_all != 0 && settings.accept_source_route_interface != 0;
    if (arrival.ip_source_route && !source_route_accepted) return row<"ip.options">();
    const Destination& to = destination_of(s.destination);
    const bool local = to.ours || to.broadcast || to.everybody;
    if (!local) {
        const Row* r = row<"ip.not-local">();
        if (ipv4 && !to.multicast) {
            count_row(r);
            if (behaviours().host_paws != core::HostPaws::inetpeer) count(Counter::rt_cache_in_no_route);
        }
        return r;
    }
    if (ipv4) count(Counter::ip_in_delivers);
    return nullptr;
}

// ------------------------------------------------------------------------------------------------------------ TCP

Outcome Server::Impl::dispatch(const Received& in, Outbox& out) {
    const std::uint32_t handle = flows.find(in.key);
    if (handle != FlowIndex<KeyOf>::kNone) {
        switch (kind_of(handle)) {
            case Kind::socket: return socket_receive(index_of(handle), in, out);
            case Kind::bucket: return bucket_receive(index_of(handle), in, out);
            case Kind::request: return request_receive(index_of(handle), in, out);
        }
    }
    if (const auto listener = destination_of(in.segment.destination).listener) {
        return listener_receive(*listener, in, false, 0, out);
    }
    return no_socket(in, row<"lookup.no-listener">(), out);
}

/// From TCP's input on: lookup and the socket. Also how what waited for a listener's lock comes back.
Outcome Server::Impl::deliver(const Segment& segment, const Arrival& arrival, std::int64_t now_ns, Outbox& out) {
    Received in{segment, arrival, {}, to_ms(now_ns), now_ns};
    const Destination& to = destination_of(segment.destination);
    const auto peer = find_peer(segment.source.address);
    if (to.local && peer) {
        in.key = {*peer, segment.source.port, *to.local};
        return dispatch(in, out);
    }
    if (to.listener) {
        in.key = {0, segment.source.port, 0};
        return listener_receive(*to.listener, in, false, 0, out);
    }
    return no_socket(in, row<"lookup.no-listener">(), out);
}

/// IPv6 peers' numbers and destinations other than the last would have to be looked up first: they are left alone.
/// A loop of its own, so short that several of its waits are under way at a time.
void Server::Impl::expect(std::span<const Segment> segments) const {
    const Destination& to = last_destination;
    if (!to.valid) return;
    const bool remembers = to.memory && memory.size() != 0;
    for (const Segment& segment : segments) {
        if (segment.source.address.family != Family::ipv4 || segment.destination != to.endpoint) continue;
        const std::uint32_t peer = segment.source.address.ipv4_value();
        if (to.local) flows.prefetch({peer, segment.source.port, *to.local});
        if (remembers) memory.prefetch({peer, *to.memory, false});
    }
}

Outcome Server::Impl::no_socket(const Received& in, const Row* r, Outbox& out) {
    const std::size_t before = out.size();
    send_reset(in, out);
    return {out.size() > before ? Fate::reset : Fate::silence, r};
}

Outcome Server::Impl::receive(const Segment& segment, const Arrival& arrival, std::int64_t now_ns, Outbox& out) {
    to_ms(now_ns);
    advance(now_ns, out);
    if (const Row* r = ip_refusal(segment, arrival)) return {Fate::silence, r};
    count(Counter::tcp_in_segs);
    if (arrival.tcp_header_bad) {
        count(Counter::tcp_in_errs);
        return {Fate::silence, row<"tcp.header">()};
    }
    if (arrival.tcp_header_beyond) return {Fate::silence, row<"tcp.header">()};
    if (arrival.tcp_checksum_bad) {
        count_row(row<"tcp.checksum">());
        return {Fate::silence, row<"tcp.checksum">()};
    }
    const std::size_t before = out.size();
    const Outcome outcome = deliver(segment, arrival, now_ns, out);
    // What we send to ourselves is not seen outside.
    for (std::size_t i = before; i < out.size();) {
        if (!config.network.is_ours(out[i].segment.destination.address)) {
            ++i;
            continue;
        }
        const Segment looped = out[i].segment;
        out.erase(out.begin() + static_cast<std::ptrdiff_t>(i));
        if (loop_depth >= kDeepestLoop) continue;
        ++loop_depth;
        receive(looped, {}, now_ns, out);
        --loop_depth;
    }
    return outcome;
}

// --------------------------------------------------------------------------------------------------------- timers

bool Server::Impl::timer_is_live(const Timer& timer) const {
    const std::uint32_t i = index_of(timer.handle);
    switch (kind_of(timer.handle)) {
        case Kind::request: return (requests[i].bits & Request::kAlive) != 0 && requests[i].due_ms == timer.due_ms;
        case Kind::bucket: return (buckets[i].bits & Bucket::kAlive) != 0 && buckets[i].due_ms == timer.due_ms;
        case Kind::socket: break;
    }
    return sockets[i].alive && sockets[i].due_ms == timer.due_ms;
}

/// Asks the world once how late this timer is; true when it fires later.
bool Server::Impl::postpone(const Timer& timer) {
    const std::uint32_t i = index_of(timer.handle);
    TimerView view;
    view.due_ns = to_ns(timer.due_ms);
    std::uint32_t* due = nullptr;
    switch (kind_of(timer.handle)) {
        case Kind::request: {
            Request& r = requests[i];
            const Listener& listener = listeners[r.listener];
            const bool resends = listener.open && !request_expires(r, listener) && request_resends(r, listener);
            // Asked once, unless what it would do has changed since: others went, the queue is no longer crowded.
            const bool asked_expiry = (r.bits & Request::kAskedExpiry) != 0;
            if ((r.bits & Request::kAskedLate) != 0 && asked_expiry != resends) return false;
            r.bits = static_cast<std::uint8_t>((r.bits & ~Request::kAskedExpiry) | Request::kAskedLate |
                                               (resends ? 0 : Request::kAskedExpiry));
            view.kind = resends ? TimerView::Kind::request_resend : TimerView::Kind::request_expiry;
            view.tuple = tuple_of(r.key);
            view.delay_ns = std::int64_t{behaviours().initial_rto_ms} * 1'000'000 << std::min<int>(r.timeouts, 7);
            due = &r.due_ms;
            break;
        }
        case Kind::bucket: {
            Bucket& b = buckets[i];
            if ((b.bits & Bucket::kAskedLate) != 0)
                return b.bits &= static_cast<std::uint8_t>(~Bucket::kAskedLate), false;
            b.bits |= Bucket::kAskedLate;
            view.kind = (b.bits & Bucket::kFinWait2) != 0 ? TimerView::Kind::fin_wait2 : TimerView::Kind::time_wait;
            view.tuple = tuple_of(b.key);
            view.delay_ns = (b.bits & Bucket::kFinWait2) != 0 ? config.settings.fin_timeout_s * 1'000'000'000LL
                                                              : std::int64_t{b.length_ms} * 1'000'000;
            view.from_rto = (b.bits & Bucket::kFinWait2) == 0 && b.length_ms != kTimeWaitMs;
            due = &b.due_ms;
            break;
        }
        case Kind::socket: {
            Socket& s = sockets[i];
            if (s.asked_late) return s.asked_late = false;
            s.asked_late = true;
            view.kind = TimerView::Kind::retransmit;
            view.tuple = tuple_of(s.key);
            due = &s.due_ms;
            break;
        }
    }
    const std::int64_t late_ns = std::max<std::int64_t>(0, lateness(lateness_context, view));
    *due += static_cast<std::uint32_t>(late_ns / 1'000'000);
    timers.add(*due, timer.handle, TimerQueue::kHeap);
    return true;
}

void Server::Impl::fire(const Timer& timer, std::int64_t now_ns, Outbox& out) {
    const std::uint32_t i = index_of(timer.handle);
    switch (kind_of(timer.handle)) {
        case Kind::request: return request_timer(i, now_ns, out);
        case Kind::bucket: return end_bucket(i, true);
        case Kind::socket: return socket_timer(i, now_ns, out);
    }
}

void Server::Impl::advance(std::int64_t now_ns, Outbox& out) {
    const std::uint32_t now_ms = to_ms(now_ns);
    while (timers.next_ms() <= now_ms) {
        const Timer timer = timers.pop();
        if (!timer_is_live(timer)) continue;
        if (lateness != nullptr && postpone(timer)) continue;
        fire(timer, to_ns(timer.due_ms), out);
    }
}

// ------------------------------------------------------------------------------------------------------ the handle

Server::Server(ServerConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
Server::~Server() = default;
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;

Outcome Server::receive(const Segment& segment, const Arrival& arrival, std::int64_t now_ns, Outbox& out) {
    return impl_->receive(segment, arrival, now_ns, out);
}

void Server::expect(std::span<const Segment> segments) const { impl_->expect(segments); }

void Server::advance(std::int64_t now_ns, Outbox& out) { impl_->advance(now_ns, out); }

std::int64_t Server::next_deadline_ns() const {
    while (impl_->timers.next_ms() != TimerQueue::kNever && !impl_->timer_is_live(impl_->timers.front())) {
        impl_->timers.pop();
    }
    const std::uint32_t next = impl_->timers.next_ms();
    return next == TimerQueue::kNever ? INT64_MAX : impl_->to_ns(next);
}

const Counters& Server::counters() const { return impl_->counters; }
const ServerConfig& Server::config() const { return impl_->config; }
Settings& Server::settings() { return impl_->config.settings; }
Network& Server::network() {
    impl_->last_destination.valid = false;
    return impl_->config.network;
}

void Server::set_lateness(LatenessFunction function, void* context) {
    impl_->lateness = function;
    impl_->lateness_context = context;
}

}  // namespace synwhy::model
