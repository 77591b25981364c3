// synwhy check: what is wrong with this host, now?
//
// The order of work is run_check(): choose the namespaces, look, watch, look again, examine, answer. With a bundle the
// two looks were taken by somebody else. Only reads.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/check_look.hpp"
#include "cli/commands.hpp"
#include "cli/facts.hpp"
#include "cli/reading.hpp"
#include "cli/talk.hpp"
#include "doctor/doctor.hpp"
#include "emit/checkup.hpp"
#include "emit/json.hpp"
#include "emit/text.hpp"
#include "host/bundle.hpp"

namespace synwhy::cli {
namespace {

constexpr std::size_t kMaxTaps = 64;            // packet sockets open at once
constexpr std::size_t kNamespacesPerWord = 20;  // between two words about the progress

struct Patient {
    host::NetworkNamespace where{};
    std::unique_ptr<NamespaceLook> look{};
};

std::expected<LookWishes, Refusal> wishes_of(const CheckCommand& options) {
    LookWishes wishes{.watch = options.seconds > 0, .port = options.port};
    if (options.from.empty()) return wishes;
    wishes.from = core::parse_address(options.from);
    if (!wishes.from) {
        complain("--from: '" + options.from + "' is no IPv4 or IPv6 address");
        return std::unexpected(ExitCode::usage);
    }
    return wishes;
}

std::expected<std::vector<host::NetworkNamespace>, Refusal> choose(const CheckCommand& options) {
    std::vector<host::NetworkNamespace> chosen;
    if (options.all_netns) {
        host::NamespaceList list = host::list_network_namespaces();
        for (const core::MissingReading& missing : list.missing) complain(missing.what + ": " + missing.why);
        if (list.left_out > 0) complain(emit::counted(list.left_out, "namespace") + " beyond the limit not looked at");
        return std::move(list.namespaces);
    }
    if (options.netns.empty() && !options.pid) return std::vector<host::NetworkNamespace>{{.own = true}};
    auto found = options.pid ? host::network_namespace_of(*options.pid) : host::find_network_namespace(options.netns);
    if (!found) {
        complain(core::to_string(found.error()));
        return std::unexpected(ExitCode::could_not_look);
    }
    chosen.push_back(*std::move(found));
    return chosen;
}

/// Runs `work` inside the namespace. @return false after complaining
template <typename Work>
bool inside(const host::NetworkNamespace& where, const Work& work) {
    if (where.own) {
        work();
        return true;
    }
    const auto entered = host::InsideNamespace::enter(where);
    if (!entered) {
        complain(core::to_string(entered.error()));
        return false;
    }
    work();
    return true;
}

std::vector<Patient> first_looks(std::vector<host::NetworkNamespace> namespaces, const LookWishes& wishes) {
    std::vector<Patient> patients;
    const bool tell = namespaces.size() > 1 && ::isatty(STDERR_FILENO) != 0;
    const std::size_t total = namespaces.size();
    for (host::NetworkNamespace& where : namespaces) {
        if (interrupted()) break;
        const bool only_one = total == 1 && where.own;
        Patient patient{.where = std::move(where)};
        const bool looked = inside(patient.where, [&] {
            LookWishes its = wishes;
            patient.look = std::make_unique<NamespaceLook>(only_one ? "" : patient.where.name, its);
        });
        if (looked) patients.push_back(std::move(patient));
        if (tell && patients.size() % kNamespacesPerWord == 0) {
            talk("\r\x1b[K" + emit::grouped(patients.size()) + " of " + emit::counted(total, "namespace"));
        }
    }
    if (tell) talk("\r\x1b[K");
    return patients;
}

void watch_all(std::vector<Patient>& patients, double seconds) {
    std::vector<host::SynTap*> taps;
    for (Patient& patient : patients) {
        if (patient.look->tap() != nullptr && taps.size() < kMaxTaps) taps.push_back(patient.look->tap());
    }
    host::watch(taps, static_cast<std::int64_t>(seconds * 1e9), interrupted);
}

void append(std::vector<core::RuledOut>& all, std::vector<core::RuledOut>&& more) {
    all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// Several namespaces in one report: what was ruled out is told only where all of them agree.
core::Report merged(std::vector<core::Report> reports) {
    core::Report whole = std::move(reports.front());
    const std::size_t count = reports.size();
    for (std::size_t i = 1; i < count; ++i) {
        core::Report& report = reports[i];
        whole.findings.insert(whole.findings.end(), std::make_move_iterator(report.findings.begin()),
                              std::make_move_iterator(report.findings.end()));
        append(whole.past, std::move(report.past));
        std::erase_if(whole.ruled_out, [&](const core::RuledOut& lost) {
            return std::ranges::find(report.ruled_out, lost.cause, &core::RuledOut::cause) == report.ruled_out.end();
        });
        whole.unknown.insert(whole.unknown.end(), report.unknown.begin(), report.unknown.end());
        for (const std::string& missing : report.missing) {
            if (std::ranges::find(whole.missing, missing) == whole.missing.end()) whole.missing.push_back(missing);
        }
        whole.totals.syns += report.totals.syns;
        whole.totals.handshakes += report.totals.handshakes;
        whole.totals.answered += report.totals.answered;
        whole.totals.refused_rst += report.totals.refused_rst;
        whole.totals.icmp += report.totals.icmp;
        whole.totals.unanswered += report.totals.unanswered;
    }
    if (count > 1) {
        for (core::RuledOut& lost : whole.ruled_out) lost.why = "in all " + emit::counted(count, "namespace");
        doctor::rank(whole.findings);
    }
    return whole;
}

bool print_answer(const core::Report& report, const CheckCommand& options, const CommonOptions& common) {
    if (options.json) return print(emit::report_json(report));
    if (options.ndjson) return print(emit::finding_lines(report));
    return print(emit::render_checkup(report, options.seconds,
                                      {.width = terminal_width(STDOUT_FILENO),
                                       .colour = use_colour(common.colour, STDOUT_FILENO),
                                       .utf8 = locale_is_utf8(),
                                       .verbose = options.verbose}));
}

/// Somebody else looked: a copied host, of one moment or of two.
ExitCode check_bundle(const CheckCommand& options, const LookWishes& wishes, const CommonOptions& common) {
    auto states = host::read_bundle_states(options.bundle);
    if (!states) {
        complain(core::to_string(states.error()));
        return ExitCode::could_not_look;
    }
    for (const core::Error& complaint : states->complaints) complain(core::to_string(complaint));
    doctor::Inputs inputs{.before = std::move(states->first), .after = std::move(states->second)};
    inputs.watched.why_not = "the SYNs themselves: a bundle does not hold them";
    inputs.filter_why_not = "firewall rules: not walked in a bundle";
    inputs.port = wishes.port;
    inputs.from = wishes.from;
    const core::Report report = doctor::examine(inputs);
    if (!print_answer(report, options, common)) return ExitCode::could_not_look;
    return report.findings.empty() ? ExitCode::nothing_found : ExitCode::cause_found;
}

std::expected<core::Report, Refusal> look(const CheckCommand& options, const LookWishes& wishes) {
    auto namespaces = choose(options);
    if (!namespaces) return std::unexpected(namespaces.error());
    std::vector<Patient> patients = first_looks(*std::move(namespaces), wishes);
    if (patients.empty()) return std::unexpected(ExitCode::could_not_look);
    if (wishes.watch) {
        watch_all(patients, options.seconds);
        for (Patient& patient : patients) inside(patient.where, [&] { patient.look->look_again(); });
    }
    std::vector<core::Report> reports;
    for (const Patient& patient : patients) reports.push_back(doctor::examine(patient.look->inputs()));
    return merged(std::move(reports));
}

}  // namespace

ExitCode run_check(const CheckCommand& options, const CommonOptions& common) {
    const auto wishes = wishes_of(options);
    if (!wishes) return wishes.error();
    if (!options.bundle.empty()) return check_bundle(options, *wishes, common);
    const StopOnInterrupt stop;
    ExitCode code = ExitCode::could_not_look;
    do {
        const auto report = look(options, *wishes);
        if (!report) return report.error();
        if (options.watch && interrupted()) break;  // a look that was cut short is not the last word
        if (options.watch && ::isatty(STDOUT_FILENO) != 0 && !print("\x1b[H\x1b[2J")) return ExitCode::could_not_look;
        if (!print_answer(*report, options, common)) return ExitCode::could_not_look;
        code = report->findings.empty() ? ExitCode::nothing_found : ExitCode::cause_found;
    } while (options.watch && !interrupted() && !stdout_closed());
    return code;
}

}  // namespace synwhy::cli
