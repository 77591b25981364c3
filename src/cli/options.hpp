// What did the user ask for?
//
// The command line as plain values. Reading it is options.cpp's business, the only file that knows the parser
// library; what an option means for the answer is decided by the command. Left out: anything that opens a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/exit_code.hpp"
#include "emit/style.hpp"

namespace synwhy::cli {

/// Largest --max-handshakes: 60 GB of memory.
inline constexpr std::size_t kMaxHandshakes = 100'000'000;

/// What every command understands.
struct CommonOptions {
    emit::ColourMode colour = emit::ColourMode::automatic;
    bool exit_zero = false;  ///< "a cause found" exits 0
};

struct PcapOptions {
    std::vector<std::string> files{};  ///< "-" is standard input; never empty after parsing
    bool verbose = false;
    bool json = false;
    bool ndjson = false;
    bool all = false;  ///< also handshakes that were simply answered
    bool local_time = false;
    bool progress = true;                ///< still only on a terminal
    std::string write{};                 ///< annotated capture, "-" is standard output, empty for none
    std::string kernel{};                ///< release, empty when not given
    std::vector<std::string> sysctls{};  ///< "name=value"
    std::string netstat{};               ///< "FILE" or "BEFORE,AFTER"
    std::string bundle{};                ///< directory or tarball, or two: "BEFORE,AFTER"
    std::string server{};                ///< address of the only server host to look at
    std::size_t max_handshakes = 1'000'000;
};

struct CheckCommand {
    double seconds = 5;   ///< between the two looks; 0: one look
    std::string netns{};  ///< name or path; empty: the own one
    std::optional<int> pid{};
    bool all_netns = false;
    std::string bundle{};  ///< file or directory, or two with a comma; empty: the live system
    std::optional<std::uint16_t> port{};
    std::string from{};  ///< client address to ask about
    bool watch = false;  ///< again and again until ^C
    bool json = false;
    bool ndjson = false;
    bool verbose = false;
};

struct ExplainCommand {
    std::string topic = "list";  ///< a slug, or "list"
    bool json = false;
};

struct PathCommand {
    std::string kernel{};
    std::vector<std::string> diff{};  ///< none or two releases
    bool list = false;
};

struct LabCommand {
    enum class Action { list, run, compare } action = Action::list;
    std::vector<std::string> names{};  ///< scripts, scenarios, or files; none: all scripts of the library (compare)
    bool json = false;
    std::string record{};             ///< file, empty for none
    std::string engine = "kernel";    ///< a scenario's: "kernel", "model", "tun"
    std::optional<double> from_s{};   ///< which part of a scenario; nullopt: as the scenario says
    std::optional<double> seconds{};  ///< how much of it
    bool ipv6 = false;                ///< the scenario's twin
};

struct SimCommand {
    std::string scenario{};  ///< file, shipped name, NAME/VARIANT, or "list"
    std::optional<std::uint64_t> seed{};
    bool json = false;
    bool verbose = false;
    std::string write{};                 ///< capture at the servers' interfaces, "-" is standard output
    std::string html{};                  ///< report
    std::string kernel{};                ///< of every server
    std::vector<std::string> sysctls{};  ///< of every server, "name=value"
    std::string duration{};
};

struct EmulateCommand {
    std::string kernel{};
    std::vector<std::string> sysctls{};  ///< "name=value"
    std::vector<std::string> listen{};   ///< "PORT", "ADDRESS:PORT"; 80 when none is given
    int backlog = 128;
    int defer_accept_s = 0;
    std::string tun = "synwhy0";
    std::string address = "10.0.0.1/24";
    std::string address6{};       ///< empty: no IPv6
    std::string host_address{};   ///< empty: a neighbour of `address`
    std::string host_address6{};  ///< empty: a neighbour of `address6`
    std::string serve = "http";   ///< or "bytes"
    std::uint64_t response_bytes = 64;
    bool keep_alive = true;
    std::string close_first = "server";   ///< or "client"
    std::optional<double> accept_rate{};  ///< connections per second
    std::vector<std::string> stalls{};    ///< "FROM-TO", seconds since the start
    double idle_timeout_s = 60;
    int hz = 1000;
    std::uint64_t seed = 0;  ///< 0: a random one
    std::optional<double> duration_s{};
    std::string write{};  ///< capture file, empty for none
    std::uint64_t write_limit_mb = 1000;
    bool json = false;
    std::string control{};                ///< socket path, empty for the default
    std::string show{};                   ///< table to show, "all"; empty: emulate
    std::vector<std::string> commands{};  ///< --do and its words; empty: none
};

struct SizeCommand {
    std::string capture{};         ///< its arrivals, empty for none
    std::string arrivals{};        ///< file with times, "-" is standard input
    std::optional<double> rate{};  ///< connections per second
    std::string server{};          ///< ADDRESS:PORT in the capture; empty: the busiest
    std::string accept_gap{};      ///< durations, see parse_distribution()
    std::string gap_every = "exp:1s";
    std::string accept_time{};
    std::string rtt{};
    double target = 1e-3;
    std::string kernel{};
    std::vector<std::string> sysctls{};  ///< "name=value"
    std::optional<std::uint32_t> backlog{};
    std::uint64_t seed = 1;
    std::uint64_t connections = 2'000'000;
    bool json = false;
    bool client = false;
    std::uint32_t destinations = 1;
    std::string ports{};  ///< "LOW-HIGH"
    bool tw_reuse = false;
    std::string close_first = "client";  ///< or "server"
    std::string hold{};
};

struct FixCommand {
    std::string cause{};
    bool apply = false;
    bool persist = false;
    bool undo = false;
    bool force = false;
    std::vector<std::size_t> steps{};  ///< by number; empty: those made by default
    std::string interface{};
    std::string netns{};
    int pid = 0;
    int seconds = 5;  ///< of watching, before and after
    std::string kernel{};
    std::string root{};   ///< instead of /
    std::string state{};  ///< empty: var/lib/synwhy below the root
    bool json = false;
};

struct ReplayCommand {
    std::vector<std::string> files{};  ///< recorded experiments, at least one
    std::string known{};               ///< file with known differences, empty for none
    bool json = false;
    bool verbose = false;
};

struct Invocation {
    CommonOptions common{};
    std::variant<CheckCommand, PcapOptions, ExplainCommand, PathCommand, LabCommand, SimCommand, SizeCommand,
                 FixCommand, EmulateCommand, ReplayCommand>
        command{};
};

/// The invocation, or, when nothing is left to do (help, version, a usage error: all printed), the exit status.
std::variant<Invocation, ExitCode> parse_command_line(int argc, char** argv);

}  // namespace synwhy::cli
