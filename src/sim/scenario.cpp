// A scenario from TOML; see scenario.hpp. Keys are read by fields.hpp; here stands which there are and what fits.
#include "sim/scenario.hpp"

#include <algorithm>
#include <set>

#include "core/kernel.hpp"
#include "model/settings.hpp"
#include "sim/fields.hpp"
#include "sim/toml_tree.hpp"

namespace synwhy::sim {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kMaxPort = 65535;
constexpr std::int64_t kMaxBacklog = INT32_MAX;

std::uint16_t port_of(Fields& fields, std::string_view key, std::int64_t fallback, std::int64_t least = 1) {
    return static_cast<std::uint16_t>(fields.number(key, fallback, least, kMaxPort));
}

std::string kernel_of(Fields& fields, std::string fallback) {
    std::string text = fields.text("kernel", std::move(fallback));
    if (!core::resolve_kernel(text)) {
        fields.complain("kernel", "holds no kernel release", "what uname -r prints, for example \"3.10.0-1160.el7\"");
    }
    return text;
}

/// Sysctls exist in the kernel and the model obeys them.
void check_sysctls(const std::vector<SysctlSetting>& settings, const std::string& kernel_text, Problem& problem) {
    const auto kernel = core::resolve_kernel(kernel_text);
    if (!kernel) return;
    model::Settings scratch = model::Settings::defaults_of(*kernel);
    for (const SysctlSetting& setting : settings) {
        const Place place{setting.line, setting.column};
        switch (scratch.set(setting.name, setting.value, *kernel)) {
            case model::Settings::SetResult::ok: break;
            case model::Settings::SetResult::absent:
                problem.complain(place, setting.name + " does not exist in Linux " + kernel_text);
                break;
            case model::Settings::SetResult::not_modelled:
                problem.complain(place, setting.name + " is not simulated", "nothing here depends on it");
                break;
        }
    }
}

Application read_application(Fields& fields) {
    Application application;
    application.accept_interval = fields.durations("accept_interval", application.accept_interval);
    application.stalls = fields.intervals("stalls");
    application.stall_every = fields.durations("stall_every", application.stall_every);
    application.stall_length = fields.durations("stall_length", application.stall_length);
    application.request_bytes = fields.numbers("request", application.request_bytes);
    application.response_bytes = fields.numbers("response", application.response_bytes);
    application.service_time = fields.durations("service", application.service_time);
    application.closer = static_cast<Closer>(fields.one_of("close", 0, {"server", "client"}));
    const bool random = application.stall_every.low > 0;
    if (random && application.stall_length.low <= 0 && application.stall_length.high <= 0) {
        fields.complain("stall_every", "needs stall_length too");
    }
    return application;
}

ListenerPlan read_listener(const TomlValue& table, Problem& problem) {
    Fields fields(table, problem);
    ListenerPlan listener;
    listener.line = fields.line();
    listener.port = port_of(fields, "port", 80);
    listener.backlog = static_cast<int>(fields.number("backlog", 128, -1, kMaxBacklog));
    listener.defer_accept_s = static_cast<int>(fields.number("defer_accept", 0, 0, 3600));
    listener.application = read_application(fields);
    fields.finish();
    return listener;
}

ServerPlan read_server(const TomlValue& table, Problem& problem, std::size_t ordinal) {
    Fields fields(table, problem);
    ServerPlan server;
    server.line = fields.line();
    server.name = fields.text("name", server.name);
    server.kernel = kernel_of(fields, server.kernel);
    const std::uint8_t octets[] = {10, 0, 0, static_cast<std::uint8_t>(1 + ordinal)};
    server.address = fields.address("address").value_or(core::Address::from_ipv4(octets));
    server.prefix_length = static_cast<int>(fields.number("prefix", 24, 0, 128));
    server.hz = static_cast<int>(fields.number("hz", server.hz, 100, 1000));
    server.uptime_ns = fields.duration("uptime", 10LL * 86'400'000 * kMillisecond);
    server.default_route = fields.flag("default_route", true);
    server.sysctls = fields.sysctls("sysctl");
    check_sysctls(server.sysctls, server.kernel, problem);
    for (const TomlValue* listener : fields.tables("listener", kMaxListeners)) {
        server.listeners.push_back(read_listener(*listener, problem));
        const auto taken = std::ranges::count(server.listeners, server.listeners.back().port, &ListenerPlan::port);
        if (taken > 1) problem.complain(listener->place, "two listeners have the same port");
    }
    fields.finish();
    return server;
}

LinkPlan read_link(const TomlValue& table, Problem& problem) {
    Fields fields(table, problem);
    LinkPlan link;
    link.name = fields.text("name", link.name);
    link.delay_ns = fields.duration("delay", link.delay_ns);
    link.jitter = fields.durations("jitter", link.jitter);
    link.loss_ppm = fields.ppm("loss");
    link.reorder_ppm = fields.ppm("reorder");
    link.reorder_by_ns = fields.duration("reorder_by", link.reorder_by_ns);
    link.duplicate_ppm = fields.ppm("duplicate");
    fields.finish();
    return link;
}

GatewayPlan read_gateway(const TomlValue& table, Problem& problem) {
    Fields fields(table, problem);
    GatewayPlan gateway;
    gateway.line = fields.line();
    gateway.name = fields.text("name", gateway.name);
    const auto address = fields.address("address");
    if (!address) fields.complain("address", "is missing");
    gateway.address = address.value_or(core::Address{});
    const auto ports = fields.one_of("ports", 0, {"sequential", "random", "preserving"});
    gateway.ports = static_cast<GatewayPlan::Ports>(ports);
    gateway.port_low = port_of(fields, "port_low", gateway.port_low);
    gateway.port_high = port_of(fields, "port_high", gateway.port_high);
    if (gateway.port_low > gateway.port_high) fields.complain("port_low", "is above port_high");
    gateway.reuse_after_ns = fields.duration("reuse_after", gateway.reuse_after_ns);
    fields.finish();
    return gateway;
}

OldDuplicate read_old_duplicate(const TomlValue& table, Problem& problem) {
    Fields fields(table, problem);
    OldDuplicate duplicate;
    duplicate.connection = static_cast<std::uint32_t>(fields.number("connection", 0, 0, UINT32_MAX));
    duplicate.stream_offset = static_cast<std::uint64_t>(fields.number("offset", 0, 0, INT64_MAX));
    duplicate.arrives_ns = fields.duration("arrives", -1);
    duplicate.after_bytes = static_cast<std::uint64_t>(fields.number("after_bytes", 0, 0, INT64_MAX));
    if ((duplicate.arrives_ns < 0) == (duplicate.after_bytes == 0)) {
        problem.complain(table.place, "an old duplicate needs one of 'arrives' and 'after_bytes'");
    }
    fields.finish();
    return duplicate;
}

void read_group_host(Fields& fields, ClientGroup& group, Problem& problem) {
    group.kernel = kernel_of(fields, group.kernel);
    group.addresses = fields.addresses("addresses");
    if (const auto first = fields.address("address")) {
        if (!group.addresses.empty()) fields.complain("address", "and 'addresses' exclude each other");
        group.addresses = {*first};
    } else if (!group.addresses.empty() && group.addresses.size() != group.count) {
        fields.complain("addresses", "must hold 'count' addresses");
    }
    group.hz = static_cast<int>(fields.number("hz", group.hz, 100, 1000));
    group.uptime = fields.durations(
        "uptime", {Distribution::Kind::uniform, 3600'000 * kMillisecond, 20LL * 86'400'000 * kMillisecond});
    group.sysctls = fields.sysctls("sysctl");
    check_sysctls(group.sysctls, group.kernel, problem);
    group.mss = static_cast<std::uint32_t>(fields.number("mss", group.mss, 88, 65483));
    group.segment_bytes = static_cast<std::uint32_t>(fields.number("segment", 0, 0, 65160));
    group.think = fields.durations("think", group.think);
}

ClientGroup read_group(const TomlValue& table, Problem& problem) {
    Fields fields(table, problem);
    ClientGroup group;
    group.line = fields.line();
    group.name = fields.text("name", group.name);
    group.count = static_cast<std::uint32_t>(fields.number("count", 1, 1, static_cast<std::int64_t>(kMaxClients)));
    read_group_host(fields, group, problem);
    group.gateway = fields.text("gateway");
    group.link = fields.text("link", group.link);
    group.server = fields.text("server");
    group.port = port_of(fields, "port", group.port);
    group.arrival_interval = fields.durations("arrivals", {.low = 1000 * kMillisecond});
    if (group.arrival_interval.low <= 0 && group.arrival_interval.high <= 0) {
        fields.complain("arrivals", "must be longer than 0");
    }
    group.arrivals_of_group = fields.one_of("arrivals_of", 0, {"client", "group"}) == 1;
    group.first_ns = fields.duration("first", 0);
    group.until_ns = fields.duration("until", INT64_MAX);
    group.connections = static_cast<std::uint32_t>(fields.number("connections", UINT32_MAX, 1, UINT32_MAX));
    group.source_port = port_of(fields, "source_port", 0, 0);
    group.fixed_isn = fields.has("isn");
    group.isn = static_cast<std::uint32_t>(fields.number("isn", 0, 0, UINT32_MAX));
    group.closer_given = fields.has("close");
    group.closer = static_cast<Closer>(fields.one_of("close", 0, {"server", "client"}));
    group.patience_ns = fields.duration("patience", 0);
    for (const TomlValue* duplicate : fields.tables("old_duplicate", 16)) {
        group.old_duplicates.push_back(read_old_duplicate(*duplicate, problem));
    }
    fields.finish();
    return group;
}

FloodPlan read_flood(const TomlValue& table, Problem& problem) {
    Fields fields(table, problem);
    FloodPlan flood;
    flood.line = fields.line();
    flood.server = fields.text("server");
    flood.port = port_of(fields, "port", flood.port);
    const std::uint8_t benchmark_net[] = {198, 18, 0, 0};
    const auto source = fields.prefix("source").value_or(std::pair{core::Address::from_ipv4(benchmark_net), 15});
    flood.source = source.first;
    flood.prefix_length = source.second;
    flood.rate_pps = static_cast<std::uint64_t>(fields.number("rate", 1000, 1, 10'000'000));
    flood.start_ns = fields.duration("start", 0);
    flood.end_ns = fields.duration("end", INT64_MAX);
    flood.timestamps = fields.flag("timestamps", false);
    fields.finish();
    return flood;
}

ChangePlan read_change(const TomlValue& table, Problem& problem) {
    Fields fields(table, problem);
    ChangePlan change;
    change.line = fields.line();
    if (!fields.has("at")) fields.complain("at", "is missing");
    change.at_ns = fields.duration("at", 0);
    change.server = fields.text("server");
    change.sysctls = fields.sysctls("sysctl");
    change.backlog = static_cast<int>(fields.number("backlog", -1, 0, kMaxBacklog));
    change.port = port_of(fields, "port", 0, 0);
    fields.finish();
    return change;
}

VariantPlan read_variant(const TomlValue& table, Problem& problem) {
    Fields fields(table, problem);
    VariantPlan variant;
    variant.line = fields.line();
    variant.name = fields.text("name");
    if (variant.name.empty()) fields.complain("name", "is missing");
    variant.title = fields.text("title");
    if (fields.has("kernel")) variant.kernel = kernel_of(fields, {});
    variant.sysctls = fields.sysctls("sysctl");
    variant.client_sysctls = fields.sysctls("client_sysctl");
    variant.backlog = static_cast<int>(fields.number("backlog", -1, 0, kMaxBacklog));
    fields.finish();
    return variant;
}

template <typename List>
bool has_name(const List& list, std::string_view name) {
    return std::ranges::any_of(list, [&](const auto& item) { return item.name == name; });
}

template <typename List>
void check_names(const List& list, std::string_view kind, Problem& problem) {
    std::set<std::string_view> seen;
    for (const auto& item : list) {
        if (seen.insert(item.name).second) continue;
        problem.complain({1, 1}, "two " + std::string(kind) + " are named '" + item.name + "'");
    }
}

/// An empty name means the first server; the port must have a listener.
void check_target(const Scenario& scenario, std::string& server, std::uint16_t port, int line, Problem& problem) {
    if (scenario.servers.empty()) return problem.complain({line, 1}, "there is no [server] to connect to");
    if (server.empty()) server = scenario.servers.front().name;
    if (!has_name(scenario.servers, server)) problem.complain({line, 1}, "there is no server named '" + server + "'");
    static_cast<void>(port);  // a port without a listener answers with a RST: worth simulating
}

void check_groups(Scenario& scenario, Problem& problem) {
    std::uint64_t clients = 0;
    for (ClientGroup& group : scenario.clients) {
        clients += group.count;
        check_target(scenario, group.server, group.port, group.line, problem);
        if (!group.gateway.empty() && !has_name(scenario.gateways, group.gateway)) {
            problem.complain({group.line, 1}, "there is no gateway named '" + group.gateway + "'");
        }
        if (!has_name(scenario.links, group.link)) {
            problem.complain({group.line, 1}, "there is no link named '" + group.link + "'");
        }
        if (group.addresses.empty()) {
            // 172.16.0.0/12 holds 256 groups of 4096, or one large one.
            const auto ordinal = static_cast<std::uint32_t>(&group - scenario.clients.data());
            const std::uint32_t value = 0xac100001U + (ordinal << 12U);
            const std::uint8_t octets[] = {static_cast<std::uint8_t>(value >> 24U),
                                           static_cast<std::uint8_t>(value >> 16U),
                                           static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value)};
            group.addresses = {core::Address::from_ipv4(octets)};
        }
    }
    if (clients > kMaxClients) {
        problem.complain({1, 1}, "there are more than " + std::to_string(kMaxClients) + " clients");
    }
}

void check(Scenario& scenario, Problem& problem) {
    check_names(scenario.servers, "servers", problem);
    check_names(scenario.clients, "groups of clients", problem);
    check_names(scenario.gateways, "gateways", problem);
    check_names(scenario.links, "links", problem);
    check_names(scenario.variants, "variants", problem);
    if (!has_name(scenario.links, "default")) scenario.links.push_back({});
    check_groups(scenario, problem);
    for (FloodPlan& flood : scenario.floods) check_target(scenario, flood.server, flood.port, flood.line, problem);
    for (ChangePlan& change : scenario.changes) {
        check_target(scenario, change.server, change.port, change.line, problem);
        const auto server = std::ranges::find(scenario.servers, change.server, &ServerPlan::name);
        if (server != scenario.servers.end()) check_sysctls(change.sysctls, server->kernel, problem);
    }
    std::ranges::stable_sort(scenario.changes, {}, &ChangePlan::at_ns);
    if (scenario.script.empty() && scenario.clients.empty() && scenario.floods.empty()) {
        problem.complain({1, 1}, "nothing happens here", "add [[clients]], [[flood]] or [script]");
    }
}

std::string name_of(std::string_view file_name) {
    const auto slash = file_name.rfind('/');
    if (slash != std::string_view::npos) file_name.remove_prefix(slash + 1);
    if (file_name.ends_with(".toml")) file_name.remove_suffix(5);
    return std::string(file_name);
}

void read_tables(Fields& fields, Scenario& scenario, Problem& problem) {
    for (const TomlValue* table : fields.tables("server", kMaxServers)) {
        scenario.servers.push_back(read_server(*table, problem, scenario.servers.size()));
    }
    for (const TomlValue* table : fields.tables("link", kMaxLinks)) {
        scenario.links.push_back(read_link(*table, problem));
    }
    for (const TomlValue* table : fields.tables("gateway", kMaxGateways)) {
        scenario.gateways.push_back(read_gateway(*table, problem));
    }
    for (const TomlValue* table : fields.tables("clients", kMaxGroups)) {
        scenario.clients.push_back(read_group(*table, problem));
    }
    for (const TomlValue* table : fields.tables("flood", 16)) scenario.floods.push_back(read_flood(*table, problem));
    for (const TomlValue* table : fields.tables("change", kMaxChanges)) {
        scenario.changes.push_back(read_change(*table, problem));
    }
    for (const TomlValue* table : fields.tables("variant", kMaxVariants)) {
        scenario.variants.push_back(read_variant(*table, problem));
    }
    for (const TomlValue* table : fields.tables("lab", 1)) {
        Fields lab(*table, problem);
        scenario.lab.from_ns = lab.duration("from", scenario.lab.from_ns);
        scenario.lab.length_ns = lab.duration("length", scenario.lab.length_ns);
        if (scenario.lab.from_ns >= scenario.duration_ns) lab.complain("from", "is not before the scenario's end");
        if (scenario.lab.length_ns <= 0) lab.complain("length", "must be longer than 0");
        lab.finish();
    }
    for (const TomlValue* table : fields.tables("script", 1)) {
        Fields script(*table, problem);
        scenario.script = script.steps("steps");
        script.finish();
    }
}

}  // namespace

std::expected<Scenario, core::Error> parse_scenario(std::string_view text, std::string_view file_name) {
    if (text.size() > kMaxScenarioBytes) {
        return std::unexpected(core::Error{"is larger than 1 MiB, which no scenario needs", std::string(file_name)});
    }
    const auto root = read_toml(text, file_name);
    if (!root) return std::unexpected(root.error());
    Problem problem{.file = std::string(file_name)};
    Fields fields(*root, problem);
    Scenario scenario;
    scenario.file_name = std::string(file_name);
    scenario.name = name_of(file_name);
    scenario.title = fields.text("title");
    scenario.description = fields.text("description");
    scenario.seed = static_cast<std::uint64_t>(fields.number("seed", 1, 0, INT64_MAX));
    scenario.duration_ns = fields.duration("duration", scenario.duration_ns);
    if (scenario.duration_ns <= 0 || scenario.duration_ns > kMaxDuration_ns) {
        fields.complain("duration", "must be longer than 0 and at most 30 d");
    }
    read_tables(fields, scenario, problem);
    fields.finish();
    check(scenario, problem);
    if (problem.error) return std::unexpected(*problem.error);
    return scenario;
}

bool apply_variant(Scenario& scenario, std::string_view name) {
    const auto found = std::ranges::find(scenario.variants, name, &VariantPlan::name);
    if (found == scenario.variants.end()) return false;
    const VariantPlan& variant = *found;
    for (ServerPlan& server : scenario.servers) {
        if (!variant.kernel.empty()) server.kernel = variant.kernel;
        server.sysctls.insert(server.sysctls.end(), variant.sysctls.begin(), variant.sysctls.end());
        for (ListenerPlan& listener : server.listeners) {
            if (variant.backlog >= 0) listener.backlog = variant.backlog;
        }
    }
    for (ClientGroup& group : scenario.clients) {
        group.sysctls.insert(group.sysctls.end(), variant.client_sysctls.begin(), variant.client_sysctls.end());
    }
    scenario.name += '/' + variant.name;
    if (!variant.title.empty()) scenario.title = variant.title;
    return true;
}

}  // namespace synwhy::sim
