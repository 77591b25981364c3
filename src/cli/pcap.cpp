// synwhy pcap: why were the connection attempts of a capture not answered?
//
// The order of work is run_pcap(): facts, reading, analysis, what the reading left open, annotated copy, answer.
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capture/annotate.hpp"
#include "cli/commands.hpp"
#include "cli/facts.hpp"
#include "cli/reading.hpp"
#include "cli/spool.hpp"
#include "cli/talk.hpp"
#include "core/address.hpp"
#include "diagnose/diagnose.hpp"
#include "emit/comments.hpp"
#include "emit/handshake_text.hpp"
#include "emit/json.hpp"
#include "emit/ndjson.hpp"
#include "emit/terminal.hpp"
#include "emit/text.hpp"

namespace synwhy::cli {
namespace {

constexpr std::size_t kFlushBytes = 256U * 1024U;
constexpr std::size_t kMaxInputRemarks = 20;
constexpr std::size_t kLongAnalysis = 100'000;  // attempts that take about a second

/// Paths to open; standard input may be replaced by its copy.
struct Inputs {
    std::vector<std::string> paths{};
    std::optional<Spool> spool{};
    bool interrupted = false;  ///< ^C ended standard input

    /// What to call a path in front of the user.
    [[nodiscard]] std::string name_of(const std::string& path) const {
        return spool && path == spool->path() ? "-" : path;
    }
    [[nodiscard]] core::Error named(core::Error error) const {
        if (!spool || !error.where.starts_with(spool->path())) return error;
        error.where.replace(0, spool->path().size(), "-");
        return error;
    }
};

std::expected<Inputs, core::Error> open_inputs(const PcapOptions& options) {
    Inputs inputs{.paths = options.files};
    const auto standard_input = std::ranges::find(inputs.paths, "-");
    if (options.write.empty() || standard_input == inputs.paths.end()) return inputs;
    const StopOnInterrupt stop;
    auto spool = Spool::standard_input();
    if (!spool) return std::unexpected(spool.error());
    inputs.spool.emplace(*std::move(spool));
    inputs.interrupted = interrupted();
    *standard_input = inputs.spool->path();
    return inputs;
}

std::expected<std::optional<core::Address>, Refusal> server_of(const PcapOptions& options) {
    if (options.server.empty()) return std::nullopt;
    const auto address = core::parse_address(options.server);
    if (!address) {
        complain("--server: '" + options.server + "' is no IPv4 or IPv6 address (all its ports are looked at)");
        return std::unexpected(ExitCode::usage);
    }
    return address;
}

/// What the reading itself adds to the report: names, formats, and what it could not see.
void describe_reading(const ReadingResult& reading, const Inputs& inputs, core::Report& report) {
    std::vector<std::string> remarks;
    for (const capture::FileFacts& file : reading.files) {
        const std::string name = inputs.name_of(file.name);
        report.source.files.push_back(name);
        report.source.formats.push_back(file.format + (file.compression.empty() ? "" : "+") + file.compression);
        for (const capture::Interface& interface : file.interfaces) {
            if (interface.dropped == 0) continue;
            remarks.push_back(emit::counted(interface.dropped, "packet") + " lost by the capture itself (" + name +
                              (interface.name.empty() ? "" : ", ") + interface.name + ")");
        }
    }
    if (remarks.size() > kMaxInputRemarks) {
        const std::size_t more = remarks.size() - kMaxInputRemarks;
        remarks.resize(kMaxInputRemarks);
        remarks.push_back("packets lost on " + emit::counted(more, "further interface"));
    }
    if (reading.interrupted) remarks.emplace_back("everything after the ^C that ended the reading");
    report.missing.insert(report.missing.end(), remarks.begin(), remarks.end());
    for (const core::Error& error : reading.errors) {
        report.input_errors.push_back(core::to_string(inputs.named(error)));
        complain(report.input_errors.back());
    }
}

/// Writes the inputs again with comments. @return false after complaining
bool write_annotated(const Inputs& inputs, const std::string& output, const core::Report& report) {
    capture::CommentMap comments;
    for (const emit::PacketComment& comment : emit::packet_comments(report)) {
        std::string& text = comments[{comment.file, comment.ordinal}];
        if (!text.empty()) text += '\n';
        text += comment.text;
    }
    const auto written = capture::annotate(inputs.paths, output, comments);
    if (!written) {
        complain(core::to_string(inputs.named(written.error())));
        return false;
    }
    if (output != "-") {
        talk("synwhy: " + emit::printable(output) + ": " + emit::counted(written->packets, "packet") + ", " +
             emit::counted(written->comments, "comment") + '\n');
    }
    return true;
}

bool print_ndjson(const core::Report& report, bool all) {
    emit::HandshakeWriter writer;
    std::string out;
    for (const core::HandshakeVerdict& handshake : report.handshakes) {
        if (!all && emit::simply_answered(handshake)) continue;
        writer.append(out, handshake);
        if (out.size() < kFlushBytes) continue;
        if (!print(out)) return false;
        if (stdout_closed()) return true;
        out.clear();
    }
    return print(out);
}

/// @return false when standard output could not be written
bool print_report(const core::Report& report, const PcapOptions& options, const CommonOptions& common) {
    if (options.ndjson) return print_ndjson(report, options.all);
    if (options.json) return print(emit::report_json(report));
    const bool stdout_taken = options.write == "-";
    const int descriptor = stdout_taken ? STDERR_FILENO : STDOUT_FILENO;
    const std::string text = emit::render(report, {.width = terminal_width(descriptor),
                                                   .colour = use_colour(common.colour, descriptor),
                                                   .utf8 = locale_is_utf8(),
                                                   .verbose = options.verbose,
                                                   .all = options.all,
                                                   .zone = options.local_time ? emit::Zone::local : emit::Zone::utc});
    if (!stdout_taken) return print(text);
    talk(text);
    return true;
}

}  // namespace

ExitCode run_pcap(const PcapOptions& options, const CommonOptions& common) {
    const auto server = server_of(options);
    if (!server) return server.error();
    const auto facts = gather_facts(options);
    if (!facts) return facts.error();

    const auto inputs = open_inputs(options);
    if (!inputs) {
        complain(core::to_string(inputs.error()));
        return ExitCode::could_not_look;
    }
    const bool show_progress = options.progress && ::isatty(STDERR_FILENO) != 0;
    auto reading = read_captures(
        inputs->paths,
        {.limits = {.max_handshakes = options.max_handshakes}, .server = *server, .progress = show_progress});
    if (reading && inputs->interrupted) {
        reading->interrupted = true;
        reading->errors.clear();  // the cut is ours
    }
    if (!reading) {
        complain(core::to_string(inputs->named(reading.error())));
        return ExitCode::could_not_look;
    }

    const std::size_t attempts = reading->fold.handshakes().size();
    const bool announce = show_progress && attempts >= kLongAnalysis;
    if (announce) talk("\r\x1b[Kanalysing " + emit::counted(attempts, "connection attempt"));
    core::Report report = diagnose::analyse(reading->fold, *facts, {.keep_answered = options.all});
    if (announce) talk("\r\x1b[K");
    describe_reading(*reading, *inputs, report);
    const bool written = options.write.empty() || write_annotated(*inputs, options.write, report);
    const bool printed = print_report(report, options, common);
    if (!written || !printed || !reading->errors.empty()) return ExitCode::could_not_look;
    return report.findings.empty() ? ExitCode::nothing_found : ExitCode::cause_found;
}

}  // namespace synwhy::cli
