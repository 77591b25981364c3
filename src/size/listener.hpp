// How long must the queues of a listener be?
//
// The model of the chosen kernel is simulated with the given arrivals and the given program; the smallest backlog is
// searched whose overflow probability stays under the target, interval included. How many connections stand behind the
// answer is part of it. Left out: text, and how the arrivals were measured.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/kernel.hpp"
#include "sim/scenario.hpp"
#include "size/estimate.hpp"

namespace synwhy::size {

inline constexpr std::size_t kMaxArrivals = 10'000'000;
inline constexpr std::uint64_t kMinConnections = 10'000;
inline constexpr std::uint64_t kMaxConnections = 1'000'000'000;
inline constexpr double kMaxRate = 1e6;  ///< per second

struct ListenerQuestion {
    core::Kernel kernel{};
    std::vector<sim::SysctlSetting> sysctls{};
    double rate = 0;                          ///< connections per second, Poisson; of `arrivals_ns` when given
    std::vector<std::int64_t> arrivals_ns{};  ///< measured, sorted, from 0
    sim::Application application{};           ///< accept_interval, stall_every, stall_length are used
    std::int64_t rtt_ns = 30'000'000;
    double target = 1e-3;
    std::uint64_t seed = 1;
    std::uint64_t connections = 2'000'000;  ///< at most, behind one probability
    std::optional<std::uint32_t> backlog_now{};
};

/// One backlog, simulated.
struct Trial {
    std::uint32_t backlog = 0;
    Probability overflow{};
    std::uint32_t longest_accept = 0;
    std::uint32_t longest_request = 0;
    double cookies = 0;  ///< share of SYNs answered with a cookie
};

enum class Verdict : std::uint8_t {
    shown,      ///< the whole interval of `chosen` lies under the target
    not_shown,  ///< the estimate does, the interval does not: too few connections were allowed
    overload,   ///< the program cannot accept what arrives, no queue is long enough
    too_long,   ///< more than this kernel's widest backlog
};

struct Knob {
    std::string name{};    ///< "net.core.somaxconn"
    bool matters = false;  ///< for this load on this kernel
    std::uint64_t at_least = 0;
    std::optional<std::uint64_t> by_default{};
    std::string why{};  ///< one sentence
};

struct ListenerAnswer {
    Verdict verdict = Verdict::shown;
    Trial chosen{};
    std::optional<Trial> now{};
    std::vector<Trial> tried{};  ///< in the order of the search, the last one is `chosen`
    double rate = 0;
    double utilisation = 0;  ///< of the program, see formula.hpp
    double pause_arrivals = 0;
    std::uint32_t formula_backlog = 0;  ///< 0: the formula does not cover measured arrivals
    double formula_probability = 0;     ///< for `chosen`
    std::uint32_t widest_backlog = 0;   ///< of this kernel
    std::uint64_t simulated = 0;        ///< connections over all trials
    std::uint32_t runs = 0;             ///< independent ones behind `chosen`
    std::vector<Knob> knobs{};
};

/// @param progress called before each trial with how many were made
ListenerAnswer size_listener(const ListenerQuestion& question, const std::function<void(std::size_t)>& progress);

}  // namespace synwhy::size
