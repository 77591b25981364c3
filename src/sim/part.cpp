// A part of a scenario; see part.hpp.
#include "sim/part.hpp"

#include <algorithm>

#include "sim/addresses.hpp"
#include "sim/script.hpp"

namespace synwhy::sim {
namespace {

constexpr int kTwinBits = 96;  // what an IPv4 prefix gains as its twin

std::int64_t moved(std::int64_t time_ns, std::int64_t by_ns) {
    return time_ns == INT64_MAX ? time_ns : std::max<std::int64_t>(0, time_ns - by_ns);
}

void twin(core::Address& address) {
    if (address.family == core::Family::ipv4) address = ipv6_twin(address);
}

void twin(core::Address& address, int& prefix_length) {
    if (address.family == core::Family::ipv4) prefix_length += kTwinBits;
    twin(address);
}

}  // namespace

Scenario part_of(Scenario scenario, std::int64_t from_ns, std::int64_t length_ns) {
    scenario.duration_ns = std::max<std::int64_t>(1, std::min(length_ns, scenario.duration_ns - from_ns));
    for (ServerPlan& server : scenario.servers) {
        server.uptime_ns += from_ns;
        for (ListenerPlan& listener : server.listeners) {
            std::vector<Interval>& stalls = listener.application.stalls;
            for (Interval& stall : stalls) stall = {moved(stall.start_ns, from_ns), moved(stall.end_ns, from_ns)};
            std::erase_if(stalls, [](const Interval& stall) { return stall.end_ns == 0; });
        }
    }
    for (ClientGroup& group : scenario.clients) {
        group.first_ns = moved(group.first_ns, from_ns);
        group.until_ns = moved(group.until_ns, from_ns);
    }
    for (FloodPlan& flood : scenario.floods) {
        flood.start_ns = moved(flood.start_ns, from_ns);
        flood.end_ns = moved(flood.end_ns, from_ns);
    }
    std::erase_if(scenario.floods, [](const FloodPlan& flood) { return flood.end_ns == 0; });
    for (ChangePlan& change : scenario.changes) change.at_ns = moved(change.at_ns, from_ns);
    return scenario;
}

Scenario ipv6_twin(Scenario scenario) {
    scenario.name += "-v6";
    for (ServerPlan& server : scenario.servers) twin(server.address, server.prefix_length);
    for (GatewayPlan& gateway : scenario.gateways) twin(gateway.address);
    for (FloodPlan& flood : scenario.floods) twin(flood.source, flood.prefix_length);
    for (ClientGroup& group : scenario.clients) {
        for (core::Address& address : group.addresses) twin(address);
    }
    return scenario;
}

}  // namespace synwhy::sim
