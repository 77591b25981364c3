#include "diagnose/host_paws_story.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/seq.hpp"

namespace synwhy::diagnose {

namespace {

constexpr std::size_t kAddressesTold = 5;
constexpr std::size_t kPortsTold = 6;
/// Two TSvals further apart than any clock runs in ten minutes (1000 Hz) come from different clocks.
constexpr std::int32_t kOtherClock = 600'000;

/// One client address that lost connections.
struct Victim {
    core::Address address{};
    std::vector<std::size_t> refused{};  ///< attempts
    std::set<std::uint32_t> handshakes{};
    std::map<std::uint32_t, std::uint64_t> winners{};  ///< handshake that left the stamp -> SYNs it refused
    std::int64_t first_ns = INT64_MAX;
    std::int64_t last_ns = INT64_MIN;
};

std::vector<Victim> collect_victims(const StoryContext& context, const Refusals& refusals) {
    std::map<core::Address, Victim> by_address;
    for (const std::size_t i : refusals.attempts) {
        const Attempt& attempt = context.view.attempts[i];
        Victim& victim = by_address[context.fold.handshakes()[attempt.handshake].tuple.client.address];
        victim.address = context.fold.handshakes()[attempt.handshake].tuple.client.address;
        victim.refused.push_back(i);
        victim.handshakes.insert(attempt.handshake);
        if (attempt.stamp_writer != kNone) ++victim.winners[attempt.stamp_writer];
        victim.first_ns = std::min(victim.first_ns, attempt.time_ns);
        victim.last_ns = std::max(victim.last_ns, attempt.time_ns);
    }
    std::vector<Victim> victims;
    for (auto& [address, victim] : by_address) victims.push_back(std::move(victim));
    std::stable_sort(victims.begin(), victims.end(),
                     [](const Victim& a, const Victim& b) { return a.handshakes.size() > b.handshakes.size(); });
    return victims;
}

/// How many clocks the SYNs of an address show: TSvals that no single clock could have produced together.
std::size_t count_clocks(const StoryContext& context, const core::Address& address) {
    std::vector<std::pair<std::uint32_t, std::int64_t>> clocks;  // newest TSval of each, and when
    for (const Attempt& attempt : context.view.attempts) {
        if (!attempt.has_timestamps || context.fold.handshakes()[attempt.handshake].tuple.client.address != address)
            continue;
        const auto same = std::find_if(clocks.begin(), clocks.end(), [&](const auto& clock) {
            const std::int32_t ahead = core::wrap_distance(attempt.ts, clock.first);
            return ahead > -kOtherClock && ahead < kOtherClock;
        });
        if (same == clocks.end()) {
            if (clocks.size() < 1000) clocks.emplace_back(attempt.ts, attempt.time_ns);
        } else {
            *same = {attempt.ts, attempt.time_ns};
        }
    }
    return clocks.size();
}

std::string ports_of(const StoryContext& context, const std::set<std::uint32_t>& handshakes) {
    std::string ports;
    std::size_t told = 0;
    for (const std::uint32_t index : handshakes) {
        if (told == kPortsTold) return ports + fmt::format(" and {} more", handshakes.size() - told);
        ports += fmt::format("{}{}", told == 0 ? "" : ", ", context.fold.handshakes()[index].tuple.client.port);
        ++told;
    }
    return ports;
}

/// The close that refused most SYNs of the victim.
std::string winner_sentence(const StoryContext& context, const Victim& victim) {
    const auto winner = std::max_element(victim.winners.begin(), victim.winners.end(),
                                         [](const auto& a, const auto& b) { return a.second < b.second; });
    if (winner == victim.winners.end()) return "the close that left the timestamp is older than the capture";
    const capture::Handshake& h = context.fold.handshakes()[winner->first];
    std::uint32_t stamp = h.client_ts;
    for (const std::size_t i : victim.refused) {
        if (context.view.attempts[i].stamp_writer == winner->first && context.view.attempts[i].stamp_exists)
            stamp = context.view.attempts[i].stamp_ts;
    }
    const std::int64_t closed =
        h.client_fin.seen() ? std::max(h.client_fin.time_ns, h.server_fin.time_ns) : h.server_fin.time_ns;
    std::string text = fmt::format("winner: port {} > {}, closed by the server at {}", h.tuple.client.port,
                                   h.tuple.server.port, clock_text(closed == capture::kNever ? h.last_ns : closed));
    if (h.client_ts_ns != capture::kNever) text += fmt::format(" with TSval {}", stamp);
    text += fmt::format("; it refused {} SYN{}", winner->second, winner->second == 1 ? "" : "s");
    if (victim.winners.size() > 1) text += fmt::format(", {} other closes the rest", victim.winners.size() - 1);
    return text;
}

}  // namespace

std::vector<std::string> host_paws_evidence(const StoryContext& context, const Refusals& refusals) {
    std::uint64_t behind = 0;
    std::uint64_t without = 0;
    std::uint64_t unreadable = 0;
    std::uint64_t assumed = 0;
    for (const std::size_t i : refusals.attempts) {
        const Attempt& attempt = context.view.attempts[i];
        if (attempt.timestamps_unreadable) {
            ++unreadable;
        } else if (!attempt.stamp_exists) {
            ++assumed;
        } else if (!attempt.has_timestamps) {
            ++without;
        } else {
            ++behind;
        }
    }
    std::vector<std::string> evidence;
    if (behind > 0) {
        evidence.push_back(fmt::format(
            "{} refused SYN{} came less than 60 s after the server had closed another connection of the same "
            "address, with an older timestamp than that connection's last",
            behind, behind == 1 ? "" : "s"));
    }
    if (without > 0)
        evidence.push_back(
            fmt::format("{} refused SYN{} without timestamps came while such a memory was fresh (kernels 3.17-4.11 and "
                        "el7 refuse those too)",
                        without, without == 1 ? "" : "s"));
    if (unreadable > 0)
        evidence.push_back(
            fmt::format("{} refused SYN{} came less than 60 s after such a close; the capture cut the timestamps, so "
                        "their order is unseen",
                        unreadable, unreadable == 1 ? "" : "s"));
    if (assumed > 0)
        evidence.push_back(
            fmt::format("{} refused SYN{} fit a close from before the capture", assumed, assumed == 1 ? "" : "s"));
    std::uint64_t spared = 0;
    for (const Mechanism* mechanism : refusals.mechanisms) spared = std::max(spared, mechanism->spared);
    evidence.push_back(fmt::format("{} answered SYN{} had a newer timestamp, or none to compare with, as predicted",
                                   spared, spared == 1 ? "" : "s"));
    return evidence;
}

std::vector<std::string> host_paws_story(const StoryContext& context, const Refusals& refusals) {
    std::vector<std::string> story;
    const std::vector<Victim> victims = collect_victims(context, refusals);
    for (std::size_t v = 0; v < victims.size() && v < kAddressesTold; ++v) {
        const Victim& victim = victims[v];
        const std::size_t clocks = count_clocks(context, victim.address);
        story.push_back(fmt::format("{}: {} connection{} refused between {} and {} ({}); ports {}",
                                    core::to_string(victim.address), victim.handshakes.size(),
                                    victim.handshakes.size() == 1 ? "" : "s", clock_text(victim.first_ns),
                                    clock_text(victim.last_ns), span_text(victim.last_ns - victim.first_ns),
                                    ports_of(context, victim.handshakes)));
        story.push_back(fmt::format("  {}", winner_sentence(context, victim)));
        if (clocks > 1) {
            story.push_back(
                fmt::format("  {} different clocks behind this one address: several hosts behind a NAT, or a client "
                            "with a random clock per connection",
                            clocks));
        }
    }
    if (victims.size() > kAddressesTold)
        story.push_back(fmt::format("... and {} more addresses", victims.size() - kAddressesTold));
    return story;
}

}  // namespace synwhy::diagnose
