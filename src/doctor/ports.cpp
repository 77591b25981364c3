// Has this host, as a client, no local port left for a destination?
//
// connect() needs a port of ip_local_port_range that is not in use towards the same address and port. The range is
// compared with the connections to the busiest destinations. Left out: ports bound without connecting.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "doctor/results.hpp"
#include "doctor/words.hpp"

namespace synwhy::doctor {

namespace {

using core::Cause;
using core::Confidence;

struct PortRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    [[nodiscard]] std::uint64_t size() const { return last - first + 1; }
};

std::optional<PortRange> local_ports(const Chart& chart) {
    const auto& sysctls = chart.now().facts.sysctls;
    const auto found = sysctls.find("net.ipv4.ip_local_port_range");
    if (found == sysctls.end()) return std::nullopt;
    const std::string& text = found->second;
    const auto gap = text.find_first_of(" \t");
    if (gap == std::string::npos) return std::nullopt;
    const auto second = text.find_first_not_of(" \t", gap);
    PortRange range;
    if (second == std::string::npos || std::from_chars(text.data(), text.data() + gap, range.first).ec != std::errc{} ||
        std::from_chars(text.data() + second, text.data() + text.size(), range.last).ec != std::errc{} ||
        range.last < range.first || range.last > 65535) {
        return std::nullopt;
    }
    return range;
}

}  // namespace

void examine_ports(const Chart& chart, Results& results) {
    const auto range = local_ports(chart);
    if (!range) return results.add(Cause::port_exhausted, not_examinable("net.ipv4.ip_local_port_range was not read"));
    for (const core::DestinationUse& use : chart.now().destinations) {
        const std::uint64_t used = use.time_wait + use.others;
        // From 4.2 on connect() prefers odd numbers but takes even ones too: all of the range counts.
        if (used < range->size()) continue;
        Examination examination{
            .standing = Standing::found,
            .confidence = Confidence::certain,
            .servers = {use.destination},
            .headline = fmt::format("No local port is left for connections to {}", core::to_string(use.destination)),
            .evidence = {
                fmt::format("{} of the {} ports from {} to {} are in use towards it, {} of "
                            "them in TIME_WAIT",
                            std::min(used, range->size()), range->size(), range->first, range->last, use.time_wait),
                "connect() fails with EADDRNOTAVAIL before any SYN is sent"}};
        results.add(Cause::port_exhausted, std::move(examination));
    }
    if (results.found(Cause::port_exhausted)) return;
    std::string reading = fmt::format("{} ports from {} to {}", range->size(), range->first, range->last);
    if (chart.now().destinations.empty()) {
        reading += ", and far fewer connections than that";
    } else {
        const core::DestinationUse& most = chart.now().destinations.front();
        reading += fmt::format(", {} of them in use towards the busiest destination {}", most.time_wait + most.others,
                               core::to_string(most.destination));
    }
    results.add(Cause::port_exhausted, ruled_out(reading));
}

}  // namespace synwhy::doctor
