// What does the process behind the listener do?
//
// It accepts, reads requests, answers, closes; at a limited rate or not at all for a while, as told. Sans I/O like the
// model it drives: time and payload come in as arguments, what it sends goes to the model's outbox.
// Payload is parsed when it arrives, since the model only counts it; what the process does about it waits until it
// has accepted the connection and is not stalled, and only then are the bytes taken out of the receive buffer.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "model/server.hpp"
#include "tun/http_request.hpp"
#include "tun/response.hpp"

namespace synwhy::tun {

/// The process does nothing from `from_ns` until before `to_ns`, on the model's clock.
struct Stall {
    std::int64_t from_ns = 0;
    std::int64_t to_ns = 0;
};

struct ApplicationOptions {
    bool http = true;  ///< false: sends the body as soon as it has accepted, ignores what comes in
    std::uint64_t response_bytes = 64;
    bool keep_alive = true;           ///< where the client wants it
    bool server_closes_first = true;  ///< after the last answer; false: waits for the client's FIN
    std::optional<double> accepts_per_s{};
    std::vector<Stall> stalls{};
    std::int64_t idle_ns = 60'000'000'000;  ///< a connection that is silent for so long is closed
};

struct ApplicationCounts {
    std::uint64_t accepted = 0;
    std::uint64_t requests = 0;  ///< complete ones, refused ones included
    std::uint64_t refused_requests = 0;
    std::uint64_t closed = 0;       ///< by this process
    std::uint64_t idle_closed = 0;  ///< of those, for silence
    std::uint64_t resets_seen = 0;  ///< connections that the client had reset
};

class Application {
  public:
    /// @param server outlives this; its listeners are served from now on
    Application(ApplicationOptions options, model::Server& server);

    /// After every segment that the server received. @param payload of that segment, whole
    void on_segment(const model::Outcome& outcome, std::span<const std::uint8_t> payload, std::int64_t now_ns,
                    model::Outbox& out);
    /// Accepts, resumes after a stall, closes idle connections.
    void advance(std::int64_t now_ns, model::Outbox& out);
    /// When advance() has something to do without any segment; INT64_MAX when never.
    [[nodiscard]] std::int64_t next_deadline_ns() const;

    /// Bytes of a connection's stream. @return false for a connection that is not known: zeros then
    bool fill(model::SocketId socket, std::uint64_t stream_offset, std::span<std::uint8_t> out) const;
    /// Forgets the connection of a segment that was the model's last for it. Call after fill().
    void forget_if_gone(model::SocketId socket);

    /// By hand, until resume(); beside the planned stalls.
    void stall() { stalled_by_hand_ = true; }
    void resume() { stalled_by_hand_ = false; }
    [[nodiscard]] bool stalled(std::int64_t now_ns) const;
    void set_accept_rate(std::optional<double> accepts_per_s) { options_.accepts_per_s = accepts_per_s; }

    [[nodiscard]] const ApplicationCounts& counts() const { return counts_; }
    [[nodiscard]] const ApplicationOptions& options() const { return options_; }
    /// Ids of at most `most` known connections, longest silent first; closed ones that still send are among them.
    [[nodiscard]] std::vector<model::SocketId> connections(std::size_t most) const;
    [[nodiscard]] std::size_t size() const { return connections_.size(); }

  private:
    struct Connection {
        HttpParser parser{};
        StreamPlan plan{};
        std::uint64_t owed_bytes = 0;  ///< planned, not yet taken by write()
        bool accepted = false;
        bool closed = false;   ///< by this process
        bool waiting = false;  ///< stands in waiting_
        std::int64_t active_ns = 0;
        std::list<model::SocketId>::iterator place{};
    };
    using Connections = std::unordered_map<model::SocketId, Connection>;

    Connection& connection_of(model::SocketId socket, std::int64_t now_ns);
    void parse(Connection& connection, std::span<const std::uint8_t> bytes);
    void plan_answer(Connection& connection, const HttpRequest& request);
    void plan_last(Connection& connection, Answer answer);
    void serve(model::SocketId socket, std::int64_t now_ns, model::Outbox& out);
    void close(model::SocketId socket, Connection& connection, std::int64_t now_ns, model::Outbox& out);
    void accept_some(std::int64_t now_ns, model::Outbox& out);
    [[nodiscard]] bool anyone_queued() const;
    void close_idle(std::int64_t now_ns, model::Outbox& out);
    void erase(Connections::iterator connection);

    ApplicationOptions options_;
    model::Server& server_;
    std::vector<model::ListenerId> listeners_;
    Responses responses_;
    Connections connections_{};
    std::list<model::SocketId> by_silence_{};  ///< longest silent first
    std::vector<model::SocketId> waiting_{};   ///< what came in during a stall
    bool stalled_by_hand_ = false;
    std::int64_t advanced_ns_ = 0;     ///< when advance() was last called
    std::int64_t next_accept_ns_ = 0;  ///< with a limited rate
    ApplicationCounts counts_{};
};

}  // namespace synwhy::tun
