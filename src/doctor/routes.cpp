// Can the answer find its way back?
//
// rp_filter drops a SYN whose answer would leave by another interface and counts it; a missing or blackhole route
// makes tcp_conn_request give up after it has accepted the SYN; a neighbour that does not answer ARP holds the
// SYN+ACK back. All three are asked for the clients that were seen or named.
#include <fmt/format.h>

#include <algorithm>

#include "doctor/results.hpp"
#include "doctor/words.hpp"

namespace synwhy::doctor {

namespace {

using core::Cause;
using core::Confidence;

const core::WatchedGroup* unanswered_from(const Chart& chart, const core::Address& client) {
    for (const core::WatchedGroup& group : chart.inputs().watched.groups) {
        if (group.client == client && group.unanswered > 0) return &group;
    }
    return nullptr;
}

const core::ReturnPath* return_path(const Chart& chart, const core::Address& client) {
    const auto& paths = chart.now().return_paths;
    const auto path = std::ranges::find(paths, client, &core::ReturnPath::client);
    return path == paths.end() ? nullptr : &*path;
}

bool asked_about(const Chart& chart, const core::Address& client) {
    return (chart.inputs().from && *chart.inputs().from == client) || unanswered_from(chart, client) != nullptr;
}

void examine_rp_filter(const Chart& chart, Results& results) {
    const std::string counter = "TcpExt.IPReversePathFilter";
    const std::int64_t moved = chart.moved(counter).value_or(0);
    std::string strict;
    for (const core::InterfaceState& interface : chart.now().interfaces) {
        if (interface.rp_filter.value_or(0) > 0) {
            strict += fmt::format("{}{}={}", strict.empty() ? "" : ", ", interface.name, *interface.rp_filter);
        }
    }
    const std::string settings = strict.empty() ? "rp_filter is 0 on every interface" : "rp_filter: " + strict;
    if (moved == 0) {
        if (strict.empty() && !chart.now().interfaces.empty())
            return results.add(Cause::rp_filter, ruled_out(settings));
        return results.add(Cause::rp_filter, unmoved(chart, counter, settings + "; " + stillness(chart, counter)));
    }
    Examination examination{.standing = Standing::found,
                            .confidence = Confidence::certain,
                            .syns = static_cast<std::uint64_t>(moved),
                            .headline = "Reverse path filtering drops what arrives on the wrong interface",
                            .evidence = {stillness(chart, counter), settings}};
    for (const core::WatchedGroup& group : chart.inputs().watched.groups) {
        if (group.unanswered == 0) continue;
        const core::ReturnPath* path = return_path(chart, group.client);
        if (path == nullptr || path->interface == group.interface || group.interface.empty()) continue;
        examination.servers.push_back(group.server);
        examination.clients.push_back(group.client);
        examination.evidence.push_back(fmt::format("SYNs of {} come in on {}, the route back {}",
                                                   core::to_string(group.client), group.interface,
                                                   path->routed ? "leaves by " + path->interface : "does not exist"));
    }
    results.add(Cause::rp_filter, std::move(examination));
}

const std::vector<std::string> kNoRoute{"Ip.OutNoRoutes", "IpExt.OutNoRoutes", "Ip6.OutNoRoutes"};

void examine_no_route(const Chart& chart, Results& results) {
    for (const core::ReturnPath& path : chart.now().return_paths) {
        if (path.routed || !asked_about(chart, path.client)) continue;
        const std::int64_t moved = chart.moved_sum(kNoRoute);
        Examination examination{.standing = Standing::found,
                                .confidence = Confidence::certain,
                                .clients = {path.client},
                                .headline = fmt::format("There is no route back to {}", core::to_string(path.client)),
                                .evidence = {fmt::format("asked for a route to {}, the kernel says: {}",
                                                         core::to_string(path.client), path.error)}};
        if (moved > 0) examination.evidence.push_back(fmt::format("OutNoRoutes moved by {} {}", moved, chart.span()));
        if (const core::WatchedGroup* group = unanswered_from(chart, path.client)) {
            // The filters stand before the routing decision: a route is no proof while they may have dropped it.
            if (moved == 0) examination.confidence = Confidence::likely;
            examination.servers = {group->server};
            examination.syns = group->syns;
            examination.evidence.push_back(
                fmt::format("{} from there got nothing back {}", counted(group->syns, "SYN"), chart.span()));
        }
        results.add(Cause::no_route_back, std::move(examination));
    }
    if (results.found(Cause::no_route_back)) return;
    const std::int64_t moved = chart.moved_sum(kNoRoute);
    const std::int64_t refused = chart.moved("TcpExt.ListenDrops").value_or(0);
    if (moved > 0 && refused > 0) {
        return results.add(Cause::no_route_back,
                           {.standing = Standing::found,
                            .confidence = Confidence::likely,
                            .syns = static_cast<std::uint64_t>(std::min(moved, refused)),
                            .headline = "Some clients have no route back",
                            .evidence = {fmt::format("OutNoRoutes moved by {} and ListenDrops by {} {}", moved, refused,
                                                     chart.span())}});
    }
    const bool counted_it = chart.moved("Ip.OutNoRoutes").has_value();
    if (!counted_it && chart.now().return_paths.empty()) {
        return results.add(Cause::no_route_back, not_examinable("no client was seen whose route could be asked for"));
    }
    results.add(Cause::no_route_back,
                ruled_out(counted_it ? "OutNoRoutes did not move together with ListenDrops " + chart.span()
                                     : "every client that was seen has a route back"));
}

void examine_neighbours(const Chart& chart, Results& results) {
    for (const core::ReturnPath& path : chart.now().return_paths) {
        if (!path.routed || (path.neighbour != "FAILED" && path.neighbour != "INCOMPLETE")) continue;
        const bool half_open =
            std::ranges::find(chart.now().half_open_clients, path.client) != chart.now().half_open_clients.end();
        if (!half_open && !asked_about(chart, path.client)) continue;
        Examination examination{
            .standing = Standing::found,
            .confidence = Confidence::likely,
            .clients = {path.client},
            .headline = fmt::format("The SYN+ACKs to {} wait for an unanswered {}", core::to_string(path.client),
                                    path.client.family == core::Family::ipv4 ? "ARP"
                                                                             : "neighbour "
                                                                               "solicitation"),
            .evidence = {fmt::format("the next hop {} on {} is {}", core::to_string(path.gateway.value_or(path.client)),
                                     path.interface, path.neighbour)}};
        if (const core::WatchedGroup* group = unanswered_from(chart, path.client)) {
            examination.servers = {group->server};
            examination.syns = group->syns;
        }
        results.add(Cause::syn_ack_neighbour, std::move(examination));
    }
    if (results.found(Cause::syn_ack_neighbour)) return;
    const bool asked = !chart.now().return_paths.empty();
    results.add(Cause::syn_ack_neighbour,
                asked ? ruled_out("the next hop of every client that was seen has a known address, or needs none")
                      : not_examinable("no client was seen whose next hop could be asked for"));
}

}  // namespace

void examine_routes(const Chart& chart, Results& results) {
    examine_rp_filter(chart, results);
    examine_no_route(chart, results);
    examine_neighbours(chart, results);
}

}  // namespace synwhy::doctor
