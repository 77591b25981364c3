// The clients' side of a run: programs that connect, their hosts, the gateways before them. See world.hpp.
#include <algorithm>

#include "sim/world_impl.hpp"

namespace synwhy::sim {
namespace {

constexpr std::size_t kWaitLane = 6;
constexpr std::int64_t kLongTimer_ns = 50'000'000'000;  ///< nothing but TIME_WAIT is longer and frequent

std::uint32_t remote_of(const Group& group) { return std::uint32_t{group.server} << 16U | group.plan->port; }

}  // namespace

std::uint16_t World::group_of(std::uint32_t client) const {
    const auto after = std::ranges::upper_bound(groups_, client, {}, &Group::base);
    return static_cast<std::uint16_t>(after - groups_.begin() - 1);
}

LiveHost& World::live_of(Group& group, std::uint32_t client) {
    ClientSlot& slot = group.clients[client - group.base];
    if (slot.live != kNone) return hosts_[slot.live];
    slot.live = hosts_.take();
    LiveHost& live = hosts_[slot.live];
    live.client = client;
    const std::uint64_t secret = mixed(scenario_.seed ^ mixed(0xc1'0000'0000U + client));
    const std::int64_t boot_ns = kStart_ns - draw(group.plan->uptime, mixed(secret));
    live.host = std::make_unique<model::ClientHost>(group.kernel, address_of(*group.plan, client - group.base), boot_ns,
                                                    secret, slot.port_hint);
    return live;
}

// --------------------------------------------------------------------------------------------------------- connecting

void World::schedule_connect(Group& group, std::uint32_t client, std::int64_t from_ns, std::uint32_t ordinal) {
    const ClientGroup& plan = *group.plan;
    if (ordinal >= plan.connections) return;
    const std::int64_t at = from_ns + arrival_gap_ns(plan, scenario_.seed, client, ordinal);
    const std::int64_t until = plan.until_ns > scenario_.duration_ns ? end_ns_ : kStart_ns + plan.until_ns;
    if (at < until) queue_.push(at, EventKind::connect, client, 0, EventQueue::kHeap);
}

/// When the group's next client connects, after `turn` have done so.
std::int64_t World::next_arrival(const ClientGroup& plan, std::uint32_t turn, std::int64_t gap_ns) const {
    if (plan.arrival_times_ns.empty()) return now_ns_ + gap_ns;
    return turn < plan.arrival_times_ns.size() ? kStart_ns + plan.arrival_times_ns[turn] : INT64_MAX;
}

void World::group_connect(std::uint16_t number) {
    Group& group = groups_[number];
    const ClientGroup& plan = *group.plan;
    const GroupTurn turn = group_turn(plan, scenario_.seed, number, group.turn++);
    const std::int64_t next = next_arrival(plan, group.turn, turn.gap_ns);
    const std::int64_t until = plan.until_ns > scenario_.duration_ns ? end_ns_ : kStart_ns + plan.until_ns;
    if (next < until) queue_.push(next, EventKind::group_connect, number, 0, EventQueue::kHeap);
    const std::uint32_t client = group.base + turn.index;
    if (group.clients[client - group.base].attempts < plan.connections) connect(client);
}

void World::connect(std::uint32_t client) {
    const std::uint16_t number = group_of(client);
    Group& group = groups_[number];
    const ClientGroup& plan = *group.plan;
    ClientSlot& slot = group.clients[client - group.base];
    const std::uint32_t ordinal = slot.attempts++;
    if (!plan.arrivals_of_group) schedule_connect(group, client, now_ns_, ordinal + 1);
    if (attempts_.used() >= kMaxAttemptsOpen) {
        ++attempts_skipped_;
        return;
    }
    const std::uint32_t index = attempts_.take();
    Attempt& attempt = attempts_[index];
    attempt.client = client;
    attempt.ordinal = ordinal;
    attempt.group = number;
    attempt.started_ns = now_ns_;
    if (group.application != nullptr) {
        const Sizes sizes = sizes_of(*group.application, scenario_.seed, client, ordinal);
        attempt.request_bytes = sizes.request_bytes;
        attempt.response_bytes = sizes.response_bytes;
    }
    ++group.result.attempts.total;
    LiveHost& live = live_of(group, client);
    const std::uint32_t live_number = slot.live;
    model::ConnectPlan connect_plan;
    connect_plan.server = {scenario_.servers[group.server].address, plan.port};
    connect_plan.source_port = static_cast<std::uint16_t>(plan.source_port);
    if (plan.fixed_isn) connect_plan.isn = plan.isn;
    connect_plan.tag = index;
    const auto connection = live.host->connect(connect_plan, now_ns_, outbox_);
    if (!connection) {
        end_attempt(index, Ending::no_port, nullptr);
        return settle(live_number);
    }
    attempt.connection = *connection;
    if (plan.patience_ns > 0) {
        queue_.push(now_ns_ + plan.patience_ns, EventKind::patience, index, attempt.generation, EventQueue::kHeap);
    }
    flush_client(live);
    settle(live_number);
}

void World::attempt_event(const Event& event) {
    Attempt& attempt = attempts_[event.first];
    if (attempt.client == kNone || attempt.generation != event.second) return;
    Group& group = groups_[attempt.group];
    const std::uint32_t live_number = group.clients[attempt.client - group.base].live;
    LiveHost& live = hosts_[live_number];
    if (event.kind == EventKind::request) {
        send_request(live, event.first);
    } else {
        live.host->close(attempt.connection, now_ns_, outbox_);
        flush_client(live);
        end_attempt(event.first, Ending::gave_up, live.host.get());
    }
    flush_client(live);
    settle(live_number);
}

void World::send_request(LiveHost& live, std::uint32_t index) {
    Attempt& attempt = attempts_[index];
    attempt.request_sent = true;
    live.host->write(attempt.connection, attempt.request_bytes, now_ns_, outbox_);
    if (!groups_[attempt.group].closes_first || attempt.response_bytes != 0) return;
    live.host->close(attempt.connection, now_ns_, outbox_);
    flush_client(live);
    end_attempt(index, Ending::served, live.host.get());
}

void World::end_attempt(std::uint32_t index, Ending ending, model::ClientHost* host) {
    Attempt& attempt = attempts_[index];
    Group& group = groups_[attempt.group];
    Attempts& sum = group.result.attempts;
    ClientSlot& slot = group.clients[attempt.client - group.base];
    ++sum.by_ending[static_cast<std::size_t>(ending)];
    if (ending == Ending::served) ++slot.served;
    if (attempt.hindered) {
        ++sum.hindered;
        ++slot.hindered;
    } else if (ending == Ending::pending) {
        ++sum.undecided;
    }
    if (attempt.rows_met != 0) ++sum.stopped;
    if (attempt.last_row != 0xff && !attempt.connected) {
        ++servers_[group.server].recorder->row(attempt.last_row).attempts_lost;
    }
    if (host != nullptr) host->forget_tag(attempt.connection);
    attempts_.give_back(index);
}

// ------------------------------------------------------------------------------------------------------ hosts at work

void World::on_client_event(LiveHost& live, const model::ClientEvent& event) {
    if (event.tag == model::kNoTag) return;
    const std::uint32_t index = event.tag;
    Attempt& attempt = attempts_[index];
    Group& group = groups_[attempt.group];
    if (event.established) {
        attempt.connected = true;
        Attempts& sum = group.result.attempts;
        ++sum.connected;
        if (attempt.hindered) ++sum.connected_late;
        sum.sum_ns += now_ns_ - attempt.started_ns;
        sum.longest_ns = std::max(sum.longest_ns, now_ns_ - attempt.started_ns);
        const std::int64_t wait = think_ns(*group.plan, scenario_.seed, attempt.client, attempt.ordinal);
        if (wait > 0) {
            queue_.push(now_ns_ + wait, EventKind::request, index, attempt.generation, EventQueue::kHeap);
            return;
        }
        return send_request(live, index);
    }
    if (event.refused) return end_attempt(index, Ending::refused, nullptr);
    if (event.reset) return end_attempt(index, Ending::reset, nullptr);
    if (event.timed_out) return end_attempt(index, Ending::timed_out, nullptr);
    attempt.received += event.new_bytes;
    const bool complete = attempt.request_sent && attempt.received >= attempt.response_bytes;
    if (event.peer_closed || (complete && group.closes_first)) {
        live.host->close(event.connection, now_ns_, outbox_);
        flush_client(live);
        end_attempt(index, complete ? Ending::served : Ending::closed, live.host.get());
    }
}

void World::host_wake(const Event& event) {
    LiveHost& live = hosts_[event.first];
    if (live.generation != event.second || !live.host || live.wake_ns != event.time_ns) return;
    live.wake_ns = INT64_MAX;
    std::vector<model::ClientEvent> events;
    events.swap(events_);
    events.clear();
    live.host->advance(now_ns_, outbox_, events);
    flush_client(live);
    for (const model::ClientEvent& e : events) on_client_event(live, e);
    flush_client(live);
    events_.swap(events);
    settle(event.first);
}

/// Schedules the host's next timer, or lets go of a host that holds nothing.
void World::settle(std::uint32_t live_number) {
    LiveHost& live = hosts_[live_number];
    Group& group = groups_[group_of(live.client)];
    client_connections_ += live.host->live() - live.connections;
    client_waiting_ += live.host->waiting() - live.waiting;
    live.connections = live.host->live();
    live.waiting = live.host->waiting();
    if (live.host->idle()) {
        ClientSlot& slot = group.clients[live.client - group.base];
        slot.port_hint = live.host->port_hint();
        slot.live = kNone;
        result_.ports_reused += live.host->counts().time_wait_reused;
        result_.paws_at_clients += live.host->counts().paws_rejected;
        hosts_.give_back(live_number);
        return;
    }
    const std::int64_t deadline = live.host->next_deadline_ns();
    if (deadline >= live.wake_ns) return;
    live.wake_ns = deadline;
    const std::size_t lane = deadline - now_ns_ > kLongTimer_ns ? kWaitLane : EventQueue::kHeap;
    queue_.push(deadline, EventKind::host_wake, live_number, live.generation, lane);
}

void World::at_client(std::uint32_t number) {
    Flight packet = packets_[number];
    packets_.give_back(number);
    std::uint32_t client = packet.client;
    if (packet.gateway != 0xffff) {
        const std::uint32_t remote = std::uint32_t{packet.server} << 16U | packet.segment.source.port;
        const auto inside = gateways_[packet.gateway].inward(remote, packet.segment, now_ns_);
        if (!inside) {
            ++result_.network.no_mapping;
            return;
        }
        client = inside->host;
        packet.segment.destination.port = inside->port;
    }
    Group& group = groups_[group_of(client)];
    packet.segment.destination.address = address_of(*group.plan, client - group.base);
    const std::uint32_t live_number = group.clients[client - group.base].live;
    if (live_number == kNone) return reply_without_host(client, packet.segment, packet.server);
    LiveHost& live = hosts_[live_number];
    const model::ClientEvent event = live.host->receive(packet.segment, now_ns_, outbox_);
    flush_client(live);
    on_client_event(live, event);
    flush_client(live);
    settle(live_number);
}

void World::reply_without_host(std::uint32_t client, const core::Segment& segment, std::uint16_t server) {
    const auto reset = model::reset_for(segment);
    if (!reset) return;
    Flight packet{.client = client, .server = server, .segment = *reset};
    send_outward(packet, group_of(client));
}

void World::send_outward(Flight& packet, std::uint16_t number) {
    const Group& group = groups_[number];
    if (group.gateway != 0xffff) {
        const std::uint32_t remote = remote_of(group);
        if (!gateways_[group.gateway].outward(packet.client, remote, packet.segment, now_ns_)) {
            if (packet.segment.is_syn()) ++result_.network.syns_lost;
            return;
        }
    }
    transmit(packet, group.link, true);
}

void World::flush_client(LiveHost& live) {
    if (outbox_.empty()) return;
    model::Outbox sent;
    sent.swap(outbox_);
    const std::uint16_t number = group_of(live.client);
    const Group& group = groups_[number];
    for (const model::Outgoing& outgoing : sent) {
        Flight packet{.client = live.client, .server = group.server, .segment = outgoing.segment};
        if (const std::uint32_t tag = live.host->tag(outgoing.socket); tag != model::kNoTag) {
            packet.attempt = tag;
            packet.attempt_generation = attempts_[tag].generation;
        }
        if (packet.segment.is_syn()) ++result_.network.syns_sent;
        send_outward(packet, number);
        if (!group.plan->old_duplicates.empty() && packet.segment.payload_length != 0 && !outgoing.retransmission) {
            keep_copy(group, packet, outgoing.stream_offset);
        }
    }
    sent.clear();
    outbox_.swap(sent);  // its storage is used again
}

void World::keep_copy(const Group& group, const Flight& packet, std::uint64_t stream_offset) {
    if (packet.attempt == kNone) return;
    const std::uint32_t ordinal = attempts_[packet.attempt].ordinal;
    for (const OldDuplicate& plan : group.plan->old_duplicates) {
        if (plan.connection != ordinal || plan.stream_offset != stream_offset) continue;
        Flight copy = packet;
        copy.old_duplicate = true;
        if (plan.arrives_ns >= 0) {
            const std::int64_t at = std::max(now_ns_, kStart_ns + plan.arrives_ns);
            deliver_later(copy, at, true, EventQueue::kHeap);
        } else {
            held_.push_back({copy, plan.after_bytes});
        }
    }
}

}  // namespace synwhy::sim
