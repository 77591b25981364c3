// What does a Linux server do with every segment it receives?
//
// The executable model of the passive open and of what surrounds it: sockets that listen, pending requests, accept
// queues, cookies, connections until their close, FIN_WAIT2 and TIME_WAIT buckets, the memory of peers, counters.
// State only: whether a SYN is answered is asked of core::decide_listen, what meets existing state of
// core::decide_existing. Sans I/O: segments and the time come in as arguments, replies go out as values, so the same
// object runs in a test, in a simulation and behind a TUN device. Payload is counted, never stored.
// Time is nanoseconds on one clock that never steps back; whole seconds of it are what get_seconds() returns.
// Left out: congestion control beyond a fixed window, urgent data, path MTU discovery, SACK recovery.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/kernel.hpp"
#include "core/packet.hpp"
#include "core/path.hpp"
#include "model/counter.hpp"
#include "model/network.hpp"
#include "model/settings.hpp"

namespace synwhy::model {

using ListenerId = std::uint32_t;
/// A connection; 0 is none. Never used again for another one.
using SocketId = std::uint64_t;

struct ListenOptions {
    core::Endpoint local{};        ///< an all-zero address listens on every address of its family
    bool v6_only = false;          ///< [::] without IPv4
    int backlog = 128;             ///< as given to listen(); negative means somaxconn
    int defer_accept_s = 0;        ///< TCP_DEFER_ACCEPT
    int min_ttl = 0;               ///< IP_MINTTL, IPV6_MINHOPCOUNT
    int synack_retries = 0;        ///< TCP_SYNCNT; 0: the sysctl
    bool filter_drops = false;     ///< SO_ATTACH_FILTER that drops everything
    bool has_md5_key = false;      ///< TCP_MD5SIG for every peer: unsigned segments are refused
    int fast_open_backlog = 0;     ///< TCP_FASTOPEN; 0: off
    int receive_buffer_bytes = 0;  ///< SO_RCVBUF; 0: the default
};

/// Everything about one received packet that its decoded segment does not say.
struct Arrival {
    bool ip_header_bad = false;  ///< version, header length or total length
    bool ip_checksum_bad = false;
    bool ip_truncated = false;       ///< shorter than its IP length says
    bool ip_source_route = false;    ///< carries a source route option
    bool tcp_header_bad = false;     ///< data offset below 5
    bool tcp_header_beyond = false;  ///< data offset past the segment's end
    bool tcp_checksum_bad = false;
    bool other_host = false;  ///< L2 destination is not ours
};

/// What became of one received segment. For a SYN `fate` is the verdict; other segments have one as well.
enum class Fate : std::uint8_t {
    answered,      ///< SYN+ACK, a request was stored
    cookie,        ///< SYN+ACK with a SYN cookie, nothing was stored
    synack_again,  ///< SYN+ACK of the request that was there already
    reset,         ///< RST
    bare_ack,      ///< an ACK that is no progress: TIME_WAIT, challenge, duplicate
    silence,       ///< refused or ignored; `row` says where
    established,   ///< the final ACK: a connection was created and queued for accept()
    processed,     ///< an ordinary segment of a connection
};

struct Outcome {
    Fate fate = Fate::processed;
    const core::Row* row = nullptr;  ///< the row of the path that decided, nullptr: nothing stood in the way
    SocketId socket = 0;             ///< the connection it belongs to, once there is one
    std::uint32_t new_bytes = 0;     ///< payload accepted in order from this segment ...
    std::uint32_t skip_bytes = 0;    ///< ... after skipping this much that was known already
    bool peer_closed = false;        ///< this segment's FIN was accepted
    bool reopened = false;           ///< the SYN took the place of a TIME_WAIT
};

/// A segment on its way out. `segment.source` is the server's.
struct Outgoing {
    core::Segment segment{};
    SocketId socket = 0;              ///< whose payload
    std::uint64_t stream_offset = 0;  ///< position of the payload in what the application wrote
    bool retransmission = false;
};
using Outbox = std::vector<Outgoing>;

enum class State : std::uint8_t {
    syn_recv,
    established,
    fin_wait1,
    fin_wait2,
    time_wait,
    close_wait,
    last_ack,
    closing,
    closed,  ///< dead, but the application still holds it
};
inline constexpr std::size_t kStates = 9;
/// "ESTABLISHED", as /proc/net/tcp's states are usually written.
const char* to_string(State state);
const char* to_string(Fate fate);

struct SocketView {
    core::FourTuple tuple{};
    State state = State::closed;
    std::uint64_t unread_bytes = 0;   ///< received in order, not read
    std::uint64_t unsent_bytes = 0;   ///< written, not yet sent
    std::uint64_t unacked_bytes = 0;  ///< sent, not yet acknowledged
    bool peer_closed = false;         ///< read() will return 0 after the unread bytes
    bool reset = false;               ///< ECONNRESET
};

struct ListenerView {
    core::Endpoint local{};
    std::uint32_t backlog = 0;        ///< Send-Q: after somaxconn
    std::uint32_t accept_length = 0;  ///< Recv-Q
    std::uint32_t request_length = 0;
    std::uint32_t young_requests = 0;
    std::uint32_t syn_capacity = 0;  ///< requests that fit before the SYN queue is full
    std::uint64_t sk_drops = 0;
};

struct PeerView {
    core::Address local{};  ///< all zero where the kernel keys by peer only
    core::Address peer{};
    std::uint32_t ts = 0;
    std::int64_t age_s = 0;
    bool has_stamp = false;
    bool has_rtt = false;
};

/// A due timer, for who decides how late it fires.
struct TimerView {
    enum class Kind : std::uint8_t { request_resend, request_expiry, time_wait, fin_wait2, retransmit } kind{};
    core::FourTuple tuple{};
    std::int64_t due_ns = 0;
    std::int64_t delay_ns = 0;  ///< how long it was set for
    bool from_rto = false;      ///< its length is an estimate from measured round trips (recycled TIME_WAIT)
};

/// How late a kernel's timer wheel may fire a timer of this length, busy machines apart: from 4.8 on the slots grow
/// with the distance (1 jiffy below 64, then 8, 64, 512 ...: an eighth of the delay at most). kernel/time/timer.c
std::int64_t timer_granularity_ns(const core::Behaviours& kernel, int hz, std::int64_t delay_ns);

struct ServerConfig {
    core::Kernel kernel{};
    Settings settings{};
    Network network{};
    int hz = 1000;                         ///< CONFIG_HZ: timer and timestamp granularity
    std::uint64_t secret = 1;              ///< seeds ISNs, cookies, timestamp offsets and hashes
    std::int64_t boot_ns = 0;              ///< when this host booted, on the model's clock
    bool md5_configured = true;            ///< CONFIG_TCP_MD5SIG
    std::size_t max_requests = 1'000'000;  ///< memory bounds; what falls off is counted in Occupied::refused
    std::size_t max_sockets = 1'000'000;   ///< of these two and of TIME_WAIT at most 16 Mi each
    std::size_t max_peers = 2'000'000;
};

/// How much the model holds, and what it had to turn away.
struct Occupied {
    std::size_t requests = 0, sockets = 0, buckets = 0, peers = 0;
    std::uint64_t refused = 0;   ///< beyond a memory bound of ServerConfig
    std::size_t bytes = 0;       ///< allocated
    std::size_t peer_bytes = 0;  ///< of these, for remembered peers
};

class Server {
  public:
    explicit Server(ServerConfig config);
    ~Server();
    Server(Server&&) noexcept;
    Server& operator=(Server&&) noexcept;
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // ------------------------------------------------------------------------------------------------- the wire
    /// Timers that are due at or before now_ns fire first. Replies are appended to `out`.
    Outcome receive(const core::Segment& segment, const Arrival& arrival, std::int64_t now_ns, Outbox& out);
    /// A hint: these segments, a few dozen at most, will be received next. Whoever has several at hand says so, and the
    /// waits for memory overlap. Changes nothing.
    void expect(std::span<const core::Segment> segments) const;
    /// Fires what is due at or before now_ns.
    void advance(std::int64_t now_ns, Outbox& out);
    /// When the next timer is due; INT64_MAX when none is.
    [[nodiscard]] std::int64_t next_deadline_ns() const;

    // --------------------------------------------------------------------------------------------- the application
    /// nullopt: the port is taken.
    std::optional<ListenerId> listen(const ListenOptions& options, std::int64_t now_ns);
    /// listen() again on a listening socket: changes the accept limit only.
    void relisten(ListenerId listener, int backlog);
    /// Pending requests vanish, queued connections are reset.
    void close_listener(ListenerId listener, std::int64_t now_ns, Outbox& out);
    /// Up to 4.3 a system call of the process holds the listener's lock: segments wait in its backlog until it lets go,
    /// and are lost beyond the socket's buffers (2.6.32: without a bound). Later listeners are lockless: no effect.
    void lock_listener(ListenerId listener, bool locked, std::int64_t now_ns, Outbox& out);
    /// The oldest queued connection; nullopt when there is none (EAGAIN).
    std::optional<SocketId> accept(ListenerId listener, std::int64_t now_ns);
    /// close(): FIN, or RST when received data is unread.
    void close(SocketId socket, std::int64_t now_ns, Outbox& out);
    /// close() with SO_LINGER 0: RST.
    void reset(SocketId socket, std::int64_t now_ns, Outbox& out);
    /// shutdown(SHUT_WR).
    void shutdown_write(SocketId socket, std::int64_t now_ns, Outbox& out);
    /// Queues bytes for sending. @return how many were taken: 0 when the socket can't send any more
    std::uint64_t write(SocketId socket, std::uint64_t bytes, std::int64_t now_ns, Outbox& out);
    /// Takes up to `bytes` of the unread. @return how many
    std::uint64_t read(SocketId socket, std::uint64_t bytes, std::int64_t now_ns, Outbox& out);

    // ------------------------------------------------------------------------------------------------- looking
    [[nodiscard]] std::optional<SocketView> view(SocketId socket) const;
    [[nodiscard]] ListenerView view_listener(ListenerId listener) const;
    [[nodiscard]] std::vector<ListenerId> listeners() const;
    /// Number of sockets per State, buckets and requests included.
    [[nodiscard]] std::array<std::uint64_t, kStates> count_states() const;
    /// What is remembered of peers, at most `most`.
    [[nodiscard]] std::vector<PeerView> peers(std::int64_t now_ns, std::size_t most) const;
    [[nodiscard]] const Counters& counters() const;
    [[nodiscard]] const ServerConfig& config() const;
    [[nodiscard]] Occupied occupied() const;

    // ------------------------------------------------------------------------------------------------- changing
    Settings& settings();
    Network& network();
    /// How late timers fire is the world's choice: asked once per due timer, the answer is nanoseconds >= 0.
    using LatenessFunction = std::int64_t (*)(void* context, const TimerView& timer);
    void set_lateness(LatenessFunction function, void* context);
    /// TSval that this host puts into a segment of the connection at this time.
    [[nodiscard]] std::uint32_t tsval(const core::FourTuple& tuple, std::int64_t now_ns) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace synwhy::model
