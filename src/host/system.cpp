// Which kernel and distribution is this, and how loaded is the machine?
#include "host/system.hpp"

#include <algorithm>
#include <charconv>

#include "host/counter_files.hpp"
#include "host/lines.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kSoftirqColumn = 7;   ///< behind "cpuN": user nice system idle iowait irq softirq steal
constexpr std::size_t kCountedColumns = 9;  ///< guest time, which follows, is part of user time already

std::optional<std::uint64_t> kilobytes(std::string_view value) {
    const auto words = words_of(value, 1);
    const auto number = words.empty() ? std::nullopt : integer_of(words[0]);
    return number && *number >= 0 ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
}

}  // namespace

std::string pretty_name(std::string_view os_release) {
    constexpr std::string_view kKey = "PRETTY_NAME=";
    while (const auto line = next_line(os_release)) {
        if (!line->starts_with(kKey)) continue;
        auto value = trimmed(line->substr(kKey.size()));
        if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) {
            value = value.substr(1, value.size() - 2);
        }
        return std::string(value);
    }
    return {};
}

void add_cpu_ticks(std::string_view stat, core::LoadState& load) {
    double worst_share = -1;
    while (const auto line = next_line(stat)) {
        const auto words = words_of(*line, kCountedColumns);
        if (words.empty() || !words[0].starts_with("cpu") || words[0] == "cpu") continue;
        if (words.size() <= kSoftirqColumn || load.total_ticks.size() >= kMaxCpus) continue;
        std::uint64_t total = 0;
        for (std::size_t i = 1; i < words.size(); ++i) {
            total +=
                static_cast<std::uint64_t>(std::clamp<std::int64_t>(integer_of(words[i]).value_or(0), 0, 1LL << 50U));
        }
        const auto softirq = static_cast<std::uint64_t>(
            std::clamp<std::int64_t>(integer_of(words[kSoftirqColumn]).value_or(0), 0, 1LL << 50U));
        load.total_ticks.push_back(total);
        load.softirq_ticks.push_back(softirq);
        const double share = total == 0 ? 0 : static_cast<double>(softirq) / static_cast<double>(total);
        if (share <= worst_share) continue;
        worst_share = share;
        load.busiest_softirq_ticks = softirq;
    }
    load.cpus = static_cast<std::uint32_t>(load.total_ticks.size());
}

void add_memory(std::string_view meminfo, core::LoadState& load) {
    while (const auto line = next_line(meminfo)) {
        if (const auto total = value_of(*line, "MemTotal")) load.memory_total_kb = kilobytes(*total);
        if (const auto available = value_of(*line, "MemAvailable")) load.memory_available_kb = kilobytes(*available);
    }
}

void read_system(const Tree& tree, core::HostState& state) {
    // What `uname -v` says names Debian's stable release, which the release itself does not.
    const auto release = tree.line("proc/sys/kernel/osrelease");
    const auto given =
        release.empty() ? tree.line("proc/version") : release + ' ' + tree.line("proc/sys/kernel/version");
    state.facts.kernel = core::resolve_kernel(given);
    if (state.facts.kernel && !release.empty()) state.facts.kernel->release.text = release;
    if (state.facts.kernel) {
        state.facts.sources.push_back(tree.path("proc/sys/kernel/osrelease"));
    } else {
        miss(state, "kernel release", tree.path("proc/sys/kernel/osrelease") + " can't be read");
    }
    for (const std::string_view file : {"etc/os-release", "usr/lib/os-release"}) {
        const auto text = tree.text(file);
        if (text && state.distribution.empty()) state.distribution = pretty_name(*text);
    }
}

void read_load(const Tree& tree, core::HostState& state) {
    const auto average = tree.line("proc/loadavg");
    double value = 0;
    if (std::from_chars(average.data(), average.data() + average.size(), value).ec == std::errc{}) {
        state.load.load_1min = value;
    }
    if (const auto stat = tree.text("proc/stat")) add_cpu_ticks(*stat, state.load);
    if (const auto memory = tree.text("proc/meminfo")) add_memory(*memory, state.load);
    if (state.load.cpus == 0) miss(state, "load", tree.path("proc/stat") + " can't be read");
}

}  // namespace synwhy::host
