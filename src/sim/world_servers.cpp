// The servers' side of a run: what arrives, what the programs do, what goes out again. See world.hpp.
#include <algorithm>

#include "core/bytes.hpp"
#include "sim/world_impl.hpp"

namespace synwhy::sim {
namespace {

constexpr std::size_t kFloodLane = 7;

SynFate syn_fate(model::Fate fate) {
    switch (fate) {
        case model::Fate::answered:
        case model::Fate::established:
        case model::Fate::processed: return SynFate::answered;
        case model::Fate::cookie: return SynFate::cookie;
        case model::Fate::synack_again: return SynFate::synack_again;
        case model::Fate::reset: return SynFate::reset;
        case model::Fate::bare_ack: return SynFate::bare_ack;
        case model::Fate::silence: break;
    }
    return SynFate::silence;
}

}  // namespace

// ----------------------------------------------------------------------------------------------------------- arrivals

void World::at_server(std::uint32_t number) {
    const Flight packet = packets_[number];
    packets_.give_back(number);
    if (packet.segment.is_syn()) --result_.network.syns_in_flight;
    arrive(packet, false);
}

void World::arrive(const Flight& packet, bool is_flood) {
    ServerNode& node = servers_[packet.server];
    ++node.result.segments_in;
    if (on_packet_) on_packet_(now_ns_, packet.segment, true);
    const model::Outcome outcome = node.model->receive(packet.segment, {}, now_ns_, outbox_);
    if (packet.segment.is_syn()) {
        note_syn(node, packet, outcome, is_flood);
    } else {
        note_other(node, packet, outcome);
    }
    flush_server(packet.server);
    if (outcome.fate == model::Fate::established) new_connection(node, packet, outcome.socket);
    if (packet.old_duplicate) {
        ++node.result.old_arrived;
        node.result.old_accepted_bytes += outcome.new_bytes;
    }
    if (outcome.socket != 0) {
        serve(packet.server, outcome.socket);
        if (!packet.old_duplicate) release_copies(packet, outcome.new_bytes);
    }
    settle_server(packet.server);
}

void World::meet_row(ServerNode& node, const Flight& packet, const core::Row& row) {
    Attempt* attempt = attempt_of(packet);
    if (attempt == nullptr) return;
    const std::size_t number = node.recorder->number_of(row);
    attempt->last_row = static_cast<std::uint8_t>(number);
    const std::uint64_t bit = std::uint64_t{1} << number;
    if ((attempt->rows_met & bit) != 0) return;
    attempt->rows_met |= bit;
    ++node.recorder->row(number).attempts;
}

void World::note_syn(ServerNode& node, const Flight& packet, const model::Outcome& outcome, bool is_flood) {
    const SynFate fate = syn_fate(outcome.fate);
    node.recorder->syn({.time_ns = now_ns_, .fate = fate, .row = outcome.row, .flood = is_flood, .host = packet.client},
                       packet.segment);
    const bool refused = fate >= SynFate::reset;
    if (!refused) return;
    if (Attempt* attempt = attempt_of(packet)) attempt->hindered = true;
    if (outcome.row != nullptr) meet_row(node, packet, *outcome.row);
}

void World::note_other(ServerNode& node, const Flight& packet, const model::Outcome& outcome) {
    if (outcome.row == nullptr) return;
    node.recorder->other(now_ns_, *outcome.row);
    if (outcome.row->stage == core::Stage::final_ack) meet_row(node, packet, *outcome.row);
}

/// Old duplicates that were to arrive once so many bytes had.
void World::release_copies(const Flight& packet, std::uint64_t bytes) {
    Attempt* attempt = attempt_of(packet);
    if (attempt == nullptr) return;
    attempt->at_server += bytes;
    for (std::size_t i = 0; i < held_.size();) {
        const Flight& copy = held_[i].packet;
        const bool same = copy.attempt == packet.attempt && copy.attempt_generation == packet.attempt_generation;
        if (!same || attempt->at_server < held_[i].after_bytes) {
            ++i;
            continue;
        }
        deliver_later(copy, now_ns_, true, EventQueue::kHeap);
        held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

/// A flood has its own chance, so its SYNs can be drawn some at a time and the server be told what comes.
void World::flood(std::uint32_t number) {
    constexpr std::size_t kDrawnAtOnce = 16;
    const FloodPlan& plan = scenario_.floods[number];
    Flood& flood = floods_[number];
    if (flood.next == flood.drawn.size()) {
        flood.drawn.clear();
        for (std::size_t i = 0; i < kDrawnAtOnce; ++i) flood.drawn.push_back(flood.source.next());
        flood.next = 0;
        servers_[flood.server].model->expect(flood.drawn);
    }
    ++result_.network.syns_sent;
    ++result_.network.sent;
    arrive({.server = flood.server, .segment = flood.drawn[flood.next++]}, true);
    const std::int64_t next = kStart_ns + flood.source.due_ns(++flood.sent);
    const std::int64_t end = plan.end_ns > scenario_.duration_ns ? end_ns_ : kStart_ns + plan.end_ns;
    if (next < end) queue_.push(next, EventKind::flood, number, 0, kFloodLane);
}

// ----------------------------------------------------------------------------------------------------------- programs

void World::new_connection(ServerNode& node, const Flight& packet, model::SocketId socket) {
    const std::uint16_t port = packet.segment.destination.port;
    const auto listener = std::ranges::find(node.plan->listeners, port, &ListenerPlan::port);
    if (listener == node.plan->listeners.end()) return;
    Served served;
    served.listener = static_cast<std::uint16_t>(listener - node.plan->listeners.begin());
    served.closer = listener->application.closer;
    // A client that is gone by now (its program gave up) leaves the smallest sizes of its kind.
    served.request_bytes = static_cast<std::uint64_t>(listener->application.request_bytes.low);
    served.response_bytes = static_cast<std::uint64_t>(listener->application.response_bytes.low);
    if (const Attempt* attempt = attempt_of(packet)) {
        served.request_bytes = attempt->request_bytes;
        served.response_bytes = attempt->response_bytes;
        served.closer = groups_[attempt->group].closes_first ? Closer::client : Closer::server;
    }
    node.sockets.emplace(socket, served);
    schedule_accept(packet.server, served.listener);
}

void World::schedule_accept(std::uint16_t server, std::size_t number) {
    Program& program = servers_[server].programs[number];
    if (program.scheduled) return;
    program.scheduled = true;
    const std::int64_t at = program.times.open_at(std::max(now_ns_, program.ready_ns));
    queue_.push(at, EventKind::accept, server, number, EventQueue::kHeap);
}

void World::accept(std::uint16_t server, std::size_t number) {
    ServerNode& node = servers_[server];
    Program& program = node.programs[number];
    program.scheduled = false;
    const auto socket = node.model->accept(program.listener, now_ns_);
    if (!socket) return;
    program.ready_ns = now_ns_ + program.times.accept_gap_ns();
    const auto served = node.sockets.find(*socket);
    if (served != node.sockets.end()) served->second.accepted = true;
    serve(server, *socket);
    if (node.model->view_listener(program.listener).accept_length != 0) schedule_accept(server, number);
    settle_server(server);
}

void World::serve(std::uint16_t server, model::SocketId socket) {
    ServerNode& node = servers_[server];
    const auto found = node.sockets.find(socket);
    if (found == node.sockets.end()) return;
    Served& served = found->second;
    if (!served.accepted) return;
    const auto view = node.model->view(socket);
    if (!view) {
        node.sockets.erase(found);
        return;
    }
    served.read += view->unread_bytes;
    if (view->unread_bytes != 0) node.model->read(socket, view->unread_bytes, now_ns_, outbox_);
    const bool dead = view->reset || view->state == model::State::closed;
    const bool ready = served.read >= served.request_bytes;
    if (!dead && ready && !served.responded) {
        served.responded = true;
        const std::int64_t wait = node.programs[served.listener].times.service_ns();
        flush_server(server);
        if (wait > 0) return queue_.push(now_ns_ + wait, EventKind::respond, server, socket, EventQueue::kHeap);
        return respond(server, socket);
    }
    const bool was_writing = served.unwritten != 0;
    if (was_writing) write_more(node, socket, served);
    const bool written_now = was_writing && served.unwritten == 0 && served.closer == Closer::server;
    const bool client_left = view->peer_closed && served.unwritten == 0;
    if (dead || client_left || written_now) {
        node.model->close(socket, now_ns_, outbox_);
        node.sockets.erase(found);
    }
    flush_server(server);
}

void World::write_more(ServerNode& node, model::SocketId socket, Served& served) {
    const std::uint64_t taken = node.model->write(socket, served.unwritten, now_ns_, outbox_);
    served.unwritten -= std::min(taken, served.unwritten);
}

void World::respond(std::uint16_t server, model::SocketId socket) {
    ServerNode& node = servers_[server];
    const auto found = node.sockets.find(socket);
    if (found == node.sockets.end()) return;
    Served& served = found->second;
    ++node.result.responses;
    served.unwritten = served.response_bytes;
    write_more(node, socket, served);
    const auto view = node.model->view(socket);
    const bool over = !view || view->peer_closed || view->reset;
    if (over || (served.closer == Closer::server && served.unwritten == 0)) {
        node.model->close(socket, now_ns_, outbox_);
        node.sockets.erase(found);
    }
    flush_server(server);
    settle_server(server);
}

// -------------------------------------------------------------------------------------------------------- the way out

const AddressRange* World::find_address(const core::Address& address) const {
    const auto after =
        std::ranges::upper_bound(addresses_, address, {}, [](const AddressRange& range) { return range.first; });
    if (after == addresses_.begin()) return nullptr;
    const AddressRange& range = *(after - 1);
    if (range.first.family != address.family) return nullptr;
    return address <= advanced(range.first, range.count - 1U) ? &range : nullptr;
}

void World::flush_server(std::uint16_t server) {
    if (outbox_.empty()) return;
    ServerNode& node = servers_[server];
    for (const model::Outgoing& outgoing : outbox_) {
        ++node.result.segments_out;
        if (on_packet_) on_packet_(now_ns_, outgoing.segment, false);
        const AddressRange* range = find_address(outgoing.segment.destination.address);
        if (range == nullptr) {
            ++result_.network.nowhere;
            continue;
        }
        Flight packet{.gateway = range->gateway, .server = server, .segment = outgoing.segment};
        std::uint16_t group = range->gateway == 0xffff ? 0xffff : gateway_groups_[range->gateway];
        if (range->gateway == 0xffff) {
            const core::Address& to = outgoing.segment.destination.address;
            const bool ipv4 = to.family == core::Family::ipv4;
            const std::size_t at = ipv4 ? 12 : 8;
            const std::uint64_t offset =
                ipv4 ? core::load_be32(&to.bytes[at]) - core::load_be32(&range->first.bytes[at])
                     : core::load_be64(&to.bytes[at]) - core::load_be64(&range->first.bytes[at]);
            packet.client = range->client + static_cast<std::uint32_t>(offset);
            group = group_of(packet.client);
        }
        if (group == 0xffff) {  // a gateway without clients
            ++result_.network.nowhere;
            continue;
        }
        transmit(packet, groups_[group].link, false);
    }
    outbox_.clear();
}

void World::settle_server(std::uint16_t server) {
    ServerNode& node = servers_[server];
    for (std::size_t i = 0; i < node.programs.size(); ++i) {
        const auto view = node.model->view_listener(node.programs[i].listener);
        node.recorder->queues(i, view);
        if (view.accept_length != 0) schedule_accept(server, i);
    }
    const std::int64_t deadline = node.model->next_deadline_ns();
    if (deadline >= node.wake_ns) return;
    node.wake_ns = std::max(deadline, now_ns_);
    queue_.push(node.wake_ns, EventKind::server_wake, server, 0, EventQueue::kHeap);
}

}  // namespace synwhy::sim
