// The text and the JSON of a played scenario; see outcome.hpp.
#include "emit/outcome.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/catalogue.hpp"
#include "emit/attempts_text.hpp"
#include "emit/finding_print.hpp"
#include "emit/sim_text.hpp"
#include "emit/style.hpp"
#include "emit/text.hpp"
#include "emit/time_text.hpp"

namespace synwhy::emit {
namespace {

using Json = nlohmann::ordered_json;
using sim::Ending;

/// Attempts that were hindered and have no connection.
std::uint64_t never_connected(const sim::Attempts& a) { return a.hindered - a.connected_late; }

std::string engine_text(const sim::Outcome& outcome) {
    if (outcome.engine == "model") return "simulated with Linux " + outcome.kernel;
    if (outcome.engine == "tun") return "real clients, the model of Linux " + outcome.kernel + " behind a TUN device";
    return "real clients and listeners, Linux " + outcome.kernel;
}

/// Counters that some page of the catalogue knows; real kernels count much that says nothing about a SYN.
bool is_known(std::string_view counter) {
    if (counter == "Tcp.PassiveOpens") return true;
    return std::ranges::any_of(core::all_pages(), [&](const core::CausePage& page) {
        return std::ranges::any_of(page.counters, [&](const auto& known) { return known.name == counter; });
    });
}

void append_server(std::string& out, const sim::Outcome& outcome, const OutcomeTextOptions& options) {
    out += '\n';
    append_heading(out, Style(options.colour),
                   fmt::format("Server ({}, Linux {})", core::to_string(outcome.server), outcome.kernel));
    for (const sim::ListenerOutcome& listener : outcome.listeners) {
        out += fmt::format("  accept queue of port {}: max {} of {}\n", listener.port, grouped(listener.longest_accept),
                           grouped(listener.accept_limit + 1));
    }
    out += fmt::format("  SYN queue: max {}; TIME_WAIT: max {}\n", grouped(outcome.most_requests),
                       grouped(outcome.most_time_wait));
    if (outcome.flood_syns != 0) out += fmt::format("  {} of a flood\n", counted(outcome.flood_syns, "SYN"));
    for (const auto& [name, value] : outcome.counters) {
        if (!is_known(name) || value < 0) continue;
        append_wrapped(out, "  ", counter_sentence({name, static_cast<std::uint64_t>(value)}), options.width);
    }
}

std::string group_text(const sim::GroupOutcome& group) {
    const sim::Attempts& a = group.attempts;
    std::string about = group.count > 1 ? grouped(group.count) + " hosts" : "";
    if (!group.gateway.empty()) about += (about.empty() ? "behind " : ", behind ") + group.gateway;
    std::string text = group.name + (about.empty() ? "" : " (" + about + ")") + ": " + counted(a.total, "attempt");
    if (a.total == 0) return text;
    text += fmt::format(": {} answered at once, {} after a retry", grouped(a.connected - a.connected_late),
                        grouped(a.connected_late));
    text += "; " + endings_text(a);
    if (a.connected != 0) {
        text += fmt::format("; SYN+ACK after {} on average, {} at most",
                            short_time(a.sum_ns / static_cast<std::int64_t>(a.connected)), short_time(a.longest_ns));
    }
    return text;
}

Json attempts_of(const sim::Attempts& a) {
    Json endings = Json::object();
    for (std::size_t i = 0; i < sim::kEndings; ++i) endings[to_string(static_cast<Ending>(i))] = a.by_ending[i];
    return {{"total", a.total},           {"hindered", a.hindered},
            {"connected", a.connected},   {"connected_late", a.connected_late},
            {"undecided", a.undecided},   {"longest_connect_ns", a.longest_ns},
            {"sum_connect_ns", a.sum_ns}, {"endings", endings}};
}

std::string verdict_text(const sim::Attempts& attempts) {
    const sim::GroupVerdict verdict = sim::verdict_of(attempts);
    std::string text = std::string(to_string(verdict.hindered)) + " hindered";
    if (verdict.refused != sim::Often::never) text += std::string(", ") + to_string(verdict.refused) + " by a RST";
    if (verdict.no_port != sim::Often::never)
        text += std::string(", ") + to_string(verdict.no_port) + " without a port";
    return text;
}

}  // namespace

bool anything_wrong(const sim::Outcome& outcome) {
    const sim::Attempts sum = sim::sum_of(outcome.groups);
    return sum.hindered != 0 || sum.ended(Ending::no_port) != 0;
}

std::string outcome_verdict(const sim::Outcome& outcome) {
    const sim::Attempts a = sim::sum_of(outcome.groups);
    const std::string all = counted(a.total, "connection attempt");
    const std::uint64_t no_port = a.ended(Ending::no_port);
    if (no_port > a.hindered) {
        return fmt::format("{} of {} found no free source port (EADDRNOTAVAIL): {}", grouped(no_port), all,
                           core::page(core::Cause::port_exhausted).title);
    }
    if (a.hindered != 0) {
        std::string text = fmt::format("{} of {} got no SYN+ACK for their first SYN", grouped(a.hindered), all);
        if (never_connected(a) != 0) text += fmt::format(", {} of them not until the end", grouped(never_connected(a)));
        const sim::TellingCounter* counter = sim::telling_counter(outcome.counters);
        if (counter == nullptr) return text + ".";
        if (!counter->cause) return text + fmt::format(" ({} moved)", counter->name);
        return text + fmt::format(": {} ({})", core::page(*counter->cause).title, counter->name);
    }
    if (a.total == 0) return "No client connected.";
    if (a.undecided == 0) return fmt::format("All {} were answered at once.", all);
    return fmt::format("{} of {} were answered at once, {} had just begun at the end.", grouped(a.total - a.undecided),
                       all, grouped(a.undecided));
}

std::string outcome_text(const sim::Outcome& outcome, const OutcomeTextOptions& options) {
    const Style style(options.colour);
    std::string out;
    const bool wrong = anything_wrong(outcome);
    for (const std::string& line : wrap(outcome_verdict(outcome), options.width)) {
        out += (wrong ? style.bad(line) : style.good(line)) + '\n';
    }
    std::string about = outcome.scenario + (outcome.title.empty() ? "" : ": " + outcome.title) + "; ";
    about += outcome.duration_ns == outcome.whole_ns
                 ? duration(outcome.duration_ns)
                 : fmt::format("{} of its {}, from {} on", duration(outcome.duration_ns), duration(outcome.whole_ns),
                               duration(outcome.from_ns));
    about += ", " + engine_text(outcome);
    for (const std::string& line : wrap(about, options.width)) out += style.faint(line) + '\n';
    append_server(out, outcome, options);
    out += '\n';
    append_heading(out, style, "Clients");
    for (const sim::GroupOutcome& group : outcome.groups) append_wrapped(out, "  - ", group_text(group), options.width);
    out += '\n';
    for (const std::string& remark : outcome.remarks) append_wrapped(out, "Note: ", remark, options.width);
    return out;
}

std::string outcome_json(const sim::Outcome& outcome) {
    Json groups = Json::array();
    for (const sim::GroupOutcome& group : outcome.groups) {
        groups.push_back({{"name", group.name},
                          {"gateway", group.gateway},
                          {"count", group.count},
                          {"hindered", to_string(sim::verdict_of(group.attempts).hindered)},
                          {"attempts", attempts_of(group.attempts)}});
    }
    Json listeners = Json::array();
    for (const sim::ListenerOutcome& l : outcome.listeners) {
        listeners.push_back({{"port", l.port}, {"accept_limit", l.accept_limit}, {"longest_accept", l.longest_accept}});
    }
    const sim::TellingCounter* counter = sim::telling_counter(outcome.counters);
    const bool caused = counter != nullptr && counter->cause && sim::sum_of(outcome.groups).hindered != 0;
    const Json document = {{"v", 1},
                           {"tool", "synwhy"},
                           {"type", "lab"},
                           {"scenario", outcome.scenario},
                           {"title", outcome.title},
                           {"engine", outcome.engine},
                           {"kernel", outcome.kernel},
                           {"server", core::to_string(outcome.server)},
                           {"from_ns", outcome.from_ns},
                           {"duration_ns", outcome.duration_ns},
                           {"whole_ns", outcome.whole_ns},
                           {"verdict", outcome_verdict(outcome)},
                           {"cause", caused ? Json(core::slug(*counter->cause)) : Json()},
                           {"attempts", attempts_of(sim::sum_of(outcome.groups))},
                           {"groups", groups},
                           {"listeners", listeners},
                           {"most_requests", outcome.most_requests},
                           {"most_time_wait", outcome.most_time_wait},
                           {"flood_syns", outcome.flood_syns},
                           {"counters", outcome.counters},
                           {"remarks", outcome.remarks}};
    return document.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string comparison_text(std::span<const sim::Outcome> outcomes, std::size_t width) {
    std::string out;
    if (outcomes.empty()) return out;
    const sim::Outcome& reference = outcomes.front();
    std::string details;
    std::size_t differences = 0;
    for (const sim::Outcome& other : outcomes.subspan(1)) {
        for (const sim::OutcomeDifference& d : sim::compare_outcomes(reference, other)) {
            ++differences;
            details += fmt::format("  {}: {} says {}, {} says {}\n", d.what, reference.engine, d.reference,
                                   other.engine, d.other);
        }
    }
    std::string engines;
    for (const sim::Outcome& outcome : outcomes) engines += (engines.empty() ? "" : ", ") + outcome.engine;
    out += differences == 0 ? fmt::format("{}: {} agree\n", reference.scenario, engines)
                            : fmt::format("{}: differ in {}\n", reference.scenario, counted(differences, "place"));
    for (std::size_t i = 0; i < reference.groups.size(); ++i) {
        std::string line;
        for (const sim::Outcome& outcome : outcomes) {
            const sim::Attempts& a = outcome.groups[i].attempts;
            line += fmt::format("{}{} {} of {} ({})", line.empty() ? "" : "; ", outcome.engine, grouped(a.hindered),
                                grouped(a.total), verdict_text(a));
        }
        append_wrapped(out, "  " + printable(reference.groups[i].name) + ": ", line, width);
    }
    for (const std::string& remark : reference.remarks) append_wrapped(out, "  Note: ", remark, width);
    return out + details;
}

}  // namespace synwhy::emit
