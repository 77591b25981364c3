// Does a firewall rule drop the SYN, or the SYN+ACK on its way out?
//
// No kernel counter tells of a netfilter drop. What tells is a walk of the ruleset for the very SYNs that were seen
// unanswered, and the rules' own counters between two readings. A rule that would drop SYNs nobody sent is what
// firewalls are for, and no finding.
#include <fmt/format.h>

#include <algorithm>

#include "doctor/results.hpp"
#include "doctor/words.hpp"

namespace synwhy::doctor {

namespace {

using core::Cause;
using core::Confidence;
using core::FilterAction;
using core::FilterOutcome;
using core::FilterSuspect;

bool refuses(FilterAction action) {
    return action == FilterAction::reject_reset || action == FilterAction::reject_icmp;
}

const core::WatchedGroup* group_of(const Chart& chart, const core::FilterAnswer& answer) {
    for (const core::WatchedGroup& group : chart.inputs().watched.groups) {
        if (group.server == answer.server && group.client == answer.client) return &group;
    }
    return nullptr;
}

bool same_rule(const core::FilterRule& a, const core::FilterRule& b) {
    return a.system == b.system && a.family == b.family && a.table == b.table && a.chain == b.chain &&
           a.handle == b.handle && a.position == b.position;
}

std::uint64_t moved(const Chart& chart, const core::FilterRule& rule) {
    for (const core::FilterMovement& movement : chart.inputs().filter_moves) {
        if (same_rule(movement.rule, rule)) return movement.packets;
    }
    return 0;
}

/// The suspect that is to blame: the first that is sure, else the first whose counter moved.
const FilterSuspect* culprit_of(const Chart& chart, const core::FilterVerdict& verdict) {
    const auto sure = std::ranges::find_if(verdict.suspects, &FilterSuspect::surely);
    if (sure != verdict.suspects.end()) return &*sure;
    const auto counting = std::ranges::find_if(
        verdict.suspects, [&](const FilterSuspect& suspect) { return moved(chart, suspect.rule) > 0; });
    if (counting != verdict.suspects.end()) return &*counting;
    return verdict.suspects.empty() ? nullptr : &verdict.suspects.front();
}

std::string delete_command(const core::FilterRule& rule) {
    if (rule.system == core::FilterSystem::nft && rule.handle != 0 && rule.position != 0) {
        return fmt::format(
            "nft insert rule {} {} {} handle {} SELECTOR counter accept  # Let the clients in before the "
            "rule that drops them; SELECTOR names them as narrowly as it can (ip saddr ... tcp dport "
            "...). (risk: opens what the rule was to close)",
            rule.family, rule.table, rule.chain, rule.handle);
    }
    if (rule.system != core::FilterSystem::nft && rule.position != 0) {
        return fmt::format(
            "{} -t {} -I {} {} SELECTOR -j ACCEPT  # Let the clients in before the rule that drops them. "
            "(risk: opens what the rule was to close)",
            rule.family == "ip6" ? "ip6tables" : "iptables", rule.table, rule.chain, rule.position);
    }
    return "";
}

Confidence confidence_of(const Chart& chart, const FilterSuspect& suspect) {
    const bool counted_it = moved(chart, suspect.rule) > 0;
    if (suspect.surely) return counted_it ? Confidence::certain : Confidence::likely;
    return counted_it ? Confidence::likely : Confidence::possible;
}

Examination found(const Chart& chart, const core::FilterAnswer& answer, const FilterSuspect& suspect, bool outgoing) {
    Examination examination{.standing = Standing::found,
                            .confidence = confidence_of(chart, suspect),
                            .servers = {answer.server},
                            .clients = {answer.client}};
    const std::string name = server_name(chart, answer.server);
    const bool refused = refuses(suspect.rule.action);
    examination.headline = outgoing
                               ? fmt::format("A firewall rule drops the SYN+ACKs of {}", name)
                               : fmt::format("A firewall rule {} the SYNs to {}", refused ? "rejects" : "drops", name);
    examination.evidence.push_back(
        rule_name(suspect.rule) + (suspect.rule.comment.empty() ? "" : fmt::format(" (\"{}\")", suspect.rule.comment)));
    if (!suspect.surely && !suspect.why.empty()) examination.evidence.push_back("not for every packet: " + suspect.why);
    if (const std::uint64_t packets = moved(chart, suspect.rule); packets > 0) {
        examination.evidence.push_back(fmt::format("its counter moved by {} {}", packets, chart.span()));
    } else if (!suspect.rule.packets) {
        examination.evidence.emplace_back("the rule has no counter that would prove it");
    }
    if (const core::WatchedGroup* group = group_of(chart, answer)) {
        examination.syns = group->syns;
        examination.evidence.push_back(fmt::format("{} from {} {} {}", counted(group->syns, "SYN"),
                                                   core::to_string(answer.client),
                                                   refused ? "got no SYN+ACK" : "got nothing back", chart.span()));
    }
    if (std::string command = delete_command(suspect.rule); !command.empty()) {
        examination.fix.push_back(std::move(command));
    }
    return examination;
}

/// Was somebody turned away, or did the user ask about this client?
bool concerns(const Chart& chart, const core::FilterAnswer& answer) {
    if (const core::WatchedGroup* group = group_of(chart, answer)) {
        return group->unanswered + group->reset + group->icmp > 0;
    }
    return chart.inputs().from && *chart.inputs().from == answer.client;
}

bool stops(const core::FilterVerdict& verdict) {
    return verdict.outcome == FilterOutcome::dropped || verdict.outcome == FilterOutcome::rejected ||
           verdict.outcome == FilterOutcome::may_be_dropped;
}

void examine_answer(const Chart& chart, const core::FilterAnswer& answer, Results& results) {
    if (stops(answer.syn)) {
        const FilterSuspect* suspect = culprit_of(chart, answer.syn);
        if (suspect == nullptr) return;
        // "May be dropped" alone accuses nobody: every rate limit may drop.
        if (!suspect->surely && moved(chart, suspect->rule) == 0) return;
        const Cause cause = refuses(suspect->rule.action) ? Cause::netfilter_reject : Cause::netfilter_drop;
        return results.add(cause, found(chart, answer, *suspect, false));
    }
    if (!stops(answer.syn_ack)) return;
    const FilterSuspect* suspect = culprit_of(chart, answer.syn_ack);
    if (suspect == nullptr || (!suspect->surely && moved(chart, suspect->rule) == 0)) return;
    results.add(Cause::syn_ack_filtered, found(chart, answer, *suspect, true));
}

std::string filter_reading(const Chart& chart) {
    if (!chart.inputs().filter_why_not.empty()) return chart.inputs().filter_why_not;
    if (!chart.inputs().watched.available) return "nobody watched which SYNs it would have to pass (--seconds N)";
    if (chart.inputs().watched.syns == 0) return "no SYN came while we watched; --from ADDRESS asks about one";
    return "no rule drops a SYN that was seen";
}

void close_filter(const Chart& chart, Cause cause, Results& results) {
    if (results.found(cause)) return;
    const bool looked = chart.inputs().filter_why_not.empty() && chart.unanswered().has_value();
    results.add(cause, looked ? ruled_out(filter_reading(chart)) : not_examinable(filter_reading(chart)));
}

void examine_conntrack(const Chart& chart, Results& results) {
    const auto dropped = chart.moved("conntrack.drop");
    const auto count = chart.total("conntrack.count");
    const auto most = chart.sysctl("net.netfilter.nf_conntrack_max");
    const bool full_now = count && most && *most > 0 && *count >= *most;
    const std::string fill =
        count && most ? fmt::format("{} of {} entries are in use", *count, *most) : "its fill level was not read";
    if (dropped.value_or(0) > 0 || full_now) {
        Examination examination{.standing = Standing::found,
                                .confidence = full_now ? Confidence::certain : Confidence::likely,
                                .syns = static_cast<std::uint64_t>(dropped.value_or(0)),
                                .headline = "The connection tracking table is full",
                                .evidence = {fill, stillness(chart, "conntrack.drop")}};
        return results.add(Cause::conntrack_full, std::move(examination));
    }
    if (!count && !chart.total("conntrack.drop")) {
        const bool live = chart.now().monotonic_ns != 0;
        return results.add(Cause::conntrack_full, live
                                                      ? ruled_out("connection tracking is not in use here")
                                                      : not_examinable("no counters of connection tracking are there"));
    }
    results.add(Cause::conntrack_full, ruled_out(fill + ", " + stillness(chart, "conntrack.drop")));
}

}  // namespace

void examine_filter(const Chart& chart, Results& results) {
    for (const core::FilterAnswer& answer : chart.inputs().filter) {
        if (concerns(chart, answer)) examine_answer(chart, answer, results);
    }
    close_filter(chart, Cause::netfilter_drop, results);
    close_filter(chart, Cause::netfilter_reject, results);
    close_filter(chart, Cause::syn_ack_filtered, results);
    examine_conntrack(chart, results);
}

}  // namespace synwhy::doctor
