// What is to be simulated?
//
// A scenario as plain values: servers, groups of clients, gateways, links, floods and scheduled changes, or a script of
// single steps. Read from TOML by parse_scenario(); schema/scenario.schema.json describes the file. Everything drawn
// at random is a Distribution, times are nanoseconds from the start of the run. Left out: what happens (world.hpp).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.hpp"
#include "core/error.hpp"

namespace synwhy::sim {

/// Limits of one scenario; more is an error of the file.
inline constexpr std::size_t kMaxServers = 16;
inline constexpr std::size_t kMaxListeners = 64;          ///< of one server
inline constexpr std::size_t kMaxGroups = 256;            ///< groups of clients
inline constexpr std::uint64_t kMaxClients = 10'000'000;  ///< over all groups
inline constexpr std::size_t kMaxGateways = 1024;
inline constexpr std::size_t kMaxLinks = 64;
inline constexpr std::size_t kMaxScriptSteps = 10'000;
inline constexpr std::size_t kMaxChanges = 1024;
inline constexpr std::size_t kMaxVariants = 32;
inline constexpr std::int64_t kMaxDuration_ns = 30LL * 24 * 3600 * 1'000'000'000;
inline constexpr std::size_t kMaxScenarioBytes = 1U << 20U;

/// When the simulated clocks begin: 2026-01-01T00:00:00Z, ns since the epoch.
inline constexpr std::int64_t kStart_ns = 1'767'225'600LL * 1'000'000'000;

struct Distribution {
    enum class Kind : std::uint8_t {
        constant,     ///< always `low`
        uniform,      ///< low .. high, both included
        exponential,  ///< mean `low`
    } kind = Kind::constant;
    std::int64_t low = 0;  ///< nanoseconds, bytes or a number, as the field says
    std::int64_t high = 0;
};

struct SysctlSetting {
    std::string name;   ///< "net.ipv4.tcp_tw_recycle"
    std::string value;  ///< as written to /proc/sys
    int line = 0;
    int column = 0;
};

struct Interval {
    std::int64_t start_ns = 0;
    std::int64_t end_ns = 0;
};

enum class Closer : std::uint8_t { server, client };

/// A program that accepts, reads a request, answers and closes.
struct Application {
    Distribution accept_interval{};  ///< ns between two accept() calls
    std::vector<Interval> stalls{};  ///< sorted; accepts nothing while one lasts
    Distribution stall_every{};      ///< ns from the end of one random stall to the next; constant 0: none
    Distribution stall_length{};     ///< ns
    Distribution request_bytes{.low = 200};
    Distribution response_bytes{.low = 1000};
    Distribution service_time{};     ///< ns from the complete request to the response
    Closer closer = Closer::server;  ///< who sends the first FIN, unless a group of clients says otherwise
};

struct ListenerPlan {
    std::uint16_t port = 80;
    int backlog = 128;
    int defer_accept_s = 0;
    Application application{};
    int line = 0;
};

struct ServerPlan {
    std::string name = "server";
    std::string kernel = "6.1";  ///< resolves
    core::Address address{};
    int prefix_length = 24;
    int hz = 1000;
    std::int64_t uptime_ns = 0;  ///< at the start of the run
    bool default_route = true;
    std::vector<SysctlSetting> sysctls{};
    std::vector<ListenerPlan> listeners{};
    int line = 0;
};

struct LinkPlan {
    std::string name = "default";
    std::int64_t delay_ns = 1'000'000;  ///< one way
    Distribution jitter{};              ///< ns added per packet; constant 0: none
    std::uint32_t loss_ppm = 0;         ///< of a million packets, each direction
    std::uint32_t reorder_ppm = 0;      ///< of a million packets, held back for `reorder_by_ns`
    std::int64_t reorder_by_ns = 5'000'000;
    std::uint32_t duplicate_ppm = 0;
};

struct GatewayPlan {
    enum class Ports : std::uint8_t {
        sequential,  ///< the next free one
        random,
        preserving,  ///< the client's own if free, else the next free one
    } ports = Ports::sequential;
    std::string name = "nat";
    core::Address address{};
    std::uint16_t port_low = 1024;
    std::uint16_t port_high = 65535;
    std::int64_t reuse_after_ns = 60'000'000'000;  ///< after the last packet of a closed connection
    int line = 0;
};

/// A segment that the network keeps a copy of and delivers again, much later.
struct OldDuplicate {
    std::uint32_t connection = 0;     ///< ordinal of the client's connection, from 0
    std::uint64_t stream_offset = 0;  ///< the data segment that begins here
    std::int64_t arrives_ns = -1;     ///< at this time, or ...
    std::uint64_t after_bytes = 0;    ///< ... right after this many bytes of that connection arrived; 0: by time
};

/// Hosts that behave alike.
struct ClientGroup {
    std::string name = "clients";
    std::uint32_t count = 1;
    std::string kernel = "6.1";
    std::vector<core::Address> addresses{};  ///< one: the first of `count` consecutive ones; else one a client
    std::string gateway{};                   ///< name of a GatewayPlan, empty: none
    std::string link = "default";
    int hz = 250;
    Distribution uptime{};  ///< ns at the start of the run, drawn once a client
    std::vector<SysctlSetting> sysctls{};
    std::string server = "server";
    std::uint16_t port = 80;
    Distribution arrival_interval{};  ///< ns between two connects
    bool arrivals_of_group = false;   ///< one process for the whole group, each time another client
    /// Measured times, ns from the start of the run, sorted: with arrivals_of_group instead of arrival_interval.
    std::vector<std::int64_t> arrival_times_ns{};
    std::int64_t first_ns = 0;
    std::int64_t until_ns = INT64_MAX;       ///< no connect at or after
    std::uint32_t connections = UINT32_MAX;  ///< at most, a client
    std::uint32_t source_port = 0;           ///< bound before connect(); 0: the kernel chooses
    bool fixed_isn = false;
    std::uint32_t isn = 0;
    std::uint32_t mss = 1460;         ///< offered
    std::uint32_t segment_bytes = 0;  ///< payload of a segment as TSO shows it; 0: by the MSS
    Distribution think{};             ///< ns from the handshake to the request
    Closer closer = Closer::server;
    bool closer_given = false;     ///< else the application's
    std::int64_t patience_ns = 0;  ///< the program gives up after; 0: never
    std::vector<OldDuplicate> old_duplicates{};
    int line = 0;
};

/// SYNs from addresses that never answer.
struct FloodPlan {
    std::string server = "server";
    std::uint16_t port = 80;
    core::Address source{};
    int prefix_length = 24;
    std::uint64_t rate_pps = 1000;
    std::int64_t start_ns = 0;
    std::int64_t end_ns = INT64_MAX;
    bool timestamps = false;
    int line = 0;
};

/// What an administrator does during the run.
struct ChangePlan {
    std::int64_t at_ns = 0;
    std::string server = "server";
    std::vector<SysctlSetting> sysctls{};
    int backlog = -1;  ///< listen() again with this one; -1: not
    std::uint16_t port = 0;
    int line = 0;
};

/// The same scenario with another kernel or other settings.
struct VariantPlan {
    std::string name;
    std::string title{};
    std::string kernel{};  ///< of every server, empty: unchanged
    std::vector<SysctlSetting> sysctls{};
    std::vector<SysctlSetting> client_sysctls{};
    int backlog = -1;  ///< of every listener; -1: unchanged
    int line = 0;
};

/// Which part of the scenario a lab plays, where time is real, unless it is told another one.
struct LabPlan {
    std::int64_t from_ns = 0;
    std::int64_t length_ns = 20'000'000'000;
};

/// One line of `steps`, interpreted by script.hpp. The place is that of the string's first character.
struct ScriptStep {
    std::string text;
    int line = 0;
    int column = 0;
};

struct Scenario {
    std::string file_name{};  ///< for messages
    std::string name{};       ///< file name without folder and ".toml"
    std::string title{};
    std::string description{};
    std::uint64_t seed = 1;
    std::int64_t duration_ns = 60'000'000'000;
    std::vector<ServerPlan> servers{};
    std::vector<ClientGroup> clients{};
    std::vector<GatewayPlan> gateways{};
    std::vector<LinkPlan> links{};
    std::vector<FloodPlan> floods{};
    std::vector<ChangePlan> changes{};
    std::vector<VariantPlan> variants{};
    LabPlan lab{};
    std::vector<ScriptStep> script{};  ///< [script] steps; empty for a simulation
};

/// Reads a scenario. The error's place is "file:line:column"; unknown keys are errors and name the nearest known one.
/// Every reference (server, gateway, link) is resolved, every kernel has a version, every sysctl exists in its kernel.
std::expected<Scenario, core::Error> parse_scenario(std::string_view text, std::string_view file_name);

/// Applies a variant by name. @return false when the scenario has none of this name
bool apply_variant(Scenario& scenario, std::string_view name);

}  // namespace synwhy::sim
