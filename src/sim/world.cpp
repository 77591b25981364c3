// The run itself: building the world, the loop, links, changes, the end. See world.hpp.
#include "sim/world.hpp"

#include <algorithm>

#include "core/bytes.hpp"
#include "sim/world_impl.hpp"

namespace synwhy::sim {
namespace {

constexpr std::size_t kLinkLanes = 3;    ///< links with two lanes each
constexpr std::size_t kBytesEvery = 60;  ///< samples between two reckonings of memory

template <typename List>
std::uint16_t index_of_name(const List& list, std::string_view name) {
    const auto found = std::ranges::find_if(list, [&](const auto& item) { return item.name == name; });
    return static_cast<std::uint16_t>(found - list.begin());
}

bool before(const AddressRange& a, const AddressRange& b) { return a.first < b.first; }

}  // namespace

core::Address advanced(core::Address address, std::uint64_t offset) {
    const bool ipv4 = address.family == core::Family::ipv4;
    std::uint64_t value = (ipv4 ? core::load_be32(&address.bytes[12]) : core::load_be64(&address.bytes[8])) + offset;
    for (std::size_t i = 0; i < (ipv4 ? 4U : 8U); ++i, value >>= 8U) {
        address.bytes[15 - i] = static_cast<std::uint8_t>(value);
    }
    return address;
}

std::string client_name(const ClientGroup& group, std::uint32_t index) {
    return group.count == 1 ? group.name : group.name + ' ' + std::to_string(index + 1);
}

Result run(const Scenario& scenario, const PacketCallback& on_packet) { return World(scenario, on_packet).run(); }

World::World(const Scenario& scenario, const PacketCallback& on_packet)
    : scenario_(scenario), on_packet_(on_packet), end_ns_(kStart_ns + scenario.duration_ns) {
    result_.name = scenario.name;
    result_.title = scenario.title;
    result_.description = scenario.description;
    result_.seed = scenario.seed;
    result_.start_ns = kStart_ns;
    result_.duration_ns = scenario.duration_ns;
    result_.bucket_ns = scenario.duration_ns / static_cast<std::int64_t>(kBuckets) + 1;
    for (const VariantPlan& variant : scenario.variants) result_.variants.push_back(variant.name);
    build();
}

void World::remark(std::string text) {
    const bool known = std::ranges::find(result_.remarks, text) != result_.remarks.end();
    if (!known && result_.remarks.size() < kMaxRemarks) result_.remarks.push_back(std::move(text));
}

// ----------------------------------------------------------------------------------------------------------- building

void World::apply_sysctls(model::Settings& settings, const core::Kernel& kernel, const std::string& kernel_text,
                          const std::vector<SysctlSetting>& sysctls) {
    for (const SysctlSetting& sysctl : sysctls) {
        switch (settings.set(sysctl.name, sysctl.value, kernel)) {
            case model::Settings::SetResult::ok: break;
            case model::Settings::SetResult::absent:
                remark(sysctl.name + " does not exist in Linux " + kernel_text + ": ignored");
                break;
            case model::Settings::SetResult::not_modelled: remark(sysctl.name + " is not simulated: ignored"); break;
        }
    }
}

void World::build() {
    for (std::uint16_t i = 0; i < scenario_.servers.size(); ++i) build_server(i);
    for (std::size_t i = 0; i < scenario_.links.size(); ++i) {
        Link link{.plan = scenario_.links[i], .random = Random(scenario_.seed, 0x11'0000 + i)};
        if (i < kLinkLanes) link.lane = 2 * i;
        links_.push_back(link);
    }
    for (std::size_t i = 0; i < scenario_.gateways.size(); ++i) {
        gateways_.emplace_back(scenario_.gateways[i], mixed(scenario_.seed ^ (0x6a'0000 + i)));
    }
    gateway_groups_.resize(gateways_.size(), 0xffff);
    for (std::uint16_t i = 0; i < scenario_.clients.size(); ++i) build_group(i);
    build_addresses();
    for (std::size_t i = 0; i < scenario_.floods.size(); ++i) {
        floods_.push_back({.random = Random(scenario_.seed, 0xf1'0000 + i),
                           .server = index_of_name(scenario_.servers, scenario_.floods[i].server)});
    }
}

void World::build_server(std::uint16_t number) {
    const ServerPlan& plan = scenario_.servers[number];
    ServerNode node;
    node.plan = &plan;
    model::ServerConfig config;
    config.kernel = core::resolve_kernel(plan.kernel).value();  // parse_scenario has checked it
    config.settings = model::Settings::defaults_of(config.kernel);
    apply_sysctls(config.settings, config.kernel, plan.kernel, plan.sysctls);
    config.network = model::Network({{plan.address, plan.prefix_length}});
    config.network.set_default_route(plan.default_route);
    config.hz = plan.hz;
    config.secret = mixed(scenario_.seed ^ (0x5e'0000U + number));
    config.boot_ns = kStart_ns - plan.uptime_ns;
    node.model = std::make_unique<model::Server>(std::move(config));
    node.recorder = std::make_unique<Recorder>(kStart_ns, scenario_.duration_ns);
    node.result.name = plan.name;
    node.result.kernel = plan.kernel;
    node.result.address = plan.address;
    for (std::size_t i = 0; i < plan.listeners.size(); ++i) {
        const ListenerPlan& listener = plan.listeners[i];
        const auto id = node.model->listen({.local = {plan.address, listener.port},
                                            .backlog = listener.backlog,
                                            .defer_accept_s = listener.defer_accept_s},
                                           kStart_ns);
        Program program{.plan = &listener.application, .listener = id.value_or(0)};
        program.random = Random(scenario_.seed, 0xa9'0000U + number * kMaxListeners + i);
        if (listener.application.stall_every.low > 0) {
            program.stall_start_ns = kStart_ns + program.random.draw(listener.application.stall_every);
            program.stall_end_ns = program.stall_start_ns + program.random.draw(listener.application.stall_length);
        }
        node.programs.push_back(program);
        node.result.listeners.push_back({.local = {plan.address, listener.port}});
    }
    servers_.push_back(std::move(node));
}

void World::build_group(std::uint16_t number) {
    const ClientGroup& plan = scenario_.clients[number];
    Group group;
    group.plan = &plan;
    group.kernel.kernel = core::resolve_kernel(plan.kernel).value();
    group.kernel.settings = model::Settings::defaults_of(group.kernel.kernel);
    apply_sysctls(group.kernel.settings, group.kernel.kernel, plan.kernel, plan.sysctls);
    group.kernel.hz = plan.hz;
    group.kernel.mss = static_cast<std::uint16_t>(plan.mss);
    group.kernel.segment_bytes = plan.segment_bytes;
    group.base = groups_.empty() ? 0 : groups_.back().base + groups_.back().plan->count;
    group.server = index_of_name(scenario_.servers, plan.server);
    group.link = index_of_name(scenario_.links, plan.link);
    if (!plan.gateway.empty()) {
        group.gateway = index_of_name(scenario_.gateways, plan.gateway);
        if (gateway_groups_[group.gateway] == 0xffff) gateway_groups_[group.gateway] = number;
    }
    const ServerPlan& server = scenario_.servers[group.server];
    const auto listener = std::ranges::find(server.listeners, plan.port, &ListenerPlan::port);
    if (listener != server.listeners.end()) group.application = &listener->application;
    const Closer by_program = group.application != nullptr ? group.application->closer : Closer::server;
    group.closes_first = (plan.closer_given ? plan.closer : by_program) == Closer::client;
    group.clients.resize(plan.count);
    group.result.name = plan.name;
    group.result.kernel = plan.kernel;
    group.result.gateway = plan.gateway;
    group.result.count = plan.count;
    groups_.push_back(std::move(group));
}

void World::build_addresses() {
    for (const Group& group : groups_) {
        if (group.gateway != 0xffff) continue;
        const auto& addresses = group.plan->addresses;
        if (addresses.size() == 1) {
            addresses_.push_back({addresses.front(), group.plan->count, group.base});
            continue;
        }
        for (std::uint32_t i = 0; i < addresses.size(); ++i) addresses_.push_back({addresses[i], 1, group.base + i});
    }
    for (std::uint16_t i = 0; i < gateways_.size(); ++i) {
        addresses_.push_back({scenario_.gateways[i].address, 1, kNone, i});
    }
    std::ranges::stable_sort(addresses_, before);
    for (std::size_t i = 1; i < addresses_.size(); ++i) {
        const AddressRange& previous = addresses_[i - 1];
        if (advanced(previous.first, previous.count - 1U) < addresses_[i].first) continue;
        remark("two groups of clients share " + core::to_string(addresses_[i].first) +
               ": replies go to one of them only");
    }
}

// --------------------------------------------------------------------------------------------------------------- loop

void World::schedule_start() {
    for (std::uint16_t i = 0; i < groups_.size(); ++i) {
        Group& group = groups_[i];
        const ClientGroup& plan = *group.plan;
        const std::int64_t first = kStart_ns + plan.first_ns;
        if (plan.arrivals_of_group) {
            queue_.push(first, EventKind::group_connect, i, 0, EventQueue::kHeap);
            continue;
        }
        for (std::uint32_t k = 0; k < plan.count; ++k) {
            // Constant intervals are spread evenly, random ones begin with a draw.
            if (plan.arrival_interval.kind != Distribution::Kind::constant) {
                schedule_connect(group, group.base + k, first, 0);
                continue;
            }
            const std::int64_t step = plan.arrival_interval.low / plan.count;
            const std::int64_t at = first + step * k;
            if (at < end_ns_) queue_.push(at, EventKind::connect, group.base + k, 0, EventQueue::kHeap);
        }
    }
    for (std::uint32_t i = 0; i < scenario_.floods.size(); ++i) {
        queue_.push(kStart_ns + scenario_.floods[i].start_ns, EventKind::flood, i, 0, EventQueue::kHeap);
    }
    for (std::uint32_t i = 0; i < scenario_.changes.size(); ++i) {
        queue_.push(kStart_ns + scenario_.changes[i].at_ns, EventKind::change, i, 0, EventQueue::kHeap);
    }
    queue_.push(kStart_ns, EventKind::sample, 0, 0, EventQueue::kHeap);
}

Result World::run() {
    schedule_start();
    while (!queue_.empty()) {
        const Event event = queue_.pop();
        if (event.time_ns >= end_ns_) break;
        if (result_.events >= kMaxEvents) {
            remark("ended early: " + std::to_string(kMaxEvents) + " events are the most of one run");
            break;
        }
        ++result_.events;
        now_ns_ = event.time_ns;
        dispatch(event);
    }
    now_ns_ = end_ns_;
    finish();
    return std::move(result_);
}

void World::dispatch(const Event& event) {
    const auto server = static_cast<std::uint16_t>(event.first);
    switch (event.kind) {
        case EventKind::at_server: return at_server(event.first);
        case EventKind::at_client: return at_client(event.first);
        case EventKind::connect: return connect(event.first);
        case EventKind::group_connect: return group_connect(static_cast<std::uint16_t>(event.first));
        case EventKind::host_wake: return host_wake(event);
        case EventKind::server_wake:
            if (servers_[server].wake_ns != event.time_ns) return;
            servers_[server].wake_ns = INT64_MAX;
            servers_[server].model->advance(now_ns_, outbox_);
            flush_server(server);
            return settle_server(server);
        case EventKind::accept: return accept(server, event.second);
        case EventKind::respond: return respond(server, event.second);
        case EventKind::request:
        case EventKind::patience: return attempt_event(event);
        case EventKind::flood: return flood(event.first);
        case EventKind::change: return apply(scenario_.changes[event.first]);
        case EventKind::sample: return take_sample();
    }
}

void World::apply(const ChangePlan& change) {
    const std::uint16_t number = index_of_name(scenario_.servers, change.server);
    ServerNode& node = servers_[number];
    apply_sysctls(node.model->settings(), node.model->config().kernel, node.plan->kernel, change.sysctls);
    for (std::size_t i = 0; i < node.programs.size(); ++i) {
        const bool meant = change.port == 0 || node.plan->listeners[i].port == change.port;
        if (change.backlog >= 0 && meant) node.model->relisten(node.programs[i].listener, change.backlog);
    }
    result_.changes.push_back(now_ns_);
}

void World::take_sample() {
    for (ServerNode& node : servers_) node.recorder->sample(*node.model, now_ns_);
    result_.client_samples.push_back({now_ns_, client_connections_, client_waiting_});
    if (samples_++ % kBytesEvery == 0) result_.most_bytes = std::max(result_.most_bytes, bytes());
    const std::int64_t next =
        kStart_ns + scenario_.duration_ns / static_cast<std::int64_t>(kSamples) * static_cast<std::int64_t>(samples_);
    if (next > now_ns_ && samples_ <= kSamples) queue_.push(next, EventKind::sample, 0, 0, EventQueue::kHeap);
}

std::size_t World::bytes() const {
    std::size_t sum = packets_.bytes() + attempts_.bytes() + hosts_.bytes() + queue_.bytes();
    for (const Group& group : groups_) sum += group.clients.size() * sizeof(ClientSlot);
    for (std::uint32_t i = 0; i < hosts_.size(); ++i) {
        if (hosts_[i].host) sum += sizeof(model::ClientHost) + hosts_[i].host->bytes();
    }
    constexpr std::size_t kMapEntry = 32;  // what a hash table adds to an entry
    for (const ServerNode& node : servers_) {
        sum += node.model->occupied().bytes + node.sockets.size() * (sizeof(Served) + kMapEntry);
    }
    for (const Gateway& gateway : gateways_) sum += gateway.mappings() * (2 * kMapEntry + 48);
    return sum;
}

// -------------------------------------------------------------------------------------------------------------- links

void World::deliver_later(const Packet& packet, std::int64_t time_ns, bool to_server, std::size_t lane) {
    const bool syn = to_server && packet.segment.is_syn();
    if (packets_.used() >= kMaxPacketsInFlight) {
        if (packets_dropped_++ == 0) {
            remark("more than " + std::to_string(kMaxPacketsInFlight) + " packets under way: the rest was lost");
        }
        ++result_.network.lost;
        if (syn) ++result_.network.syns_lost;
        return;
    }
    const std::uint32_t number = packets_.take();
    const std::uint32_t generation = packets_[number].generation;
    packets_[number] = packet;
    packets_[number].generation = generation;
    if (syn) ++result_.network.syns_in_flight;
    queue_.push(time_ns, to_server ? EventKind::at_server : EventKind::at_client, number, 0, lane);
}

void World::transmit(const Packet& packet, std::uint16_t number, bool to_server) {
    Link& link = links_[number];
    const LinkPlan& plan = link.plan;
    NetworkResult& network = result_.network;
    const bool syn = to_server && packet.segment.is_syn();
    ++network.sent;
    if (link.random.chance(plan.loss_ppm)) {
        ++network.lost;
        if (syn) ++network.syns_lost;
        return;
    }
    const std::size_t lane = link.lane == EventQueue::kHeap ? link.lane : link.lane + (to_server ? 0 : 1);
    std::int64_t& last_ns = link.last_ns[to_server ? 0 : 1];
    std::int64_t at = std::max(last_ns, now_ns_ + plan.delay_ns + link.random.draw(plan.jitter));
    last_ns = at;
    if (link.random.chance(plan.reorder_ppm)) {
        ++network.reordered;
        at += plan.reorder_by_ns;
    }
    deliver_later(packet, at, to_server, lane);
    if (!link.random.chance(plan.duplicate_ppm)) return;
    ++network.duplicated;
    if (syn) ++network.syns_duplicated;
    deliver_later(packet, at, to_server, lane);
}

// ---------------------------------------------------------------------------------------------------------------- end

void World::finish_clients() {
    for (std::uint32_t i = 0; i < attempts_.size(); ++i) {
        if (attempts_[i].client == kNone) continue;
        end_attempt(i, attempts_[i].connected ? Ending::unfinished : Ending::pending, nullptr);
    }
    for (std::uint32_t i = 0; i < hosts_.size(); ++i) {
        if (!hosts_[i].host) continue;
        result_.ports_reused += hosts_[i].host->counts().time_wait_reused;
        result_.paws_at_clients += hosts_[i].host->counts().paws_rejected;
    }
    std::vector<ClientResult> worst;
    for (const Group& group : groups_) {
        for (std::uint32_t k = 0; k < group.clients.size(); ++k) {
            const ClientSlot& slot = group.clients[k];
            if (slot.hindered == 0) continue;
            ++result_.clients_hindered;
            worst.push_back(
                {group.plan->name, k, address_of(group, group.base + k), slot.attempts, slot.hindered, slot.served});
            if (worst.size() < 4 * kMaxTopClients) continue;
            std::ranges::stable_sort(worst, std::ranges::greater{}, &ClientResult::hindered);
            worst.resize(kMaxTopClients);
        }
    }
    std::ranges::stable_sort(worst, std::ranges::greater{}, &ClientResult::hindered);
    if (worst.size() > kMaxTopClients) worst.resize(kMaxTopClients);
    result_.clients = std::move(worst);
    for (Group& group : groups_) {
        const Attempts& a = group.result.attempts;
        result_.attempts.total += a.total;
        result_.attempts.hindered += a.hindered;
        result_.attempts.connected += a.connected;
        result_.attempts.sum_ns += a.sum_ns;
        result_.attempts.longest_ns = std::max(result_.attempts.longest_ns, a.longest_ns);
        for (std::size_t i = 0; i < kEndings; ++i) result_.attempts.by_ending[i] += a.by_ending[i];
        group.result.seen = static_cast<std::uint32_t>(
            std::ranges::count_if(group.clients, [](const ClientSlot& slot) { return slot.attempts != 0; }));
        result_.groups.push_back(group.result);
    }
}

void World::finish() {
    result_.most_bytes = std::max(result_.most_bytes, bytes());
    finish_clients();
    const auto name_of = [&](std::uint32_t client) {
        const Group& group = groups_[group_of(client)];
        return client_name(*group.plan, client - group.base);
    };
    for (std::uint16_t number = 0; number < servers_.size(); ++number) {
        ServerNode& node = servers_[number];
        node.model->advance(end_ns_, outbox_);
        outbox_.clear();
        node.recorder->finish(node.result, name_of);
        for (std::size_t i = 0; i < node.programs.size(); ++i) {
            const auto view = node.model->view_listener(node.programs[i].listener);
            node.result.listeners[i].accept_limit = view.backlog;
            node.result.listeners[i].sk_drops = view.sk_drops;
        }
        for (std::size_t i = 0; i < model::kCounters; ++i) {
            const auto counter = static_cast<model::Counter>(i);
            const std::uint64_t value = node.model->counters()[counter];
            if (value != 0) node.result.counters.push_back({model::counter_name(counter), value});
        }
        node.result.refused_by_memory = node.model->occupied().refused;
        result_.servers.push_back(std::move(node.result));
    }
    if (attempts_skipped_ != 0) {
        remark(std::to_string(attempts_skipped_) + " attempts were not made: " + std::to_string(kMaxAttemptsOpen) +
               " are the most at a time");
    }
    for (const Gateway& gateway : gateways_) result_.network.no_nat_port += gateway.exhausted();
}

}  // namespace synwhy::sim
