#include "diagnose/counters.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/catalogue.hpp"

namespace synwhy::diagnose {

namespace {

/// How far a counter's movement may be from the capture's count and still be about the same SYNs: the two readings
/// and the capture never begin and end together.
bool agree(std::int64_t moved, std::uint64_t counted) {
    const auto difference = std::abs(moved - static_cast<std::int64_t>(counted));
    return difference <= std::max<std::int64_t>(2, static_cast<std::int64_t>(counted / 20));
}

const core::PageCounter* direct_counter(core::Cause cause, const Premises& premises) {
    if (premises.facts == nullptr) return nullptr;
    for (const core::PageCounter& counter : core::page(cause).counters) {
        const std::string name(counter.name);
        if (counter.direct &&
            (premises.facts->counter_deltas.contains(name) || premises.facts->counters.contains(name)))
            return &counter;
    }
    return nullptr;
}

}  // namespace

bool counters_exclude(core::Cause cause, const Premises& premises) {
    const core::PageCounter* counter = direct_counter(cause, premises);
    if (counter == nullptr) return false;
    const std::string name(counter->name);
    if (const auto moved = premises.facts->moved(name)) return *moved == 0;
    const auto reading = premises.facts->counters.find(name);
    return reading != premises.facts->counters.end() && reading->second == 0;
}

void weigh_counters(const Premises& premises, core::Finding& finding) {
    const core::PageCounter* counter = direct_counter(finding.cause, premises);
    if (counter == nullptr) return;
    const std::string name(counter->name);
    if (const auto moved = premises.facts->moved(name)) {
        finding.evidence.push_back(fmt::format(
            "{} moved by {} between the two readings; the capture holds {} such SYNs", name, *moved, finding.syns));
        const bool unrefuted = finding.confidence == core::Confidence::likely;
        if (unrefuted && *moved > 0 && agree(*moved, finding.syns)) finding.confidence = core::Confidence::certain;
        if (*moved == 0) finding.confidence = core::Confidence::unknown;
        return;
    }
    const auto reading = premises.facts->counters.find(name);
    if (reading == premises.facts->counters.end()) return;
    finding.evidence.push_back(fmt::format("{} stands at {} since boot", name, reading->second));
    if (reading->second == 0) finding.confidence = core::Confidence::unknown;
}

}  // namespace synwhy::diagnose
