// What does a run hold? Private to world*.cpp, which are split by side: clients and their gateways, servers, the loop.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "model/client.hpp"
#include "model/server.hpp"
#include "sim/addresses.hpp"
#include "sim/event_queue.hpp"
#include "sim/gateway.hpp"
#include "sim/pool.hpp"
#include "sim/random.hpp"
#include "sim/recorder.hpp"
#include "sim/schedule.hpp"
#include "sim/world.hpp"

namespace synwhy::sim {

/// A packet under way.
struct Flight {
    std::uint32_t generation = 0;
    std::uint32_t attempt = kNone;  ///< whose it is
    std::uint32_t attempt_generation = 0;
    std::uint32_t client = kNone;    ///< sender or receiver, by number over all groups; kNone behind a gateway or flood
    std::uint16_t gateway = 0xffff;  ///< to a client behind this one
    std::uint16_t server = 0;
    bool old_duplicate = false;
    core::Segment segment{};
};

/// One connect() of a client's program until its end.
struct Attempt {
    std::uint32_t generation = 0;
    std::uint32_t client = kNone;
    std::uint32_t ordinal = 0;  ///< of this client
    std::uint16_t group = 0;
    std::uint8_t last_row = 0xff;
    bool connected = false;
    bool hindered = false;
    bool request_sent = false;
    model::ConnectionId connection = 0;
    std::uint64_t request_bytes = 0, response_bytes = 0;
    std::uint64_t received = 0;
    std::uint64_t at_server = 0;  ///< bytes that the server took
    std::uint64_t rows_met = 0;   ///< bit per row number of the server's recorder
    std::int64_t started_ns = 0;
};

/// A host that holds a connection or a TIME_WAIT.
struct LiveHost {
    std::uint32_t generation = 0;
    std::uint32_t client = kNone;
    std::int64_t wake_ns = INT64_MAX;
    std::uint32_t connections = 0, waiting = 0;  ///< as counted into the sums over all hosts
    std::unique_ptr<model::ClientHost> host{};
};

/// What is kept of every client.
struct ClientSlot {
    std::uint32_t live = kNone;
    std::uint32_t port_hint = 0;
    std::uint32_t attempts = 0;
    std::uint32_t hindered = 0;
    std::uint32_t served = 0;
};

struct Group {
    const ClientGroup* plan = nullptr;
    model::ClientKernel kernel{};
    std::uint32_t base = 0;  ///< number of its first client
    std::uint16_t server = 0;
    std::uint16_t link = 0;
    std::uint16_t gateway = 0xffff;
    std::uint32_t turn = 0;  ///< arrivals of the group so far
    bool closes_first = false;
    const Application* application = nullptr;  ///< nullptr: no listener on that port
    std::vector<ClientSlot> clients{};
    GroupResult result{};
};

/// A connection as the server's program sees it.
struct Served {
    std::uint16_t listener = 0;
    Closer closer = Closer::server;
    bool accepted = false, responded = false;
    std::uint64_t request_bytes = 0, response_bytes = 0;
    std::uint64_t read = 0;
    std::uint64_t unwritten = 0;
};

/// The program of one listener.
struct Program {
    model::ListenerId listener = 0;
    bool scheduled = false;
    std::int64_t ready_ns = 0;
    AcceptTimes times{};
};

struct ServerNode {
    const ServerPlan* plan = nullptr;
    std::unique_ptr<model::Server> model{};
    std::vector<Program> programs{};
    std::unordered_map<model::SocketId, Served> sockets{};  ///< looked up, never walked
    std::int64_t wake_ns = INT64_MAX;
    std::unique_ptr<Recorder> recorder{};
    ServerResult result{};
};

struct Link {
    LinkPlan plan{};
    Random random{0, 0};
    std::size_t lane = EventQueue::kHeap;  ///< of the way to the server; the way back has the next
    std::int64_t last_ns[2] = {0, 0};      ///< nothing overtakes on a link unless it is reordered
};

/// A flood, with the SYNs that it will send next.
struct Flood {
    FloodSource source;
    std::uint16_t server = 0;
    std::uint64_t sent = 0;
    std::vector<core::Segment> drawn{};
    std::size_t next = 0;  ///< of `drawn`
};

/// A copy that waits for its moment.
struct HeldCopy {
    Flight packet{};
    std::uint64_t after_bytes = 0;
};

/// Consecutive addresses of a group, or the one of a gateway.
struct AddressRange {
    core::Address first{};
    std::uint32_t count = 1;
    std::uint32_t client = kNone;
    std::uint16_t gateway = 0xffff;
};

/// "2 of group" with the group's name.
std::string client_name(const ClientGroup& group, std::uint32_t index);

class World {
  public:
    World(const Scenario& scenario, const PacketCallback& on_packet);
    Result run();

  private:
    // world.cpp
    void build();
    void build_server(std::uint16_t number);
    void build_group(std::uint16_t number);
    void build_addresses();
    void schedule_start();
    void dispatch(const Event& event);
    void apply(const ChangePlan& change);
    void apply_sysctls(model::Settings& settings, const core::Kernel& kernel, const std::string& kernel_text,
                       const std::vector<SysctlSetting>& sysctls);
    void take_sample();
    void finish();
    void finish_clients();
    void remark(std::string text);
    void transmit(const Flight& packet, std::uint16_t link, bool to_server);
    void deliver_later(const Flight& packet, std::int64_t time_ns, bool to_server, std::size_t lane);
    [[nodiscard]] std::size_t bytes() const;

    // world_clients.cpp
    void connect(std::uint32_t client);
    void group_connect(std::uint16_t group);
    [[nodiscard]] std::int64_t next_arrival(const ClientGroup& plan, std::uint32_t turn, std::int64_t gap_ns) const;
    void schedule_connect(Group& group, std::uint32_t client, std::int64_t from_ns, std::uint32_t ordinal);
    LiveHost& live_of(Group& group, std::uint32_t client);
    [[nodiscard]] std::uint16_t group_of(std::uint32_t client) const;
    void at_client(std::uint32_t packet);
    void host_wake(const Event& event);
    void on_client_event(LiveHost& live, const model::ClientEvent& event);
    void send_request(LiveHost& live, std::uint32_t attempt);
    void end_attempt(std::uint32_t attempt, Ending ending, model::ClientHost* host);
    void attempt_event(const Event& event);
    void settle(std::uint32_t live_number);
    void flush_client(LiveHost& live);
    void keep_copy(const Group& group, const Flight& packet, std::uint64_t stream_offset);
    void reply_without_host(std::uint32_t client, const core::Segment& segment, std::uint16_t server);
    void send_outward(Flight& packet, std::uint16_t group);

    // world_servers.cpp
    void at_server(std::uint32_t packet);
    void arrive(const Flight& packet, bool flood);
    void note_syn(ServerNode& node, const Flight& packet, const model::Outcome& outcome, bool flood);
    void note_other(ServerNode& node, const Flight& packet, const model::Outcome& outcome);
    void meet_row(ServerNode& node, const Flight& packet, const core::Row& row);
    void release_copies(const Flight& packet, std::uint64_t bytes);
    void new_connection(ServerNode& node, const Flight& packet, model::SocketId socket);
    void serve(std::uint16_t server, model::SocketId socket);
    void respond(std::uint16_t server, model::SocketId socket);
    void write_more(ServerNode& node, model::SocketId socket, Served& served);
    void schedule_accept(std::uint16_t server, std::size_t program);
    void accept(std::uint16_t server, std::size_t program);
    void flush_server(std::uint16_t server);
    void settle_server(std::uint16_t server);
    void flood(std::uint32_t number);
    [[nodiscard]] const AddressRange* find_address(const core::Address& address) const;

    Attempt* attempt_of(const Flight& packet) {
        if (packet.attempt == kNone) return nullptr;
        Attempt& attempt = attempts_[packet.attempt];
        return attempt.generation == packet.attempt_generation && attempt.client != kNone ? &attempt : nullptr;
    }

    const Scenario& scenario_;
    const PacketCallback& on_packet_;
    std::int64_t now_ns_ = kStart_ns;
    std::int64_t end_ns_ = kStart_ns;
    EventQueue queue_{};
    std::vector<ServerNode> servers_{};
    std::vector<Group> groups_{};
    std::vector<Gateway> gateways_{};
    std::vector<std::uint16_t> gateway_groups_{};  ///< first group behind each, whose link its replies take
    std::vector<Link> links_{};
    std::vector<AddressRange> addresses_{};
    Pool<Flight> packets_{};
    Pool<Attempt> attempts_{};
    Pool<LiveHost> hosts_{};
    std::vector<HeldCopy> held_{};
    std::vector<Flood> floods_{};
    model::Outbox outbox_{};  ///< of the call under way
    std::vector<model::ClientEvent> events_{};
    std::uint64_t attempts_skipped_ = 0;
    std::size_t samples_ = 0;
    std::uint32_t client_connections_ = 0, client_waiting_ = 0;
    std::uint64_t packets_dropped_ = 0;
    Result result_{};
};

}  // namespace synwhy::sim
