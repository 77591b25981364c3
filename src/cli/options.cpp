// How is the command line read? The only file that includes CLI11, which costs seconds of compile time.
//
// CLI11 finds options and types; its exit codes (100 and more) and its help never reach the user. Checks that need
// no file are made here, so that a usage error comes before any work.
#include "cli/options.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "cli/help_text.hpp"
#include "cli/talk.hpp"
#include "lab/worlds.hpp"
#include "size/listener.hpp"
#include "tun/control.hpp"
#include "tun/response.hpp"

namespace synwhy::cli {
namespace {

const std::map<std::string, emit::ColourMode> kColourModes{
    {"auto", emit::ColourMode::automatic}, {"always", emit::ColourMode::always}, {"never", emit::ColourMode::never}};

void add_common(CLI::App& app, CommonOptions& common) {
    app.add_option("--color", common.colour)->transform(CLI::CheckedTransformer(kColourModes));
    app.add_flag("--exit-zero", common.exit_zero);
}

void add_pcap(CLI::App& app, PcapOptions& options, bool& names_ignored) {
    app.add_option("files", options.files);
    app.add_flag("-v,--verbose", options.verbose);
    app.add_flag("--json", options.json);
    app.add_flag("--ndjson", options.ndjson);
    app.add_flag("--all", options.all);
    app.add_flag("--local-time", options.local_time);
    app.add_flag("!--no-progress", options.progress);
    app.add_flag("-n", names_ignored);
    app.add_option("-w,--write", options.write);
    app.add_option("--kernel", options.kernel);
    app.add_option("--sysctl", options.sysctls)->allow_extra_args(false);
    app.add_option("--netstat", options.netstat);
    app.add_option("--bundle", options.bundle);
    app.add_option("--server", options.server);
    app.add_option("--max-handshakes", options.max_handshakes)->check(CLI::Range(std::size_t{1}, kMaxHandshakes));
}

void add_check(CLI::App& app, CheckCommand& options, bool& names_ignored) {
    app.add_option("--seconds", options.seconds)->check(CLI::Range(0.0, 86400.0));
    auto* netns = app.add_option("--netns", options.netns);
    auto* pid = app.add_option("--pid", options.pid)->check(CLI::PositiveNumber);
    auto* all = app.add_flag("--all-netns", options.all_netns);
    auto* bundle = app.add_option("--bundle", options.bundle);
    for (CLI::Option* one : {netns, pid, all, bundle}) {
        for (CLI::Option* other : {netns, pid, all, bundle}) {
            if (one != other) one->excludes(other);
        }
    }
    app.add_option("--port", options.port)->check(CLI::Range(1, 65535));
    app.add_option("--from", options.from);
    auto* watch = app.add_flag("--watch", options.watch)->excludes(bundle);
    app.add_flag("--json", options.json)->excludes(watch);
    app.add_flag("--ndjson", options.ndjson);
    app.add_flag("-v,--verbose", options.verbose);
    app.add_flag("-n", names_ignored);
}

std::string complaint(const CheckCommand& options) {
    if (options.json && options.ndjson) return "check: --json and --ndjson exclude each other";
    if (options.watch && options.seconds <= 0) return "check: --watch needs --seconds above 0";
    return {};
}

void add_path(CLI::App& app, PathCommand& options) {
    auto* kernel = app.add_option("--kernel", options.kernel);
    auto* diff = app.add_option("--diff", options.diff)->expected(2);
    auto* list = app.add_flag("--list", options.list);
    kernel->excludes(diff)->excludes(list);
    diff->excludes(list);
}

const std::map<std::string, LabCommand::Action> kLabActions{
    {"list", LabCommand::Action::list}, {"run", LabCommand::Action::run}, {"compare", LabCommand::Action::compare}};

void add_lab(CLI::App& app, LabCommand& options) {
    app.add_option("action", options.action)->required()->transform(CLI::CheckedTransformer(kLabActions));
    app.add_option("names", options.names);
    app.add_flag("--json", options.json);
    app.add_option("--record", options.record);
    constexpr double kMost_s = static_cast<double>(lab::kMaxWorldLength_ns) / 1e9;
    app.add_option("--engine", options.engine)->check(CLI::IsMember({"kernel", "model", "tun"}));
    app.add_option("--from", options.from_s)->check(CLI::Range(0.0, 1e9));
    app.add_option("--seconds", options.seconds)->check(CLI::Range(0.1, kMost_s));
    app.add_flag("--ipv6", options.ipv6);
}

void add_sim(CLI::App& app, SimCommand& options) {
    app.add_option("scenario", options.scenario);
    app.add_option("--seed", options.seed);
    app.add_flag("--json", options.json);
    app.add_flag("-v,--verbose", options.verbose);
    app.add_option("-w,--write", options.write);
    app.add_option("--html", options.html);
    app.add_option("--kernel", options.kernel);
    app.add_option("--sysctl", options.sysctls)->allow_extra_args(false);
    app.add_option("--duration", options.duration);
}

void add_size(CLI::App& app, SizeCommand& options) {
    app.add_option("capture", options.capture);
    app.add_option("--arrivals", options.arrivals);
    app.add_option("--rate", options.rate)->check(CLI::Range(1e-3, size::kMaxRate));
    app.add_option("--server", options.server);
    app.add_option("--accept-gap", options.accept_gap);
    app.add_option("--gap-every", options.gap_every);
    app.add_option("--accept-time", options.accept_time);
    app.add_option("--rtt", options.rtt);
    app.add_option("--target", options.target)->check(CLI::Range(1e-9, 0.5));
    app.add_option("--kernel", options.kernel);
    app.add_option("--sysctl", options.sysctls)->allow_extra_args(false);
    app.add_option("--backlog", options.backlog)->check(CLI::Range(0U, 1U << 30U));
    app.add_option("--seed", options.seed);
    app.add_option("--connections", options.connections)
        ->check(CLI::Range(size::kMinConnections, size::kMaxConnections));
    app.add_flag("--json", options.json);
    app.add_flag("--client", options.client);
    app.add_option("--destinations", options.destinations)->check(CLI::Range(1, 1'000'000));
    app.add_option("--ports", options.ports);
    app.add_flag("--tw-reuse", options.tw_reuse);
    app.add_option("--close-first", options.close_first)->check(CLI::IsMember({"server", "client"}));
    app.add_option("--hold", options.hold);
}

void add_fix(CLI::App& app, FixCommand& options) {
    app.add_option("cause", options.cause)->required();
    auto* apply = app.add_flag("--apply", options.apply);
    auto* undo = app.add_flag("--undo", options.undo)->excludes(apply);
    auto* netns = app.add_option("--netns", options.netns);
    auto* pid = app.add_option("--pid", options.pid)->check(CLI::Range(1, INT32_MAX))->excludes(netns);
    app.add_flag("--persist", options.persist)->needs(apply)->excludes(netns)->excludes(pid);
    app.add_flag("--force", options.force)->needs(undo);
    app.add_option("--step", options.steps)->allow_extra_args(false)->excludes(undo);
    app.add_option("--interface", options.interface)->excludes(undo);
    app.add_option("--seconds", options.seconds)->check(CLI::Range(0, 3600));
    app.add_option("--kernel", options.kernel)->excludes(apply)->excludes(undo);
    app.add_option("--root", options.root);
    app.add_option("--state", options.state);
    app.add_flag("--json", options.json);
}

std::vector<std::string> shown_tables() {
    std::vector<std::string> names(std::begin(tun::kControlTables), std::end(tun::kControlTables));
    names.emplace_back("all");
    return names;
}

void add_emulate(CLI::App& app, EmulateCommand& options) {
    constexpr double kMaxSeconds = 1e9;
    app.add_option("--kernel", options.kernel);
    app.add_option("--sysctl", options.sysctls)->allow_extra_args(false);
    app.add_option("--listen", options.listen)->allow_extra_args(false);
    app.add_option("--backlog", options.backlog);
    app.add_option("--defer-accept", options.defer_accept_s)->check(CLI::Range(0, 100'000));
    app.add_option("--tun", options.tun);
    app.add_option("--address", options.address);
    app.add_option("--address6", options.address6);
    app.add_option("--host-address", options.host_address);
    app.add_option("--host-address6", options.host_address6);
    app.add_option("--serve", options.serve)->check(CLI::IsMember({"http", "bytes"}));
    app.add_option("--response-bytes", options.response_bytes)
        ->check(CLI::Range(std::uint64_t{0}, tun::kMaxResponseBytes));
    app.add_flag("!--no-keep-alive", options.keep_alive);
    app.add_option("--close-first", options.close_first)->check(CLI::IsMember({"server", "client"}));
    app.add_option("--accept-rate", options.accept_rate)->check(CLI::Range(0.0, 1e9));
    app.add_option("--stall", options.stalls)->allow_extra_args(false);
    app.add_option("--idle-timeout", options.idle_timeout_s)->check(CLI::Range(0.1, kMaxSeconds));
    app.add_option("--hz", options.hz)->check(CLI::Range(100, 1000));
    app.add_option("--seed", options.seed);
    app.add_option("--duration", options.duration_s)->check(CLI::Range(0.0, kMaxSeconds));
    app.add_option("-w,--write", options.write);
    app.add_option("--write-limit", options.write_limit_mb)->check(CLI::Range(1, 1'000'000));
    app.add_flag("--json", options.json);
    app.add_option("--control", options.control);
    auto* show = app.add_option("--show", options.show)
                     ->expected(0, 1)
                     ->default_str("all")
                     ->check(CLI::IsMember(shown_tables()));
    app.add_option("--do", options.commands)->expected(1, 2)->excludes(show);
}

void add_replay(CLI::App& app, ReplayCommand& options) {
    app.add_option("files", options.files)->required();
    app.add_option("--known", options.known);
    app.add_flag("--json", options.json);
    app.add_flag("-v,--verbose", options.verbose);
}

/// What the options of `pcap` contradict each other in; empty when nothing.
std::string complaint(PcapOptions& options) {
    if (options.files.empty()) {
        if (::isatty(STDIN_FILENO) != 0) return "pcap: no FILE given";
        options.files.emplace_back("-");
    }
    if (std::ranges::count(options.files, "-") > 1) return "pcap: standard input can be read only once";
    if (options.json && options.ndjson) return "pcap: --json and --ndjson exclude each other";
    if (options.all && !options.ndjson && !options.verbose) return "pcap: --all needs -v or --ndjson";
    if (options.write == "-" && (options.json || options.ndjson)) {
        return "pcap: standard output cannot hold both the capture (-w -) and JSON";
    }
    return {};
}

std::string complaint(const PathCommand& options) {
    if (!options.list && options.kernel.empty() && options.diff.empty()) {
        return "path: one of --kernel, --diff, --list is needed";
    }
    return {};
}

std::string complaint(const LabCommand& options) {
    using Action = LabCommand::Action;
    if (options.action == Action::run && options.names.size() != 1) return "lab run: one NAME or FILE is needed";
    if (options.action == Action::list && !options.names.empty()) return "lab list: takes no names";
    if (options.action != Action::run && !options.record.empty()) return "lab: --record belongs to run";
    if (options.action != Action::run && options.engine != "kernel") return "lab: --engine belongs to run";
    if (options.action == Action::compare && options.json) return "lab: --json belongs to list and run";
    return {};
}

std::string complaint(const SimCommand& options) {
    if (options.scenario.empty()) return "sim: no scenario given; \"synwhy sim list\" names those that are built in";
    if (options.write == "-" && options.html == "-") return "sim: standard output can hold one of -w and --html";
    if ((options.write == "-" || options.html == "-") && options.json) {
        return "sim: standard output is taken: --json excludes -w - and --html -";
    }
    return {};
}

std::string complaint(const SizeCommand& options) {
    const int loads = (options.rate ? 1 : 0) + (options.arrivals.empty() ? 0 : 1) + (options.capture.empty() ? 0 : 1);
    if (options.client) {
        if (!options.rate || loads != 1) return "size --client: --rate is needed, and no arrivals";
        return {};
    }
    if (loads != 1) return "size: one of --rate, --arrivals FILE or a capture FILE is needed";
    if (options.accept_gap.empty() && options.accept_time.empty()) {
        return "size: what does the program do? --accept-gap TIME or --accept-time TIME is needed";
    }
    if (!options.server.empty() && options.capture.empty()) return "size: --server belongs to a capture FILE";
    return {};
}

std::string complaint(EmulateCommand& options) {
    if (!options.show.empty() || !options.commands.empty()) return {};
    if (options.kernel.empty()) return "emulate: --kernel RELEASE is needed";
    if (options.write == "-") return "emulate: -w wants a file, standard output holds the report";
    if (options.listen.empty()) options.listen.emplace_back("80");
    return {};
}

ExitCode usage_error(std::string_view what, std::string_view command) {
    complain(std::string(what) + "; try: synwhy " + std::string(command) + (command.empty() ? "" : " ") + "--help");
    return ExitCode::usage;
}

/// CLI11's messages, first line only, as one sentence in our style.
std::string one_line(std::string text) {
    text = text.substr(0, text.find('\n'));
    return text;
}

}  // namespace

std::variant<Invocation, ExitCode> parse_command_line(int argc, char** argv) {
    Invocation invocation;
    CheckCommand check_options;
    PcapOptions pcap_options;
    ExplainCommand explain_options;
    PathCommand path_options;
    LabCommand lab_options;
    SimCommand sim_options;
    SizeCommand size_options;
    FixCommand fix_options;
    EmulateCommand emulate_options;
    ReplayCommand replay_options;
    bool names_ignored = false;

    CLI::App app;
    app.set_version_flag("-V,--version", "synwhy " SYNWHY_VERSION);
    app.require_subcommand(0, 1);
    CLI::App* check = app.add_subcommand("check");
    CLI::App* pcap = app.add_subcommand("pcap");
    CLI::App* explain = app.add_subcommand("explain");
    CLI::App* path = app.add_subcommand("path");
    CLI::App* lab = app.add_subcommand("lab");
    CLI::App* sim = app.add_subcommand("sim");
    CLI::App* size = app.add_subcommand("size");
    CLI::App* fix = app.add_subcommand("fix");
    CLI::App* emulate = app.add_subcommand("emulate");
    CLI::App* replay = app.add_subcommand("replay");
    for (CLI::App* command : {check, pcap, explain, path, lab, sim, size, fix, emulate, replay}) {
        add_common(*command, invocation.common);
    }
    add_check(*check, check_options, names_ignored);
    add_pcap(*pcap, pcap_options, names_ignored);
    explain->add_option("topic", explain_options.topic);
    explain->add_flag("--json", explain_options.json);
    add_path(*path, path_options);
    add_lab(*lab, lab_options);
    add_sim(*sim, sim_options);
    add_size(*size, size_options);
    add_fix(*fix, fix_options);
    add_emulate(*emulate, emulate_options);
    add_replay(*replay, replay_options);

    const auto command = [&]() -> std::string {
        const auto used = app.get_subcommands();
        return used.empty() ? "" : used.front()->get_name();
    };
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        return print(help_text(command())) ? ExitCode::nothing_found : ExitCode::could_not_look;
    } catch (const CLI::CallForVersion& version) {
        return print(std::string(version.what()) + '\n') ? ExitCode::nothing_found : ExitCode::could_not_look;
    } catch (const CLI::ParseError& error) {
        return usage_error(one_line(error.what()), command());
    }

    std::string wrong;
    if (check->parsed() || app.get_subcommands().empty()) {
        wrong = complaint(check_options);
        invocation.command = std::move(check_options);
    } else if (pcap->parsed()) {
        wrong = complaint(pcap_options);
        invocation.command = std::move(pcap_options);
    } else if (explain->parsed()) {
        invocation.command = std::move(explain_options);
    } else if (lab->parsed()) {
        wrong = complaint(lab_options);
        invocation.command = std::move(lab_options);
    } else if (sim->parsed()) {
        wrong = complaint(sim_options);
        invocation.command = std::move(sim_options);
    } else if (size->parsed()) {
        wrong = complaint(size_options);
        invocation.command = std::move(size_options);
    } else if (fix->parsed()) {
        invocation.command = std::move(fix_options);
    } else if (emulate->parsed()) {
        wrong = complaint(emulate_options);
        invocation.command = std::move(emulate_options);
    } else if (replay->parsed()) {
        invocation.command = std::move(replay_options);
    } else {
        wrong = complaint(path_options);
        invocation.command = std::move(path_options);
    }
    if (!wrong.empty()) return usage_error(wrong, command());
    return invocation;
}

}  // namespace synwhy::cli
