// Real listeners of the running kernel; see kernel_server.hpp. Tokens are listeners' numbers, then connections'.
#include "lab/kernel_server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "lab/proc_net.hpp"
#include "lab/socket_address.hpp"
#include "lab/sysctl.hpp"
#include "tun/system_error.hpp"

namespace synwhy::lab {
namespace {

using sim::Result;
using tun::system_error;

constexpr std::size_t kChunk = 65'536;
constexpr std::size_t kMaxHead = 64;  ///< the request line is shorter

std::uint64_t count_of(const sim::Sockets& sockets, const char* state) {
    const auto found = sockets.states.find(state);
    return found == sockets.states.end() ? 0 : found->second;
}

}  // namespace

Result<std::unique_ptr<KernelServer>> KernelServer::create(const sim::Scenario& scenario, const NetworkNamespace& place,
                                                           int epoll, std::int64_t start_ns) {
    std::unique_ptr<KernelServer> server(new KernelServer(place, epoll));
    const sim::ServerPlan& plan = scenario.servers.front();
    const Inside inside(place);
    if (auto done = server->apply(plan.sysctls); !done) return std::unexpected(done.error());
    for (const sim::ListenerPlan& listener : plan.listeners) {
        if (auto done = server->add_listener(plan.address, listener); !done) return std::unexpected(done.error());
        Listener& made = server->listeners_.back();
        made.ready_ns = start_ns;
        made.times = sim::AcceptTimes(listener.application, scenario.seed, 0, server->listeners_.size() - 1, start_ns);
    }
    server->counters_before_ = read_counters();
    return server;
}

Result<void> KernelServer::apply(const std::vector<sim::SysctlSetting>& sysctls) {
    for (const sim::SysctlSetting& sysctl : sysctls) {
        const int error = write_sysctl(sysctl.name, sysctl.value);
        if (error != 0) return std::unexpected(system_error("sysctl", error, sysctl.name + " = " + sysctl.value));
    }
    return {};
}

Result<void> KernelServer::add_listener(const core::Address& address, const sim::ListenerPlan& plan) {
    const core::Endpoint local{address, plan.port};
    const bool ipv6 = address.family == core::Family::ipv6;
    tun::Descriptor socket(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    SocketAddress name = to_system(local);
    const int on = 1;
    const int defer_s = plan.defer_accept_s;
    const bool listens =
        socket && ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (defer_s == 0 || ::setsockopt(socket.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer_s, sizeof defer_s) == 0) &&
        ::bind(socket.get(), name.get(), name.length) == 0 && ::listen(socket.get(), plan.backlog) == 0;
    if (!listens) return std::unexpected(system_error("listen", errno, core::to_string(local)));
    const std::uint64_t token = listeners_.size();
    if (auto done = watch(socket.get(), token, EPOLLIN | EPOLLONESHOT, false); !done) return done;
    Listener listener{.socket = std::move(socket), .outcome = {.port = plan.port}};
    listeners_.push_back(std::move(listener));
    return {};
}

Result<void> KernelServer::watch(int socket, std::uint64_t token, std::uint32_t events, bool known) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = token | kServerBit;
    if (::epoll_ctl(epoll_, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event) == 0) return {};
    return std::unexpected(system_error("epoll_ctl", errno, "server"));
}

Result<void> KernelServer::handle(std::uint64_t token, std::uint32_t /*events*/, std::int64_t now_ns) {
    if (token < listeners_.size()) {
        Listener& listener = listeners_[token];
        listener.ready_ns = std::max(listener.ready_ns, now_ns);
        listener.waiting = true;  // accepted by advance(), when the program may
        return {};
    }
    const auto connection = connections_.find(token - listeners_.size());
    if (connection != connections_.end()) work(connection, now_ns);
    return {};
}

Result<std::int64_t> KernelServer::advance(std::int64_t now_ns) {
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
        if (auto done = accept(i, now_ns); !done) return std::unexpected(done.error());
    }
    while (!answers_.empty() && answers_.top().at_ns <= now_ns) {
        const auto connection = connections_.find(answers_.top().connection);
        answers_.pop();
        if (connection != connections_.end()) write(connection);
    }
    std::int64_t next_ns = answers_.empty() ? INT64_MAX : answers_.top().at_ns;
    for (const Listener& listener : listeners_) {
        if (listener.waiting) next_ns = std::min(next_ns, listener.ready_ns);
    }
    return next_ns;
}

/// Accepts as many as the program would have by now: it is as fast as planned, even where this loop wakes late.
Result<void> KernelServer::accept(std::size_t number, std::int64_t now_ns) {
    Listener& listener = listeners_[number];
    while (listener.waiting) {
        listener.ready_ns = listener.times.open_at(listener.ready_ns);
        if (listener.ready_ns > now_ns) return {};
        tun::Descriptor socket(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!socket) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            if (errno != EAGAIN) return std::unexpected(system_error("accept", errno, "server"));
            listener.waiting = false;
            return watch(listener.socket.get(), number, EPOLLIN | EPOLLONESHOT, true);
        }
        listener.ready_ns += listener.times.accept_gap_ns();
        const std::uint64_t id = next_connection_++;
        if (auto done = watch(socket.get(), listeners_.size() + id, EPOLLIN, false); !done) return done;
        Connection connection{.socket = std::move(socket), .listener = number, .watched = EPOLLIN};
        connections_.emplace(id, std::move(connection));
    }
    return {};
}

/// false: nothing more will come and nothing is owed.
bool KernelServer::read(Connection& connection) {
    std::array<char, kChunk> buffer;
    while (true) {
        const ssize_t length = ::recv(connection.socket.get(), buffer.data(), buffer.size(), 0);
        if (length < 0) return errno == EAGAIN || errno == EINTR;
        if (length == 0) {
            connection.peer_closed = true;
            return connection.unwritten_bytes != 0;
        }
        connection.read_bytes += static_cast<std::uint64_t>(length);
        if (connection.head.size() >= kMaxHead) continue;
        const std::size_t more = std::min(kMaxHead - connection.head.size(), static_cast<std::size_t>(length));
        connection.head.append(buffer.data(), more);
    }
}

void KernelServer::watch_again(std::uint64_t id, Connection& connection) {
    std::uint32_t events = connection.peer_closed ? 0U : std::uint32_t{EPOLLIN};
    if (connection.blocked) events |= EPOLLOUT;
    if (events == connection.watched) return;
    connection.watched = events;
    static_cast<void>(watch(connection.socket.get(), listeners_.size() + id, events, true));  // it is known: no error
}

void KernelServer::work(Connections::iterator found, std::int64_t now_ns) {
    Connection& connection = found->second;
    const bool alive = read(connection);
    const bool line_read = connection.head.contains('\n') || connection.head.size() == kMaxHead;
    if (alive && !connection.request && line_read) connection.request = parse_request(connection.head);
    if (!alive || (line_read && !connection.request)) {
        connections_.erase(found);
        return;
    }
    const bool complete = connection.request && connection.read_bytes >= connection.request->request_bytes;
    if (!complete) return;
    if (!connection.answering) {
        connection.answering = true;
        connection.unwritten_bytes = connection.request->response_bytes;
        const std::int64_t service_ns = listeners_[connection.listener].times.service_ns();
        if (service_ns <= 0) return write(found);
        answers_.push({now_ns + service_ns, found->first});
    } else if (connection.blocked) {
        return write(found);
    }
    watch_again(found->first, connection);
}

/// Sends what the socket takes, and ends the connection where that is the program's part.
void KernelServer::write(Connections::iterator found) {
    static const std::string filler(kChunk, 's');
    Connection& connection = found->second;
    connection.blocked = false;
    while (connection.unwritten_bytes != 0) {
        const std::size_t chunk = std::min<std::uint64_t>(filler.size(), connection.unwritten_bytes);
        const ssize_t sent = ::send(connection.socket.get(), filler.data(), chunk, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) {
            connections_.erase(found);
            return;
        }
        connection.blocked = sent < 0;
        if (connection.blocked) return watch_again(found->first, connection);
        connection.unwritten_bytes -= static_cast<std::uint64_t>(sent);
    }
    if (connection.peer_closed || connection.request->closer == sim::Closer::server) {
        connections_.erase(found);
    } else {
        watch_again(found->first, connection);
    }
}

Result<void> KernelServer::change(const sim::ChangePlan& change) {
    const Inside inside(place_);
    if (auto done = apply(change.sysctls); !done) return done;
    for (Listener& listener : listeners_) {
        if (change.backlog < 0 || (change.port != 0 && change.port != listener.outcome.port)) continue;
        if (::listen(listener.socket.get(), change.backlog) != 0) {
            return std::unexpected(system_error("listen", errno, "server"));
        }
    }
    return {};
}

/// net/ipv4/tcp.c:tcp_get_info: a listener's queue and its limit stand in tcpi_unacked and tcpi_sacked.
void KernelServer::look() {
    for (Listener& listener : listeners_) {
        tcp_info info{};
        socklen_t length = sizeof info;
        if (::getsockopt(listener.socket.get(), IPPROTO_TCP, TCP_INFO, &info, &length) != 0) continue;
        listener.outcome.longest_accept = std::max<std::uint64_t>(listener.outcome.longest_accept, info.tcpi_unacked);
        listener.outcome.accept_limit = info.tcpi_sacked;
    }
}

void KernelServer::look_closely() {
    const Inside inside(place_);
    const sim::Sockets sockets = read_sockets();
    most_requests_ = std::max(most_requests_, count_of(sockets, "SYN_RECV") + count_of(sockets, "NEW_SYN_RECV"));
    most_time_wait_ = std::max(most_time_wait_, count_of(sockets, "TIME_WAIT"));
}

void KernelServer::report(sim::Outcome& outcome) {
    look();
    look_closely();
    const Inside inside(place_);
    for (const auto& [name, value] : read_counters()) {
        const auto before = counters_before_.find(name);
        const std::int64_t moved = value - (before == counters_before_.end() ? 0 : before->second);
        if (moved != 0) outcome.counters.emplace(name, moved);
    }
    for (const Listener& listener : listeners_) outcome.listeners.push_back(listener.outcome);
    outcome.most_requests = most_requests_;
    outcome.most_time_wait = most_time_wait_;
}

}  // namespace synwhy::lab
