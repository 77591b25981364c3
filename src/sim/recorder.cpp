// The record of one server; see recorder.hpp.
#include "sim/recorder.hpp"

#include <algorithm>
#include <numeric>

namespace synwhy::sim {

const char* to_string(SynFate fate) {
    switch (fate) {
        case SynFate::answered: return "answered";
        case SynFate::cookie: return "cookie";
        case SynFate::synack_again: return "synack-again";
        case SynFate::reset: return "reset";
        case SynFate::bare_ack: return "bare-ack";
        case SynFate::silence: return "silence";
    }
    return "?";
}

const char* to_string(Ending ending) {
    switch (ending) {
        case Ending::served: return "served";
        case Ending::refused: return "refused";
        case Ending::timed_out: return "timed-out";
        case Ending::reset: return "reset";
        case Ending::gave_up: return "gave-up";
        case Ending::no_port: return "no-port";
        case Ending::closed: return "closed";
        case Ending::unfinished: return "unfinished";
        case Ending::pending: return "pending";
    }
    return "?";
}

namespace {

void note_time(RowCount& row, std::int64_t time_ns) {
    const bool first = row.syns + row.segments == 0;
    if (first) row.first_ns = time_ns;
    if (first || time_ns - row.last_ns > kBurstGap_ns) ++row.bursts;
    row.last_ns = time_ns;
}

}  // namespace

Recorder::Recorder(std::int64_t start_ns, std::int64_t duration_ns)
    : start_ns_(start_ns), bucket_ns_(duration_ns / static_cast<std::int64_t>(kBuckets) + 1), timeline_(kBuckets) {
    for (std::size_t i = 0; i < kBuckets; ++i) {
        timeline_[i].start_ns = start_ns + bucket_ns_ * static_cast<std::int64_t>(i);
    }
}

std::size_t Recorder::number_of(const core::Row& row) {
    const auto found = std::ranges::find(rows_, row.id, &RowCount::row);
    if (found != rows_.end()) return static_cast<std::size_t>(found - rows_.begin());
    if (rows_.size() == kMaxRows) return kMaxRows - 1;  // the path has fewer rows that a simulation can reach
    rows_.push_back({.row = row.id, .cause = row.cause});
    return rows_.size() - 1;
}

void Recorder::syn(const Syn& syn, const core::Segment& segment) {
    const auto fate = static_cast<std::size_t>(syn.fate);
    ++syns_[fate];
    if (syn.flood) ++flood_syns_[fate];
    const auto place = static_cast<std::size_t>((syn.time_ns - start_ns_) / bucket_ns_);
    core::TimeBucket& bucket = timeline_[std::min(place, kBuckets - 1)];
    switch (syn.fate) {
        case SynFate::answered:
        case SynFate::cookie:
        case SynFate::synack_again: ++bucket.answered; break;
        case SynFate::reset:
        case SynFate::bare_ack: ++bucket.refused; break;
        case SynFate::silence: ++bucket.unanswered; break;
    }
    if (syn.row != nullptr) {
        RowCount& row = rows_[number_of(*syn.row)];
        note_time(row, syn.time_ns);
        ++row.syns;
    }
    if (!syn.flood && segment.options.has_timestamps) dot(syn, segment);
}

void Recorder::other(std::int64_t time_ns, const core::Row& why) {
    RowCount& row = rows_[number_of(why)];
    note_time(row, time_ns);
    ++row.segments;
}

void Recorder::dot(const Syn& syn, const core::Segment& segment) {
    const bool refused = syn.fate >= SynFate::reset;
    auto known = source_numbers_.find(segment.source.address);
    if (known == source_numbers_.end()) {
        if (sources_.size() == kMaxSources) return;
        known = source_numbers_.emplace(segment.source.address, static_cast<std::uint32_t>(sources_.size())).first;
        sources_.push_back({.address = segment.source.address});
    }
    ++sources_[known->second].syns;
    if (refused) ++sources_[known->second].refused;
    if (dots_seen_++ % dot_stride_ != 0) return;
    if (dots_.size() == kMaxDots) {
        for (std::size_t i = 0; i < kMaxDots / 2; ++i) dots_[i] = dots_[2 * i];
        dots_.resize(kMaxDots / 2);
        dot_stride_ *= 2;
        if ((dots_seen_ - 1) % dot_stride_ != 0) return;
    }
    const auto host = host_places_.emplace(syn.host, static_cast<std::uint32_t>(host_numbers_.size()));
    if (host.second) host_numbers_.push_back(syn.host);
    dots_.push_back({syn.time_ns, known->second, host.first->second, segment.options.ts_value, syn.fate});
}

void Recorder::sample(const model::Server& server, std::int64_t time_ns) {
    if (samples_.size() >= kSamples + 1) return;
    QueueSample sample{.time_ns = time_ns};
    for (const model::ListenerId listener : server.listeners()) {
        const auto view = server.view_listener(listener);
        sample.accept_length += view.accept_length;
        sample.accept_limit += view.backlog;
        sample.request_length += view.request_length;
        sample.request_capacity += view.syn_capacity;
    }
    const auto occupied = server.occupied();
    sample.buckets = static_cast<std::uint32_t>(occupied.buckets);
    sample.connections = static_cast<std::uint32_t>(occupied.sockets);
    sample.peers = static_cast<std::uint32_t>(occupied.peers);
    most_buckets_ = std::max<std::uint64_t>(most_buckets_, occupied.buckets);
    samples_.push_back(sample);
}

void Recorder::queues(std::size_t listener, const model::ListenerView& view) {
    if (listener >= longest_.size()) longest_.resize(listener + 1);
    longest_[listener].accept = std::max(longest_[listener].accept, view.accept_length);
    longest_[listener].request = std::max(longest_[listener].request, view.request_length);
}

void Recorder::fill(ServerResult& result) {
    result.syns = syns_;
    result.flood_syns = flood_syns_;
    std::ranges::stable_sort(rows_, std::ranges::greater{}, [](const RowCount& r) { return r.syns + r.segments; });
    result.rows = rows_;
    result.timeline = timeline_;
    result.samples = samples_;
    result.most_buckets = most_buckets_;
    for (std::size_t i = 0; i < result.listeners.size() && i < longest_.size(); ++i) {
        result.listeners[i].longest_accept = longest_[i].accept;
        result.listeners[i].longest_request = longest_[i].request;
    }
    // Most refused first; the dots follow the new order.
    std::vector<std::uint32_t> order(sources_.size());
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::stable_sort(order, [&](std::uint32_t a, std::uint32_t b) {
        return sources_[a].refused != sources_[b].refused ? sources_[a].refused > sources_[b].refused
                                                          : sources_[a].syns > sources_[b].syns;
    });
    std::vector<std::uint32_t> place(sources_.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) {
        place[order[i]] = i;
        result.sources.push_back(sources_[order[i]].address);
    }
    result.dots = dots_;
    for (Dot& dot : result.dots) dot.address = place[dot.address];
}

}  // namespace synwhy::sim
