// The report's frame; see terminal.hpp. The findings themselves are finding_print.cpp's.
#include "emit/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/catalogue.hpp"
#include "emit/finding_print.hpp"
#include "emit/handshake_text.hpp"
#include "emit/style.hpp"
#include "emit/text.hpp"
#include "emit/timeline_print.hpp"

namespace synwhy::emit {
namespace {

constexpr std::size_t kMinWidth = 40;
constexpr std::size_t kMaxRemarks = 20;  // of each list; all with -v

std::size_t remarks(const TerminalOptions& options) { return options.verbose ? SIZE_MAX : kMaxRemarks; }

/// The first line when there is no finding.
std::string without_finding(const core::Totals& totals) {
    if (totals.handshakes == 0) {
        return fmt::format("No connection attempt (SYN) among {}.", counted(totals.packets, "packet"));
    }
    const std::uint64_t answered = totals.answered + totals.cookie;
    if (answered >= totals.handshakes) {
        return totals.handshakes == 1
                   ? "The only connection attempt was answered."
                   : fmt::format("All {} were answered.", counted(totals.handshakes, "connection attempt"));
    }
    if (totals.unanswered == 0) {
        return fmt::format("{} of {} got another answer than a SYN+ACK; no cause was found.",
                           grouped(totals.handshakes - answered), counted(totals.handshakes, "connection attempt"));
    }
    return fmt::format("{} of {} got no answer; the cause could not be determined.", grouped(totals.unanswered),
                       counted(totals.handshakes, "connection attempt"));
}

void append_findings(std::string& out, const core::Report& report, const TerminalOptions& options) {
    const Style style(options.colour);
    if (report.findings.empty()) {
        const core::Totals& totals = report.totals;
        const bool fine = totals.handshakes > 0 && totals.answered + totals.cookie >= totals.handshakes;
        for (const std::string& line : wrap(without_finding(totals), options.width)) {
            out += (fine ? style.good(line) : style.warning(line)) + '\n';
        }
        return;
    }
    const std::size_t full = options.verbose ? report.findings.size() : kMaxFindingBlocks;
    const std::size_t named = std::min(report.findings.size(), std::max(full, full + kMaxFindingLines));
    for (std::size_t i = 0; i < named; ++i) {
        if (i < full) {
            if (i > 0) out += '\n';
            append_finding(out, report.findings[i], options);
            continue;
        }
        if (i == full) out += '\n';
        append_wrapped(out, "", headline(report.findings[i]), options.width);
    }
    if (report.findings.size() > named) {
        append_wrapped(out, "",
                       fmt::format("... and {} (--json has all)", counted(report.findings.size() - named, "finding")),
                       options.width);
    }
}

void append_list(std::string& out, std::string_view title, const std::vector<std::string>& items,
                 const TerminalOptions& options) {
    if (items.empty()) return;
    out += '\n';
    append_heading(out, Style(options.colour), title);
    append_items(out, items, remarks(options), options.width);
}

/// Causes that no finding's block has already named.
void append_ruled_out(std::string& out, const core::Report& report, const TerminalOptions& options) {
    std::vector<std::string> reasons;
    std::string names;
    for (const core::RuledOut& lost : report.ruled_out) {
        const bool named = std::ranges::any_of(report.findings, [&](const core::Finding& finding) {
            return std::ranges::any_of(finding.rivals,
                                       [&](const core::Rival& rival) { return rival.cause == lost.cause; });
        });
        if (named) continue;
        names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", core::slug(lost.cause),
                             counted(lost.refuted_by, "SYN"));
        reasons.push_back(fmt::format("{}: {}", core::slug(lost.cause), refutation(lost.refuted_by, lost.why)));
    }
    if (options.verbose) return append_list(out, "Ruled out", reasons, options);
    if (!names.empty()) append_list(out, "Ruled out", {names}, options);
}

void append_timeline(std::string& out, const core::Report& report, const TerminalOptions& options) {
    const core::Totals& totals = report.totals;
    if (totals.answered + totals.cookie == totals.handshakes && report.findings.empty()) return;
    const auto lines = print_timeline(report.timeline, report.bucket_ns,
                                      {.width = options.width, .utf8 = options.utf8, .zone = options.zone});
    if (lines.empty()) return;
    out += '\n';
    for (const std::string& line : lines) out += line + '\n';
}

void append_totals(std::string& out, const core::Report& report, const TerminalOptions& options) {
    const core::Totals& totals = report.totals;
    std::string text =
        fmt::format("{} ({})", counted(totals.handshakes, "connection attempt"), counted(totals.syns, "SYN"));
    std::string_view separator = ": ";
    const auto add = [&](std::uint64_t count, std::string_view fate) {
        if (count == 0) return;
        text += fmt::format("{}{} {}", separator, grouped(count), fate);
        separator = ", ";
    };
    add(totals.answered, "answered");
    add(totals.cookie, "answered with a SYN cookie");
    add(totals.refused_rst, "refused with a RST");
    add(totals.bare_ack, "answered with a bare ACK");
    add(totals.icmp, "refused with an ICMP error");
    add(totals.unanswered, "not answered");
    text += fmt::format("; {}", counted(totals.packets, "packet"));
    if (totals.packets > 0) {
        text += fmt::format(", {} ({})", time_span(report.source.first_ns, report.source.last_ns, options.zone),
                            duration(report.source.last_ns - report.source.first_ns));
    }
    if (report.source.files.size() == 1) {
        text +=
            fmt::format(", {}", report.source.files.front() == "-" ? "standard input" : report.source.files.front());
    }
    if (report.source.files.size() > 1) text += fmt::format(", {}", counted(report.source.files.size(), "file"));
    out += '\n';
    append_wrapped(out, "", text, options.width);
    if (totals.evicted > 0) {
        append_wrapped(
            out, "",
            fmt::format("{} forgotten at the memory limit (--max-handshakes)", counted(totals.evicted, "attempt")),
            options.width);
    }
}

/// One SYN: when, what came back, why.
void append_syn(std::string& out, const core::HandshakeVerdict& handshake, std::size_t index,
                const TerminalOptions& options) {
    const core::SynVerdict& syn = handshake.syns[index];
    const std::string when =
        index == 0 ? clock_time(syn.time_ns, options.zone, true)
                   : fmt::format("+{:.6f}", static_cast<double>(syn.time_ns - handshake.syns[0].time_ns) / 1e9);
    std::string text = fmt::format("{:<11}", describe(syn.outcome));
    if (syn.cause) text += fmt::format(" {}", core::slug(*syn.cause));
    if (!syn.detail.empty()) text += fmt::format("{} {}", syn.cause ? ":" : "", syn.detail);
    append_wrapped(out, fmt::format("   {:>15}  ", when), text, options.width);
}

void append_handshake(std::string& out, const core::HandshakeVerdict& handshake, const TerminalOptions& options) {
    std::string verdict{describe(handshake.outcome)};
    if (handshake.answer_inferred) verdict += " (not in the capture, the client's next packet proves it)";
    if (handshake.cause) {
        verdict += fmt::format("; {}, {}", core::slug(*handshake.cause), core::to_string(handshake.confidence));
        if (!handshake.rivals.empty()) verdict += fmt::format("; rivals: {}", rival_slugs(handshake));
    }
    append_wrapped(out, "  ",
                   fmt::format("{} > {} isn {}: {}", core::to_string(handshake.tuple.client),
                               core::to_string(handshake.tuple.server), handshake.isn, verdict),
                   options.width);
    for (std::size_t i = 0; i < handshake.syns.size(); ++i) append_syn(out, handshake, i, options);
    if (handshake.more_syns > 0) out += fmt::format("    and {}\n", counted(handshake.more_syns, "later SYN"));
}

void append_details(std::string& out, const core::Report& report, const TerminalOptions& options) {
    if (!options.verbose) return;
    std::uint64_t shown = 0;
    std::uint64_t wanted = 0;
    for (const core::HandshakeVerdict& handshake : report.handshakes) {
        if (!options.all && simply_answered(handshake)) continue;
        if (++wanted > kMaxDetailedHandshakes) continue;
        if (shown++ == 0) {
            out += '\n';
            append_heading(out, Style(options.colour), options.all ? "Every attempt" : "Attempts in question");
        }
        append_handshake(out, handshake, options);
    }
    if (wanted > shown) out += fmt::format("  and {} (--ndjson has all)\n", counted(wanted - shown, "more attempt"));
}

}  // namespace

std::string render(const core::Report& report, const TerminalOptions& options) {
    TerminalOptions used = options;
    used.width = std::max(options.width, kMinWidth);
    std::string out;
    append_findings(out, report, used);
    append_list(out, "Not explained", report.unknown, used);
    append_ruled_out(out, report, used);
    append_list(out, "Could not be seen", report.missing, used);
    append_timeline(out, report, used);
    append_details(out, report, used);
    append_totals(out, report, used);
    return out;
}

}  // namespace synwhy::emit
