#include "truth/packets.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace synwhy::truth {

namespace flag = core::tcp_flag;

const char* kind_of(const core::Segment& s) {
    if ((s.flags & (flag::syn | flag::ack)) == (flag::syn | flag::ack)) return "synack";
    if ((s.flags & flag::rst) != 0) return "rst";
    if ((s.flags & flag::syn) != 0) return "syn";
    if ((s.flags & flag::fin) != 0) return "fin";
    return s.payload_length != 0 ? "data" : "ack";
}

namespace {

/// A packet is read late, never early: the one with the least delay anchors the clock of its connection.
void correct_times(std::vector<Recorded>& list, double ticks_per_s) {
    const Recorded* anchor = nullptr;
    const auto ticks_since = [](const Recorded& a, const Recorded& b) {
        return static_cast<double>(
            static_cast<std::int32_t>(a.sent->segment.options.ts_value - b.sent->segment.options.ts_value));
    };
    for (const Recorded& r : list) {
        if (!r.sent->segment.options.has_timestamps) continue;
        if (anchor == nullptr || r.t - anchor->t < ticks_since(r, *anchor) / ticks_per_s) anchor = &r;
    }
    if (anchor == nullptr) return;
    for (Recorded& r : list) {
        if (!r.sent->segment.options.has_timestamps || &r == anchor) continue;
        const double told_s = anchor->t + ticks_since(r, *anchor) / ticks_per_s;
        // Two clocks drift apart, and a cookie's TSval carries other things.
        constexpr double kDrift = 0.002;
        constexpr double kPlausible_s = 5;
        const double early_s = r.t - told_s - std::abs(r.t - anchor->t) * kDrift;
        if (early_s > 0 && early_s < kPlausible_s) r.t -= early_s;
    }
}

/// The answer to a SYN is the first SYN+ACK that left after it; without timestamps, the last of its step.
void mark_answers(const Recording& recording, const core::FourTuple& tuple, std::vector<Recorded>& list) {
    constexpr double kClock_s = 0.002;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const Step& step = recording.steps[list[i].step];
        if (list[i].sent->kind != "synack" || !step.injected || !step.injected->is_syn()) continue;
        if (step.injected->source != tuple.client || list[i].t < step.t_injected - kClock_s) continue;
        const bool more = i + 1 < list.size() && list[i + 1].step == list[i].step;
        if (more && !list[i].sent->segment.options.has_timestamps) continue;
        const bool had_one = i > 0 && list[i - 1].step == list[i].step && list[i - 1].direct;
        list[i].direct = !had_one;
    }
}

}  // namespace

Packets::Packets(const Recording& recording, double ticks_per_s) {
    std::map<core::FourTuple, std::set<std::uint32_t>> seen;
    for (std::size_t i = 0; i < recording.steps.size(); ++i) {
        const Step& step = recording.steps[i];
        for (const Sent& sent : step.received) {
            if (!sent.is_tcp) continue;
            const core::FourTuple tuple{sent.segment.destination, sent.segment.source};
            Recorded r{&sent, sent.t};
            r.step = i;
            // Read after a pause of the harness, it may have waited for as long.
            const bool waited = i > 0 && sent.t > step.t;
            if (waited && !sent.segment.options.has_timestamps) {
                r.unsure_s = std::max(0.0, sent.t - recording.steps[i - 1].t_injected);
            }
            if (sent.kind == "fin" || sent.kind == "data") r.repeat = !seen[tuple].insert(sent.segment.sequence).second;
            packets_[tuple].push_back(r);
        }
    }
    for (auto& [tuple, list] : packets_) {
        correct_times(list, ticks_per_s);
        std::ranges::stable_sort(list, {}, &Recorded::t);
        mark_answers(recording, tuple, list);
    }
}

Recorded* Packets::take(const core::FourTuple& tuple, std::string_view kind, double from_s, double to_s) {
    const auto found = packets_.find(tuple);
    if (found == packets_.end()) return nullptr;
    for (Recorded& r : found->second) {
        if (r.taken || r.reserved || r.repeat || r.sent->kind != kind) continue;
        if (r.sent->t < from_s || r.sent->t > to_s) continue;
        r.taken = true;
        return &r;
    }
    return nullptr;
}

std::optional<double> Packets::reserve(const core::FourTuple& tuple, double due_s, double latest_s) {
    const auto found = packets_.find(tuple);
    if (found == packets_.end()) return std::nullopt;
    constexpr double kEarly_s = 0.03;  // timers round to jiffies, and the harness reads its own clock
    // A connection has one SYN+ACK timer: what an earlier setting of it reserved is free again.
    for (Recorded& r : found->second) {
        if (!r.taken) r.reserved = false;
    }
    double unsure_s = 0;  // of the packet that the timer counts from
    for (Recorded& r : found->second) {
        if (r.taken) unsure_s = r.unsure_s;
        if (r.taken || r.reserved || r.direct || r.sent->kind != "synack") continue;
        if (r.t < due_s - kEarly_s - unsure_s || r.t > latest_s) continue;
        r.reserved = true;
        return r.t;
    }
    return std::nullopt;
}

Recorded* Packets::take_reserved(const core::FourTuple& tuple) {
    const auto found = packets_.find(tuple);
    if (found == packets_.end()) return nullptr;
    for (Recorded& r : found->second) {
        if (!r.reserved || r.taken) continue;
        r.taken = true;
        return &r;
    }
    return nullptr;
}

}  // namespace synwhy::truth
