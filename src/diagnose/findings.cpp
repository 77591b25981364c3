#include "diagnose/findings.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/advice.hpp"
#include "core/catalogue.hpp"
#include "diagnose/counters.hpp"
#include "diagnose/refutation.hpp"

namespace synwhy::diagnose {

using core::Cause;
using core::Confidence;
using core::Finding;

namespace {

/// Everything of one cause on this host.
struct Group {
    Refusals refusals{};
    std::vector<const core::HandshakeVerdict*> handshakes{};  ///< whose primary cause it is
};

bool silent_class(Cause cause) { return core::page(cause).capture_class == "silent"; }

std::map<Cause, Group> group_by_cause(const HostView& view, const HostExplanation& explanation,
                                      const std::vector<core::HandshakeVerdict>& verdicts) {
    std::map<Cause, Group> groups;
    for (std::size_t i = 0; i < view.attempts.size(); ++i) {
        const AttemptCause& cause = explanation.attempts[i];
        if (!cause.cause || cause.confidence == Confidence::unknown || view.attempts[i].answered()) continue;
        Group& group = groups[*cause.cause];
        group.refusals.cause = *cause.cause;
        group.refusals.attempts.push_back(i);
        if (cause.mechanism == kNone) continue;
        const Mechanism* mechanism = &explanation.chosen[cause.mechanism];
        auto& list = group.refusals.mechanisms;
        if (std::find(list.begin(), list.end(), mechanism) == list.end()) list.push_back(mechanism);
    }
    for (const core::HandshakeVerdict& verdict : verdicts) {
        if (!verdict.cause || verdict.confidence == Confidence::unknown) continue;
        groups[*verdict.cause].refusals.cause = *verdict.cause;
        groups[*verdict.cause].handshakes.push_back(&verdict);
    }
    return groups;
}

void fill_numbers(const StoryContext& context, const Group& group, const Options& options, Finding& finding) {
    std::set<core::Endpoint> servers;
    std::map<core::Address, std::uint64_t> clients;
    std::set<std::uint32_t> handshakes;
    finding.first_ns = INT64_MAX;
    finding.last_ns = INT64_MIN;
    const auto seen_at = [&](std::int64_t time_ns) {
        finding.first_ns = std::min(finding.first_ns, time_ns);
        finding.last_ns = std::max(finding.last_ns, time_ns);
    };
    for (const std::size_t i : group.refusals.attempts) {
        const Attempt& attempt = context.view.attempts[i];
        const capture::Handshake& h = context.fold.handshakes()[attempt.handshake];
        servers.insert(h.tuple.server);
        ++clients[h.tuple.client.address];
        handshakes.insert(attempt.handshake);
        seen_at(attempt.time_ns);
    }
    finding.syns = group.refusals.attempts.size();
    finding.never_answered =
        static_cast<std::uint64_t>(std::count_if(handshakes.begin(), handshakes.end(), [&](std::uint32_t index) {
            const core::Outcome outcome = context.readings[index].outcome;
            return outcome != core::Outcome::synack && outcome != core::Outcome::cookie;
        }));
    finding.handshakes = handshakes.size();
    if (handshakes.empty()) {  // trouble after the SYN+ACK: no SYN was refused
        for (const core::HandshakeVerdict* verdict : group.handshakes) {
            servers.insert(verdict->tuple.server);
            ++clients[verdict->tuple.client.address];
            seen_at(verdict->first_ns);
        }
        finding.handshakes = group.handshakes.size();
    }
    finding.servers.assign(servers.begin(), servers.end());
    for (const ListenerView& listener : context.view.listeners) {
        if (!servers.contains(listener.endpoint)) continue;
        finding.attempts += static_cast<std::uint64_t>(
            std::count_if(listener.handshakes.begin(), listener.handshakes.end(),
                          [&](std::uint32_t index) { return context.fold.handshakes()[index].isn_known; }));
    }
    std::vector<std::pair<std::uint64_t, core::Address>> ranked;
    for (const auto& [address, count] : clients) ranked.emplace_back(count, address);
    std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    for (std::size_t i = 0; i < ranked.size() && i < options.max_clients_listed; ++i)
        finding.clients.push_back(ranked[i].second);
    finding.client_count = ranked.size();
}

Confidence group_confidence(const Group& group, const HostExplanation& explanation) {
    std::map<Confidence, std::uint64_t> counts;
    for (const std::size_t i : group.refusals.attempts) ++counts[explanation.attempts[i].confidence];
    if (counts.empty()) {
        for (const core::HandshakeVerdict* verdict : group.handshakes) ++counts[verdict->confidence];
    }
    const auto most = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second <= b.second; });
    return most == counts.end() ? Confidence::unknown : most->first;
}

void fill_advice(const Premises& premises, Finding& finding) {
    finding.settle = std::string(core::page(finding.cause).settle);
    finding.fix = core::advice(
        finding.cause, premises.kernel_given ? std::span(premises.kernels).first(1) : std::span(premises.kernels));
}

Finding make_finding(const StoryContext& context, const HostExplanation& explanation, const Group& group,
                     const Options& options) {
    Finding finding;
    finding.cause = group.refusals.cause;
    finding.confidence = group_confidence(group, explanation);
    fill_numbers(context, group, options, finding);
    if (group.refusals.attempts.empty()) {
        finding.evidence.push_back(std::string(core::page(finding.cause).summary));
    } else {
        finding.evidence = evidence_of(context, group.refusals);
        finding.story = story_of(context, group.refusals);
    }
    if (silent_class(finding.cause) && !group.refusals.attempts.empty()) {
        finding.rivals =
            weigh_rivals(context.fold, context.view, context.premises, finding.cause, group.refusals.attempts);
        std::erase_if(finding.rivals,
                      [&](const core::Rival& rival) { return counters_exclude(rival.cause, context.premises); });
    }
    weigh_counters(context.premises, finding);
    fill_advice(context.premises, finding);
    return finding;
}

void note_open_ends(const StoryContext& context, const HostExplanation& explanation, core::Report& report) {
    std::map<core::Endpoint, std::uint64_t> open;
    std::map<core::Endpoint, std::set<Cause>> candidates;
    for (std::size_t i = 0; i < context.view.attempts.size(); ++i) {
        const AttemptCause& cause = explanation.attempts[i];
        if (!cause.cause || cause.confidence != Confidence::unknown) continue;
        const core::Endpoint& server = context.view.listeners[context.view.attempts[i].listener].endpoint;
        ++open[server];
        candidates[server].insert(*cause.cause);
        for (std::size_t r = 0; r < cause.rivals.size() && r < 3; ++r) candidates[server].insert(cause.rivals[r]);
    }
    constexpr std::size_t kTold = 20;
    for (const auto& [server, count] : open) {
        if (report.unknown.size() >= kTold) break;
        std::string names;
        for (const Cause cause : candidates[server])
            names += fmt::format("{}{}", names.empty() ? "" : ", ", core::slug(cause));
        report.unknown.push_back(
            fmt::format("{} SYN{} to {} got no answer and no explanation predicts them better than another; open: {}",
                        count, count == 1 ? "" : "s", core::to_string(server), names));
    }
}

void note_missing(const StoryContext& context, core::Report& report) {
    const auto say = [&](std::string text) {
        if (std::find(report.missing.begin(), report.missing.end(), text) == report.missing.end())
            report.missing.push_back(std::move(text));
    };
    const HostView& view = context.view;
    if (view.silent_at_listen() == 0) return;
    if (!view.traits.replies_visible && !view.address_silent)
        say("the capture holds no packet from the server: answers are inferred from what the clients sent next");
    if (!context.premises.kernel_given) say("the server's kernel is not known (--kernel \"$(uname -r)\")");
    if (!context.premises.tw_recycle &&
        context.premises.any_kernel([](const core::Behaviours& b) { return b.host_paws != core::HostPaws::none; })) {
        say("net.ipv4.tcp_tw_recycle is not known (--sysctl net.ipv4.tcp_tw_recycle=...)");
    }
    if (context.fold.counts().cut_options > 0)
        say("the capture's snap length cut TCP options: timestamps are not readable");
    if (context.premises.facts == nullptr ||
        (context.premises.facts->counters.empty() && context.premises.facts->counter_deltas.empty())) {
        say("the server's counters are not known (--netstat BEFORE,AFTER)");
    }
}

void rule_out(core::RuledOut out, core::Report& report) {
    const auto known = std::find_if(report.ruled_out.begin(), report.ruled_out.end(),
                                    [&](const core::RuledOut& r) { return r.cause == out.cause; });
    if (known == report.ruled_out.end()) {
        report.ruled_out.push_back(std::move(out));
    } else if (known->refuted_by < out.refuted_by) {
        *known = std::move(out);
    }
}

/// What the host's facts exclude, whether or not anything was found.
void note_excluded(const StoryContext& context, core::Report& report) {
    const std::uint64_t silent = context.view.silent_at_listen();
    if (silent == 0) return;
    const Premises& premises = context.premises;
    if (premises.tw_recycle.has_value() && !*premises.tw_recycle)
        rule_out({Cause::per_host_paws, silent, "net.ipv4.tcp_tw_recycle is 0"}, report);
    for (const core::CausePage& page : core::all_pages()) {
        if (counters_exclude(page.cause, premises)) rule_out({page.cause, silent, "its counter has not moved"}, report);
    }
}

void note_ruled_out(const Finding& finding, core::Report& report) {
    for (const core::Rival& rival : finding.rivals) {
        if (rival.refuted_by == 0) continue;
        rule_out({rival.cause, rival.refuted_by, rival.why}, report);
    }
}

}  // namespace

void add_findings(const StoryContext& context, const HostExplanation& explanation,
                  const std::vector<core::HandshakeVerdict>& verdicts, const Options& options, core::Report& report) {
    for (const auto& [cause, group] : group_by_cause(context.view, explanation, verdicts)) {
        Finding finding = make_finding(context, explanation, group, options);
        note_ruled_out(finding, report);
        report.findings.push_back(std::move(finding));
    }
    note_excluded(context, report);
    note_open_ends(context, explanation, report);
    note_missing(context, report);
}

}  // namespace synwhy::diagnose
