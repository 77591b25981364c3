// What does the modelled server remember between two segments?
//
// The entries, their index and the timers; the functions are spread over server*.cpp by what they answer.
// Private to server*.cpp. Times inside are milliseconds since the model's first event, in 32 bits (49 days).
#pragma once

#include <array>
#include <deque>
#include <unordered_map>
#include <vector>

#include "core/existing.hpp"
#include "core/seq.hpp"
#include "model/flow_index.hpp"
#include "model/peer_table.hpp"
#include "model/server.hpp"
#include "model/timers.hpp"

namespace synwhy::model {

/// What the client offered in its SYN and what the server agreed to.
struct Agreed {
    std::uint16_t peer_mss = 536;
    std::uint8_t send_scale = 0;     ///< the client's window scale
    std::uint8_t receive_scale = 0;  ///< ours
    bool timestamps = false;
    bool sack = false;
    bool window_scaling = false;
};

/// A pending request: SYN received, SYN+ACK sent. include/net/request_sock.h
struct Request {
    FlowKey key{};
    std::uint32_t isn = 0;  ///< the client's
    std::uint32_t iss = 0;  ///< ours
    std::uint32_t ts_recent = 0;
    std::uint32_t first_ms = 0;  ///< first SYN+ACK
    std::uint32_t last_ms = 0;   ///< latest SYN+ACK
    std::uint32_t due_ms = 0;
    std::uint32_t last_reply_ms = 0;  ///< last rate-limited reply; 0: none yet
    std::uint16_t listener = 0;
    std::uint16_t peer_mss = 536;
    std::uint8_t scales = 0;  ///< low half the client's, high half ours
    std::uint8_t timeouts = 0;
    std::uint8_t bits = 0;
    std::uint8_t resends = 0;  ///< SYN+ACKs after the first

    static constexpr std::uint8_t kAlive = 1, kTimestamps = 2, kSack = 4, kScaling = 8, kAcked = 16, kAskedLate = 32,
                                  kAskedExpiry = 64;
};

/// TIME_WAIT, or FIN_WAIT2 of a socket that its process has closed. include/net/inet_timewait_sock.h
struct Bucket {
    FlowKey key{};
    std::uint32_t rcv_nxt = 0;
    std::uint32_t snd_nxt = 0;
    std::uint32_t ts_recent = 0;
    std::uint32_t ts_recent_s = 0;
    std::uint32_t due_ms = 0;
    std::uint32_t last_reply_ms = 0;
    std::uint32_t length_ms = 0;  ///< of the TIME_WAIT to come: 60 s, or 3.5 RTO when recycled
    std::uint16_t window = 0;     ///< as sent, scaled
    std::uint8_t receive_scale = 0;
    std::uint8_t bits = 0;

    static constexpr std::uint8_t kAlive = 1, kTimestamps = 2, kFinWait2 = 4, kUnstamped = 8, kShort = 16,
                                  kAskedLate = 32;
};

/// A connection.
struct Socket {
    FlowKey key{};
    std::uint32_t generation = 0;
    ListenerId listener = 0;
    State state = State::closed;
    Agreed agreed{};
    bool alive = false;     ///< the slot is in use
    bool hashed = false;    ///< owns its 4-tuple
    bool orphan = false;    ///< the process has closed it
    bool accepted = false;  ///< taken from the accept queue
    bool reset = false;
    bool fin_queued = false;
    bool fin_sent = false;
    bool peer_closed = false;
    bool asked_late = false;
    bool accepted_ttl = false;  ///< past its first segment, whose TTL nobody looks at
    std::uint32_t isn = 0, iss = 0;
    std::uint32_t rcv_nxt = 0;
    std::uint32_t receive_window = 0;  ///< bytes
    std::uint32_t snd_una = 0, snd_nxt = 0;
    std::uint32_t send_window = 0;        ///< bytes, what the peer allows
    std::uint32_t largest_window = 0;     ///< bytes, the most it ever allowed
    std::uint32_t congestion_window = 0;  ///< bytes
    std::uint64_t written = 0;            ///< bytes the application wrote; the first has sequence iss + 1
    std::uint64_t unread = 0;
    std::uint32_t ts_recent = 0;
    std::uint32_t ts_recent_s = 0;
    bool has_ts_recent = false;
    std::uint32_t srtt_8 = 0;  ///< smoothed RTT, ms * 8; 0: none yet
    std::uint32_t mdev_4 = 0;  ///< mean deviation, ms * 4
    std::uint32_t rttvar_4 =
        0;                      ///< what the RTO adds to the RTT, ms * 4; at least 200 ms' worth as the kernel keeps it
    std::uint32_t recover = 0;  ///< in recovery until this is acknowledged
    bool recovering = false;
    std::uint8_t duplicate_acks = 0;
    std::uint32_t rto_ms = 1000;
    std::uint32_t sent_ms = 0;  ///< when the oldest unacknowledged segment left
    std::uint32_t due_ms = 0;   ///< retransmission, or the end of FIN_WAIT2; 0: none
    std::uint32_t last_reply_ms = 0;
    std::uint8_t backoff = 0;
};

struct EndpointHash {
    std::size_t operator()(const core::Endpoint& endpoint) const noexcept { return core::hash_of(endpoint); }
};

/// A segment that waits for the listener's lock.
struct Waiting {
    core::Segment segment{};
    Arrival arrival{};
};

struct Listener {
    bool open = false;
    bool locked = false;  ///< by a system call of the process (only up to 4.3)
    std::vector<Waiting> backlog{};
    ListenOptions options{};
    std::uint32_t limit = 0;      ///< sk_max_ack_backlog
    std::uint32_t syn_table = 0;  ///< entries; fixed at the first listen()
    std::uint32_t requests = 0;
    std::uint32_t young = 0;
    std::uint32_t defer_timeouts = 0;  ///< rskq_defer_accept
    std::deque<SocketId> accept_queue{};
    std::uint32_t overflow_ms = 0;  ///< when a cookie was last sent; 0: never
    std::uint32_t sweep_ms = 0;     ///< when sweeping began (requests_swept); 0: no request
    std::uint64_t sk_drops = 0;
};

enum class Kind : std::uint32_t { request = 0, bucket = 1, socket = 2 };

/// Entries of one kind, at most: FlowIndex wants the bits above for itself.
inline constexpr std::uint32_t kMostEntries = 1U << 24U;
inline constexpr std::uint32_t kIndexMask = kMostEntries - 1;
constexpr std::uint32_t handle_of(Kind kind, std::uint32_t index) {
    return static_cast<std::uint32_t>(kind) << 30U | index;
}
constexpr Kind kind_of(std::uint32_t handle) { return static_cast<Kind>(handle >> 30U); }
constexpr std::uint32_t index_of(std::uint32_t handle) { return handle & kIndexMask; }

inline constexpr std::uint32_t kTimeWaitMs = 60'000;  ///< TCP_TIMEWAIT_LEN
inline constexpr std::uint32_t kMaxRtoMs = 120'000;   ///< TCP_RTO_MAX
inline constexpr std::uint32_t kMinRtoMs = 200;       ///< TCP_RTO_MIN
inline constexpr std::uint32_t kPawsMslS = 60;        ///< TCP_PAWS_MSL

/// What one segment says, with the names the kernel's code uses.
struct Received {
    const core::Segment& segment;
    const Arrival& arrival;
    FlowKey key{};
    std::uint32_t now_ms = 0;
    std::int64_t now_ns = 0;
    [[nodiscard]] bool has(std::uint8_t flag) const { return (segment.flags & flag) != 0; }
    [[nodiscard]] std::uint32_t seq() const { return segment.sequence; }
    [[nodiscard]] std::uint32_t end_seq() const { return segment.sequence + segment.sequence_length(); }
    [[nodiscard]] std::uint32_t ack() const { return segment.acknowledgment; }
};

struct Server::Impl {
    explicit Impl(ServerConfig c);

    // server.cpp: the way in
    Outcome receive(const core::Segment& segment, const Arrival& arrival, std::int64_t now_ns, Outbox& out);
    void expect(std::span<const core::Segment> segments) const;
    Outcome dispatch(const Received& in, Outbox& out);
    Outcome deliver(const core::Segment& segment, const Arrival& arrival, std::int64_t now_ns, Outbox& out);
    const core::Row* ip_refusal(const core::Segment& segment, const Arrival& arrival);
    const core::Row* source_refusal(const core::Segment& segment);
    const core::Row* header_refusal(const Arrival& arrival);
    std::uint32_t to_ms(std::int64_t now_ns);
    [[nodiscard]] std::uint32_t to_ms_const(std::int64_t now_ns) const;
    [[nodiscard]] std::uint32_t second_of(std::int64_t now_ns) const {
        return static_cast<std::uint32_t>(now_ns / 1'000'000'000);
    }

    // server_listen.cpp: LISTEN
    Outcome listener_receive(std::uint32_t listener, const Received& in, bool via_time_wait, std::uint32_t isn,
                             Outbox& out);
    Outcome wait_for_lock(Listener& listener, const Received& in);
    const core::Row* socket_refusal(Listener& listener, const Received& in);
    Outcome conn_request(std::uint32_t listener, const Received& in, bool via_time_wait, std::uint32_t isn,
                         Outbox& out);
    void fill_facts(const Listener& listener, const Received& in, bool via_time_wait, core::Facts& facts);
    [[nodiscard]] bool looks_up_route_twice(const core::Facts& facts, const core::ListenDecision& decision) const;
    void fill_peer_facts(const Received& in, core::Facts& facts);
    void count_fast_open(Listener& listener, const Received& in);
    void store_request(std::uint32_t listener, const Received& in, std::uint32_t iss, Outbox& out);
    [[nodiscard]] Agreed agree(const core::TcpOptions& options) const;
    Outcome no_socket(const Received& in, const core::Row* row, Outbox& out);

    // server_cookies.cpp
    Outcome send_cookie(std::uint32_t listener, const Received& in, Outbox& out);
    Outcome cookie_ack(std::uint32_t listener, const Received& in, Outbox& out);
    [[nodiscard]] std::uint32_t cookie(const FlowKey& key, std::uint32_t isn, std::uint32_t period,
                                       std::uint32_t data) const;
    [[nodiscard]] std::uint32_t cookie_period(std::int64_t now_ns) const;

    // server_request.cpp: SYN_RECV
    Outcome request_receive(std::uint32_t index, const Received& in, Outbox& out);
    Outcome request_syn(std::uint32_t index, const Received& in, Outbox& out);
    void send_request_ack(const Request& request, const Received& in, std::uint32_t window, Outbox& out);
    Outcome request_ack(std::uint32_t index, const Received& in, Outbox& out);
    Outcome complete(std::uint32_t listener, const Received& in, const Request& request, Outbox& out);
    bool request_reply_limited(std::uint32_t& last_reply_ms, const Received& in, Counter skipped);
    void drop_request(std::uint32_t index);
    void request_timer(std::uint32_t index, std::int64_t now_ns, Outbox& out);
    [[nodiscard]] int allowed_retries(const Listener& listener) const;
    [[nodiscard]] bool request_expires(const Request& request, const Listener& listener) const;
    [[nodiscard]] bool request_resends(const Request& request, const Listener& listener) const;
    void set_request_timer(std::uint32_t index, std::uint32_t now_ms, std::uint32_t delay_ms);
    [[nodiscard]] std::uint32_t swept_ms(const Request& request, const Listener& listener, std::uint32_t due_ms) const;
    void send_synack(const Request& request, bool again, Outbox& out);

    // server_time_wait.cpp
    Outcome bucket_receive(std::uint32_t index, const Received& in, Outbox& out);
    Outcome bucket_syn(std::uint32_t index, const Received& in, Outbox& out);
    Outcome fin_wait2_receive(std::uint32_t index, const Received& in, Outbox& out);
    Outcome time_wait_receive(std::uint32_t index, const Received& in, bool paws_old, Outbox& out);
    Outcome bucket_ack(std::uint32_t index, const Received& in, bool paws_old, Outbox& out);
    void make_bucket(std::uint32_t socket, bool fin_wait2, std::uint32_t timeout_ms, std::int64_t now_ns);
    void schedule_bucket(std::uint32_t index, std::uint32_t now_ms, std::uint32_t delay_ms, bool first);
    void end_bucket(std::uint32_t index, bool by_timer);
    void send_bucket_ack(const Bucket& bucket, std::int64_t now_ns, Outbox& out);
    [[nodiscard]] std::uint32_t wheel_ms(std::uint32_t delay_ms) const;
    bool remember_peer(const Socket& socket, std::int64_t now_ns);
    [[nodiscard]] bool files_elsewhere(const Socket& socket) const;

    // server_socket.cpp: connections
    Outcome socket_receive(std::uint32_t index, const Received& in, Outbox& out);
    Outcome socket_syn(std::uint32_t index, const Received& in, Outbox& out);
    std::optional<Outcome> refuse_segment(std::uint32_t index, const Received& in, Outbox& out);
    Outcome refuse_old(std::uint32_t index, const Received& in, Outbox& out);
    Outcome refuse_outside(std::uint32_t index, const Received& in, Outbox& out);
    Outcome take_reset(std::uint32_t index, const Received& in, Outbox& out);
    enum class AckTaken : std::uint8_t { fine, unsent, too_old };
    AckTaken take_ack(std::uint32_t index, const Received& in, Outbox& out);
    Outcome refuse_ack(std::uint32_t index, const Received& in, AckTaken why, Outbox& out);
    [[nodiscard]] bool challenge_limited(const Socket& socket, std::uint32_t now_ms) const;
    void take_data(std::uint32_t index, const Received& in, Outcome& outcome, bool& must_ack);
    void take_fin(std::uint32_t index, const Received& in, Outbox& out);
    bool after_fin_acked(std::uint32_t index, const Received& in, Outbox& out, Outcome& outcome);
    void send_duplicate_ack(Socket& socket, const Received& in, Outbox& out);
    Outcome challenge(std::uint32_t index, const Received& in, const core::Row* row, bool limited, Outbox& out);
    void store_timestamp(Socket& socket, const Received& in);
    [[nodiscard]] bool paws_discards(const Socket& socket, const Received& in) const;

    // server_send.cpp: sending data, FIN, RST; timers of connections
    void push(std::uint32_t index, std::int64_t now_ns, Outbox& out);
    void send_ack(Socket& socket, std::uint32_t index, std::int64_t now_ns, Outbox& out);
    void send_socket_reset(Socket& socket, std::uint32_t index, std::int64_t now_ns, Outbox& out);
    void retransmit(std::uint32_t index, std::int64_t now_ns, Outbox& out);
    void socket_timer(std::uint32_t index, std::int64_t now_ns, Outbox& out);
    void probe_window(std::uint32_t index, std::int64_t now_ns, Outbox& out);
    void set_socket_timer(std::uint32_t index, std::uint32_t now_ms, std::uint32_t delay_ms);
    static void set_rto(Socket& socket);
    void measure_rtt(Socket& socket, std::uint32_t rtt_ms);
    void close_socket(std::uint32_t index, std::int64_t now_ns, Outbox& out);
    void unhash(std::uint32_t index);
    void free_socket(std::uint32_t index);
    void kill_socket(std::uint32_t index);
    void send_fin(std::uint32_t index, std::int64_t now_ns, Outbox& out);

    // server_emit.cpp: segments
    core::Segment reply_frame(const FlowKey& key) const;
    void emit(const core::Segment& segment, Outbox& out, SocketId socket = 0, bool again = false);
    void send_reset(const Received& in, Outbox& out);
    [[nodiscard]] std::uint32_t clock_ticks(std::int64_t now_ns) const;
    [[nodiscard]] std::uint32_t timestamp_offset(const FlowKey& key) const;
    [[nodiscard]] std::uint32_t tsval_of(const FlowKey& key, std::int64_t now_ns) const;
    [[nodiscard]] std::uint32_t fresh_isn(const FlowKey& key, std::int64_t now_ns) const;
    [[nodiscard]] std::uint32_t initial_window(bool ipv6, bool timestamps) const;
    [[nodiscard]] std::uint8_t receive_scale() const;
    [[nodiscard]] std::uint16_t advertised_mss(bool ipv6) const { return ipv6 ? 1440 : 1460; }
    [[nodiscard]] core::FourTuple tuple_of(const FlowKey& key) const;

    // server_keys.cpp: numbers for addresses; listeners
    [[nodiscard]] bool is_ipv6(const FlowKey& key) const {
        return locals[key.local].address.family == core::Family::ipv6;
    }
    [[nodiscard]] std::optional<std::uint16_t> find_local(const core::Endpoint& endpoint) const;
    std::uint16_t make_local(const core::Endpoint& endpoint);
    [[nodiscard]] std::optional<std::uint32_t> find_peer(const core::Address& address) const {
        if (address.family == core::Family::ipv4) return address.ipv4_value();
        return find_ipv6_peer(address);
    }
    [[nodiscard]] std::optional<std::uint32_t> find_ipv6_peer(const core::Address& address) const;
    std::uint32_t make_peer(const core::Address& address);
    void release_peer(const FlowKey& key);
    [[nodiscard]] core::Address peer_address(const FlowKey& key) const;
    [[nodiscard]] std::optional<std::uint32_t> find_listener(const core::Endpoint& destination) const;
    [[nodiscard]] PeerKey memory_key(const FlowKey& key) const;
    /// PeerKey::local of a local address; nullopt when it has never had a connection.
    [[nodiscard]] std::optional<std::uint16_t> memory_local(const core::Address& local) const;

    // counting
    void count(Counter counter, std::uint64_t n = 1) { counters.add(counter, n); }
    void count_row(const core::Row* row);
    void count_drop(Listener& listener, const core::Row* row);

    /// Gives the key of a handle for the index.
    struct KeyOf {
        const Impl* self;
        const FlowKey& operator()(std::uint32_t handle) const {
            switch (kind_of(handle)) {
                case Kind::request: return self->requests[index_of(handle)].key;
                case Kind::bucket: return self->buckets[index_of(handle)].key;
                case Kind::socket: break;
            }
            return self->sockets[index_of(handle)].key;
        }
    };

    [[nodiscard]] SocketId id_of(std::uint32_t index) const {
        return static_cast<SocketId>(sockets[index].generation) << 32U | (index + 1);
    }
    [[nodiscard]] std::optional<std::uint32_t> index_of_socket(SocketId id) const;
    [[nodiscard]] const core::Behaviours& behaviours() const { return config.kernel.behaviours; }

    ServerConfig config;
    Counters counters;
    Slab<Request> requests{};
    Slab<Bucket> buckets{};
    Slab<Socket> sockets{};
    FlowIndex<KeyOf> flows;
    std::vector<Listener> listeners{};
    PeerTable memory;
    TimerQueue timers{};

    /// What the last destination was: nearly all segments have the same.
    struct Destination {
        core::Endpoint endpoint{};
        bool valid = false;
        bool ours = false;
        bool broadcast = false;  ///< one of our subnets' broadcast addresses, or 255.255.255.255
        bool everybody = false;  ///< 224.0.0.1 or ff02::1
        bool multicast = false;
        std::optional<std::uint16_t> local{};
        std::optional<std::uint16_t> memory{};  ///< PeerKey::local of its address
        std::optional<std::uint32_t> listener{};
    };
    Destination last_destination{};
    const Destination& destination_of(const core::Endpoint& endpoint) {
        if (!last_destination.valid || last_destination.endpoint != endpoint) look_at_destination(endpoint);
        return last_destination;
    }
    void look_at_destination(const core::Endpoint& endpoint);

    std::vector<core::Endpoint> locals{};
    std::vector<std::uint16_t> local_addresses{};  ///< per local endpoint: the first one with its address
    std::unordered_map<core::Endpoint, std::uint16_t, EndpointHash> local_numbers{};
    std::vector<core::Address> peer_names{};  ///< IPv6 peers by number
    std::vector<std::uint32_t> peer_uses{};
    std::vector<std::uint32_t> free_peers{};
    std::unordered_map<core::Address, std::uint32_t, AddressHash> peer_numbers{};

    std::vector<std::vector<Counter>> row_counters{};  ///< per row of the path, those that exist here
    std::vector<bool> row_drops{};                     ///< moves sk_drops
    bool remembers_by_peer = false;                    ///< one memory per peer for all local addresses (up to 3.13)
    bool refuses_net_zero = false;                     ///< all of 0.0.0.0/8 is a martian source
    std::int64_t base_ns = INT64_MIN;
    std::uint32_t generation = 0;
    std::uint64_t refused = 0;
    int loop_depth = 0;  ///< replies to ourselves come in again
    std::uint32_t challenge_second = 0;
    int challenges_this_second = 0;
    LatenessFunction lateness = nullptr;
    void* lateness_context = nullptr;

    void advance(std::int64_t now_ns, Outbox& out);
    [[nodiscard]] bool timer_is_live(const Timer& timer) const;
    bool postpone(const Timer& timer);
    void fire(const Timer& timer, std::int64_t now_ns, Outbox& out);
    [[nodiscard]] std::int64_t to_ns(std::uint32_t ms) const { return base_ns + std::int64_t{ms} * 1'000'000; }
};

/// A row's id as a template argument.
template <std::size_t size>
struct RowId {
    char text[size]{};
    constexpr RowId(const char (&id)[size]) {  // NOLINT(google-explicit-constructor): written as a string literal
        for (std::size_t i = 0; i < size; ++i) text[i] = id[i];
    }
};

/// The row with this id, looked up once: the table is constant.
template <RowId id>
const core::Row* row() {
    static const core::Row* const found = core::find_row(id.text);
    return found;
}

/// The same for an id that is known at run time only.
const core::Row* row(std::string_view id);

}  // namespace synwhy::model
