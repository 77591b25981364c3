// Outcomes and their comparison; see outcome.hpp.
#include "sim/outcome.hpp"

#include <algorithm>
#include <array>

#include "sim/world.hpp"

namespace synwhy::sim {
namespace {

/// ListenDrops moves with most of them, hence last; TCPReqQFullDoCookies and SyncookiesSent refuse nobody.
constexpr auto kTelling = std::to_array<TellingCounter>({{"TcpExt.PAWSPassive", core::Cause::per_host_paws},
                                                         {"TcpExt.ListenOverflows", core::Cause::accept_queue_full},
                                                         {"TcpExt.TCPReqQFullDrop", core::Cause::syn_queue_full},
                                                         {"TcpExt.ListenDrops", std::nullopt}});
constexpr std::array<std::string_view, 2> kCookies{"TcpExt.TCPReqQFullDoCookies", "TcpExt.SyncookiesSent"};

Often often(std::uint64_t count, std::uint64_t of) {
    if (count == 0) return Often::never;
    return count >= of ? Often::always : Often::some;
}

bool moved(const CounterValues& counters, std::string_view name) {
    const auto found = counters.find(name);
    return found != counters.end() && found->second != 0;
}

}  // namespace

const char* to_string(Often often) {
    switch (often) {
        case Often::never: return "never";
        case Often::some: return "some";
        case Often::always: return "always";
    }
    return "?";
}

Outcome simulated_outcome(const Scenario& scenario) {
    const Result result = run(scenario);
    Outcome outcome{.engine = "model", .duration_ns = result.duration_ns, .remarks = result.remarks};
    for (const GroupResult& group : result.groups) {
        outcome.groups.push_back({group.name, group.gateway, group.count, group.attempts});
    }
    for (const ServerResult& server : result.servers) {
        outcome.server = server.address;
        outcome.kernel = server.kernel;
        outcome.most_time_wait += server.most_buckets;
        for (const CounterResult& counter : server.counters) {
            outcome.counters[std::string(counter.name)] += static_cast<std::int64_t>(counter.value);
        }
        for (const ListenerResult& listener : server.listeners) {
            outcome.listeners.push_back({listener.local.port, listener.accept_limit, listener.longest_accept});
            outcome.most_requests = std::max<std::uint64_t>(outcome.most_requests, listener.longest_request);
        }
        for (const std::uint64_t count : server.flood_syns) outcome.flood_syns += count;
    }
    return outcome;
}

Attempts sum_of(const std::vector<GroupOutcome>& groups) {
    Attempts sum;
    for (const GroupOutcome& group : groups) {
        const Attempts& a = group.attempts;
        sum.total += a.total;
        for (std::size_t i = 0; i < kEndings; ++i) sum.by_ending[i] += a.by_ending[i];
        sum.hindered += a.hindered;
        sum.stopped += a.stopped;
        sum.connected += a.connected;
        sum.connected_late += a.connected_late;
        sum.undecided += a.undecided;
        sum.longest_ns = std::max(sum.longest_ns, a.longest_ns);
        sum.sum_ns += a.sum_ns;
    }
    return sum;
}

GroupVerdict verdict_of(const Attempts& attempts) {
    const std::uint64_t decided = attempts.total - attempts.undecided;
    return {often(attempts.hindered, decided), often(attempts.ended(Ending::refused), decided),
            often(attempts.ended(Ending::no_port), decided)};
}

const TellingCounter* telling_counter(const CounterValues& counters) {
    const auto found = std::ranges::find_if(kTelling, [&](const auto& one) { return moved(counters, one.name); });
    return found == kTelling.end() ? nullptr : &*found;
}

std::vector<OutcomeDifference> compare_outcomes(const Outcome& reference, const Outcome& other) {
    std::vector<OutcomeDifference> differences;
    const auto compare = [&](std::string what, const char* expected, const char* got) {
        if (std::string_view(expected) != got) differences.push_back({std::move(what), expected, got});
    };
    for (std::size_t i = 0; i < std::min(reference.groups.size(), other.groups.size()); ++i) {
        const GroupVerdict a = verdict_of(reference.groups[i].attempts);
        const GroupVerdict b = verdict_of(other.groups[i].attempts);
        const std::string& name = reference.groups[i].name;
        compare(name + ": attempts hindered", to_string(a.hindered), to_string(b.hindered));
        compare(name + ": attempts refused with a RST", to_string(a.refused), to_string(b.refused));
        compare(name + ": attempts without a source port", to_string(a.no_port), to_string(b.no_port));
    }
    const auto compare_counter = [&](std::string_view name) {
        const auto said = [&](const Outcome& outcome) { return moved(outcome.counters, name) ? "moves" : "stays"; };
        compare(std::string(name), said(reference), said(other));
    };
    for (const TellingCounter& counter : kTelling) compare_counter(counter.name);
    for (const std::string_view name : kCookies) compare_counter(name);
    return differences;
}

}  // namespace synwhy::sim
