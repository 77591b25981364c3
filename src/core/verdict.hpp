// What do we say about a SYN, a server, a capture?
//
// One value for every command: what happened, why, how sure, on what evidence, and what evidence is missing.
// Plain data; no text is rendered here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/address.hpp"
#include "core/cause.hpp"

namespace synwhy::core {

/// What the server sent in reply to a SYN, in the order of preference used for a whole handshake.
enum class Outcome : std::uint8_t {
    synack,  ///< SYN+ACK from a stored request
    cookie,  ///< SYN+ACK that is a SYN cookie, as far as a capture can tell
    rst,
    ack,   ///< a bare ACK (TIME_WAIT, challenge ACK, another request)
    icmp,  ///< ICMP error quoting the SYN
    none,
};

/// How sure a verdict is. A wrong `certain` is the worst bug this project can have.
enum class Confidence : std::uint8_t {
    certain,   ///< the kernel showed it
    likely,    ///< every observation fits, every rival is contradicted
    possible,  ///< fits, so does a rival
    unknown,
};

const char* to_string(Outcome outcome);
const char* to_string(Confidence confidence);

/// A cause that was considered and lost, or could not be excluded.
struct Rival {
    Cause cause{};
    std::uint64_t refuted_by = 0;  ///< SYNs whose fate this cause predicts wrongly; 0 = still stands
    std::string why{};             ///< one sentence, may be empty
};

/// One transmission of a SYN.
struct SynVerdict {
    std::int64_t time_ns = 0;
    Outcome outcome = Outcome::none;
    std::optional<Cause> cause{};  ///< for everything but synack and cookie
    std::string detail{};          ///< e.g. "TSval 12345 is 417 ticks behind the stored 12762 (stamp 3 s old)"
    std::uint64_t ordinal = 0;     ///< packet position in its file
    std::uint16_t file = 0;
};

/// One handshake: a 4-tuple and a client ISN.
struct HandshakeVerdict {
    FourTuple tuple{};
    std::uint32_t isn = 0;
    std::int64_t first_ns = 0;        ///< first SYN seen (or first sign of the handshake)
    Outcome outcome = Outcome::none;  ///< best of its copies
    std::vector<SynVerdict> syns{};
    std::uint64_t more_syns = 0;   ///< copies beyond the limit, counted only
    std::optional<Cause> cause{};  ///< why not (or not at once) answered; nullopt when simply answered
    Confidence confidence = Confidence::unknown;
    std::vector<Cause> rivals{};   ///< still standing, best first, without `cause`
    bool answer_inferred = false;  ///< the reply is not in the capture, the client's next segment proves it
};

/// A cause with everything it did to one server (or several).
struct Finding {
    Cause cause{};
    Confidence confidence = Confidence::unknown;
    std::vector<Endpoint> servers{};
    std::vector<Address> clients{};  ///< most affected first, at most kMaxListed
    std::uint64_t client_count = 0;
    std::uint64_t syns = 0;            ///< SYNs this cause refused
    std::uint64_t handshakes = 0;      ///< handshakes with at least one such SYN
    std::uint64_t attempts = 0;        ///< all handshakes with these servers, whatever became of them
    std::uint64_t never_answered = 0;  ///< of these, without any SYN+ACK
    std::int64_t first_ns = 0;
    std::int64_t last_ns = 0;
    std::vector<std::string> evidence{};  ///< sentences, strongest first
    std::vector<std::string> story{};     ///< what happened in this very capture, with names and numbers
    std::vector<Rival> rivals{};
    std::vector<std::string> fix{};        ///< commands and sentences for this kernel, least invasive first
    std::string settle{};                  ///< the one command that would decide
    std::vector<std::string> processes{};  ///< owners of the listeners, "nginx (pid 812)"; from a host, not a capture
    std::string netns{};                   ///< network namespace; empty: the one that was looked at
    std::string headline{};                ///< the verdict as a sentence, when it is not one about counted attempts
};

struct RuledOut {
    Cause cause{};
    std::uint64_t refuted_by = 0;
    std::string why{};
};

/// SYNs by fate over one interval.
struct TimeBucket {
    std::int64_t start_ns = 0;
    std::uint64_t answered = 0;  ///< SYN+ACK or cookie
    std::uint64_t refused = 0;   ///< RST, ICMP, bare ACK
    std::uint64_t unanswered = 0;
};

struct Totals {
    std::uint64_t packets = 0;
    std::uint64_t segments = 0;  ///< TCP segments decoded
    std::uint64_t syns = 0;
    std::uint64_t handshakes = 0;
    std::uint64_t answered = 0;  ///< handshakes by best outcome, the five add up to `handshakes`
    std::uint64_t cookie = 0;
    std::uint64_t refused_rst = 0;
    std::uint64_t bare_ack = 0;
    std::uint64_t icmp = 0;
    std::uint64_t unanswered = 0;
    std::uint64_t evicted = 0;  ///< handshakes dropped at the memory limit
};

/// The input, as far as its description matters.
struct Source {
    std::vector<std::string> files{};
    std::vector<std::string> formats{};  ///< "pcap", "pcapng+zstd", parallel to files
    std::int64_t first_ns = 0;
    std::int64_t last_ns = 0;
    std::string kernel{};  ///< as given by the user, may be empty
};

/// What every command produces.
struct Report {
    Source source{};
    Totals totals{};
    std::vector<Finding> findings{};  ///< most harmful first
    std::vector<RuledOut> ruled_out{};
    std::vector<RuledOut> past{};            ///< happened since boot, not while somebody watched
    std::vector<RuledOut> not_examinable{};  ///< `why` says what is missing
    std::vector<std::string> unknown{};      ///< what could not be decided, and why
    std::vector<std::string> missing{};      ///< evidence that was not available
    std::vector<TimeBucket> timeline{};
    std::int64_t bucket_ns = 0;
    std::vector<HandshakeVerdict> handshakes{};  ///< in order of first_ns
    std::vector<std::string> input_errors{};     ///< broken captures, each with file and offset
};

}  // namespace synwhy::core
