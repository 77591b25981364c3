#include "truth/packets.hpp"

#include <algorithm>
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

Packets::Packets(const Recording& recording) {
    std::map<core::FourTuple, std::set<std::uint32_t>> seen;
    for (std::size_t i = 0; i < recording.steps.size(); ++i) {
        const Step& step = recording.steps[i];
        bool answered = false;
        for (const Sent& sent : step.received) {
            if (!sent.is_tcp) continue;
            const core::FourTuple tuple{sent.segment.destination, sent.segment.source};
            Recorded r{&sent, i};
            if (sent.kind == "fin" || sent.kind == "data") r.repeat = !seen[tuple].insert(sent.segment.sequence).second;
            const bool of_this_syn = step.injected && step.injected->is_syn() && step.injected->source == tuple.client &&
                                     sent.t >= step.t_injected;
            if (of_this_syn && !answered && sent.kind == "synack") r.direct = answered = true;
            packets_[tuple].push_back(r);
        }
    }
    for (auto& [tuple, list] : packets_) {
        std::ranges::stable_sort(list, {}, [](const Recorded& r) { return r.sent->t; });
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
    for (Recorded& r : found->second) {
        if (r.taken || r.reserved || r.direct || r.sent->kind != "synack") continue;
        if (r.sent->t < due_s - kEarly_s || r.sent->t > latest_s) continue;
        r.reserved = true;
        return r.sent->t;
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
