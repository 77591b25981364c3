// Which counters does a host keep below /proc/net?
#include "host/counter_files.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <limits>
#include <utility>

#include "host/lines.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kMaxColumns = 64;

/// Column -> name of softnet_stat, v2.6.32 to v6.18: net/core/net-procfs.c:softnet_seq_show
constexpr std::array<std::pair<std::size_t, std::string_view>, 4> kSoftnetColumns{{
    {0, "softnet.processed"},
    {1, "softnet.dropped"},
    {2, "softnet.time_squeeze"},
    {10, "softnet.flow_limit"},  // since 3.11
}};

/// File below /proc/net/stat -> prefix of its counters.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kCpuTables{{
    {"stat/nf_conntrack", "conntrack."},
    {"stat/rt_cache", "rt_cache."},
    {"stat/arp_cache", "arp."},
    {"stat/ndisc_cache", "ndisc."},
    {"stat/synproxy", "synproxy."},
}};

/// The two numbers that are sysctls, but move as counters do.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kNumbers{{
    {"proc/sys/net/netfilter/nf_conntrack_count", "conntrack.count"},
    {"proc/sys/net/netfilter/nf_conntrack_max", "conntrack.max"},
}};

void add(Counters& counters, const std::string& name, std::uint64_t value) {
    const auto found = counters.find(name);
    if (found == counters.end() && counters.size() >= kMaxCounters) return;
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    auto& sum = counters[name];
    sum = value > static_cast<std::uint64_t>(kMost - sum) ? kMost : sum + static_cast<std::int64_t>(value);
}

std::int64_t now_ns(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

/// The three that have names: read as one text, since a name occurs in one of them only.
void read_named(const Tree& tree, core::HostState& state) {
    std::string all;
    for (const std::string_view name : {"netstat", "snmp", "snmp6"}) {
        const auto text = tree.text(tree.net(name));
        if (text) {
            all += *text;
        } else if (name != "snmp6") {  // absent where IPv6 is
            miss(state, fmt::format("counters of /proc/net/{}", name), text.error().what);
        }
    }
    if (all.empty()) return;
    auto file = parse_counters(all, tree.net("netstat"));
    if (!file) return miss(state, "counters of TCP and IP", file.error().what);
    for (const auto& complaint : file->complaints) miss(state, "a line of " + complaint.where, complaint.what);
    state.facts.counters = std::move(file->readings.back());
}

}  // namespace

void add_sockstat(std::string_view text, Counters& counters) {
    while (const auto line = next_line(text)) {
        const auto words = words_of(*line, kMaxColumns);
        if (words.empty() || words[0].size() < 2 || !words[0].ends_with(':')) continue;
        const auto section = words[0].substr(0, words[0].size() - 1);
        for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
            const auto value = integer_of(words[i + 1]);
            if (value && *value >= 0) {
                add(counters, fmt::format("sockstat.{}.{}", section, words[i]), static_cast<std::uint64_t>(*value));
            }
        }
    }
}

void add_softnet(std::string_view text, Counters& counters) {
    for (std::size_t cpu = 0; cpu < kMaxCpus; ++cpu) {
        const auto line = next_line(text);
        if (!line) return;
        const auto words = words_of(*line, kMaxColumns);
        for (const auto& [column, name] : kSoftnetColumns) {
            if (column >= words.size()) continue;
            if (const auto value = hex_of(words[column])) add(counters, std::string(name), *value);
        }
    }
}

void add_cpu_table(std::string_view text, std::string_view prefix, Counters& counters) {
    const auto heading = next_line(text);
    if (!heading) return;
    const auto names = words_of(*heading, kMaxColumns);
    for (std::size_t cpu = 0; cpu < kMaxCpus; ++cpu) {
        const auto line = next_line(text);
        if (!line) return;
        const auto words = words_of(*line, kMaxColumns);
        for (std::size_t i = 0; i < std::min(names.size(), words.size()); ++i) {
            const auto value = hex_of(words[i]);
            if (value && (cpu == 0 || names[i] != "entries"))
                add(counters, fmt::format("{}{}", prefix, names[i]), *value);
        }
    }
}

void read_counter_files(const Tree& tree, core::HostState& state) {
    if (tree.live()) {
        state.wall_ns = now_ns(CLOCK_REALTIME);
        state.monotonic_ns = now_ns(CLOCK_MONOTONIC);
    }
    read_named(tree, state);
    auto& counters = state.facts.counters;
    for (const std::string_view name : {"sockstat", "sockstat6"}) {
        if (const auto text = tree.text(tree.net(name))) add_sockstat(*text, counters);
    }
    if (const auto text = tree.text(tree.net("softnet_stat"))) add_softnet(*text, counters);
    for (const auto& [file, prefix] : kCpuTables) {
        if (const auto text = tree.text(tree.net(file))) add_cpu_table(*text, prefix, counters);
    }
    for (const auto& [file, name] : kNumbers) {
        if (const auto value = integer_of(tree.line(file))) counters[std::string(name)] = *value;
    }
    if (!counters.empty()) state.facts.sources.push_back(tree.live() ? "/proc/net" : tree.path("proc/net"));
}

}  // namespace synwhy::host
