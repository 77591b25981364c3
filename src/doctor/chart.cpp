// What can be said about a host from two looks at it?
#include "doctor/chart.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace synwhy::doctor {

namespace {

/// 0.0.0.0 with or without the mapped prefix, or ::.
bool is_wildcard(const core::Address& address) {
    const std::size_t from = address.family == core::Family::ipv4 ? 12 : 0;
    return std::all_of(address.bytes.begin() + static_cast<std::ptrdiff_t>(from), address.bytes.end(),
                       [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

bool reaches(const core::Listener& listener, const core::Endpoint& server) {
    if (listener.local.port != server.port) return false;
    if (!is_wildcard(listener.local.address)) return listener.local.address == server.address;
    // [::] takes IPv4 too unless IPV6_V6ONLY is set.
    return listener.local.address.family == server.address.family ||
           (listener.local.address.family == core::Family::ipv6 && !listener.ipv6_only);
}

std::string Chart::span() const {
    if (!two_looks()) return "since boot";
    const std::int64_t length_ns = inputs_.after->monotonic_ns - inputs_.before.monotonic_ns;
    if (inputs_.before.monotonic_ns == 0 || length_ns <= 0) return "between the two readings";
    return fmt::format("in {:.1f} s", static_cast<double>(length_ns) / 1e9);
}

std::optional<std::int64_t> Chart::total(const std::string& counter) const {
    const auto& counters = now().facts.counters;
    const auto found = counters.find(counter);
    if (found == counters.end()) return std::nullopt;
    return found->second;
}

std::optional<std::int64_t> Chart::moved(const std::string& counter) const {
    if (!two_looks()) return std::nullopt;
    const auto last = total(counter);
    if (!last) return std::nullopt;
    const auto& counters = inputs_.before.facts.counters;
    const auto first = counters.find(counter);
    if (first == counters.end() || *last < first->second) return std::nullopt;
    return *last - first->second;
}

std::int64_t Chart::moved_sum(const std::vector<std::string>& counters) const {
    std::int64_t sum = 0;
    for (const std::string& counter : counters) sum += moved(counter).value_or(0);
    return sum;
}

const core::Listener* Chart::earlier(const core::Listener& listener) const {
    if (!two_looks()) return nullptr;
    const auto& before = inputs_.before.listeners;
    const auto found = std::ranges::find_if(before, [&](const core::Listener& other) {
        if (other.local != listener.local) return false;
        return listener.inode == 0 || other.inode == 0 || other.inode == listener.inode;
    });
    return found == before.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> Chart::drops_moved(const core::Listener& listener) const {
    const core::Listener* first = earlier(listener);
    if (first == nullptr || !first->drops || !listener.drops || *listener.drops < *first->drops) return std::nullopt;
    return *listener.drops - *first->drops;
}

std::vector<std::string> Chart::owners(const core::Listener& listener) const {
    std::vector<std::string> names;
    for (const int pid : listener.pids) {
        const auto process = now().processes.find(pid);
        if (process == now().processes.end()) {
            names.push_back(fmt::format("pid {}", pid));
        } else if (process->second.container.empty()) {
            names.push_back(fmt::format("{} (pid {})", process->second.name, pid));
        } else {
            names.push_back(fmt::format("{} (pid {}, {})", process->second.name, pid, process->second.container));
        }
    }
    return names;
}

std::vector<const core::Listener*> Chart::listeners_for(const core::Endpoint& server) const {
    std::vector<const core::Listener*> found;
    for (const core::Listener& listener : now().listeners) {
        if (reaches(listener, server)) found.push_back(&listener);
    }
    return found;
}

std::vector<const core::WatchedGroup*> Chart::unanswered_at(const core::Listener& listener) const {
    std::vector<const core::WatchedGroup*> found;
    for (const core::WatchedGroup& group : inputs_.watched.groups) {
        if (group.unanswered > 0 && reaches(listener, group.server)) found.push_back(&group);
    }
    return found;
}

std::optional<std::uint64_t> Chart::unanswered() const {
    if (!inputs_.watched.available || inputs_.watched.syns == 0) return std::nullopt;
    std::uint64_t sum = 0;
    for (const core::WatchedGroup& group : inputs_.watched.groups) sum += group.unanswered;
    return sum;
}

std::string stillness(const Chart& chart, const std::string& counter) {
    if (const auto moved = chart.moved(counter)) {
        return *moved == 0 ? fmt::format("{} did not move {}", counter, chart.span())
                           : fmt::format("{} moved by {} {}", counter, *moved, chart.span());
    }
    if (const auto total = chart.total(counter)) return fmt::format("{} is {} since boot", counter, *total);
    return fmt::format("{} was not read or does not exist in this kernel", counter);
}

}  // namespace synwhy::doctor
