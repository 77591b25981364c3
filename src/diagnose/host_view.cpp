#include "diagnose/host_view.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "core/seq.hpp"
#include "model/occupancy.hpp"
#include "model/peer_memory.hpp"
#include "model/tuple_state.hpp"

namespace synwhy::diagnose {

using capture::Handshake;
using capture::kNever;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t wall_second(std::int64_t time_ns) {
    return time_ns >= 0 ? time_ns / kSecond : -((-time_ns + kSecond - 1) / kSecond);
}

/// A close that leaves a per-host stamp (or would, if its timestamps could be read).
struct StampEvent {
    std::int64_t time_ns = 0;
    core::Address peer{};
    model::Stamp stamp{};
    bool readable = true;
};

/// Did the server close first? When only the client's side was captured, a client that sends nothing after its own
/// FIN was the second to close: the first one still has to acknowledge the other's FIN.
bool closed_by_server(const Handshake& h, const HostTraits& traits) {
    if (h.server_fin.seen()) return h.server_closed_first();
    if (traits.replies_visible) return false;
    return h.client_fin.seen() && h.client_last_ns <= h.client_fin.time_ns;
}

void collect_stamps(const Handshake& h, std::uint32_t index, const HostTraits& traits,
                    std::vector<StampEvent>& events) {
    if (!closed_by_server(h, traits)) return;
    const auto killed_before = [&](std::int64_t time_ns) {
        return (h.client_rst_ns != kNever && h.client_rst_ns < time_ns) ||
               (h.server_rst_ns != kNever && h.server_rst_ns < time_ns);
    };
    const auto add = [&](std::int64_t time_ns, const capture::Mark& mark) {
        if (killed_before(time_ns)) return;
        StampEvent event;
        event.time_ns = time_ns;
        event.peer = h.tuple.client.address;
        event.readable = mark.has_timestamps;
        event.stamp = {mark.ts_value, wall_second(mark.time_ns), index};
        const bool never_had_timestamps =
            !mark.has_timestamps && !h.syns.empty() && !h.syns.front().options.cut_by_snaplen;
        const bool no_option_at_all = h.syns.empty() && !mark.has_timestamps;
        if (never_had_timestamps || no_option_at_all) return;
        events.push_back(event);
    };
    // The orphan's FIN_WAIT2 bucket writes when the FIN is acknowledged, TIME_WAIT again with the client's FIN.
    if (h.server_fin_acked()) add(h.server_acked.time_ns, h.server_acked);
    if (h.client_fin.seen()) add(h.client_fin.time_ns, h.client_fin);
}

model::Connection connection_of(const Handshake& h, const Reading& reading) {
    model::Connection c;
    c.synack_ns = reading.outcome == core::Outcome::synack ? reading.answered_ns : model::kUnseen;
    c.request_end_ns = reading.request_end;
    if (reading.outcome != core::Outcome::none && h.client_established() && reading.aborted_ns == kNever) {
        c.established_ns = reading.refused_final_acks == 0 ? h.final_ack_ns
                           : reading.served_ns != kNever   ? reading.served_ns
                                                           : model::kUnseen;
    }
    if (h.midstream) c.established_ns = h.first_ns;
    c.client_fin_ns = h.client_fin.time_ns;
    c.server_fin_ns = h.server_fin.time_ns;
    if (h.server_fin_acked()) c.server_fin_acked_ns = h.server_acked.time_ns;
    if (h.client_fin_acked()) c.client_fin_acked_ns = h.client_acked.time_ns;
    for (const std::int64_t reset : {h.client_rst_ns, h.server_rst_ns}) {
        if (reset != kNever && (c.reset_ns == model::kUnseen || reset < c.reset_ns)) c.reset_ns = reset;
    }
    return c;
}

struct Queues {
    model::Occupancy requests;
    model::Occupancy requests_late;
    model::Occupancy young;
    model::Occupancy young_late;
    model::Occupancy unserved;
};

/// accept() takes connections in order, so one that was served proves that every earlier one was accepted before.
void fill_accept_queue(const capture::Fold& fold, const ListenerView& listener, const std::vector<Reading>& readings,
                       model::Occupancy& unserved) {
    (void)fold;
    std::vector<std::pair<std::int64_t, std::int64_t>> queued;  // final ACK, served
    for (const std::uint32_t index : listener.handshakes) {
        const Reading& reading = readings[index];
        if (reading.queued_ns == kNever) continue;
        queued.emplace_back(reading.queued_ns, reading.served_ns == kNever ? INT64_MAX : reading.served_ns);
    }
    std::sort(queued.begin(), queued.end());
    std::int64_t accepted_by = INT64_MAX;
    for (std::size_t i = queued.size(); i-- > 0;) {
        accepted_by = std::min(accepted_by, queued[i].second);
        if (accepted_by > queued[i].first) unserved.add(queued[i].first, accepted_by);
    }
}

Queues fill_queues(const capture::Fold& fold, ListenerView& listener, const std::vector<Reading>& readings) {
    Queues queues;
    for (const std::uint32_t index : listener.handshakes) {
        const Reading& reading = readings[index];
        if (reading.outcome == core::Outcome::synack && reading.request_end > reading.request_start) {
            queues.requests.add(reading.request_start, reading.request_end);
            queues.requests_late.add(reading.request_start, reading.request_end_late);
            queues.young.add(reading.request_start, reading.young_end);
            queues.young_late.add(reading.request_start, reading.young_end_late);
        }
        if (reading.first_refused_ack_ns != kNever) {
            listener.full_signs.push_back(reading.first_refused_ack_ns);
            listener.full_signs.push_back(reading.last_refused_ack_ns);
        }
        if (reading.aborted_ns != kNever) listener.full_signs.push_back(reading.aborted_ns);
    }
    fill_accept_queue(fold, listener, readings, queues.unserved);
    for (model::Occupancy* queue :
         {&queues.requests, &queues.requests_late, &queues.young, &queues.young_late, &queues.unserved})
        queue->sort();
    std::sort(listener.full_signs.begin(), listener.full_signs.end());
    return queues;
}

/// What has the 4-tuple when the copy arrives.
void note_existing(const capture::Fold& fold, const std::vector<Reading>& readings, Attempt& attempt) {
    const Handshake& own = fold.handshakes()[attempt.handshake];
    const capture::SynCopy& syn = own.syns[attempt.copy];
    const Reading& own_reading = readings[attempt.handshake];
    attempt.own_request = own_reading.outcome == core::Outcome::synack && own_reading.answered_ns != kNever &&
                          own_reading.answered_ns < syn.time_ns;
    std::uint32_t holder = attempt.own_request ? attempt.handshake : own.previous;
    bool destroyed = false;  // a RST in answer to a SYN takes the socket it met with it
    while (holder != capture::kNoHandshake && fold.handshakes()[holder].tuple == own.tuple && !destroyed) {
        const Handshake& h = fold.handshakes()[holder];
        destroyed = std::any_of(
            readings[holder].copies.begin(), readings[holder].copies.end(),
            [&](const CopyReading& copy) { return copy.outcome == core::Outcome::rst && copy.reply_ns < syn.time_ns; });
        const model::TupleState state = model::state_at(connection_of(h, readings[holder]), syn.time_ns);
        if (state.state == core::Existing::none) {
            holder = h.previous;
            continue;
        }
        core::ExistingFacts& facts = attempt.existing;
        facts.state = state.state;
        facts.rcv_nxt = h.client_next_known ? h.client_next : h.isn + 1;
        facts.request_isn = h.isn;
        facts.has_ts_recent = h.client_ts_ns != kNever || (!h.syns.empty() && h.syns.front().options.has_timestamps);
        facts.ts_recent = h.client_ts_ns != kNever ? h.client_ts : (h.syns.empty() ? 0 : h.syns.front().ts_value);
        facts.sequence = own.isn;
        facts.has_timestamps = syn.options.has_timestamps;
        facts.ts_value = syn.ts_value;
        attempt.existing_name = state.name;
        attempt.existing_handshake = holder;
        break;
    }
    if (attempt.existing.state == core::Existing::none) return;
    // The last ACK or SYN+ACK that this 4-tuple got for a SYN: replies are rate limited per socket.
    std::int64_t last = kNever;
    for (std::uint32_t index = attempt.handshake; index != capture::kNoHandshake && last == kNever;
         index = fold.handshakes()[index].previous) {
        for (const capture::Reply& reply : fold.handshakes()[index].replies) {
            const bool counts = reply.kind == capture::ReplyKind::ack ||
                                (reply.kind == capture::ReplyKind::synack && readings[index].synacks.size() > 1 &&
                                 reply.time_ns != readings[index].synacks.front());
            if (counts && reply.time_ns < syn.time_ns) last = std::max(last, reply.time_ns);
        }
    }
    // In a bucket every ACK it sent counts, also those that answered something other than a SYN.
    const bool bucket = attempt.existing.state == core::Existing::time_wait ||
                        attempt.existing.state == core::Existing::fin_wait2_bucket;
    if (bucket) {
        const Handshake& holder_record = fold.handshakes()[attempt.existing_handshake];
        const std::int64_t close_ns = std::max(holder_record.server_fin.time_ns, holder_record.client_acked.time_ns);
        if (holder_record.server_last_ns > close_ns && holder_record.server_last_ns < syn.time_ns)
            last = std::max(last, holder_record.server_last_ns);
    }
    if (last != kNever) attempt.existing.since_last_reply_ms = (syn.time_ns - last) / 1'000'000;
}

Attempt make_attempt(const capture::Fold& fold, const std::vector<Reading>& readings, std::uint32_t index,
                     std::uint16_t copy, std::uint32_t listener, const Queues& queues) {
    const capture::SynCopy& syn = fold.handshakes()[index].syns[copy];
    Attempt attempt;
    attempt.handshake = index;
    attempt.copy = copy;
    attempt.listener = listener;
    attempt.time_ns = syn.time_ns;
    attempt.outcome = readings[index].copies[copy].outcome;
    attempt.has_timestamps = syn.options.has_timestamps;
    attempt.timestamps_unreadable = syn.options.cut_by_snaplen;
    attempt.ts = syn.ts_value;
    attempt.requests = queues.requests.at(syn.time_ns);
    attempt.requests_high = queues.requests_late.at(syn.time_ns);
    attempt.young = queues.young.at(syn.time_ns);
    attempt.young_high = queues.young_late.at(syn.time_ns);
    attempt.unserved = queues.unserved.at(syn.time_ns);
    note_existing(fold, readings, attempt);
    return attempt;
}

/// Walks attempts and stamps in time order. metrics_pair and the older stores agree here: one view is one local
/// address.
void replay_peer_memory(std::vector<StampEvent> events, HostView& view, const capture::Fold& fold) {
    std::sort(events.begin(), events.end(),
              [](const StampEvent& a, const StampEvent& b) { return a.time_ns < b.time_ns; });
    model::PeerMemory memory;
    std::map<core::Address, std::int64_t> blind;  // second of the last close whose timestamps are unreadable
    std::map<core::Address, std::uint32_t> blind_writer;
    std::size_t next = 0;
    for (Attempt& attempt : view.attempts) {
        for (; next < events.size() && events[next].time_ns < attempt.time_ns; ++next) {
            const StampEvent& event = events[next];
            if (event.readable) {
                memory.remember(event.peer, event.stamp, wall_second(event.time_ns));
            } else {
                blind[event.peer] = event.stamp.second;
                blind_writer[event.peer] = event.stamp.writer;
            }
        }
        const core::Address& peer = fold.handshakes()[attempt.handshake].tuple.client.address;
        if (const auto stamp = memory.find(peer)) {
            attempt.stamp_exists = true;
            attempt.stamp_ts = stamp->ts;
            attempt.stamp_age_s = wall_second(attempt.time_ns) - stamp->second;
            attempt.stamp_writer = stamp->writer;
        }
        if (blind.empty()) continue;
        if (const auto closed = blind.find(peer); closed != blind.end()) {
            attempt.blind_stamp = wall_second(attempt.time_ns) - closed->second < model::kStampLifeS;
            if (attempt.blind_stamp && !attempt.stamp_exists) attempt.stamp_writer = blind_writer[peer];
        }
    }
    view.stamps_written = events.size();
}

/// Numbers the client addresses in ascending order, so that a prefix is a range of numbers.
void number_clients(const capture::Fold& fold, HostView& view) {
    const auto address_of = [&](const Attempt& attempt) -> const core::Address& {
        return fold.handshakes()[attempt.handshake].tuple.client.address;
    };
    view.clients.reserve(view.attempts.size());
    for (const Attempt& attempt : view.attempts) view.clients.push_back(address_of(attempt));
    std::sort(view.clients.begin(), view.clients.end());
    view.clients.erase(std::unique(view.clients.begin(), view.clients.end()), view.clients.end());
    for (Attempt& attempt : view.attempts) {
        attempt.client = static_cast<std::uint32_t>(
            std::lower_bound(view.clients.begin(), view.clients.end(), address_of(attempt)) - view.clients.begin());
    }
}

/// A peer is proven once a completed connection of it is over (its RTT is remembered at the close).
void note_proven_peers(const capture::Fold& fold, HostView& view) {
    std::vector<std::int64_t> proven_from(view.clients.size(), INT64_MAX);
    for (const std::uint32_t index : view.handshakes) {
        const Handshake& h = fold.handshakes()[index];
        if (!h.client_established() || !h.answered()) continue;
        const auto client = std::lower_bound(view.clients.begin(), view.clients.end(), h.tuple.client.address);
        if (client == view.clients.end() || *client != h.tuple.client.address) continue;
        std::int64_t& from = proven_from[static_cast<std::size_t>(client - view.clients.begin())];
        from = std::min(from, h.last_ns);
    }
    for (Attempt& attempt : view.attempts) attempt.proven_peer = proven_from[attempt.client] < attempt.time_ns;
}

void build_view(const capture::Fold& fold, std::optional<int> initial_rto_ms, std::vector<Reading>& readings,
                HostView& view) {
    view.traits = read_traits(fold, view.handshakes, initial_rto_ms);
    for (const std::uint32_t index : view.handshakes)
        readings[index] = read_handshake(fold.handshakes()[index], view.traits);

    std::map<core::Endpoint, std::uint32_t> listener_of;
    for (const std::uint32_t index : view.handshakes) {
        const core::Endpoint& endpoint = fold.handshakes()[index].tuple.server;
        const auto [where, fresh] = listener_of.emplace(endpoint, view.listeners.size());
        if (fresh) view.listeners.push_back({.endpoint = endpoint});
        view.listeners[where->second].handshakes.push_back(index);
    }
    std::vector<StampEvent> stamps;
    for (std::uint32_t l = 0; l < view.listeners.size(); ++l) {
        ListenerView& listener = view.listeners[l];
        mark_cookies(fold, listener.handshakes, view.traits, readings);
        const Queues queues = fill_queues(fold, listener, readings);
        for (const std::uint32_t index : listener.handshakes) {
            const Handshake& h = fold.handshakes()[index];
            collect_stamps(h, index, view.traits, stamps);
            for (std::uint16_t copy = 0; copy < h.syns.size(); ++copy) {
                view.attempts.push_back(make_attempt(fold, readings, index, copy, l, queues));
            }
        }
    }
    std::stable_sort(view.attempts.begin(), view.attempts.end(),
                     [](const Attempt& a, const Attempt& b) { return a.time_ns < b.time_ns; });
    number_clients(fold, view);
    replay_peer_memory(std::move(stamps), view, fold);
    note_proven_peers(fold, view);
    for (std::uint32_t i = 0; i < view.attempts.size(); ++i) {
        const Attempt& attempt = view.attempts[i];
        ListenerView& listener = view.listeners[attempt.listener];
        listener.attempts.push_back(i);
        (attempt.answered() ? listener.answered : listener.silent) += attempt.answered() || attempt.silent();
    }
}

}  // namespace

std::uint64_t HostView::silent_at_listen() const {
    return static_cast<std::uint64_t>(std::count_if(attempts.begin(), attempts.end(),
                                                    [](const Attempt& a) { return a.reaches_listen && a.silent(); }));
}

std::uint64_t HostView::answered_at_listen() const {
    return static_cast<std::uint64_t>(std::count_if(attempts.begin(), attempts.end(),
                                                    [](const Attempt& a) { return a.reaches_listen && a.answered(); }));
}

std::vector<HostShare> share_out(const capture::Fold& fold) {
    std::unordered_map<std::uint64_t, std::uint32_t> position;  // by address hash; equal hashes are told apart below
    std::vector<HostShare> shares;
    for (std::uint32_t i = 0; i < fold.handshakes().size(); ++i) {
        const Handshake& h = fold.handshakes()[i];
        const core::Address& address = h.tuple.server.address;
        std::uint64_t key = core::hash_of(address);
        auto where = position.find(key);
        while (where != position.end() && shares[where->second].address != address) where = position.find(++key);
        if (where == position.end()) {
            where = position.emplace(key, static_cast<std::uint32_t>(shares.size())).first;
            shares.push_back({.address = address});
        }
        HostShare& share = shares[where->second];
        share.handshakes.push_back(i);
        share.replies_visible |= h.server_segments > 0 || !h.replies.empty();
    }
    std::sort(shares.begin(), shares.end(),
              [](const HostShare& x, const HostShare& y) { return x.address < y.address; });
    return shares;
}

HostView build_host_view(const capture::Fold& fold, const core::HostFacts& facts, const HostShare& share,
                         bool any_replies, std::vector<Reading>& readings) {
    HostView view;
    view.address = share.address;
    view.handshakes = share.handshakes;
    build_view(fold, facts.kernel ? std::optional<int>(facts.kernel->behaviours.initial_rto_ms) : std::nullopt,
               readings, view);
    view.address_silent = any_replies && !view.traits.replies_visible;
    return view;
}

}  // namespace synwhy::diagnose
