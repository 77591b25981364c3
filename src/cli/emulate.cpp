// synwhy emulate: the kernel model behind a TUN device answers real clients.
//
// The order of work is run_emulate(): what was asked, device, control socket, capture, then the loop until it ends,
// then the report. With --show or --do it is the other side: a question to an emulation that runs.
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.hpp"
#include "cli/emulate_capture.hpp"
#include "cli/emulate_setup.hpp"
#include "cli/emulate_text.hpp"
#include "cli/talk.hpp"
#include "core/catalogue.hpp"
#include "emit/emulation_report.hpp"
#include "emit/text.hpp"
#include "host/sysctl_text.hpp"
#include "tun/control.hpp"
#include "tun/control_socket.hpp"
#include "tun/loop.hpp"
#include "tun/privileges.hpp"

namespace synwhy::cli {
namespace {

constexpr std::uint64_t kMegabyte = 1'000'000;

ExitCode could_not(const core::Error& error) {
    complain(core::to_string(error));
    return ExitCode::could_not_look;
}

std::string control_path(const EmulateCommand& options) {
    return options.control.empty() ? tun::default_control_path(options.tun) : options.control;
}

// --------------------------------------------------------------------------------------------------- the other side

/// "set" gets its full sysctl name; everything else goes as it is.
std::expected<std::string, Refusal> command_of(const std::vector<std::string>& words) {
    std::string command;
    for (const std::string& word : words) command += (command.empty() ? "" : " ") + word;
    constexpr std::string_view kSet = "set ";
    if (command.find_first_of("\r\n") != std::string::npos || command.size() >= tun::kMaxCommandBytes) {
        complain("emulate: --do: one line of less than " + std::to_string(tun::kMaxCommandBytes) + " bytes");
        return std::unexpected(ExitCode::usage);
    }
    if (!command.starts_with(kSet)) return command;
    const auto assignment = host::parse_sysctl_assignment(std::string_view(command).substr(kSet.size()));
    if (!assignment) {
        complain("emulate: --do set: " + core::to_string(assignment.error()));
        return std::unexpected(ExitCode::usage);
    }
    return std::string(kSet) + assignment->first + '=' + assignment->second;
}

ExitCode tell(const EmulateCommand& options) {
    const auto command = command_of(options.commands);
    if (!command) return command.error();
    const auto answer = tun::ask_control(control_path(options), *command);
    if (answer) return ExitCode::nothing_found;
    complain("emulate: " + core::to_string(answer.error()));
    return answer.error().where.empty() ? ExitCode::usage : ExitCode::could_not_look;
}

ExitCode show(const EmulateCommand& options) {
    std::vector<std::string> names{options.show};
    if (options.show == "all") names.assign(std::begin(tun::kControlTables), std::end(tun::kControlTables));
    std::vector<emit::ControlTable> tables;
    for (const std::string& name : names) {
        const auto text = tun::ask_control(control_path(options), "show " + name);
        if (!text) {
            complain("emulate: " + core::to_string(text.error()));
            return text.error().where.empty() ? ExitCode::usage : ExitCode::could_not_look;
        }
        tables.push_back(parse_table(name, *text));
    }
    std::string out;
    if (options.json) {
        out = emit::tables_json(tables);
    } else {
        for (const emit::ControlTable& table : tables) {
            if (tables.size() > 1) out += (out.empty() ? "" : "\n") + table.name + '\n';
            out += table_as_tool(table);
        }
    }
    return print(out) ? ExitCode::nothing_found : ExitCode::could_not_look;
}

// ------------------------------------------------------------------------------------------------------- the report

/// A SYN without SYN+ACK, or a final ACK that made no connection. Deferring the accept is what was asked for.
bool is_unanswered(const tun::Tally& tally) {
    const bool refused = tally.fate == model::Fate::silence || tally.fate == model::Fate::reset;
    if (tally.syn) return refused || tally.fate == model::Fate::bare_ack;
    return refused && tally.row != nullptr && tally.row->stage == core::Stage::final_ack &&
           tally.row->cause != core::Cause::defer_accept;
}

void describe_traffic(const tun::Emulation& emulation, emit::EmulationReport& report) {
    const tun::EmulationCounts& wire = emulation.counts();
    const tun::ApplicationCounts& process = emulation.application().counts();
    report.traffic = {{"packets received", wire.packets_in},
                      {"packets sent", wire.packets_out},
                      {"bytes received", wire.bytes_in},
                      {"bytes sent", wire.bytes_out},
                      {"connections accepted", process.accepted},
                      {"requests", process.requests},
                      {"requests refused", process.refused_requests},
                      {"connections closed by the server", process.closed},
                      {"closed for silence", process.idle_closed},
                      {"resets by clients", process.resets_seen}};
    const auto add = [&report](std::uint64_t count, std::string_view noun, std::string_view what) {
        if (count != 0) report.missing.push_back(emit::counted(count, noun) + ' ' + std::string(what));
    };
    add(wire.fragments, "IP fragment", "ignored: fragments are not put together");
    add(wire.not_tcp, "packet", "ignored that carried no TCP (ICMP, multicast listener reports ...)");
    add(wire.lost_bodies, "segment", "sent with a wrong payload: a bug in synwhy, please report it");
    add(emulation.server().occupied().refused, "SYN or connection", "turned away by a memory bound of the model");
}

emit::EmulationReport report_of(const tun::Emulation& emulation, const EmulationSetup& setup,
                                const std::string& device) {
    emit::EmulationReport report;
    const core::Kernel& kernel = emulation.server().config().kernel;
    report.kernel =
        kernel.release.text == kernel.family ? kernel.family : kernel.release.text + " (as " + kernel.family + ")";
    report.device = device;
    report.listeners = setup.listeners;
    for (const tun::Tally& tally : emulation.tallies()) {
        report.fates.push_back(
            {tally.syn, is_unanswered(tally), model::to_string(tally.fate), tally.row, tally.segments});
    }
    const model::Counters& counters = emulation.server().counters();
    for (std::size_t i = 0; i < model::kCounters; ++i) {
        const auto counter = static_cast<model::Counter>(i);
        if (counters[counter] != 0) report.counters.emplace_back(model::counter_name(counter), counters[counter]);
    }
    describe_traffic(emulation, report);
    return report;
}

// ------------------------------------------------------------------------------------------------------ the emulation

void announce(const EmulationSetup& setup, const tun::Device& device, const std::string& control) {
    std::string text = "emulating kernel " + setup.emulation.server.kernel.release.text + " on " + device.name() + ": ";
    for (const tun::Link& link : setup.device.links) text += core::to_string(link.emulated.address) + ", ";
    text += "listening on";
    for (const std::string& listener : setup.listeners) text += ' ' + listener;
    complain(text + "; control socket " + control + "; ^C ends");
}

ExitCode emulate(const EmulateCommand& options, const CommonOptions& common) {
    const tun::Clock clock;
    const std::int64_t start_ns = clock.now_ns();
    EmulationSetup setup;
    if (const auto made = set_up_emulation(options, clock, setup); !made) return made.error();
    auto emulation = tun::Emulation::make(setup.emulation, start_ns);
    if (!emulation) {
        complain("emulate: --listen: " + core::to_string(emulation.error()));
        return ExitCode::usage;
    }
    const auto device = tun::Device::open(setup.device);
    if (!device) return could_not(device.error());
    auto control = tun::ControlSocket::open(control_path(options));
    if (!control) return could_not(control.error());
    std::unique_ptr<EmulateCapture> capture;
    if (!options.write.empty()) {
        auto opened = EmulateCapture::open(options.write, device->name(), "synwhy emulate --kernel " + options.kernel,
                                           options.write_limit_mb * kMegabyte);
        if (!opened) return could_not(opened.error());
        capture = *std::move(opened);
    }
    if (!tun::drop_privileges()) complain("could not give up privileges; going on with them");
    announce(setup, *device, control_path(options));

    tun::RunOptions run{.observer = capture.get()};
    if (options.duration_s) run.end_ns = start_ns + static_cast<std::int64_t>(*options.duration_s * 1e9);
    tun::RunCounts counts;
    const auto ended = tun::run(*device, *control, *emulation, clock, run, counts);
    if (!ended) complain(core::to_string(ended.error()));

    emit::EmulationReport report = report_of(*emulation, setup, device->name());
    report.first_ns = start_ns;
    report.last_ns = clock.now_ns();
    if (counts.unsent_packets != 0) {
        report.missing.push_back(emit::counted(counts.unsent_packets, "packet") + " not taken by the device");
    }
    if (capture != nullptr && capture->left_out() != 0) {
        report.missing.push_back(emit::counted(capture->left_out(), "packet") + " not written: " + options.write +
                                 " reached its limit");
    }
    const auto captured = capture == nullptr ? std::expected<void, core::Error>{} : capture->finish();
    if (!captured) complain(core::to_string(captured.error()));
    const bool printed = print(options.json ? emit::emulation_json(report)
                                            : emit::emulation_text(report, terminal_width(STDOUT_FILENO),
                                                                   use_colour(common.colour, STDOUT_FILENO)));
    if (!ended || !captured || !printed) return ExitCode::could_not_look;
    return report.found_cause() ? ExitCode::cause_found : ExitCode::nothing_found;
}

}  // namespace

ExitCode run_emulate(const EmulateCommand& options, const CommonOptions& common) {
    if (!options.commands.empty()) return tell(options);
    if (!options.show.empty()) return show(options);
    return emulate(options, common);
}

}  // namespace synwhy::cli
