// What does a Linux host do that opens connections?
//
// The active side of one host: which source port it takes, when it repeats its SYN, what it makes of a SYN+ACK, a RST
// or a bare ACK, its data, its close and its TIME_WAIT. Sans I/O like server.hpp: segments and the time come in,
// segments and results go out. Payload is counted, never stored; the program reads at once.
// Small on purpose: hosts of one group share a ClientKernel, and a host that holds nothing can be thrown away and made
// again from its address, boot time, secret and port_hint().
// Left out: congestion control (the peer's window is the limit), delayed ACKs, SACK, simultaneous open, Fast Open.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <vector>

#include "core/kernel.hpp"
#include "core/packet.hpp"
#include "model/fifo.hpp"
#include "model/flow_index.hpp"
#include "model/server.hpp"
#include "model/settings.hpp"

namespace synwhy::model {

/// What many hosts have in common.
struct ClientKernel {
    core::Kernel kernel{};
    Settings settings{};
    int hz = 250;                     ///< CONFIG_HZ
    std::uint16_t mss = 1460;         ///< offered
    std::uint32_t segment_bytes = 0;  ///< payload of a segment, as TSO and GRO show it; 0: by the MSS
};

/// A connection of one host; 0 is none.
using ConnectionId = std::uint64_t;
inline constexpr std::uint32_t kNoTag = 0xffffffffU;

enum class ConnectError : std::uint8_t {
    no_port,      ///< EADDRNOTAVAIL: every port of ip_local_port_range is taken towards this server
    port_in_use,  ///< the port that the program bound is taken
};

struct ConnectPlan {
    core::Endpoint server{};
    std::uint16_t source_port = 0;       ///< bound by the program; 0: the kernel chooses
    std::optional<std::uint32_t> isn{};  ///< instead of the kernel's own
    std::uint32_t tag = kNoTag;          ///< the caller's name for it, told back in every result
};

/// What a segment or a timer did to a connection, as its program notices it.
struct ClientEvent {
    ConnectionId connection = 0;
    std::uint32_t tag = kNoTag;
    std::uint64_t new_bytes = 0;
    bool established = false;
    bool peer_closed = false;  ///< read() returns 0
    bool refused = false;      ///< ECONNREFUSED: RST to the SYN
    bool reset = false;        ///< ECONNRESET
    bool timed_out = false;    ///< ETIMEDOUT
    bool gone = false;         ///< the host has forgotten the connection, or only its TIME_WAIT is left
};

/// What the host counted since it was made.
struct ClientCounts {
    std::uint32_t syns = 0;
    std::uint32_t syn_retransmissions = 0;
    std::uint32_t time_wait_reused = 0;  ///< TWRecycled: ports taken from TIME_WAIT
    std::uint32_t paws_rejected = 0;     ///< segments with an old timestamp
    std::uint32_t resets_sent = 0;
};

class ClientHost {
  public:
    /// @param shared outlives the host
    /// @param port_hint what port_hint() of the same host said before, 0 at first
    ClientHost(const ClientKernel& shared, const core::Address& address, std::int64_t boot_ns, std::uint64_t secret,
               std::uint32_t port_hint = 0);
    ClientHost(const ClientHost&) = delete;
    ClientHost& operator=(const ClientHost&) = delete;
    ~ClientHost();

    /// Sends the first SYN.
    std::expected<ConnectionId, ConnectError> connect(const ConnectPlan& plan, std::int64_t now_ns, Outbox& out);
    /// A segment to this host's address.
    ClientEvent receive(const core::Segment& segment, std::int64_t now_ns, Outbox& out);
    /// Fires what is due at or before now_ns.
    void advance(std::int64_t now_ns, Outbox& out, std::vector<ClientEvent>& events);
    /// INT64_MAX: nothing to wait for.
    [[nodiscard]] std::int64_t next_deadline_ns() const;

    /// Queues bytes; they leave when the connection is established and the window allows.
    void write(ConnectionId connection, std::uint64_t bytes, std::int64_t now_ns, Outbox& out);
    /// close(): FIN after what was written; a connection that is not established vanishes.
    void close(ConnectionId connection, std::int64_t now_ns, Outbox& out);
    /// The caller's tag is told no more.
    void forget_tag(ConnectionId connection);
    /// The tag of a live connection, else kNoTag. `Outgoing::socket` names the connection of every segment sent.
    [[nodiscard]] std::uint32_t tag(ConnectionId connection) const;

    /// No connection and no TIME_WAIT.
    [[nodiscard]] bool idle() const { return live_ == 0 && waiting_ == 0; }
    [[nodiscard]] std::uint32_t port_hint() const { return port_hint_; }
    [[nodiscard]] std::uint32_t live() const { return live_; }        ///< without TIME_WAIT
    [[nodiscard]] std::uint32_t waiting() const { return waiting_; }  ///< in TIME_WAIT
    [[nodiscard]] const ClientCounts& counts() const { return counts_; }
    [[nodiscard]] const core::Address& address() const { return address_; }
    /// TSval of a segment to `server` from `port`.
    [[nodiscard]] std::uint32_t tsval(const core::Endpoint& server, std::uint16_t port, std::int64_t now_ns) const;
    /// Initial sequence number and port of a live connection.
    [[nodiscard]] std::uint32_t isn(ConnectionId connection) const;
    [[nodiscard]] std::uint16_t port(ConnectionId connection) const;
    /// Allocated, without the host itself.
    [[nodiscard]] std::size_t bytes() const;

  private:
    enum class State : std::uint8_t {
        unused,
        syn_sent,
        established,
        fin_wait1,
        fin_wait2,
        closing,
        close_wait,
        last_ack
    };

    struct Connection {
        std::uint32_t generation = 0;
        std::uint32_t slot = 0;  ///< its own place in connections_
        std::uint32_t tag = kNoTag;
        std::uint16_t server = 0;  ///< index into servers_
        std::uint16_t port = 0;
        State state = State::unused;
        bool fin_queued = false, fin_sent = false, timestamps = false, recovering = false;
        std::uint8_t retransmits = 0;
        std::uint8_t duplicate_acks = 0;
        std::uint8_t peer_scale = 0;
        std::uint16_t peer_mss = 536;
        std::uint32_t isn = 0, snd_una = 0, snd_nxt = 0, rcv_nxt = 0;
        std::uint32_t recover = 0;
        std::uint32_t send_window = 0;  ///< bytes
        std::uint32_t ts_recent = 0;
        std::uint32_t ts_recent_s = 0;  ///< on this host's clock of seconds
        std::uint32_t rto_ms = 1000;    ///< backed off
        std::uint32_t base_rto_ms = 1000;
        std::uint64_t written = 0;
        std::uint64_t sent = 0;  ///< of `written`; snd_nxt stands behind it
        std::int64_t syn_sent_ns = 0;
        std::int64_t due_ns = 0;  ///< 0: no timer
    };

    struct Wait {
        std::uint32_t generation = 0;
        std::uint16_t server = 0;
        std::uint16_t port = 0;
        bool used = false, timestamps = false;
        std::uint32_t snd_nxt = 0, rcv_nxt = 0, ts_recent = 0;
        std::uint32_t ts_recent_s = 0;
        std::int64_t entered_ns = 0;
        std::int64_t due_ns = 0;
    };

    struct Timer {
        std::int64_t due_ns = 0;
        std::uint32_t handle = 0;
        std::uint32_t generation = 0;
        friend bool operator<(const Timer& a, const Timer& b) {  // of a heap with the earliest on top
            return a.due_ns != b.due_ns ? a.due_ns > b.due_ns : a.generation > b.generation;
        }
    };

    struct KeyOf {
        const ClientHost* self;
        const FlowKey& operator()(std::uint32_t handle) const;
    };

    // client_ports.cpp
    std::uint16_t number_of(const core::Endpoint& server);
    [[nodiscard]] std::optional<std::uint16_t> find_server(const core::Endpoint& server) const;
    [[nodiscard]] std::uint32_t find(std::uint16_t server, std::uint16_t port) const;
    void index(std::uint32_t handle, std::uint16_t server, std::uint16_t port);
    void unindex(std::uint32_t handle, std::uint16_t server);
    void mark(std::uint32_t handle, bool taken);
    [[nodiscard]] bool may_reuse(const Wait& wait, std::int64_t now_ns, bool bound) const;
    [[nodiscard]] std::expected<std::uint16_t, ConnectError> choose_port(std::uint16_t server, std::int64_t now_ns);
    [[nodiscard]] bool port_usable(std::uint16_t server, std::uint16_t port, std::int64_t now_ns) const;
    [[nodiscard]] std::uint32_t place_of(std::uint16_t server) const;

    // client.cpp
    std::uint32_t take_connection();
    void free_connection(std::uint32_t slot);
    std::uint32_t take_wait();
    void free_wait(std::uint32_t slot);
    enum class Length : std::uint8_t { time_wait = 0, fin_wait2 = 1, other };
    void set_timer(const Timer& timer, Length length);
    [[nodiscard]] const Timer* first_timer() const;
    Timer take_timer();
    void arm(std::uint32_t slot, std::int64_t now_ns, std::uint32_t delay_ms, Length length = Length::other);
    void send_syn(Connection& c, std::int64_t now_ns, bool again, Outbox& out);
    core::Segment frame(const Connection& c, std::int64_t now_ns) const;
    void send_ack(const Connection& c, std::int64_t now_ns, Outbox& out);
    void push(std::uint32_t slot, std::int64_t now_ns, Outbox& out);
    void retransmit(std::uint32_t slot, std::int64_t now_ns, Outbox& out);
    void connection_timer(std::uint32_t slot, std::int64_t now_ns, Outbox& out, std::vector<ClientEvent>& events);
    [[nodiscard]] bool syn_is_given_up(const Connection& c, std::int64_t now_ns) const;
    void enter_time_wait(std::uint32_t slot, std::int64_t now_ns);
    void send_reset(const core::Segment& to, Outbox& out);
    [[nodiscard]] Connection* live_of(ConnectionId id);
    [[nodiscard]] const Connection* live_of(ConnectionId id) const;
    [[nodiscard]] static ConnectionId id_of(const Connection& c);
    [[nodiscard]] std::uint32_t second_of(std::int64_t now_ns) const;
    [[nodiscard]] std::uint32_t payload_of(const Connection& c) const;

    // client_receive.cpp
    void receive_syn_sent(std::uint32_t slot, const core::Segment& in, std::int64_t now_ns, Outbox& out,
                          ClientEvent& event);
    void establish(std::uint32_t slot, const core::Segment& in, std::int64_t now_ns, Outbox& out, ClientEvent& event);
    void receive_synchronized(std::uint32_t slot, const core::Segment& in, std::int64_t now_ns, Outbox& out,
                              ClientEvent& event);
    bool refuse(std::uint32_t slot, const core::Segment& in, std::int64_t now_ns, Outbox& out, ClientEvent& event);
    void take_ack(std::uint32_t slot, const core::Segment& in, std::int64_t now_ns, Outbox& out);
    bool after_fin_acked(std::uint32_t slot, std::int64_t now_ns, ClientEvent& event);
    void take_fin(std::uint32_t slot, std::int64_t now_ns, Outbox& out, ClientEvent& event);
    void receive_time_wait(std::uint32_t slot, const core::Segment& in, std::int64_t now_ns, Outbox& out);

    /// In a handle: a slot of waits_, not of connections_.
    static constexpr std::uint32_t kWaitBit = 0x80000000U;

    const ClientKernel& shared_;
    core::Address address_{};
    std::int64_t boot_ns_ = 0;
    std::uint64_t secret_ = 0;
    std::uint32_t port_hint_ = 0;
    std::uint32_t live_ = 0;
    std::uint32_t waiting_ = 0;
    std::uint32_t generation_ = 0;
    ClientCounts counts_{};
    std::vector<Connection> connections_{};
    std::vector<Wait> waits_{};
    std::vector<std::uint32_t> free_connections_{};
    std::vector<std::uint32_t> free_waits_{};
    std::vector<FlowKey> connection_keys_{};  ///< parallel to connections_
    std::vector<FlowKey> wait_keys_{};
    std::vector<Timer> timers_{};  ///< heap; entries whose owner no longer means them are skipped
    /// Those of a constant length, which end in the order of their beginning: TIME_WAIT and FIN_WAIT2. With a heap
    /// alone, the many long ones are in the way of the few short ones.
    std::array<Fifo<Timer>, 2> long_timers_{};
    struct ServerUse {
        core::Endpoint endpoint{};
        std::uint32_t ports = 0;             ///< taken towards it, TIME_WAIT included
        std::vector<std::uint64_t> taken{};  ///< bit per port, only beside flows_
    };
    std::vector<ServerUse> servers_{};
    std::unique_ptr<FlowIndex<KeyOf>> flows_{};  ///< only of hosts with more than a handful of connections
};

/// The RST that a host without any socket for it sends; nullopt when `to` is a RST itself.
std::optional<core::Segment> reset_for(const core::Segment& to);

}  // namespace synwhy::model
