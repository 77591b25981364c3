// What does a server do, step by step?
//
// A script is a list of lines: sysctls, sockets of the server, and segments that a client puts on the wire. The same
// text runs against any Engine (engine.hpp), and says per step what came back. The language is that of the measuring
// program behind the project's measured data, so that a recorded experiment is a script:
//
//   set net.ipv4.tcp_syncookies 0
//   listen L port=80 backlog=4
//   syn A src=198.51.100.7 sport=40000 ts=1000      # answered within 30 ms, or the verdict is `none`
//   ack A
//   accept L as=C
//   close C
//   seg A flags=FA seq=+1 ack=@2 w=100              # relative to snd_nxt / to the server's ISN; waits 100 ms
//   repeat i 1 4
//   syn B{i} src=203.0.113.{i+10}
//   end
//
// Left out: what a step should give. Engines are compared with each other, not with a list of expectations.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/packet.hpp"
#include "sim/engine.hpp"
#include "sim/scenario.hpp"

namespace synwhy::sim {

inline constexpr std::size_t kMaxExpandedSteps = 20'000;
inline constexpr std::size_t kMaxScriptLine = 1'000;
inline constexpr std::size_t kMaxScriptFlows = 4'000;
inline constexpr std::int64_t kMaxStepWait_ms = 300'000;

enum class Op : std::uint8_t {
    desc,  ///< text for the reader
    set,   ///< sysctl
    listen,
    relisten,
    accept,
    close,     ///< a connection or a listener
    rstclose,  ///< close() with SO_LINGER 0
    shut,      ///< shutdown(SHUT_WR)
    write,
    read,
    flow,  ///< changes what is known of a flow without sending
    like,  ///< a new flow with the 4-tuple and state of an old one
    syn,
    ack,
    data,
    fin,
    rst,
    seg,     ///< any segment
    resend,  ///< the flow's last segment again, byte for byte
    wait,    ///< ms
    until,   ///< ms since the last mark
    mark,
    watch,  ///< follows the state of one 4-tuple
    route,  ///< default route: del, add
    socks,  ///< does nothing here: every step shows the sockets
    needs,  ///< the script means nothing without this sysctl
    only,   ///< "ipv4", "ipv6": the script has no twin in the other family
};
std::string_view to_string(Op op);

struct Word {
    std::string text{};
    std::size_t column = 0;
};

/// One line after expansion: names first, then key=value and flags.
struct Step {
    Op op = Op::desc;
    std::size_t line = 0;
    std::string text{};  ///< without comment and outer blanks
    std::vector<Word> names{};
    std::vector<std::pair<Word, Word>> keys{};
    std::vector<Word> words{};

    [[nodiscard]] const Word* key(std::string_view name) const;
    [[nodiscard]] bool has_word(std::string_view word) const;
    /// Value of a number key that parse_script() has checked.
    [[nodiscard]] std::int64_t number(std::string_view name, std::int64_t otherwise) const;
};

/// Expands loops and checks every line. Errors say `name:line:column`; in a line with {expressions} the column is that
/// of the expanded text.
Result<std::vector<Step>> parse_script(std::span<const ScriptStep> lines, std::string_view name);

/// What the steps as a whole say about where they can be played.
struct ScriptDemands {
    std::vector<std::string> sysctls{};  ///< that must exist
    bool ipv4 = true;
    bool ipv6 = true;
    std::int64_t duration_ms = 0;  ///< at least, all waits added up
};
ScriptDemands demands_of(std::span<const Step> steps);

enum class ReplyKind : std::uint8_t { synack, rst, syn, fin, data, ack, icmp, other };
std::string_view to_string(ReplyKind kind);

/// A packet of the server, as the client understands it.
struct Reply {
    std::int64_t t_ns = 0;
    ReplyKind kind = ReplyKind::other;
    std::string flow{};                     ///< empty: of none that the script knows
    core::Segment segment{};                ///< valid unless icmp or other
    std::int32_t ack_isn = 0;               ///< acknowledgment minus the client's ISN
    std::optional<std::int32_t> seq_iss{};  ///< sequence minus the server's ISN, once a SYN+ACK was seen
    std::uint8_t icmp_type = 0;
    std::uint8_t icmp_code = 0;
    std::vector<std::uint8_t> bytes{};
};

struct Transition {
    std::int64_t t_ns = 0;
    std::string state{};
};

struct StepResult {
    Step step{};
    std::int64_t began_ns = 0;
    std::vector<std::uint8_t> sent{};  ///< empty when the step sends nothing
    std::string sent_flow{};
    std::int64_t injected_ns = 0;
    std::vector<Reply> replies{};
    std::string verdict{};     ///< of a segment: "synack", "rst+ack", "none"
    std::string result{};      ///< of a call: "ok", "absent", "accepted 192.0.2.1:4000"
    std::string old_value{};   ///< set
    std::string new_value{};   ///< set
    bool lost = false;         ///< what was sent did not come as far as the server
    bool looked = false;       ///< counters and sockets were read
    CounterValues counters{};  ///< what changed since they were read last, and by how much
    Sockets sockets{};
    std::vector<Transition> transitions{};  ///< watch
    std::int64_t watched_ns = 0;            ///< watch
};

/// Where two engines disagree about one step.
struct Difference {
    std::size_t number = 0;  ///< of the step, from 1
    std::size_t line = 0;
    std::string step{};
    std::string field{};  ///< "verdict", "reply 1 ack", "accept queue 80", "TcpExt.ListenDrops"
    std::string expected{};
    std::string got{};
};

/// Compares what is determined: verdicts, results of calls, replies without what is random (sequence numbers' start,
/// TSval), queue lengths, numbers of sockets per state, and the counters that both engines have. Counters of a step
/// whose packet got lost on its way in one engine (StepResult::lost) are left out.
/// @param reference, other results of the same steps
std::vector<Difference> compare_results(std::span<const StepResult> reference, const CounterValues& reference_counters,
                                        std::span<const StepResult> other, const CounterValues& other_counters);

/// Plays the steps. @param on_step called after every step; may be empty. @return one result per step
Result<std::vector<StepResult>> run_script(std::span<const Step> steps, std::string_view name, Engine& engine,
                                           const std::function<void(const StepResult&)>& on_step);

/// The IPv6 address that stands for an IPv4 one: 10.0.0.N is fd00::N, everything else 2001:db8:: plus the four bytes.
core::Address ipv6_twin(const core::Address& address);
/// The same script between IPv6 addresses.
std::vector<Step> ipv6_twin(std::vector<Step> steps);

}  // namespace synwhy::sim
