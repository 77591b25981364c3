// What came out of a run?
//
// Plain values for emit: who was refused and by which row, how queues grew, what the counters say. Lists are bounded;
// what does not fit is counted. Times are ns since the epoch of the simulated clock (kStart_ns). Left out: text.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.hpp"
#include "core/cause.hpp"
#include "core/verdict.hpp"
#include "sim/attempts.hpp"

namespace synwhy::sim {

inline constexpr std::size_t kBuckets = 120;  ///< intervals of the time line
inline constexpr std::size_t kSamples = 600;  ///< readings of the queues
inline constexpr std::size_t kMaxTopClients = 20;
inline constexpr std::size_t kMaxDots = 4000;  ///< TSval dots; beyond, every second one is dropped, and so on
inline constexpr std::size_t kMaxRemarks = 50;
inline constexpr std::int64_t kBurstGap_ns = 100'000'000;  ///< between two bursts of refusals

/// What the server made of the SYNs it received; the order of model::Fate's first six.
enum class SynFate : std::uint8_t { answered, cookie, synack_again, reset, bare_ack, silence };
inline constexpr std::size_t kSynFates = 6;
const char* to_string(SynFate fate);

/// How often one row of the path decided.
struct RowCount {
    std::string_view row;  ///< "listen.host-paws"
    core::Cause cause{};
    std::uint64_t syns = 0;           ///< SYNs it stopped, or answered by something else than a SYN+ACK
    std::uint64_t segments = 0;       ///< other segments: final ACKs, data
    std::uint64_t attempts = 0;       ///< of simulated clients (not of floods) that met it at least once
    std::uint64_t attempts_lost = 0;  ///< ... and never got a connection
    std::uint64_t bursts = 0;         ///< refusals that came more than kBurstGap_ns after the one before
    std::int64_t first_ns = 0;
    std::int64_t last_ns = 0;
};

struct GroupResult {
    std::string name{};
    std::string kernel{};
    std::string gateway{};
    std::uint32_t count = 0;
    std::uint32_t seen = 0;  ///< clients that connected at least once
    Attempts attempts{};
};

struct ClientResult {
    std::string group{};
    std::uint32_t number = 0;  ///< within its group
    core::Address address{};   ///< its own, behind the gateway
    std::uint32_t attempts = 0;
    std::uint32_t hindered = 0;
    std::uint32_t served = 0;
};

struct CounterResult {
    std::string_view name;  ///< "TcpExt.ListenDrops"
    std::uint64_t value = 0;
};

struct QueueSample {
    std::int64_t time_ns = 0;
    std::uint32_t accept_length = 0, accept_limit = 0;  ///< summed over the server's listeners
    std::uint32_t request_length = 0, request_capacity = 0;
    std::uint32_t buckets = 0;  ///< TIME_WAIT and FIN_WAIT2 of closed sockets
    std::uint32_t connections = 0;
    std::uint32_t peers = 0;  ///< remembered
};

/// All hosts of the clients together.
struct ClientSample {
    std::int64_t time_ns = 0;
    std::uint32_t connections = 0;
    std::uint32_t waiting = 0;  ///< in TIME_WAIT
};

struct ListenerResult {
    core::Endpoint local{};
    std::uint32_t accept_limit = 0;
    std::uint32_t longest_accept = 0;
    std::uint32_t longest_request = 0;
    std::uint64_t sk_drops = 0;
};

/// One SYN with a timestamp as the server saw it.
struct Dot {
    std::int64_t time_ns = 0;
    std::uint32_t address = 0;  ///< index into ServerResult::sources
    std::uint32_t host = 0;     ///< number of the client that really sent it
    std::uint32_t tsval = 0;
    SynFate fate{};
};

struct ServerResult {
    std::string name{};
    std::string kernel{};
    core::Address address{};
    std::array<std::uint64_t, kSynFates> syns{};  ///< of all, floods included
    std::array<std::uint64_t, kSynFates> flood_syns{};
    std::vector<RowCount> rows{};           ///< most SYNs first
    std::vector<CounterResult> counters{};  ///< those that moved, in the kernel's order
    std::vector<ListenerResult> listeners{};
    std::vector<QueueSample> samples{};
    std::vector<core::TimeBucket> timeline{};
    std::vector<Dot> dots{};
    std::vector<core::Address> sources{};  ///< addresses of the dots, most refused first
    std::vector<std::string> hosts{};      ///< names of the hosts of the dots
    std::uint64_t segments_in = 0, segments_out = 0;
    std::uint64_t old_accepted_bytes = 0;  ///< of old duplicates, taken for new data
    std::uint64_t old_arrived = 0;         ///< old duplicates that arrived
    std::uint64_t responses = 0;           ///< written by the applications
    std::uint64_t refused_by_memory = 0;   ///< beyond a bound of the simulation itself
    std::uint64_t most_buckets = 0;
    [[nodiscard]] std::uint64_t syns_in() const {
        std::uint64_t sum = 0;
        for (const auto n : syns) sum += n;
        return sum;
    }
    [[nodiscard]] std::uint64_t of(SynFate fate) const { return syns[static_cast<std::size_t>(fate)]; }
};

/// What the network did to packets.
struct NetworkResult {
    std::uint64_t sent = 0;
    std::uint64_t lost = 0;
    std::uint64_t reordered = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t nowhere = 0;      ///< to addresses that nobody has: replies to a flood
    std::uint64_t no_mapping = 0;   ///< at a gateway that had none
    std::uint64_t no_nat_port = 0;  ///< dropped by a gateway whose ports were all taken
    std::uint64_t syns_sent = 0;    ///< by clients and floods
    std::uint64_t syns_lost = 0;    ///< on the way, or dropped by a gateway
    std::uint64_t syns_duplicated = 0;
    std::uint64_t syns_in_flight = 0;  ///< at the end of the run
};

struct Result {
    std::string name{};
    std::string title{};
    std::string description{};
    std::uint64_t seed = 0;
    std::int64_t start_ns = 0;
    std::int64_t duration_ns = 0;
    std::uint64_t events = 0;
    std::size_t most_bytes = 0;  ///< allocated for clients, packets and servers at the largest of the samples
    std::vector<ServerResult> servers{};
    std::vector<GroupResult> groups{};
    Attempts attempts{};
    std::vector<ClientSample> client_samples{};
    std::vector<ClientResult> clients{};  ///< most hindered first
    std::uint64_t clients_hindered = 0;
    std::uint64_t ports_reused = 0;  ///< TIME_WAIT taken over by connect()
    std::uint64_t paws_at_clients = 0;
    NetworkResult network{};
    std::vector<std::int64_t> changes{};  ///< when something was changed
    std::vector<std::string> remarks{};   ///< what the run could not do as the scenario says
    std::vector<std::string> variants{};  ///< names of the scenario's variants
    std::int64_t bucket_ns = 0;
};

}  // namespace synwhy::sim
