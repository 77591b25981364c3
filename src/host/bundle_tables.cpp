// What do the tables of /proc and of ip(8), ethtool(8) in a bundle say?
#include "host/bundle_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "host/counter_files.hpp"
#include "host/lines.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kMaxColumns = 64;
constexpr std::size_t kMaxCpuLines = 8192;
constexpr std::size_t kMaxAddresses = 256;      ///< of one interface
constexpr std::size_t kMaxNicStatistics = 512;  ///< of one interface

/// File below /proc/net/stat -> prefix of its counters.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kCpuTables{{
    {"nf_conntrack", "conntrack."},
    {"ip_conntrack", "conntrack."},
    {"rt_cache", "rt_cache."},
    {"arp_cache", "arp."},
    {"ndisc_cache", "ndisc."},
    {"synproxy", "synproxy."},
}};

/// Columns of /proc/net/dev, v2.6.18 to v6.18: net/core/net-procfs.c:dev_seq_printf_stats
constexpr std::array<std::string_view, 16> kDeviceColumns{
    "rx_bytes",       "rx_packets", "rx_errors",         "rx_dropped",   "rx_fifo_errors", "rx_frame_errors",
    "rx_compressed",  "multicast",  "tx_bytes",          "tx_packets",   "tx_errors",      "tx_dropped",
    "tx_fifo_errors", "collisions", "tx_carrier_errors", "tx_compressed"};

/// Parts of drivers' names for what they lost.
constexpr std::array<std::string_view, 12> kLossWords{"drop",     "discard", "miss",    "no_buf", "nobuf", "out_of_buf",
                                                      "overflow", "overrun", "no_desc", "fifo",   "crc",   "error"};

/// What messages about refused and lost SYNs have in them.
constexpr std::array<std::string_view, 20> kLogWords{"SYN flooding",
                                                     "conntrack",
                                                     "table full",
                                                     "table overflow",
                                                     "cache overflow",
                                                     "martian",
                                                     "out of memory",
                                                     "Out of memory",
                                                     "too many orphan",
                                                     "time wait bucket",
                                                     "allocation failure",
                                                     "Link is Down",
                                                     "link down",
                                                     "WATCHDOG",
                                                     "soft lockup",
                                                     "blocked for more than",
                                                     "avc:",
                                                     "DENIED",
                                                     "oom-kill",
                                                     "MD5 Hash"};

std::optional<std::uint64_t> natural_of(std::string_view text) {
    const auto value = integer_of(text);
    if (!value || *value < 0) return std::nullopt;
    return static_cast<std::uint64_t>(*value);
}

/// nullptr when there are too many already.
core::InterfaceState* interface_named(Interfaces& interfaces, std::string_view name) {
    name = name.substr(0, name.find('@'));  // "eth0.5@eth0"
    if (name.empty() || name.size() > 32) return nullptr;
    const auto known = interfaces.find(std::string(name));
    if (known != interfaces.end()) return &known->second;
    if (interfaces.size() >= kMaxInterfaces) return nullptr;
    const auto added = interfaces.emplace(std::string(name), core::InterfaceState{}).first;
    added->second.name = name;
    return &added->second;
}

bool has_flag(std::string_view flags, std::string_view flag) {
    while (!flags.empty()) {
        const auto one = flags.substr(0, flags.find_first_of(",>"));
        if (one == flag) return true;
        flags.remove_prefix(std::min(flags.size(), one.size() + 1));
    }
    return false;
}

/// "<BROADCAST,UP,LOWER_UP> ... prog/xdp id 12", as words of a line of `ip link`.
void add_link_words(const std::vector<std::string_view>& words, core::InterfaceState& interface) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto word = words[i];
        if (word.starts_with('<')) {
            interface.up = has_flag(word.substr(1), "UP");
            interface.carrier = has_flag(word.substr(1), "LOWER_UP");
        } else if (word.starts_with("xdp")) {
            const auto mode = word.substr(0, word.find('/'));
            interface.xdp = mode == "xdpgeneric" ? "generic" : mode == "xdpoffload" ? "offload" : "driver";
        } else if (word == "prog/xdp" && i + 2 < words.size() && words[i + 1] == "id") {
            if (interface.xdp.empty()) interface.xdp = "driver";
            interface.xdp += fmt::format(", id {}", words[i + 2]);
        }
    }
}

void add_address_words(const std::vector<std::string_view>& words, core::InterfaceState& interface) {
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (words[i] != "inet" && words[i] != "inet6") continue;
        const auto address = core::parse_address(words[i + 1].substr(0, words[i + 1].find('/')));
        const bool known = !address || std::ranges::find(interface.addresses, *address) != interface.addresses.end();
        if (!known && interface.addresses.size() < kMaxAddresses) interface.addresses.push_back(*address);
    }
}

std::string printable(std::string_view text) {
    std::string clean;
    for (const char c : text.substr(0, kMaxKernelLogBytes)) {
        clean += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
    return clean;
}

/// "[  123.456789] text" -> microseconds; cuts the time off. Without a time: 0.
std::int64_t cut_time(std::string_view& line) {
    if (!line.starts_with('[')) return 0;
    const auto end = line.find(']');
    if (end == std::string_view::npos) return 0;
    const auto inner = trimmed(line.substr(1, end - 1));
    const auto point = inner.find('.');
    const auto seconds = natural_of(inner.substr(0, point));
    const auto fraction = point == std::string_view::npos ? std::string_view{} : inner.substr(point + 1);
    const auto micros = natural_of(fraction);
    if (!seconds || !micros || fraction.size() != 6 || *seconds > 1'000'000'000'000ULL) return 0;
    line = trimmed(line.substr(end + 1));
    return static_cast<std::int64_t>(*seconds * 1'000'000 + *micros);
}

}  // namespace

void add_cpu_statistics(std::string_view text, std::string_view file, Counters& counters) {
    const auto table = std::ranges::find(kCpuTables, file, &std::pair<std::string_view, std::string_view>::first);
    if (table != kCpuTables.end()) add_cpu_table(text, table->second, counters);
}

void add_addresses(std::string_view text, Interfaces& interfaces) {
    core::InterfaceState* current = nullptr;
    while (const auto line = next_line(text)) {
        const auto words = words_of(*line, kMaxColumns);
        if (words.size() < 2) continue;
        const auto number =
            words[0].ends_with(':') ? natural_of(words[0].substr(0, words[0].size() - 1)) : std::nullopt;
        if (number && !is_blank(line->front())) {
            auto name = words[1];
            if (name.ends_with(':')) name.remove_suffix(1);
            current = interface_named(interfaces, name);
            if (current != nullptr && *number <= std::numeric_limits<int>::max()) {
                current->index = static_cast<int>(*number);
            }
        }
        if (current == nullptr) continue;
        add_link_words(words, *current);
        add_address_words(words, *current);
    }
}

void add_devices(std::string_view text, Interfaces& interfaces) {
    while (const auto line = next_line(text)) {
        const auto colon = line->find(':');  // "eth0:1234" without a blank in old kernels
        if (colon == std::string_view::npos) continue;
        const auto values = words_of(line->substr(colon + 1), kMaxColumns);
        if (values.size() != kDeviceColumns.size()) continue;
        auto* interface = interface_named(interfaces, trimmed(line->substr(0, colon)));
        if (interface == nullptr) continue;
        for (std::size_t i = 0; i < values.size(); ++i) {
            const auto value = natural_of(values[i]);
            if (value) interface->counters.insert_or_assign(std::string(kDeviceColumns[i]), *value);
        }
    }
}

void add_nic_counters(std::string_view text, core::InterfaceState& interface) {
    while (const auto line = next_line(text)) {
        const auto colon = line->rfind(':');
        if (colon == std::string_view::npos) continue;
        const std::string name(trimmed(line->substr(0, colon)));
        const auto value = natural_of(trimmed(line->substr(colon + 1)));
        const auto is_in_name = [&](std::string_view word) { return name.find(word) != std::string::npos; };
        const bool loss = name.size() <= 64 && std::ranges::any_of(kLossWords, is_in_name);
        if (value && loss && interface.nic_drops.size() < kMaxNicStatistics) {
            interface.nic_drops.insert_or_assign(name, *value);
        }
    }
}

void add_nic_rings(std::string_view text, core::InterfaceState& interface) {
    bool maximums = false;
    while (const auto line = next_line(text)) {
        if (line->starts_with("Pre-set")) maximums = true;
        if (line->starts_with("Current")) maximums = false;
        const auto words = words_of(*line, 3);
        if (words.size() != 2 || words[0] != "RX:") continue;
        const auto value = natural_of(words[1]);
        if (!value || *value > std::numeric_limits<std::uint32_t>::max()) continue;
        (maximums ? interface.rx_ring_max : interface.rx_ring) = static_cast<std::uint32_t>(*value);
    }
}

void add_tc_ingress(std::string_view text, core::InterfaceState& interface) {
    std::uint32_t filters = 0;
    while (const auto line = next_line(text)) {
        // A filter's first line names its group, those with a handle are the filters themselves.
        if (line->starts_with("filter") && line->find(" handle ") != std::string_view::npos) ++filters;
    }
    interface.ingress_filters = interface.ingress_filters.value_or(0) + filters;
}

void add_load(std::string_view text, core::LoadState& load) {
    const auto words = words_of(text.substr(0, text.find('\n')), 1);
    if (words.empty()) return;
    double value = 0;
    const auto [end, error] = std::from_chars(words[0].data(), words[0].data() + words[0].size(), value);
    if (error == std::errc{} && std::isfinite(value) && value >= 0) load.load_1min = value;
}

void add_cpu_time(std::string_view text, core::LoadState& load) {
    constexpr std::size_t kSoftirqColumn = 6;  // user nice system idle iowait irq softirq
    constexpr std::size_t kStates = 8;         // ... steal; guest time is part of user's
    while (const auto line = next_line(text)) {
        const auto words = words_of(*line, kStates + 1);
        if (words.size() <= kSoftirqColumn + 1 || !words[0].starts_with("cpu") || words[0].size() == 3) continue;
        if (load.softirq_ticks.size() >= kMaxCpuLines) return;
        std::uint64_t total = 0;
        for (std::size_t i = 1; i < words.size(); ++i) total += natural_of(words[i]).value_or(0);
        const auto softirq = natural_of(words[kSoftirqColumn + 1]).value_or(0);
        load.softirq_ticks.push_back(softirq);
        load.total_ticks.push_back(total);
        load.busiest_softirq_ticks = std::max(load.busiest_softirq_ticks, softirq);
        load.cpus = static_cast<std::uint32_t>(load.softirq_ticks.size());
    }
}

void add_kernel_log(std::string_view text, std::vector<core::KernelLogLine>& lines) {
    while (const auto raw = next_line(text)) {
        auto line = trimmed(*raw);
        const auto is_in_line = [&](std::string_view word) { return line.find(word) != std::string_view::npos; };
        if (std::ranges::none_of(kLogWords, is_in_line)) continue;
        const auto since_boot_us = cut_time(line);
        lines.push_back({since_boot_us, printable(line)});
        if (lines.size() >= 2 * kMaxKernelLogLines) {
            lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(kMaxKernelLogLines));
        }
    }
    if (lines.size() > kMaxKernelLogLines) {
        lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(kMaxKernelLogLines));
    }
}

}  // namespace synwhy::host
