#include "diagnose/stories.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/catalogue.hpp"
#include "core/seq.hpp"
#include "diagnose/host_paws_story.hpp"

namespace synwhy::diagnose {

using core::Cause;

namespace {

/// "1 SYN", "5 SYNs"
std::string counted(std::uint64_t count, const char* one) {
    return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::uint64_t sum(const Refusals& refusals, std::uint64_t Mechanism::* field) {
    std::uint64_t total = 0;
    for (const Mechanism* mechanism : refusals.mechanisms) total += mechanism->*field;
    return total;
}

std::size_t count_clients(const StoryContext& context, const Refusals& refusals) {
    std::set<core::Address> clients;
    for (const std::size_t i : refusals.attempts)
        clients.insert(context.fold.handshakes()[context.view.attempts[i].handshake].tuple.client.address);
    return clients.size();
}

std::string threshold_sentence(const Refusals& refusals, const Mechanism& mechanism) {
    const std::uint64_t answered_below = mechanism.spared;
    switch (refusals.cause) {
        case Cause::accept_queue_full:
            return fmt::format(
                "refused SYNs met {} completed connections that nobody had accepted (limit {}: backlog {}); {} below "
                "it were answered",
                mechanism.threshold, mechanism.threshold, mechanism.threshold - 1, counted(answered_below, "SYN"));
        case Cause::syn_queue_full:
        case Cause::syn_backlog_quarter:
            return fmt::format("refused SYNs met {} or more pending requests; {} below that were answered",
                               mechanism.threshold, counted(answered_below, "SYN"));
        case Cause::min_ttl:
            return fmt::format("every SYN with a TTL below {} was refused, {} at or above it answered",
                               mechanism.threshold, counted(answered_below, "SYN"));
        default:
            return fmt::format("every SYN from {}/{} was refused between {} and {}", core::to_string(mechanism.prefix),
                               mechanism.prefix_length, clock_text(mechanism.from_ns), clock_text(mechanism.to_ns));
    }
}

std::vector<std::string> queue_story(const StoryContext& context, const Refusals& refusals) {
    std::vector<std::string> story;
    const auto& attempts = context.view.attempts;
    for (const Mechanism* mechanism : refusals.mechanisms) {
        if (mechanism->listener == kNone) continue;
        const ListenerView& listener = context.view.listeners[mechanism->listener];
        std::int64_t first = INT64_MAX;
        std::int64_t last = INT64_MIN;
        std::uint64_t refused = 0;
        for (const std::size_t i : refusals.attempts) {
            if (attempts[i].listener != mechanism->listener) continue;
            first = std::min(first, attempts[i].time_ns);
            last = std::max(last, attempts[i].time_ns);
            ++refused;
        }
        if (refused == 0) continue;
        story.push_back(fmt::format("{}: full from {} to {} ({}), {} refused", core::to_string(listener.endpoint),
                                    clock_text(first), clock_text(last), span_text(last - first),
                                    counted(refused, "SYN")));
        const auto signs = static_cast<std::uint64_t>(
            std::count_if(listener.full_signs.begin(), listener.full_signs.end(),
                          [&](std::int64_t t) { return t >= first - 5'000'000'000 && t <= last + 5'000'000'000; }));
        if (refusals.cause == Cause::accept_queue_full && signs > 0) {
            story.push_back(fmt::format(
                "{}: final ACKs were refused at that time too (SYN+ACKs repeated after the client's ACK, or RST)",
                core::to_string(listener.endpoint)));
        }
    }
    return story;
}

std::vector<std::string> detail_story(const StoryContext& context, const Refusals& refusals) {
    std::map<core::Endpoint, std::uint64_t> per_listener;
    for (const std::size_t i : refusals.attempts)
        ++per_listener[context.view.listeners[context.view.attempts[i].listener].endpoint];
    std::vector<std::string> story;
    for (const auto& [endpoint, count] : per_listener) {
        if (story.size() == 5) {
            story.push_back(fmt::format("... and {} more ports", per_listener.size() - 5));
            break;
        }
        story.push_back(fmt::format("{}: {}", core::to_string(endpoint), counted(count, "SYN")));
    }
    return story;
}

}  // namespace

std::string clock_text(std::int64_t time_ns) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    constexpr std::int64_t kDay = 86'400;
    std::int64_t seconds = time_ns / kSecond;
    std::int64_t rest = time_ns % kSecond;
    if (rest < 0) {
        rest += kSecond;
        --seconds;
    }
    const std::int64_t of_day = ((seconds % kDay) + kDay) % kDay;
    return fmt::format("{:02}:{:02}:{:02}.{:03}", of_day / 3600, of_day / 60 % 60, of_day % 60, rest / 1'000'000);
}

std::string span_text(std::int64_t length_ns) {
    const double seconds = static_cast<double>(std::max<std::int64_t>(length_ns, 0)) / 1e9;
    if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1000);
    return seconds < 10 ? fmt::format("{:.1f} s", seconds) : fmt::format("{:.0f} s", seconds);
}

std::vector<std::string> evidence_of(const StoryContext& context, const Refusals& refusals) {
    std::vector<std::string> evidence;
    if (refusals.mechanisms.empty()) {
        evidence.push_back(fmt::format("{} of {}: {}", counted(refusals.attempts.size(), "SYN"),
                                       counted(count_clients(context, refusals), "client address"),
                                       core::page(refusals.cause).summary));
        return evidence;
    }
    if (refusals.cause == Cause::per_host_paws) {
        evidence = host_paws_evidence(context, refusals);
    } else {
        for (const Mechanism* mechanism : refusals.mechanisms) {
            if (evidence.size() == 6) break;
            evidence.push_back(threshold_sentence(refusals, *mechanism));
        }
    }
    const std::uint64_t refuted = sum(refusals, &Mechanism::refute);
    evidence.push_back(refuted == 0 ? "no answered SYN contradicts it"
                                    : fmt::format("{} contradict{} it (packets missing from the capture could)",
                                                  counted(refuted, "answered SYN"), refuted == 1 ? "s" : ""));
    return evidence;
}

std::vector<std::string> story_of(const StoryContext& context, const Refusals& refusals) {
    switch (refusals.cause) {
        case Cause::per_host_paws: return host_paws_story(context, refusals);
        case Cause::accept_queue_full:
        case Cause::syn_queue_full:
        case Cause::syn_backlog_quarter: return queue_story(context, refusals);
        default: return detail_story(context, refusals);
    }
}

}  // namespace synwhy::diagnose
