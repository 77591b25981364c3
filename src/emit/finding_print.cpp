// One finding as text; see finding_print.hpp.
#include "emit/finding_print.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <set>
#include <string_view>
#include <vector>

#include "core/catalogue.hpp"
#include "emit/text.hpp"

namespace synwhy::emit {
namespace {

constexpr std::size_t kMaxNamed = 3;      // servers or clients named in a line
constexpr std::size_t kMaxSentences = 6;  // of evidence, of story; all with -v
constexpr std::size_t kMaxRivals = 6;     // rivals that were refuted; those still standing are always named
constexpr std::string_view kFixComment = "  # ";

/// "10.0.0.1:80", "10.0.0.1 (ports 80, 443)", "3 servers (10.0.0.1:80, ...)"
std::string servers_text(const std::vector<core::Endpoint>& servers) {
    if (servers.size() == 1) return core::to_string(servers.front());
    std::set<core::Address> hosts;
    for (const core::Endpoint& server : servers) hosts.insert(server.address);
    std::string list;
    for (std::size_t i = 0; i < servers.size() && i < kMaxNamed; ++i) {
        if (i > 0) list += ", ";
        list += hosts.size() == 1 ? std::to_string(servers[i].port) : core::to_string(servers[i]);
    }
    if (servers.size() > kMaxNamed) list += ", ...";
    if (hosts.size() == 1) {
        const std::string count = servers.size() > kMaxNamed ? grouped(servers.size()) + " ports: " : "ports ";
        return fmt::format("{} ({}{})", core::to_string(*hosts.begin()), count, list);
    }
    return fmt::format("{} listeners ({})", grouped(servers.size()), list);
}

std::string clients_text(const core::Finding& finding) {
    const std::size_t named = std::min(finding.clients.size(), kMaxNamed);
    std::string list;
    for (std::size_t i = 0; i < named; ++i) {
        if (i > 0) list += ", ";
        list += core::to_string(finding.clients[i]);
    }
    if (finding.client_count <= named) return list;
    const std::uint64_t others = finding.client_count - named;
    return fmt::format("{} and {} other address{}", list, grouped(others), others == 1 ? "" : "es");
}

/// What the clients saw, as the rest of "N connection attempts to S ...".
std::string fate(const core::Finding& finding) {
    const std::string_view seen = core::page(finding.cause).seen;
    const bool one = finding.handshakes == 1;
    if (seen == "rst") return one ? "was refused with a RST" : "were refused with a RST";
    if (seen == "bare_ack") return "got a bare ACK instead of a SYN+ACK";
    if (seen == "icmp") return "got an ICMP error";
    if (seen == "cookie") return one ? "was answered with a SYN cookie" : "were answered with SYN cookies";
    if (seen == "synack_repeated") return one ? "was not completed" : "were not completed";
    if (finding.never_answered >= finding.handshakes) return "got no answer";
    if (finding.never_answered == 0) return "got an answer only after repeated SYNs";
    return fmt::format("got no answer at first, {} never", grouped(finding.never_answered));
}

void append_rivals(std::string& out, const core::Finding& finding, const TerminalOptions& options) {
    const Style style(options.colour);
    std::vector<core::Rival> standing;
    std::vector<core::Rival> refuted;
    for (const core::Rival& rival : finding.rivals) (rival.refuted_by == 0 ? standing : refuted).push_back(rival);
    std::ranges::stable_sort(refuted, std::greater{}, &core::Rival::refuted_by);
    const std::size_t limit = options.verbose ? refuted.size() : kMaxRivals;

    std::vector<std::string> items;
    for (const core::Rival& rival : standing) {
        items.push_back(
            fmt::format("{}: not excluded{}{}", core::slug(rival.cause), rival.why.empty() ? "" : ", ", rival.why));
    }
    for (std::size_t i = 0; i < refuted.size() && i < limit; ++i) {
        items.push_back(
            fmt::format("{}: {}", core::slug(refuted[i].cause), refutation(refuted[i].refuted_by, refuted[i].why)));
    }
    if (refuted.size() > limit) items.push_back(fmt::format("{} more, refuted by fewer SYNs", refuted.size() - limit));
    if (items.empty()) return;
    append_heading(out, style, "Other explanations");
    append_items(out, items, items.size(), options.width);
}

/// "likely, 2015-03-01 12:00:03 to 12:00:58 UTC, 40 SYNs", the first word painted.
void append_certainty(std::string& out, const core::Finding& finding, const TerminalOptions& options) {
    const std::string_view word = core::to_string(finding.confidence);
    std::string text = fmt::format("{}, {}", word, time_span(finding.first_ns, finding.last_ns, options.zone));
    if (finding.syns > 0) text += fmt::format(", {}", counted(finding.syns, "SYN"));
    std::vector<std::string> lines = wrap(text, options.width);
    lines[0].replace(0, word.size(), Style(options.colour).confidence(finding.confidence));
    for (const std::string& line : lines) out += line + '\n';
}

/// A command is never broken, because it is there to be copied.
void append_command(std::string& out, const Style& style, std::string_view command) {
    out += "    ";
    out += style.command(printable(command));
    out += '\n';
}

/// "command  # what it does (risk: ...)" or a sentence.
void append_fix(std::string& out, const Style& style, std::string_view fix, std::size_t width) {
    const std::size_t comment = fix.find(kFixComment);
    if (comment == std::string_view::npos) {
        append_wrapped(out, "  - ", fix, width);
        return;
    }
    append_command(out, style, fix.substr(0, comment));
    append_wrapped(out, "      ", fix.substr(comment + kFixComment.size()), width);
}

void append_remedy(std::string& out, const core::Finding& finding, const TerminalOptions& options) {
    const Style style(options.colour);
    if (!finding.settle.empty() && finding.confidence != core::Confidence::certain) {
        append_heading(out, style, "Settle it");
        append_command(out, style, finding.settle);
    }
    if (!finding.fix.empty()) {
        append_heading(out, style, "Fix");
        for (const std::string& fix : finding.fix) append_fix(out, style, fix, options.width);
    }
    append_heading(out, style, "More");
    append_command(out, style, fmt::format("synwhy explain {}", core::slug(finding.cause)));
}

}  // namespace

std::string refutation(std::uint64_t refuted_by, std::string_view why) {
    if (why.starts_with(std::to_string(refuted_by))) return std::string(why);  // the sentence says the number itself
    return fmt::format("refuted by {}{}{}", counted(refuted_by, "SYN"), why.empty() ? "" : ", ", why);
}

void append_heading(std::string& out, const Style& style, std::string_view text) {
    out += style.strong(text);
    out += '\n';
}

void append_items(std::string& out, const std::vector<std::string>& items, std::size_t limit, std::size_t width) {
    for (std::size_t i = 0; i < items.size() && i < limit; ++i) append_wrapped(out, "  - ", items[i], width);
    if (items.size() > limit) append_wrapped(out, "  - ", fmt::format("and {} more (-v)", items.size() - limit), width);
}

std::string headline(const core::Finding& finding) {
    const std::uint64_t attempts = std::max(finding.attempts, finding.handshakes);
    const bool sure = finding.confidence == core::Confidence::certain || finding.confidence == core::Confidence::likely;
    return fmt::format("{} of {} to {} {}{} {}", grouped(finding.handshakes), counted(attempts, "connection attempt"),
                       servers_text(finding.servers), fate(finding),
                       sure ? ":" : ", possibly:", core::page(finding.cause).title);
}

void append_finding(std::string& out, const core::Finding& finding, const TerminalOptions& options) {
    const Style style(options.colour);
    for (const std::string& line : wrap(headline(finding), options.width)) out += style.bad(line) + '\n';
    append_certainty(out, finding, options);
    if (!finding.clients.empty()) append_wrapped(out, "from ", clients_text(finding), options.width);

    const std::size_t limit = options.verbose ? SIZE_MAX : kMaxSentences;
    if (!finding.evidence.empty()) {
        append_heading(out, style, "Why we think so");
        append_items(out, finding.evidence, limit, options.width);
    }
    if (!finding.story.empty()) {
        append_heading(out, style, "What happened");
        append_items(out, finding.story, limit, options.width);
    }
    append_rivals(out, finding, options);
    append_remedy(out, finding, options);
}

}  // namespace synwhy::emit
