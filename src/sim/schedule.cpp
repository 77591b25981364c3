// The draws behind a schedule; see schedule.hpp.
#include "sim/schedule.hpp"

#include <algorithm>
#include <queue>

#include "sim/addresses.hpp"

namespace synwhy::sim {
namespace {

std::uint64_t bits_of(std::uint64_t seed, std::uint32_t client, std::uint32_t ordinal) {
    return mixed(seed ^ (std::uint64_t{client} << 32U | ordinal));
}

struct Later {
    bool operator()(const PlannedConnect& a, const PlannedConnect& b) const {
        return std::pair(a.at_ns, a.client) > std::pair(b.at_ns, b.client);
    }
};

/// What every client has due next; one entry stands for a group whose arrivals are one process.
using Due = std::priority_queue<PlannedConnect, std::vector<PlannedConnect>, Later>;

/// Constant intervals are spread evenly over the clients, random ones begin with a draw.
void push_first(Due& due, const Scenario& scenario, std::uint16_t number, std::uint32_t base) {
    const ClientGroup& group = scenario.clients[number];
    PlannedConnect connect{.at_ns = group.first_ns, .client = base, .group = number};
    if (group.arrivals_of_group) return due.push(connect);
    for (std::uint32_t i = 0; i < group.count; ++i) {
        connect.client = base + i;
        connect.index = i;
        connect.at_ns = group.first_ns;
        if (group.arrival_interval.kind == Distribution::Kind::constant) {
            connect.at_ns += group.arrival_interval.low / group.count * i;
        } else {
            connect.at_ns += arrival_gap_ns(group, scenario.seed, connect.client, 0);
        }
        due.push(connect);
    }
}

}  // namespace

std::int64_t arrival_gap_ns(const ClientGroup& group, std::uint64_t seed, std::uint32_t client, std::uint32_t ordinal) {
    const std::uint64_t bits = mixed(bits_of(seed, client, ordinal) ^ 0xa441U);
    return std::max<std::int64_t>(1, draw(group.arrival_interval, bits));
}

GroupTurn group_turn(const ClientGroup& group, std::uint64_t seed, std::uint16_t number, std::uint32_t turn) {
    const std::uint64_t bits = mixed(mixed(seed ^ (std::uint64_t{number} << 40U | turn)) ^ 0x9409U);
    return {std::max<std::int64_t>(1, draw(group.arrival_interval, bits)),
            static_cast<std::uint32_t>(scaled(mixed(bits), group.count))};
}

Sizes sizes_of(const Application& application, std::uint64_t seed, std::uint32_t client, std::uint32_t ordinal) {
    const std::uint64_t bits = mixed(bits_of(seed, client, ordinal) ^ 0x512eU);
    return {static_cast<std::uint64_t>(draw(application.request_bytes, bits)),
            static_cast<std::uint64_t>(draw(application.response_bytes, mixed(bits)))};
}

std::int64_t think_ns(const ClientGroup& group, std::uint64_t seed, std::uint32_t client, std::uint32_t ordinal) {
    return draw(group.think, mixed(seed ^ mixed(std::uint64_t{client} << 32U | ordinal)));
}

FloodSource::FloodSource(const FloodPlan& plan, const core::Address& server, std::uint64_t seed, std::size_t number)
    : plan_(&plan), server_(server), random_(seed, 0xf1'0000 + number) {}

core::Segment FloodSource::next() {
    const bool ipv4 = plan_->source.family == core::Family::ipv4;
    const int host_bits = std::min((ipv4 ? 32 : 128) - plan_->prefix_length, 63);
    core::Segment syn;
    syn.source.address = advanced(plan_->source, random_.below(std::uint64_t{1} << static_cast<unsigned>(host_bits)));
    syn.source.port = static_cast<std::uint16_t>(1024 + random_.below(65536 - 1024));
    syn.destination = {server_, plan_->port};
    syn.sequence = static_cast<std::uint32_t>(random_.next());
    syn.flags = core::tcp_flag::syn;
    syn.window = 64240;
    syn.ttl = 64;
    syn.options.has_mss = true;
    syn.options.mss = 1460;
    syn.options.has_timestamps = plan_->timestamps;
    if (plan_->timestamps) syn.options.ts_value = static_cast<std::uint32_t>(random_.next());
    return syn;
}

std::int64_t FloodSource::due_ns(std::uint64_t sent) const {
    constexpr std::uint64_t kSecond_ns = 1'000'000'000;
    const std::uint64_t since =
        sent / plan_->rate_pps * kSecond_ns + sent % plan_->rate_pps * kSecond_ns / plan_->rate_pps;
    return plan_->start_ns + static_cast<std::int64_t>(since);
}

AcceptTimes::AcceptTimes(const Application& plan, std::uint64_t seed, std::size_t server, std::size_t listener,
                         std::int64_t start_ns)
    : plan_(&plan), start_ns_(start_ns), random_(seed, 0xa9'0000U + server * kMaxListeners + listener) {
    if (plan.stall_every.low <= 0) return;
    stall_start_ns_ = start_ns + random_.draw(plan.stall_every);
    stall_end_ns_ = stall_start_ns_ + random_.draw(plan.stall_length);
}

std::int64_t AcceptTimes::open_at(std::int64_t time_ns) {
    for (const Interval& stall : plan_->stalls) {
        if (time_ns >= start_ns_ + stall.start_ns && time_ns < start_ns_ + stall.end_ns) {
            time_ns = start_ns_ + stall.end_ns;
        }
    }
    while (time_ns >= stall_start_ns_) {
        time_ns = std::max(time_ns, stall_end_ns_);
        stall_start_ns_ = stall_end_ns_ + std::max<std::int64_t>(1, random_.draw(plan_->stall_every));
        stall_end_ns_ = stall_start_ns_ + random_.draw(plan_->stall_length);
    }
    return time_ns;
}

std::vector<PlannedConnect> planned_connects(const Scenario& scenario, std::size_t most) {
    Due due;
    std::vector<std::uint32_t> attempts;
    std::vector<std::uint32_t> bases;
    std::vector<std::uint32_t> turns(scenario.clients.size());
    for (std::uint16_t i = 0; i < scenario.clients.size(); ++i) {
        bases.push_back(static_cast<std::uint32_t>(attempts.size()));
        attempts.resize(attempts.size() + scenario.clients[i].count);
        push_first(due, scenario, i, bases.back());
    }
    std::vector<PlannedConnect> planned;
    while (!due.empty() && planned.size() <= most) {
        PlannedConnect next = due.top();
        due.pop();
        const ClientGroup& group = scenario.clients[next.group];
        if (next.at_ns >= std::min(group.until_ns, scenario.duration_ns)) continue;
        PlannedConnect after = next;
        if (group.arrivals_of_group) {
            const GroupTurn turn = group_turn(group, scenario.seed, next.group, turns[next.group]++);
            after.at_ns += turn.gap_ns;
            next.index = turn.index;
            next.client = bases[next.group] + turn.index;
            due.push(after);
            if (attempts[next.client] >= group.connections) continue;
            next.ordinal = attempts[next.client]++;
        } else {
            next.ordinal = attempts[next.client]++;
            after.at_ns += arrival_gap_ns(group, scenario.seed, next.client, next.ordinal + 1);
            if (next.ordinal + 1 < group.connections) due.push(after);
        }
        planned.push_back(next);
    }
    return planned;
}

}  // namespace synwhy::sim
