#include "tun/application.hpp"

#include <algorithm>
#include <climits>
#include <utility>

namespace synwhy::tun {

using model::Outbox;
using model::SocketId;

namespace {

/// How far a limited accept rate may catch up when the loop was late.
constexpr std::int64_t kCatchUp_ns = 10'000'000;

}  // namespace

Application::Application(ApplicationOptions options, model::Server& server)
    : options_(std::move(options)),
      server_(server),
      listeners_(server.listeners()),
      responses_(options_.response_bytes) {}

// ------------------------------------------------------------------------------------------------------- coming in

Application::Connection& Application::connection_of(SocketId socket, std::int64_t now_ns) {
    const auto [place, is_new] = connections_.try_emplace(socket);
    Connection& connection = place->second;
    if (is_new) {
        by_silence_.push_back(socket);
        connection.place = std::prev(by_silence_.end());
        if (!options_.http) plan_last(connection, Answer::bytes);
    } else {
        by_silence_.splice(by_silence_.end(), by_silence_, connection.place);
    }
    connection.active_ns = now_ns;
    return connection;
}

void Application::on_segment(const model::Outcome& outcome, std::span<const std::uint8_t> payload, std::int64_t now_ns,
                             Outbox& out) {
    if (outcome.socket != 0 && (outcome.fate == model::Fate::established || connections_.contains(outcome.socket))) {
        Connection& connection = connection_of(outcome.socket, now_ns);
        if (outcome.new_bytes != 0) {
            const std::size_t skip = std::min<std::size_t>(outcome.skip_bytes, payload.size());
            const std::size_t fresh = std::min<std::size_t>(outcome.new_bytes, payload.size() - skip);
            parse(connection, payload.subspan(skip, fresh));
        }
        if (connection.accepted && !connection.closed) {
            if (!stalled(now_ns)) {
                serve(outcome.socket, now_ns, out);
            } else if (!connection.waiting) {
                connection.waiting = true;
                waiting_.push_back(outcome.socket);
            }
        }
    }
    advance(now_ns, out);
}

void Application::parse(Connection& connection, std::span<const std::uint8_t> bytes) {
    if (!options_.http) return;
    while (auto request = connection.parser.feed(bytes)) plan_answer(connection, *request);
}

void Application::plan_answer(Connection& connection, const HttpRequest& request) {
    ++counts_.requests;
    if (request.status != 200) ++counts_.refused_requests;
    if (connection.plan.last) return;  // told not to send more
    if (request.status != 200) return plan_last(connection, answer_of(request.status));
    if (request.head) return plan_last(connection, Answer::head);
    if (!request.keep_alive || !options_.keep_alive) return plan_last(connection, Answer::close);
    ++connection.plan.kept;
    connection.owed_bytes += responses_.length(Answer::keep_open);
}

void Application::plan_last(Connection& connection, Answer answer) {
    connection.plan.last = answer;
    connection.owed_bytes += responses_.length(answer);
}

// ------------------------------------------------------------------------------------------------ what the process
// does

/// One turn of a process that is woken for one connection: read, write what it can, close when it is done.
void Application::serve(SocketId socket, std::int64_t now_ns, Outbox& out) {
    const auto place = connections_.find(socket);
    if (place == connections_.end()) return;
    Connection& connection = place->second;
    const auto view = server_.view(socket);
    if (!view) return erase(place);
    if (view->reset) {
        ++counts_.resets_seen;
        server_.close(socket, now_ns, out);
        return erase(place);
    }
    server_.read(socket, view->unread_bytes, now_ns, out);
    if (connection.owed_bytes != 0) {
        connection.owed_bytes -= server_.write(socket, connection.owed_bytes, now_ns, out);
    }
    if (connection.owed_bytes != 0) return;
    const bool ours_to_close = connection.plan.last && options_.server_closes_first;
    if (ours_to_close || view->peer_closed) close(socket, connection, now_ns, out);
}

void Application::close(SocketId socket, Connection& connection, std::int64_t now_ns, Outbox& out) {
    ++counts_.closed;
    connection.closed = true;  // kept for what the model still has to send
    server_.close(socket, now_ns, out);
}

bool Application::stalled(std::int64_t now_ns) const {
    return stalled_by_hand_ || std::ranges::any_of(options_.stalls, [now_ns](const Stall& stall) {
               return now_ns >= stall.from_ns && now_ns < stall.to_ns;
           });
}

bool Application::anyone_queued() const {
    return std::ranges::any_of(listeners_,
                               [this](model::ListenerId id) { return server_.view_listener(id).accept_length != 0; });
}

void Application::accept_some(std::int64_t now_ns, Outbox& out) {
    const auto rate = options_.accepts_per_s;
    if (rate && *rate <= 0) return;
    const std::int64_t interval_ns = rate ? static_cast<std::int64_t>(1e9 / *rate) : 0;
    if (rate) next_accept_ns_ = std::max(next_accept_ns_, now_ns - kCatchUp_ns);
    for (const model::ListenerId listener : listeners_) {
        while (!rate || next_accept_ns_ <= now_ns) {
            const auto socket = server_.accept(listener, now_ns);
            if (!socket) break;
            next_accept_ns_ += interval_ns;
            ++counts_.accepted;
            connection_of(*socket, now_ns).accepted = true;
            serve(*socket, now_ns, out);
        }
    }
}

void Application::advance(std::int64_t now_ns, Outbox& out) {
    advanced_ns_ = now_ns;
    if (!stalled(now_ns)) {
        for (const SocketId socket : std::exchange(waiting_, {})) {
            if (const auto place = connections_.find(socket); place != connections_.end())
                place->second.waiting = false;
            serve(socket, now_ns, out);
        }
        accept_some(now_ns, out);
    }
    close_idle(now_ns, out);
}

void Application::close_idle(std::int64_t now_ns, Outbox& out) {
    while (!by_silence_.empty()) {
        const SocketId socket = by_silence_.front();
        const auto place = connections_.find(socket);
        Connection& connection = place->second;
        if (connection.active_ns > now_ns - options_.idle_ns) return;
        const auto view = server_.view(socket);
        if (!view) {
            erase(place);
            continue;
        }
        const bool may_act = connection.accepted && !connection.closed && !stalled(now_ns);
        if (may_act && view->reset) {
            serve(socket, now_ns, out);  // erases it
            continue;
        }
        if (may_act) {
            ++counts_.idle_closed;
            close(socket, connection, now_ns, out);
        }
        connection_of(socket, now_ns);  // looked at again after another while
    }
}

std::int64_t Application::next_deadline_ns() const {
    std::int64_t due = INT64_MAX;
    if (!by_silence_.empty()) due = connections_.at(by_silence_.front()).active_ns + options_.idle_ns;
    for (const Stall& stall : options_.stalls) {
        // The start needs no wake-up: a process that does nothing starts to do nothing by itself.
        if (stall.to_ns > advanced_ns_) due = std::min(due, stall.to_ns);
    }
    const bool paced = options_.accepts_per_s && *options_.accepts_per_s > 0;
    if (paced && !stalled(advanced_ns_) && anyone_queued()) due = std::min(due, next_accept_ns_);
    return due;
}

// --------------------------------------------------------------------------------------------------------- looking

bool Application::fill(SocketId socket, std::uint64_t stream_offset, std::span<std::uint8_t> out) const {
    const auto place = connections_.find(socket);
    if (place == connections_.end()) {
        std::ranges::fill(out, std::uint8_t{0});
        return false;
    }
    place->second.plan.fill(responses_, stream_offset, out);
    return true;
}

void Application::forget_if_gone(SocketId socket) {
    const auto place = connections_.find(socket);
    if (place != connections_.end() && place->second.closed && !server_.view(socket)) erase(place);
}

std::vector<SocketId> Application::connections(std::size_t most) const {
    std::vector<SocketId> ids;
    for (const SocketId id : by_silence_) {
        if (ids.size() == most) break;
        ids.push_back(id);
    }
    return ids;
}

void Application::erase(Connections::iterator connection) {
    by_silence_.erase(connection->second.place);
    connections_.erase(connection);
}

}  // namespace synwhy::tun
