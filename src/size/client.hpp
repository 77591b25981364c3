// How many connections per second can a client or a proxy open?
//
// Towards one server address and port, one client address has as many connections as ip_local_port_range has ports, and
// whoever closes first keeps its port in TIME_WAIT. The ceiling by arithmetic, and the model's client of the chosen
// kernel at the asked rate beside it. Left out: text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/kernel.hpp"
#include "sim/scenario.hpp"

namespace synwhy::size {

/// TIME_WAIT, all versions: net/ipv4/tcp_minisocks.c, TCP_TIMEWAIT_LEN
inline constexpr double kTimeWait_s = 60;

struct ClientQuestion {
    core::Kernel kernel{};
    std::vector<sim::SysctlSetting> sysctls{};
    double rate = 0;                 ///< connections per second over all destinations
    std::uint32_t destinations = 1;  ///< different pairs of server address and port, times source addresses
    std::uint32_t port_low = 32768;
    std::uint32_t port_high = 60999;
    bool tw_reuse = false;  ///< net.ipv4.tcp_tw_reuse=1, with timestamps at both ends
    sim::Closer closer = sim::Closer::client;
    std::int64_t hold_ns = 0;  ///< from the request to the response
    std::int64_t rtt_ns = 30'000'000;
    std::uint64_t seed = 1;
    std::uint64_t connections = 2'000'000;  ///< simulated at most
};

/// The model's client towards one of the destinations.
struct ClientTrial {
    double rate = 0;  ///< towards this destination
    double seconds = 0;
    std::uint64_t attempts = 0;
    std::uint64_t no_port = 0;  ///< connect() failed with EADDRNOTAVAIL
    std::uint64_t reused = 0;   ///< ports taken from TIME_WAIT
    std::uint32_t most_waiting = 0;
    bool steady = false;  ///< long enough for the first ports to come back
};

struct ClientAnswer {
    std::uint32_t ports = 0;
    double blocked_s = 0;      ///< a port stays unusable for so long after the close
    double open_s = 0;         ///< and is in use for so long before
    double ceiling = 0;        ///< connections per second over all destinations, by arithmetic
    double ports_needed = 0;   ///< per destination, for the asked rate
    double time_wait = 0;      ///< at once, on this host, at the asked rate or the ceiling
    int max_tw_buckets = 0;    ///< default, which follows the memory
    bool enough = true;        ///< by arithmetic and by simulation
    std::string reuse_rule{};  ///< what this kernel allows with tcp_tw_reuse=1, one clause
    ClientTrial asked{};
    std::optional<ClientTrial> saturated{};  ///< beyond the ceiling; none where the model is too slow for it
    /// What the saturated client really opened per second, over all destinations.
    [[nodiscard]] double measured_ceiling(std::uint32_t destinations) const;
};

ClientAnswer size_client(const ClientQuestion& question);

}  // namespace synwhy::size
