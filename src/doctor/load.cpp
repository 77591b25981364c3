// Does the packet get lost below the protocols: in the NIC, in the per-CPU backlog?
//
// These losses hit every packet alike. They are named only while they happen.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "doctor/results.hpp"
#include "doctor/words.hpp"

namespace synwhy::doctor {

namespace {

using core::Cause;
using core::Confidence;

const core::InterfaceState* earlier(const Chart& chart, const core::InterfaceState& interface) {
    if (!chart.two_looks()) return nullptr;
    const auto& before = chart.inputs().before.interfaces;
    const auto found = std::ranges::find(before, interface.name, &core::InterfaceState::name);
    return found == before.end() ? nullptr : &*found;
}

using Numbers = std::map<std::string, std::uint64_t>;

std::uint64_t moved(const Numbers& before, const Numbers& after, const std::string& name) {
    const auto first = before.find(name);
    const auto last = after.find(name);
    if (first == before.end() || last == after.end() || last->second < first->second) return 0;
    return last->second - first->second;
}

/// Losses that are the NIC's or its ring's. rx_dropped is not among them: it also counts protocols nobody wants.
constexpr std::array<const char*, 3> kRingLosses{"rx_missed_errors", "rx_fifo_errors", "rx_over_errors"};

void examine_nic(const Chart& chart, Results& results) {
    for (const core::InterfaceState& interface : chart.now().interfaces) {
        const core::InterfaceState* before = earlier(chart, interface);
        if (before == nullptr) continue;
        std::string names;
        std::uint64_t lost = 0;
        const auto add = [&](const std::string& name, std::uint64_t count) {
            if (count == 0) return;
            names += fmt::format("{}{} +{}", names.empty() ? "" : ", ", name, count);
            lost = std::max(lost, count);
        };
        for (const char* name : kRingLosses) add(name, moved(before->counters, interface.counters, name));
        for (const auto& [name, value] : interface.nic_drops)
            add(name, moved(before->nic_drops, interface.nic_drops, name));
        if (lost == 0) continue;
        Examination examination{.standing = Standing::found,
                                .confidence = Confidence::likely,
                                .headline = fmt::format("{} loses packets before the kernel sees them", interface.name),
                                .evidence = {fmt::format("{} {}", names, chart.span())}};
        if (interface.rx_ring && interface.rx_ring_max) {
            examination.evidence.push_back(fmt::format("its receive ring has {} of at most {} entries",
                                                       *interface.rx_ring, *interface.rx_ring_max));
        }
        results.add(Cause::nic_drop, std::move(examination));
    }
    if (results.found(Cause::nic_drop)) return;
    if (chart.now().interfaces.empty()) return results.add(Cause::nic_drop, not_examinable("no interface was read"));
    results.add(Cause::nic_drop, chart.two_looks() ? ruled_out("no loss counter of an interface moved " + chart.span())
                                                   : not_examinable("loss counters need two looks (--seconds)"));
}

std::string load_reading(const Chart& chart) {
    const core::LoadState& load = chart.now().load;
    std::string text;
    if (load.load_1min) text = fmt::format("load {:.2f} on {}, ", *load.load_1min, counted(load.cpus, "CPU"));
    return text;
}

void examine_backlog(const Chart& chart, Results& results) {
    const std::string counter = "softnet.dropped";
    const std::int64_t dropped = chart.moved(counter).value_or(0);
    const std::string reading = load_reading(chart) + stillness(chart, counter);
    if (dropped == 0) {
        return results.add(Cause::softnet_backlog, unmoved(chart, counter, reading));
    }
    results.add(Cause::softnet_backlog,
                {.standing = Standing::found,
                 .confidence = Confidence::certain,
                 .headline = "A CPU's packet backlog overflows (net.core.netdev_max_backlog)",
                 .evidence = {reading, fmt::format("{} of all protocols were dropped there",
                                                   counted(static_cast<std::uint64_t>(dropped), "packet"))}});
}

}  // namespace

void examine_load(const Chart& chart, Results& results) {
    examine_backlog(chart, results);
    examine_nic(chart, results);
}

}  // namespace synwhy::doctor
