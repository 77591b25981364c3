// What does a person at a terminal read about a host?
#include "emit/checkup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "core/catalogue.hpp"
#include "emit/finding_print.hpp"
#include "emit/style.hpp"
#include "emit/text.hpp"

namespace synwhy::emit {
namespace {

constexpr std::size_t kMaxFixes = 3;     // all with -v
constexpr std::size_t kMaxReasons = 12;  // ruled out, with their reading; all with -v
constexpr std::size_t kMaxClients = 3;
constexpr std::string_view kFixComment = "  # ";

/// "certain; 12 SYNs refused; from 198.51.100.7 and 3 more; in namespace blue"
std::string circumstances(const core::Finding& finding) {
    std::string text = core::to_string(finding.confidence);
    if (finding.syns > 0) text += fmt::format("; {}", counted(finding.syns, "SYN"));
    for (std::size_t i = 0; i < finding.clients.size() && i < kMaxClients; ++i) {
        text += (i == 0 ? "; from " : ", ") + core::to_string(finding.clients[i]);
    }
    if (finding.clients.size() > kMaxClients) text += fmt::format(" and {} more", finding.clients.size() - kMaxClients);
    if (!finding.netns.empty()) text += "; in namespace " + finding.netns;
    return text;
}

void append_fix(std::string& out, std::string_view fix, std::string_view label, const TerminalOptions& options) {
    const Style style(options.colour);
    const std::size_t comment = fix.find(kFixComment);
    if (comment == std::string_view::npos) return append_wrapped(out, label, fix, options.width);
    out += fmt::format("{}{}\n", label, style.command(printable(fix.substr(0, comment))));
    append_wrapped(out, "       ", fix.substr(comment + kFixComment.size()), options.width);
}

void append_checkup_finding(std::string& out, const core::Finding& finding, const TerminalOptions& options) {
    const Style style(options.colour);
    for (const std::string& line : wrap(finding.headline + ".", options.width)) out += style.bad(line) + '\n';
    std::string evidence;
    for (const std::string& sentence : finding.evidence) evidence += (evidence.empty() ? "" : "; ") + sentence;
    append_wrapped(out, "  why  ", evidence, options.width);
    if (!finding.fix.empty()) append_fix(out, finding.fix.front(), "  fix  ", options);
    append_wrapped(out, "       ", circumstances(finding), options.width);
    for (const std::string& sentence : finding.story) append_wrapped(out, "  and  ", sentence, options.width);
    const std::size_t fixes = options.verbose ? finding.fix.size() : std::min(finding.fix.size(), kMaxFixes);
    for (std::size_t i = 1; i < fixes; ++i) append_fix(out, finding.fix[i], "  or   ", options);
    for (const core::Rival& rival : finding.rivals) {
        append_wrapped(out, "  not excluded: ", core::slug(rival.cause), options.width);
    }
    if (finding.confidence != core::Confidence::certain && !finding.settle.empty()) {
        out += fmt::format("  to settle it: {}\n", style.command(printable(finding.settle)));
    }
    out += fmt::format("  more: {}\n", style.command(fmt::format("synwhy explain {}", core::slug(finding.cause))));
}

void append_reasons(std::string& out, std::string_view title, const std::vector<core::RuledOut>& reasons,
                    std::size_t limit, const TerminalOptions& options) {
    if (reasons.empty()) return;
    out += '\n';
    append_heading(out, Style(options.colour), title);
    for (std::size_t i = 0; i < reasons.size() && i < limit; ++i) {
        append_wrapped(out, fmt::format("  {}: ", core::slug(reasons[i].cause)), reasons[i].why, options.width);
    }
    if (reasons.size() <= limit) return;
    std::string names;
    for (std::size_t i = limit; i < reasons.size(); ++i) {
        names += fmt::format("{}{}", i == limit ? "" : ", ", core::slug(reasons[i].cause));
    }
    append_wrapped(out, "  and ", names + (limit == 0 ? "" : " (-v says why)"), options.width);
}

std::string all_well(const core::Report& report, double seconds) {
    std::string text = "No cause found";
    if (seconds > 0) {
        text += fmt::format(": {} in {:.1f} s", counted(report.totals.syns, "SYN"), seconds);
        if (report.totals.handshakes > 0 && report.totals.unanswered == 0) text += ", none without an answer";
        if (report.totals.unanswered > 0) text += fmt::format(", {} got no answer", report.totals.unanswered);
    } else {
        text += " in one look; --seconds N watches the counters";
    }
    return text + ".";
}

void append_remarks(std::string& out, std::string_view title, const std::vector<std::string>& remarks,
                    const TerminalOptions& options) {
    if (remarks.empty()) return;
    out += '\n';
    append_heading(out, Style(options.colour), title);
    append_items(out, remarks, options.verbose ? remarks.size() : kMaxReasons, options.width);
}

}  // namespace

std::string render_checkup(const core::Report& report, double seconds, const TerminalOptions& options) {
    std::string out;
    const Style style(options.colour);
    if (report.findings.empty()) {
        const std::string line = all_well(report, seconds);
        out += (report.unknown.empty() ? style.good(line) : style.warning(line)) + '\n';
    }
    for (std::size_t i = 0; i < report.findings.size(); ++i) {
        if (i > 0) out += '\n';
        append_checkup_finding(out, report.findings[i], options);
    }
    append_remarks(out, "Not explained", report.unknown, options);
    append_reasons(out, "Happened since boot, not while watching", report.past, report.past.size(), options);
    const std::size_t limit = options.verbose ? report.ruled_out.size() : kMaxReasons;
    append_reasons(out, "Ruled out", report.ruled_out, limit, options);
    append_reasons(out, "A host cannot show", report.not_examinable, options.verbose ? report.not_examinable.size() : 0,
                   options);
    append_remarks(out, "Could not be seen", report.missing, options);
    return out;
}

}  // namespace synwhy::emit
