// From a scenario to what a lab plays; see worlds.hpp.
#include "lab/worlds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lab/netns.hpp"
#include "lab/nft.hpp"
#include "lab/request.hpp"
#include "lab/scripts.hpp"
#include "lab/sysctl.hpp"
#include "sim/addresses.hpp"
#include "sim/schedule.hpp"

namespace synwhy::lab {
namespace {

using sim::ClientGroup;
using sim::Scenario;

std::string hosts_obstacle(const Scenario& scenario) {
    std::uint64_t hosts = 0;
    for (const ClientGroup& group : scenario.clients) hosts += group.count;
    if (hosts > kMaxWorldHosts) {
        return fmt::format("has {} client hosts, a lab holds {}", hosts, kMaxWorldHosts);
    }
    const std::size_t namespaces = 1 + scenario.gateways.size() + scenario.clients.size();
    if (namespaces > kMaxWorldNamespaces) {
        return fmt::format("needs {} network namespaces, a lab has {}", namespaces, kMaxWorldNamespaces);
    }
    std::set<core::Address> taken{scenario.servers.front().address};
    const auto takes = [&](const core::Address& address) { return taken.insert(address).second; };
    for (const sim::GatewayPlan& gateway : scenario.gateways) {
        if (!takes(gateway.address)) return core::to_string(gateway.address) + " is used twice";
    }
    for (const ClientGroup& group : scenario.clients) {
        for (std::uint32_t i = 0; i < group.count; ++i) {
            const core::Address address = sim::address_of(group, i);
            if (!takes(address)) return core::to_string(address) + " is used twice";
            if (address.family != scenario.servers.front().address.family) return "mixes IPv4 and IPv6";
        }
    }
    return {};
}

std::string traffic_obstacle(const Scenario& scenario) {
    for (const ClientGroup& group : scenario.clients) {
        if (!group.old_duplicates.empty()) return "needs a network that delivers a copy of an old segment";
        if (group.fixed_isn) return "fixes initial sequence numbers; a real kernel draws its own";
    }
    for (const sim::FloodPlan& flood : scenario.floods) {
        if (flood.rate_pps > kMaxFloodRate_pps) {
            return fmt::format("floods with {} SYNs a second, a lab with at most {}", flood.rate_pps,
                               kMaxFloodRate_pps);
        }
    }
    if (sim::planned_connects(scenario, kMaxWorldConnects).size() > kMaxWorldConnects) {
        return fmt::format("plans more than {} connections in this part", kMaxWorldConnects);
    }
    return {};
}

/// Drops what does not exist in this kernel or is no matter of the model, and says so once each.
void keep_known(std::vector<sim::SysctlSetting>& sysctls, const model::ServerConfig& model, const std::string& release,
                std::vector<std::string>& remarks) {
    std::erase_if(sysctls, [&](const sim::SysctlSetting& sysctl) {
        model::Settings scratch = model.settings;
        if (scratch.set(sysctl.name, sysctl.value, model.kernel) == model::Settings::SetResult::ok) return false;
        std::string remark = sysctl.name + " does not exist in Linux " + release + ": left out";
        if (std::ranges::find(remarks, remark) == remarks.end()) remarks.push_back(std::move(remark));
        return true;
    });
}

/// Kernels that the scenario names and this machine does not run.
void replace_kernels(Scenario& scenario, const KernelName& kernel, std::vector<std::string>& remarks) {
    std::set<std::string> replaced;
    const std::string running = kernel.release + ' ' + kernel.version;
    const auto replace = [&](std::string& text) {
        if (text != kernel.release) replaced.insert(text);
        text = running;
    };
    for (sim::ServerPlan& server : scenario.servers) replace(server.kernel);
    for (ClientGroup& group : scenario.clients) replace(group.kernel);
    if (replaced.empty()) return;
    std::string names;
    for (const std::string& name : replaced) names += (names.empty() ? "Linux " : ", ") + name;
    remarks.push_back("the running kernel, Linux " + kernel.release + ", plays " + names +
                      "; \"synwhy sim\" shows what those do");
}

/// Namespaces are joined directly. The model gets links that are as good.
void straighten_links(Scenario& scenario, std::vector<std::string>& remarks) {
    constexpr std::int64_t kHop_ns = 20'000;
    const auto is_perfect = [](const sim::LinkPlan& link) {
        return link.loss_ppm == 0 && link.reorder_ppm == 0 && link.duplicate_ppm == 0;
    };
    const bool perfect = std::ranges::all_of(scenario.links, is_perfect);
    for (sim::LinkPlan& link : scenario.links) link = {.name = link.name, .delay_ns = kHop_ns};
    remarks.push_back(perfect ? "namespaces are joined directly: no delays"
                              : "namespaces are joined directly: no delays, nothing lost, reordered or doubled");
}

void use_this_machine(Scenario& scenario, const KernelName& kernel, std::vector<std::string>& remarks) {
    for (sim::ServerPlan& server : scenario.servers) server.hz = kernel.hz == 0 ? server.hz : kernel.hz;
    for (ClientGroup& group : scenario.clients) group.hz = kernel.hz == 0 ? group.hz : kernel.hz;
    if (scenario.gateways.empty()) return;
    remarks.emplace_back(
        "all hosts have this machine's clock, uptimes are left out; gateways choose and keep ports as "
        "nftables does");
}

/// The largest value that comes up but once in a million draws.
std::uint64_t largest(const sim::Distribution& distribution) {
    constexpr std::uint64_t kMeans = 14;  // e^-14 is about a millionth
    const auto low = static_cast<std::uint64_t>(std::max<std::int64_t>(0, distribution.low));
    if (distribution.kind == sim::Distribution::Kind::exponential) return kMeans * low;
    return std::max(low, static_cast<std::uint64_t>(std::max<std::int64_t>(0, distribution.high)));
}

void say_what_is_cut(const Scenario& scenario, std::vector<std::string>& remarks) {
    for (const sim::ListenerPlan& listener : scenario.servers.front().listeners) {
        if (largest(listener.application.request_bytes) > kMaxRequestBytes) {
            remarks.push_back(fmt::format("requests are cut to {} bytes", kMaxRequestBytes));
        }
        if (largest(listener.application.response_bytes) > kMaxResponseBytes) {
            remarks.push_back(fmt::format("responses are cut to {} bytes", kMaxResponseBytes));
        }
    }
}

}  // namespace

std::string world_obstacle(const Scenario& scenario) {
    if (scenario.servers.size() != 1) return fmt::format("has {} servers, a lab has one", scenario.servers.size());
    if (!scenario.servers.front().default_route) return "takes the server's default route away";
    if (std::string why = hosts_obstacle(scenario); !why.empty()) return why;
    if (std::string why = traffic_obstacle(scenario); !why.empty()) return why;
    if (!scenario.gateways.empty() && find_nft().empty()) return "needs nft for its NAT gateway (package nftables)";
    return {};
}

sim::Result<sim::SysctlValues> fresh_sysctls() {
    const auto place = NetworkNamespace::create("settings");
    if (!place) return std::unexpected(place.error());
    const Inside inside(*place);
    quieten_namespace();
    return tcp_sysctls("lo");
}

sim::Result<WorldPlan> plan_world(const Scenario& part, const KernelName& kernel, const sim::SysctlValues& fresh) {
    auto model = model_of(kernel);
    if (!model) return std::unexpected(model.error());
    WorldPlan plan{.scenario = part, .model = *std::move(model), .kernel = kernel.release};
    replace_kernels(plan.scenario, kernel, plan.remarks);
    straighten_links(plan.scenario, plan.remarks);
    use_this_machine(plan.scenario, kernel, plan.remarks);
    say_what_is_cut(plan.scenario, plan.remarks);
    for (const auto& [name, value] : fresh) {
        if (plan.model.settings.set(name, value, plan.model.kernel) == model::Settings::SetResult::ok) {
            plan.fresh.push_back({name, value});
        }
    }
    for (sim::ServerPlan& server : plan.scenario.servers) {
        keep_known(server.sysctls, plan.model, kernel.release, plan.remarks);
    }
    for (sim::ChangePlan& change : plan.scenario.changes) {
        keep_known(change.sysctls, plan.model, kernel.release, plan.remarks);
    }
    for (ClientGroup& group : plan.scenario.clients) {
        keep_known(group.sysctls, plan.model, kernel.release, plan.remarks);
    }
    return plan;
}

}  // namespace synwhy::lab
