// What can an application, and who looks in, do with the modelled server?
#include <algorithm>

#include "model/server_impl.hpp"

namespace synwhy::model {

namespace {

/// How many SYN+ACK timeouts a deferral of that many seconds is. net/core/.. include/net/tcp.h:secs_to_retrans
std::uint32_t timeouts_of(int seconds, int initial_rto_s) {
    if (seconds <= 0) return 0;
    std::uint32_t timeouts = 1;
    int timeout_s = initial_rto_s;
    for (int period_s = timeout_s; seconds > period_s && timeouts < 255; ++timeouts) {
        timeout_s = std::min(timeout_s * 2, static_cast<int>(kMaxRtoMs / 1000));
        period_s += timeout_s;
    }
    return timeouts;
}

bool is_any(const core::Address& address) {
    const auto first = address.family == core::Family::ipv4 ? address.bytes.begin() + 12 : address.bytes.begin();
    return std::all_of(first, address.bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

/// Two listeners without SO_REUSEPORT can't both have this place.
/// net/ipv4/inet_connection_sock.c:inet_csk_bind_conflict
bool overlap(const ListenOptions& a, const ListenOptions& b) {
    if (a.local.port != b.local.port) return false;
    const bool same_family = a.local.address.family == b.local.address.family;
    if (same_family) return is_any(a.local.address) || is_any(b.local.address) || a.local.address == b.local.address;
    const ListenOptions& six = a.local.address.family == core::Family::ipv6 ? a : b;
    return is_any(six.local.address) && !six.v6_only;
}

/// sk_max_ack_backlog. net/ipv4/af_inet.c:inet_listen, net/socket.c:__sys_listen
std::uint32_t accept_limit(int backlog, const ServerConfig& config) {
    const auto most = static_cast<std::uint32_t>(std::max(0, config.settings.somaxconn));
    const std::uint32_t limit = std::min(static_cast<std::uint32_t>(backlog), most);
    return config.kernel.behaviours.backlog_is_16_bit ? limit & 0xffffU : limit;
}

}  // namespace

std::optional<ListenerId> Server::listen(const ListenOptions& options, std::int64_t now_ns) {
    impl_->to_ms(now_ns);
    for (const Listener& other : impl_->listeners) {
        if (other.open && overlap(other.options, options)) return std::nullopt;
    }
    Listener listener;
    listener.open = true;
    listener.options = options;
    listener.limit = accept_limit(options.backlog, impl_->config);
    listener.syn_table = core::syn_table_size(
        listener.limit, static_cast<std::uint32_t>(std::max(0, impl_->config.settings.max_syn_backlog)));
    listener.defer_timeouts = timeouts_of(options.defer_accept_s, impl_->behaviours().initial_rto_ms / 1000);
    impl_->listeners.push_back(std::move(listener));
    impl_->last_destination.valid = false;
    return static_cast<ListenerId>(impl_->listeners.size() - 1);
}

void Server::relisten(ListenerId listener, int backlog) {
    if (listener >= impl_->listeners.size() || !impl_->listeners[listener].open) return;
    impl_->listeners[listener].limit = accept_limit(backlog, impl_->config);
}

void Server::close_listener(ListenerId number, std::int64_t now_ns, Outbox& out) {
    if (number >= impl_->listeners.size() || !impl_->listeners[number].open) return;
    impl_->advance(now_ns, out);
    Listener& listener = impl_->listeners[number];
    listener.open = false;
    impl_->last_destination.valid = false;
    // Lockless requests stay until their timer or a segment finds the listener gone.
    for (std::uint32_t i = 0; i < impl_->requests.size() && !impl_->behaviours().request_in_ehash; ++i) {
        const Request& r = impl_->requests[i];
        if ((r.bits & Request::kAlive) != 0 && r.listener == number) impl_->drop_request(i);
    }
    const auto queued = std::move(listener.accept_queue);
    listener.accept_queue.clear();
    for (const SocketId id : queued) {
        const auto i = impl_->index_of_socket(id);
        if (!i) continue;
        Socket& s = impl_->sockets[*i];
        s.orphan = true;
        if (s.state == State::established || s.state == State::close_wait) impl_->count(Counter::tcp_estab_resets);
        if (s.hashed) impl_->send_socket_reset(s, *i, now_ns, out);
        impl_->kill_socket(*i);
    }
}

void Server::lock_listener(ListenerId number, bool locked, std::int64_t now_ns, Outbox& out) {
    if (number >= impl_->listeners.size() || impl_->behaviours().request_in_ehash) return;
    impl_->advance(now_ns, out);
    impl_->listeners[number].locked = locked;
    if (locked) return;
    const std::vector<Waiting> waiting = std::move(impl_->listeners[number].backlog);
    impl_->listeners[number].backlog.clear();
    for (const Waiting& one : waiting) impl_->deliver(one.segment, one.arrival, now_ns, out);
}

std::optional<SocketId> Server::accept(ListenerId number, std::int64_t now_ns) {
    impl_->to_ms(now_ns);
    if (number >= impl_->listeners.size()) return std::nullopt;
    auto& queue = impl_->listeners[number].accept_queue;
    if (queue.empty()) return std::nullopt;
    const SocketId id = queue.front();
    queue.pop_front();
    if (const auto i = impl_->index_of_socket(id)) impl_->sockets[*i].accepted = true;
    return id;
}

void Server::close(SocketId socket, std::int64_t now_ns, Outbox& out) {
    impl_->advance(now_ns, out);
    if (const auto i = impl_->index_of_socket(socket)) impl_->close_socket(*i, now_ns, out);
}

void Server::reset(SocketId socket, std::int64_t now_ns, Outbox& out) {
    impl_->advance(now_ns, out);
    const auto i = impl_->index_of_socket(socket);
    if (!i) return;
    Socket& s = impl_->sockets[*i];
    s.orphan = true;
    if (!s.hashed) return impl_->free_socket(*i);
    impl_->count(Counter::tcp_abort_on_data);
    if (s.state == State::established || s.state == State::close_wait) impl_->count(Counter::tcp_estab_resets);
    impl_->send_socket_reset(s, *i, now_ns, out);
    impl_->kill_socket(*i);
}

void Server::shutdown_write(SocketId socket, std::int64_t now_ns, Outbox& out) {
    impl_->advance(now_ns, out);
    const auto i = impl_->index_of_socket(socket);
    if (!i) return;
    Socket& s = impl_->sockets[*i];
    if (s.state == State::established) {
        s.state = State::fin_wait1;
    } else if (s.state == State::close_wait) {
        s.state = State::last_ack;
    } else {
        return;
    }
    s.fin_queued = true;
    impl_->push(*i, now_ns, out);
}

std::uint64_t Server::write(SocketId socket, std::uint64_t bytes, std::int64_t now_ns, Outbox& out) {
    impl_->advance(now_ns, out);
    const auto i = impl_->index_of_socket(socket);
    if (!i) return 0;
    Socket& s = impl_->sockets[*i];
    if (s.state != State::established && s.state != State::close_wait) return 0;
    // Sequence arithmetic tells 2^31 bytes apart; nobody needs more than half of that waiting.
    constexpr std::uint64_t kMostWaiting = 1U << 30U;
    const std::uint64_t waiting = static_cast<std::uint32_t>(s.written) - (s.snd_una - s.iss - 1);
    const std::uint64_t taken = std::min(bytes, kMostWaiting - std::min(kMostWaiting, waiting & 0xffffffffU));
    s.written += taken;
    impl_->push(*i, now_ns, out);
    return taken;
}

std::uint64_t Server::read(SocketId socket, std::uint64_t bytes, std::int64_t now_ns, Outbox& out) {
    impl_->advance(now_ns, out);
    const auto i = impl_->index_of_socket(socket);
    if (!i) return 0;
    Socket& s = impl_->sockets[*i];
    const std::uint64_t taken = std::min(bytes, s.unread);
    const bool was_shut = s.receive_window < s.unread + s.agreed.peer_mss;
    s.unread -= taken;
    // The window had closed: the peer waits for this.
    if (was_shut && taken != 0 && s.hashed) impl_->send_ack(s, *i, now_ns, out);
    return taken;
}

// ----------------------------------------------------------------------------------------------------------- looking

std::optional<SocketView> Server::view(SocketId socket) const {
    const auto i = impl_->index_of_socket(socket);
    if (!i) return std::nullopt;
    const Socket& s = impl_->sockets[*i];
    SocketView view;
    view.state = s.state;
    view.unread_bytes = s.unread;
    view.peer_closed = s.peer_closed;
    view.reset = s.reset;
    if (!s.hashed) return view;
    view.tuple = impl_->tuple_of(s.key);
    const std::uint32_t end = s.iss + 1 + static_cast<std::uint32_t>(s.written);
    view.unsent_bytes = s.fin_sent ? 0 : end - s.snd_nxt;
    view.unacked_bytes = s.snd_nxt - s.snd_una;
    return view;
}

ListenerView Server::view_listener(ListenerId number) const {
    ListenerView view;
    if (number >= impl_->listeners.size()) return view;
    const Listener& listener = impl_->listeners[number];
    view.local = listener.options.local;
    view.backlog = listener.limit;
    view.accept_length = static_cast<std::uint32_t>(listener.accept_queue.size());
    view.request_length = listener.requests;
    view.young_requests = listener.young;
    view.sk_drops = listener.sk_drops;
    switch (impl_->behaviours().syn_queue_rule) {
        case core::SynQueueRule::table: view.syn_capacity = listener.syn_table; break;
        case core::SynQueueRule::at_backlog: view.syn_capacity = listener.limit; break;
        case core::SynQueueRule::above_backlog: view.syn_capacity = listener.limit + 1; break;
    }
    return view;
}

std::vector<ListenerId> Server::listeners() const {
    std::vector<ListenerId> open;
    for (std::size_t i = 0; i < impl_->listeners.size(); ++i) {
        if (impl_->listeners[i].open) open.push_back(static_cast<ListenerId>(i));
    }
    return open;
}

std::array<std::uint64_t, kStates> Server::count_states() const {
    std::array<std::uint64_t, kStates> counts{};
    const auto add = [&](State state) { ++counts[static_cast<std::size_t>(state)]; };
    for (std::uint32_t i = 0; i < impl_->sockets.size(); ++i) {
        if (impl_->sockets[i].alive && impl_->sockets[i].hashed) add(impl_->sockets[i].state);
    }
    for (std::uint32_t i = 0; i < impl_->buckets.size(); ++i) {
        const Bucket& b = impl_->buckets[i];
        if ((b.bits & Bucket::kAlive) != 0) {
            add((b.bits & Bucket::kFinWait2) != 0 ? State::fin_wait2 : State::time_wait);
        }
    }
    counts[static_cast<std::size_t>(State::syn_recv)] += impl_->requests.used();
    return counts;
}

std::vector<PeerView> Server::peers(std::int64_t now_ns, std::size_t most) const {
    std::vector<PeerView> views;
    for (const PeerEntry& entry : impl_->memory.slots()) {
        if ((entry.bits & PeerEntry::kUsed) == 0) continue;
        if (views.size() == most) break;
        PeerView view;
        const bool ipv6 = (entry.bits & PeerEntry::kIpv6) != 0;
        if (ipv6) {
            view.peer = impl_->peer_names[entry.peer];
        } else {
            const std::array<std::uint8_t, 4> octets{
                static_cast<std::uint8_t>(entry.peer >> 24U), static_cast<std::uint8_t>(entry.peer >> 16U),
                static_cast<std::uint8_t>(entry.peer >> 8U), static_cast<std::uint8_t>(entry.peer)};
            view.peer = core::Address::from_ipv4(octets.data());
        }
        if (entry.local != 0) view.local = impl_->locals[entry.local - 1U].address;
        view.ts = entry.ts;
        view.age_s = now_ns / 1'000'000'000 - entry.second;
        view.has_stamp = (entry.bits & PeerEntry::kStamp) != 0;
        view.has_rtt = (entry.bits & PeerEntry::kRtt) != 0;
        views.push_back(view);
    }
    return views;
}

Occupied Server::occupied() const {
    Occupied o;
    o.requests = impl_->requests.used();
    o.sockets = impl_->sockets.used();
    o.buckets = impl_->buckets.used();
    o.peers = impl_->memory.size();
    o.peer_bytes = impl_->memory.bytes();
    o.refused = impl_->refused;
    o.bytes = impl_->requests.bytes() + impl_->sockets.bytes() + impl_->buckets.bytes() + impl_->memory.bytes() +
              impl_->flows.bytes() + impl_->timers.bytes();
    return o;
}

std::uint32_t Server::tsval(const core::FourTuple& tuple, std::int64_t now_ns) const {
    const auto peer = impl_->find_peer(tuple.client.address);
    const auto local = impl_->find_local(tuple.server);
    if (!peer || !local) return impl_->clock_ticks(now_ns);
    return impl_->tsval_of({*peer, tuple.client.port, *local}, now_ns);
}

}  // namespace synwhy::model
