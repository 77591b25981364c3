// Does the listener itself turn the SYN away?
//
// Nobody listens, or the socket has a rule of its own: a minimum TTL, an MD5 key, a socket filter. The first is seen
// in the list of listeners, the next two have counters, the last has nothing but the silence that nothing else
// explains.
#include <fmt/format.h>

#include <algorithm>

#include "doctor/results.hpp"
#include "doctor/words.hpp"

namespace synwhy::doctor {

namespace {

using core::Cause;
using core::Confidence;

/// Rules may have sent the SYN to another host, whose RST it then was.
bool sent_elsewhere(const Chart& chart, const core::WatchedGroup& group) {
    return std::ranges::any_of(chart.inputs().filter, [&](const core::FilterAnswer& answer) {
        return answer.server == group.server && answer.client == group.client && !answer.syn.changes.empty();
    });
}

void add_nobody(const Chart& chart, const core::WatchedGroup& group, Results& results) {
    const bool rules_known = chart.inputs().filter_why_not.empty();
    results.add(Cause::no_listener,
                {.standing = Standing::found,
                 .confidence = rules_known ? Confidence::certain : Confidence::likely,
                 .servers = {group.server},
                 .clients = {group.client},
                 .syns = group.syns,
                 .headline = fmt::format("Nothing listens on {}", core::to_string(group.server)),
                 .evidence = {fmt::format("{} from {}, each answered with a RST", counted(group.syns, "SYN"),
                                          core::to_string(group.client)),
                              "no LISTEN socket of this namespace has that port with that or a wildcard address"}});
}

void examine_no_listener(const Chart& chart, Results& results) {
    for (const core::WatchedGroup& group : chart.inputs().watched.groups) {
        if (group.reset > 0 && group.answered == 0 && chart.listeners_for(group.server).empty() &&
            !results.found(Cause::netfilter_reject) && !sent_elsewhere(chart, group)) {
            add_nobody(chart, group, results);
        }
    }
    if (results.found(Cause::no_listener)) return;
    const auto port = chart.inputs().port;
    const bool listened = !port || std::ranges::any_of(chart.now().listeners, [&](const core::Listener& listener) {
        return listener.local.port == *port;
    });
    if (!listened) {
        return results.add(Cause::no_listener,
                           {.standing = Standing::found,
                            .confidence = Confidence::certain,
                            .headline = fmt::format("Nothing listens on port {}", *port),
                            .evidence = {fmt::format("none of the {} in this namespace has that port",
                                                     counted(chart.now().listeners.size(), "LISTEN socket"))}});
    }
    if (port) return results.add(Cause::no_listener, ruled_out(fmt::format("port {} has a listener", *port)));
    if (chart.unanswered()) {
        return results.add(Cause::no_listener, ruled_out("no SYN came to a port without a listener"));
    }
    results.add(Cause::no_listener, not_examinable("no SYN was seen; --port N asks about one port"));
}

/// A check of the socket with a counter that only it moves.
struct SocketRule {
    Cause cause{};
    const char* counter = "";
    bool (*has)(const core::Listener&) = nullptr;
    const char* headline = "";  ///< with the listener's name
    std::string (*detail)(const core::Listener&) = nullptr;
};

bool has_min_ttl(const core::Listener& listener) { return listener.min_ttl.value_or(0) > 0; }
bool has_md5(const core::Listener& listener) { return listener.md5_keys.value_or(0) > 0; }
bool any_listener(const core::Listener&) { return false; }
std::string min_ttl_detail(const core::Listener& listener) {
    return fmt::format("IP_MINTTL of the socket is {}", listener.min_ttl.value_or(0));
}
std::string md5_detail(const core::Listener& listener) {
    return fmt::format("the socket has TCP MD5 keys for {}", counted(listener.md5_keys.value_or(0), "peer"));
}

constexpr SocketRule kRules[] = {
    {Cause::min_ttl, "TcpExt.TCPMinTTLDrop", has_min_ttl, "{} takes only SYNs with a high TTL", min_ttl_detail},
    {Cause::md5_missing, "TcpExt.TCPMD5NotFound", has_md5, "{} requires TCP MD5 signatures and the SYNs have none",
     md5_detail},
    {Cause::md5_unexpected, "TcpExt.TCPMD5Unexpected", any_listener,
     "{} has no TCP MD5 key for clients that sign their SYNs", md5_detail},
};

void examine_rule(const Chart& chart, const SocketRule& rule, Results& results) {
    const std::int64_t moved = chart.moved(rule.counter).value_or(0);
    if (moved == 0) {
        return results.add(rule.cause, unmoved(chart, rule.counter, stillness(chart, rule.counter)));
    }
    Examination examination{.standing = Standing::found,
                            .confidence = Confidence::certain,
                            .syns = static_cast<std::uint64_t>(moved),
                            .evidence = {stillness(chart, rule.counter)}};
    std::string name = "A listener";
    for (const core::Listener& listener : chart.now().listeners) {
        const bool its =
            rule.has(listener) || (rule.cause == Cause::md5_unexpected && !chart.unanswered_at(listener).empty());
        if (!its) continue;
        if (examination.servers.empty()) name = listener_name(chart, listener);
        examination.servers.push_back(listener.local);
        for (std::string& owner : chart.owners(listener)) examination.processes.push_back(std::move(owner));
        if (rule.has(listener)) examination.evidence.push_back(rule.detail(listener));
        for (const core::WatchedGroup* group : chart.unanswered_at(listener)) {
            examination.clients.push_back(group->client);
            if (rule.cause == Cause::min_ttl) {
                examination.evidence.push_back(fmt::format("SYNs of {} arrive with a TTL down to {}",
                                                           core::to_string(group->client), group->lowest_ttl));
            }
        }
    }
    examination.headline = fmt::format(fmt::runtime(rule.headline), name);
    results.add(rule.cause, std::move(examination));
}

/// Counters and causes that would explain a silence at a listener better than a socket filter does.
bool explained_otherwise(const Chart& chart, const Results& results) {
    for (const Result& result : results.all()) {
        if (result.examination.standing == Standing::found && result.cause != Cause::no_listener) return true;
    }
    return chart.moved_sum({"TcpExt.ListenDrops", "Tcp.InErrs", "TcpExt.IPReversePathFilter", "TcpExt.PAWSEstab",
                            "TcpExt.PAWSTimewait", "TcpExt.TCPChallengeACK"}) > 0;
}

void examine_socket_filter(const Chart& chart, Results& results) {
    bool known = false;
    for (const core::Listener& listener : chart.now().listeners) {
        if (!listener.socket_filter) continue;
        known = true;
        const auto groups = chart.unanswered_at(listener);
        if (!*listener.socket_filter || groups.empty() || explained_otherwise(chart, results)) continue;
        Examination examination{.standing = Standing::found,
                                .confidence = Confidence::likely,
                                .servers = {listener.local},
                                .processes = chart.owners(listener)};
        examination.headline = fmt::format("The socket filter of {} drops SYNs", listener_name(chart, listener));
        examination.evidence.emplace_back("the listening socket has a filter (SO_ATTACH_FILTER or SO_ATTACH_BPF)");
        for (const core::WatchedGroup* group : groups) {
            examination.clients.push_back(group->client);
            examination.syns += group->syns;
        }
        examination.evidence.push_back(fmt::format("{} got nothing back {} and no counter of TCP or IP moved",
                                                   counted(examination.syns, "SYN"), chart.span()));
        examination.rivals = {Cause::lsm_refused, Cause::tc_drop};
        results.add(Cause::socket_filter, std::move(examination));
    }
    if (results.found(Cause::socket_filter)) return;
    results.add(Cause::socket_filter, known ? ruled_out("no listener that left SYNs unanswered has a socket filter")
                                            : not_examinable("socket options of the listeners were not readable (root, "
                                                             "kernel 5.6 or later)"));
}

}  // namespace

void examine_listeners(const Chart& chart, Results& results) {
    examine_no_listener(chart, results);
    for (const SocketRule& rule : kRules) examine_rule(chart, rule, results);
    examine_socket_filter(chart, results);
}

}  // namespace synwhy::doctor
