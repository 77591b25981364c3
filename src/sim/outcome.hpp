// What became of a scenario's clients, in whichever engine it was played?
//
// The part of a run that the running kernel shows too: how each group's attempts ended, which counters moved, how long
// the queues grew. The simulation's result can be read as one, so that engines can be compared. Real time jitters: what
// is compared is coarse (never, some, always; moved or not). Left out: which row of the path refused a SYN.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.hpp"
#include "core/cause.hpp"
#include "sim/attempts.hpp"
#include "sim/counter_values.hpp"
#include "sim/scenario.hpp"

namespace synwhy::sim {

struct GroupOutcome {
    std::string name{};
    std::string gateway{};
    std::uint32_t count = 0;  ///< hosts
    Attempts attempts{};
};

struct ListenerOutcome {
    std::uint16_t port = 0;
    std::uint64_t accept_limit = 0;  ///< the backlog; one more fits
    std::uint64_t longest_accept = 0;
};

struct Outcome {
    std::string engine{};    ///< "kernel", "model", "tun"
    std::string scenario{};  ///< its name
    std::string title{};
    std::string kernel{};  ///< of server and clients
    core::Address server{};
    std::int64_t from_ns = 0;  ///< which part of the scenario was played
    std::int64_t duration_ns = 0;
    std::int64_t whole_ns = 0;  ///< the scenario's own duration
    std::vector<GroupOutcome> groups{};
    std::vector<ListenerOutcome> listeners{};
    CounterValues counters{};         ///< of the server, those that moved
    std::uint64_t most_requests = 0;  ///< in the SYN queues
    std::uint64_t most_time_wait = 0;
    std::uint64_t flood_syns = 0;        ///< sent
    std::vector<std::string> remarks{};  ///< what was not played as the scenario says
};

/// Simulates the scenario. Which part of which scenario it is, and what was left out of it, is the caller's to add.
Outcome simulated_outcome(const Scenario& scenario);

Attempts sum_of(const std::vector<GroupOutcome>& groups);

enum class Often : std::uint8_t { never, some, always };
const char* to_string(Often often);

/// The coarse truth about a group.
struct GroupVerdict {
    Often hindered = Often::never;  ///< attempts whose first SYN got no SYN+ACK, of those that are decided
    Often refused = Often::never;   ///< ... that got a RST
    Often no_port = Often::never;   ///< ... that found no source port
    bool operator==(const GroupVerdict&) const = default;
};
GroupVerdict verdict_of(const Attempts& attempts);

/// A counter whose movement says that and why SYNs were refused, or answered by cookies.
struct TellingCounter {
    std::string_view name;
    std::optional<core::Cause> cause;  ///< nullopt: several causes move it
};
/// The first one that moved, the most specific first; nullptr: none did.
const TellingCounter* telling_counter(const CounterValues& counters);

struct OutcomeDifference {
    std::string what{};  ///< "old PC: SYNs refused", "TcpExt.ListenOverflows"
    std::string reference{};
    std::string other{};
};
/// Where the verdicts of two engines differ. Groups are those of one scenario, in its order.
std::vector<OutcomeDifference> compare_outcomes(const Outcome& reference, const Outcome& other);

}  // namespace synwhy::sim
