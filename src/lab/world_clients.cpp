// Real clients; see world_clients.hpp. An event's token holds an attempt's number and its generation.
#include "lab/world_clients.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "lab/request.hpp"
#include "lab/socket_address.hpp"
#include "sim/addresses.hpp"
#include "tun/system_error.hpp"

namespace synwhy::lab {
namespace {

using sim::Ending;
using sim::Result;
using tun::system_error;

constexpr std::int64_t kWorthSaying_ns = 50'000'000;
constexpr int kBindAddressNoPort = 24;  // IP_BIND_ADDRESS_NO_PORT, Linux 4.2: the port is chosen by connect()

/// Has the kernel sent the SYN more than once? Also after the handshake, while nothing else was sent again.
bool syn_was_repeated(int socket) {
    tcp_info info{};
    socklen_t length = sizeof info;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return false;
    return info.tcpi_retransmits != 0 || info.tcpi_total_retrans != 0;
}

int error_of(int socket) {
    int error = 0;
    socklen_t length = sizeof error;
    return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

}  // namespace

WorldClients::WorldClients(const sim::Scenario& scenario, const Stage& stage, int epoll, std::int64_t start_ns,
                           std::size_t most_open, std::vector<sim::PlannedConnect> planned)
    : scenario_(scenario),
      stage_(stage),
      epoll_(epoll),
      start_ns_(start_ns),
      most_open_(most_open),
      planned_(std::move(planned)) {
    for (const sim::ClientGroup& group : scenario.clients)
        groups_.push_back({group.name, group.gateway, group.count, {}});
}

bool WorldClients::closes_first(const sim::ClientGroup& group) const {
    if (group.closer_given) return group.closer == sim::Closer::client;
    const auto& listeners = scenario_.servers.front().listeners;
    const auto listener = std::ranges::find(listeners, group.port, &sim::ListenerPlan::port);
    return listener != listeners.end() && listener->application.closer == sim::Closer::client;
}

Result<std::int64_t> WorldClients::advance(std::int64_t now_ns) {
    while (next_planned_ < planned_.size() && start_ns_ + planned_[next_planned_].at_ns <= now_ns) {
        latest_ns_ = std::max(latest_ns_, now_ns - start_ns_ - planned_[next_planned_].at_ns);
        if (auto done = connect(planned_[next_planned_++], now_ns); !done) return std::unexpected(done.error());
    }
    while (!due_.empty() && due_.top().at_ns <= now_ns) {
        const Due due = due_.top();
        due_.pop();
        time_out(due);
    }
    std::int64_t next_ns = due_.empty() ? INT64_MAX : due_.top().at_ns;
    if (next_planned_ < planned_.size()) next_ns = std::min(next_ns, start_ns_ + planned_[next_planned_].at_ns);
    return next_ns;
}

void WorldClients::time_out(const Due& due) {
    Attempt& attempt = attempts_[due.attempt];
    if (attempt.generation != due.generation || attempt.phase == Phase::free) return;
    if (due.timer == Timer::ask) return ask(due.attempt);
    if (attempt.phase == Phase::leaving) return;
    if (attempt.phase == Phase::connecting) attempt.hindered = syn_was_repeated(attempt.socket.get());
    end(due.attempt, Ending::gave_up);
    release(due.attempt);
}

// --------------------------------------------------------------------------------------------------------- connecting

Result<tun::Descriptor> WorldClients::open_socket(const sim::PlannedConnect& plan) {
    const sim::ClientGroup& group = scenario_.clients[plan.group];
    const core::Address from = sim::address_of(group, plan.index);
    const bool ipv6 = from.family == core::Family::ipv6;
    const Inside inside(stage_.group(plan.group));
    tun::Descriptor socket(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return std::unexpected(system_error("socket", errno, group.name));
    const int on = 1;
    const int option = group.source_port == 0 ? kBindAddressNoPort : 0;
    if (option != 0) {
        ::setsockopt(socket.get(), IPPROTO_IP, option, &on, sizeof on);
    } else {
        ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    SocketAddress local = to_system({from, static_cast<std::uint16_t>(group.source_port)});
    if (::bind(socket.get(), local.get(), local.length) == 0 || errno == EADDRINUSE) return socket;
    return std::unexpected(system_error("bind", errno, core::to_string(from)));
}

Result<void> WorldClients::connect(const sim::PlannedConnect& plan, std::int64_t now_ns) {
    sim::Attempts& sum = groups_[plan.group].attempts;
    if (attempts_.size() - free_.size() >= most_open_) {
        ++skipped_;
        return {};
    }
    auto socket = open_socket(plan);
    if (!socket) return std::unexpected(socket.error());
    ++sum.total;
    const core::Endpoint server{scenario_.servers.front().address, scenario_.clients[plan.group].port};
    SocketAddress remote = to_system(server);
    const int result = ::connect(socket->get(), remote.get(), remote.length);
    if (result != 0 && errno != EINPROGRESS) {
        if (errno != EADDRNOTAVAIL && errno != EADDRINUSE) {
            return std::unexpected(system_error("connect", errno, core::to_string(server)));
        }
        ++sum.by_ending[static_cast<std::size_t>(Ending::no_port)];
        return {};
    }
    std::uint32_t number = 0;
    if (free_.empty()) {
        number = static_cast<std::uint32_t>(attempts_.size());
        attempts_.emplace_back();
    } else {
        number = free_.back();
        free_.pop_back();
    }
    attempts_[number].socket = *std::move(socket);
    begin(number, plan, now_ns);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u64 = std::uint64_t{attempts_[number].generation & 0x7fff'ffffU} << 32U | number;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, attempts_[number].socket.get(), &event) == 0) return {};
    return std::unexpected(system_error("epoll_ctl", errno, "clients"));
}

void WorldClients::begin(std::uint32_t number, const sim::PlannedConnect& plan, std::int64_t now_ns) {
    const sim::ClientGroup& group = scenario_.clients[plan.group];
    Attempt& attempt = attempts_[number];
    attempt.phase = Phase::connecting;
    attempt.group = plan.group;
    attempt.hindered = false;
    attempt.started_ns = now_ns;
    attempt.think_ns = sim::think_ns(group, scenario_.seed, plan.client, plan.ordinal);
    attempt.received_bytes = 0;
    sim::Sizes sizes;
    const auto& listeners = scenario_.servers.front().listeners;
    const auto listener = std::ranges::find(listeners, group.port, &sim::ListenerPlan::port);
    if (listener != listeners.end()) {
        sizes = sim::sizes_of(listener->application, scenario_.seed, plan.client, plan.ordinal);
    }
    attempt.response_bytes = std::min(sizes.response_bytes, kMaxResponseBytes);
    attempt.request = text_of(
        {sizes.request_bytes, attempt.response_bytes, closes_first(group) ? sim::Closer::client : sim::Closer::server});
    if (group.patience_ns > 0) due_.push({now_ns + group.patience_ns, number, attempt.generation, Timer::give_up});
}

// ------------------------------------------------------------------------------------------------------------- events

void WorldClients::handle(std::uint64_t token, std::int64_t now_ns) {
    const auto number = static_cast<std::uint32_t>(token);
    if (number >= attempts_.size()) return;
    Attempt& attempt = attempts_[number];
    if ((attempt.generation & 0x7fff'ffffU) != token >> 32U) return;
    switch (attempt.phase) {
        case Phase::free: return;
        case Phase::connecting: return connected(number, now_ns);
        case Phase::thinking: return;  // what comes before the request waits for it
        case Phase::reading:
        case Phase::leaving: return read(number);
    }
}

void WorldClients::connected(std::uint32_t number, std::int64_t now_ns) {
    Attempt& attempt = attempts_[number];
    const int error = error_of(attempt.socket.get());
    if (error != 0) {
        attempt.hindered = true;
        const Ending ending = error == ECONNREFUSED ? Ending::refused : Ending::timed_out;
        if (error != ECONNREFUSED && error != ETIMEDOUT && odd_errors_++ == 0) odd_error_ = std::strerror(error);
        end(number, ending);
        return release(number);
    }
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    if (::getpeername(attempt.socket.get(), reinterpret_cast<sockaddr*>(&peer), &length) != 0) return;  // not yet
    attempt.hindered = syn_was_repeated(attempt.socket.get());
    sim::Attempts& sum = groups_[attempt.group].attempts;
    const std::int64_t took_ns = now_ns - attempt.started_ns;
    ++sum.connected;
    if (attempt.hindered) ++sum.connected_late;
    sum.sum_ns += took_ns;
    sum.longest_ns = std::max(sum.longest_ns, took_ns);
    if (attempt.think_ns <= 0) return ask(number);
    attempt.phase = Phase::thinking;
    due_.push({now_ns + attempt.think_ns, number, attempt.generation, Timer::ask});
}

void WorldClients::ask(std::uint32_t number) {
    Attempt& attempt = attempts_[number];
    attempt.phase = Phase::reading;
    // A request fits into every fresh send buffer; a connection that is reset already says so when it is read.
    static_cast<void>(::send(attempt.socket.get(), attempt.request.data(), attempt.request.size(), MSG_NOSIGNAL));
    read(number);
}

void WorldClients::read(std::uint32_t number) {
    Attempt& attempt = attempts_[number];
    std::array<char, 16'384> buffer;
    while (true) {
        const ssize_t length = ::recv(attempt.socket.get(), buffer.data(), buffer.size(), 0);
        if (length < 0 && errno == EINTR) continue;
        if (length < 0 && errno == EAGAIN) break;
        if (length > 0) {
            attempt.received_bytes += static_cast<std::uint64_t>(length);
            continue;
        }
        if (attempt.phase != Phase::leaving) {
            const bool complete = attempt.received_bytes >= attempt.response_bytes;
            end(number, length < 0 ? Ending::reset : complete ? Ending::served : Ending::closed);
        }
        return release(number);
    }
    const bool complete = attempt.received_bytes >= attempt.response_bytes;
    if (attempt.phase == Phase::reading && complete && closes_first(scenario_.clients[attempt.group])) leave(number);
}

/// The client's FIN is the first; what the server still sends is read, so that no RST follows.
void WorldClients::leave(std::uint32_t number) {
    end(number, Ending::served);
    attempts_[number].phase = Phase::leaving;
    ::shutdown(attempts_[number].socket.get(), SHUT_WR);
}

// ------------------------------------------------------------------------------------------------------------- ending

void WorldClients::end(std::uint32_t number, Ending ending) {
    const Attempt& attempt = attempts_[number];
    sim::Attempts& sum = groups_[attempt.group].attempts;
    ++sum.by_ending[static_cast<std::size_t>(ending)];
    if (attempt.hindered) {
        ++sum.hindered;
    } else if (ending == Ending::pending) {
        ++sum.undecided;
    }
}

void WorldClients::release(std::uint32_t number) {
    Attempt& attempt = attempts_[number];
    attempt.socket.reset();
    attempt.phase = Phase::free;
    ++attempt.generation;
    free_.push_back(number);
}

void WorldClients::report(sim::Outcome& outcome) {
    for (std::uint32_t i = 0; i < attempts_.size(); ++i) {
        Attempt& attempt = attempts_[i];
        if (attempt.phase == Phase::free || attempt.phase == Phase::leaving) continue;
        const bool waits = attempt.phase == Phase::connecting;
        if (waits) attempt.hindered = syn_was_repeated(attempt.socket.get());
        end(i, waits ? Ending::pending : Ending::unfinished);
        attempt.phase = Phase::leaving;
    }
    outcome.groups = groups_;
    if (skipped_ != 0) {
        outcome.remarks.push_back(std::to_string(skipped_) + " attempts were not made: " + std::to_string(most_open_) +
                                  " are the most at a time here");
    }
    if (latest_ns_ > kWorthSaying_ns) {
        outcome.remarks.push_back("this machine was busy: connections were begun up to " +
                                  std::to_string(latest_ns_ / 1'000'000) + " ms late");
    }
    if (odd_errors_ != 0) {
        outcome.remarks.push_back(std::to_string(odd_errors_) + " attempts failed in another way: " + odd_error_);
    }
}

}  // namespace synwhy::lab
