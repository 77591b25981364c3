// From what was seen of a host to a report.
#include "doctor/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/advice.hpp"
#include "core/catalogue.hpp"
#include "doctor/results.hpp"
#include "doctor/words.hpp"

namespace synwhy::doctor {

namespace {

using core::Confidence;

/// In the order in which a person checks a host: load and NIC, firewall, routes, SYN_RECV, the accept queue and the
/// limits behind it, the sockets' own rules, then what only counters tell.
constexpr std::array kExaminers{examine_load,       examine_filter,        examine_routes,
                                examine_syn_queues, examine_accept_queues, examine_memory_of_peers,
                                examine_ports,      examine_listeners,     examine_rest};

core::Finding finding_of(const Chart& chart, const Result& result) {
    const Examination& examination = result.examination;
    core::Finding finding{.cause = result.cause,
                          .confidence = examination.confidence,
                          .servers = examination.servers,
                          .clients = examination.clients,
                          .client_count = examination.clients.size(),
                          .syns = examination.syns};
    finding.processes = examination.processes;
    finding.netns = chart.now().netns;
    finding.headline = examination.headline;
    finding.evidence = examination.evidence;
    finding.story = examination.story;
    finding.first_ns = chart.inputs().before.wall_ns;
    finding.last_ns = chart.now().wall_ns;
    for (const core::Cause rival : examination.rivals) finding.rivals.push_back({.cause = rival});
    finding.fix = examination.fix;
    const core::Kernel* kernel = chart.kernel();
    const auto general =
        core::advice(result.cause, kernel == nullptr ? std::span<const core::Kernel>{} : std::span(kernel, 1));
    finding.fix.insert(finding.fix.end(), general.begin(), general.end());
    finding.settle = std::string(core::page(result.cause).settle);
    return finding;
}

bool before(const core::Finding& a, const core::Finding& b) {
    const bool a_guess = a.confidence > Confidence::likely;
    const bool b_guess = b.confidence > Confidence::likely;
    if (a_guess != b_guess) return b_guess;
    if (a.syns != b.syns) return a.syns > b.syns;
    return a.confidence < b.confidence;
}

void add_totals(const Inputs& inputs, core::Report& report) {
    for (const core::WatchedGroup& group : inputs.watched.groups) {
        report.totals.handshakes += group.attempts;
        report.totals.answered += group.answered;
        report.totals.refused_rst += group.reset;
        report.totals.icmp += group.icmp;
        report.totals.unanswered += group.unanswered;
    }
    report.totals.syns = inputs.watched.syns;
}

/// Unanswered SYNs that no finding speaks of are said to be so.
void add_unexplained(const Chart& chart, core::Report& report) {
    for (const core::WatchedGroup& group : chart.inputs().watched.groups) {
        if (group.unanswered == 0) continue;
        const bool named = std::ranges::any_of(report.findings, [&](const core::Finding& finding) {
            if (finding.servers.empty()) return true;  // the whole host's
            return std::ranges::any_of(finding.servers, [&](const core::Endpoint& server) {
                return server == group.server || server.port == group.server.port;
            });
        });
        if (named) continue;
        report.unknown.push_back(fmt::format("{} from {} to {} got nothing back and nothing that was read says why",
                                             counted(group.syns, "SYN"), core::to_string(group.client),
                                             server_name(chart, group.server)));
        if (report.unknown.size() == 10) return;
    }
}

void add_missing(const Chart& chart, core::Report& report) {
    for (const core::MissingReading& missing : chart.now().missing) {
        report.missing.push_back(missing.what + ": " + missing.why);
    }
    const Inputs& inputs = chart.inputs();
    if (!inputs.watched.available && !inputs.watched.why_not.empty()) report.missing.push_back(inputs.watched.why_not);
    if (!inputs.filter_why_not.empty()) report.missing.push_back(inputs.filter_why_not);
    if (inputs.watched.lost > 0) {
        report.missing.push_back(fmt::format("{} the tap could not take", counted(inputs.watched.lost, "packet")));
    }
}

}  // namespace

void rank(std::vector<core::Finding>& findings) { std::ranges::stable_sort(findings, before); }

core::Report examine(const Inputs& inputs) {
    const Chart chart(inputs);
    Results results;
    for (const auto& examiner : kExaminers) examiner(chart, results);

    core::Report report;
    report.source.first_ns = inputs.before.wall_ns;
    report.source.last_ns = chart.now().wall_ns;
    if (const core::Kernel* kernel = chart.kernel()) report.source.kernel = kernel->release.text;
    for (const Result& result : results.all()) {
        switch (result.examination.standing) {
            case Standing::found: report.findings.push_back(finding_of(chart, result)); break;
            case Standing::ruled_out:
                report.ruled_out.push_back({.cause = result.cause, .why = result.examination.reading});
                break;
            case Standing::past:
                report.past.push_back({.cause = result.cause, .why = result.examination.reading});
                break;
            case Standing::not_examinable:
                report.not_examinable.push_back({.cause = result.cause, .why = result.examination.reading});
                break;
        }
    }
    rank(report.findings);
    add_totals(inputs, report);
    add_unexplained(chart, report);
    add_missing(chart, report);
    return report;
}

}  // namespace synwhy::doctor
