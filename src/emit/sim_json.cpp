// The JSON of a simulation's result; see sim_json.hpp. Times are seconds from the start of the run where a series needs
// many of them, written with three digits from integers so that no floating point is involved.
#include "emit/sim_json.hpp"

#include <nlohmann/json.hpp>

#include "core/catalogue.hpp"
#include "emit/sim_text.hpp"
#include "emit/time_text.hpp"

namespace synwhy::emit {
namespace {

using Json = nlohmann::ordered_json;

/// Whole milliseconds since the start.
std::int64_t since_start_ms(const sim::Result& result, std::int64_t time_ns) {
    return (time_ns - result.start_ns) / 1'000'000;
}

Json attempts_of(const sim::Attempts& a) {
    Json endings = Json::object();
    for (std::size_t i = 0; i < sim::kEndings; ++i) {
        endings[sim::to_string(static_cast<sim::Ending>(i))] = a.by_ending[i];
    }
    return {{"total", a.total},           {"hindered", a.hindered},
            {"connected", a.connected},   {"longest_connect_ns", a.longest_ns},
            {"sum_connect_ns", a.sum_ns}, {"endings", endings}};
}

Json fates_of(const std::array<std::uint64_t, sim::kSynFates>& fates) {
    Json json = Json::object();
    for (std::size_t i = 0; i < sim::kSynFates; ++i) json[sim::to_string(static_cast<sim::SynFate>(i))] = fates[i];
    return json;
}

Json rows_of(const sim::ServerResult& server) {
    Json list = Json::array();
    for (const sim::RowCount& row : server.rows) {
        list.push_back({{"cause", core::slug(row.cause)},
                        {"row", row.row},
                        {"syns", row.syns},
                        {"segments", row.segments},
                        {"attempts", row.attempts},
                        {"attempts_lost", row.attempts_lost},
                        {"first", rfc3339(row.first_ns)},
                        {"last", rfc3339(row.last_ns)}});
    }
    return list;
}

Json queues_of(const sim::Result& result, const sim::ServerResult& server) {
    Json list = Json::array();
    for (const sim::QueueSample& s : server.samples) {
        list.push_back({since_start_ms(result, s.time_ns), s.accept_length, s.accept_limit, s.request_length,
                        s.request_capacity, s.buckets, s.connections, s.peers});
    }
    return {{"columns",
             {"ms", "accept_length", "accept_limit", "request_length", "request_capacity", "time_wait", "connections",
              "peers"}},
            {"rows", list}};
}

Json timeline_of(const sim::Result& result, const sim::ServerResult& server) {
    Json list = Json::array();
    for (const core::TimeBucket& bucket : server.timeline) {
        list.push_back({since_start_ms(result, bucket.start_ns), bucket.answered, bucket.refused, bucket.unanswered});
    }
    return {
        {"interval_ns", result.bucket_ns}, {"columns", {"ms", "answered", "refused", "unanswered"}}, {"rows", list}};
}

Json server_of(const sim::Result& result, const sim::ServerResult& server) {
    Json counters = Json::object();
    for (const sim::CounterResult& counter : server.counters) counters[std::string(counter.name)] = counter.value;
    Json listeners = Json::array();
    for (const sim::ListenerResult& l : server.listeners) {
        listeners.push_back({{"local", core::to_string(l.local)},
                             {"accept_limit", l.accept_limit},
                             {"longest_accept", l.longest_accept},
                             {"longest_request", l.longest_request},
                             {"sk_drops", l.sk_drops}});
    }
    return {{"name", server.name},
            {"kernel", server.kernel},
            {"address", core::to_string(server.address)},
            {"syns", server.syns_in()},
            {"fates", fates_of(server.syns)},
            {"flood_fates", fates_of(server.flood_syns)},
            {"causes", rows_of(server)},
            {"counters", counters},
            {"listeners", listeners},
            {"segments_in", server.segments_in},
            {"segments_out", server.segments_out},
            {"responses", server.responses},
            {"old_duplicates", {{"arrived", server.old_arrived}, {"accepted_bytes", server.old_accepted_bytes}}},
            {"refused_by_memory", server.refused_by_memory},
            {"queues", queues_of(result, server)},
            {"timeline", timeline_of(result, server)}};
}

Json clients_of(const sim::Result& result) {
    Json groups = Json::array();
    for (const sim::GroupResult& group : result.groups) {
        groups.push_back({{"name", group.name},
                          {"kernel", group.kernel},
                          {"gateway", group.gateway},
                          {"count", group.count},
                          {"seen", group.seen},
                          {"attempts", attempts_of(group.attempts)}});
    }
    Json worst = Json::array();
    for (const sim::ClientResult& client : result.clients) {
        worst.push_back({{"group", client.group},
                         {"number", client.number},
                         {"address", core::to_string(client.address)},
                         {"attempts", client.attempts},
                         {"hindered", client.hindered},
                         {"served", client.served}});
    }
    return {{"groups", groups},
            {"most_hindered", worst},
            {"hindered", result.clients_hindered},
            {"ports_reused", result.ports_reused},
            {"paws_rejected", result.paws_at_clients}};
}

Json network_of(const sim::NetworkResult& n) {
    return {{"sent", n.sent},
            {"lost", n.lost},
            {"reordered", n.reordered},
            {"duplicated", n.duplicated},
            {"nowhere", n.nowhere},
            {"no_mapping", n.no_mapping},
            {"no_nat_port", n.no_nat_port},
            {"syns_sent", n.syns_sent},
            {"syns_lost", n.syns_lost},
            {"syns_duplicated", n.syns_duplicated},
            {"syns_in_flight", n.syns_in_flight}};
}

}  // namespace

std::string sim_json(const sim::Result& result) {
    Json servers = Json::array();
    for (const sim::ServerResult& server : result.servers) servers.push_back(server_of(result, server));
    Json changes = Json::array();
    for (const std::int64_t change : result.changes) changes.push_back(since_start_ms(result, change));
    const auto worst = worst_row(result);
    const Json document = {{"v", 1},
                           {"tool", "synwhy"},
                           {"type", "simulation"},
                           {"scenario", result.name},
                           {"title", result.title},
                           {"seed", result.seed},
                           {"start", rfc3339(result.start_ns)},
                           {"duration_ns", result.duration_ns},
                           {"events", result.events},
                           {"verdict", sim_verdict(result)},
                           {"cause", worst ? Json(core::slug(worst->cause)) : Json()},
                           {"attempts", attempts_of(result.attempts)},
                           {"servers", servers},
                           {"clients", clients_of(result)},
                           {"network", network_of(result.network)},
                           {"changes_ms", changes},
                           {"remarks", result.remarks}};
    return document.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace synwhy::emit
