// Does the server remember something about this client that makes it refuse?
//
// Per-host PAWS (tcp_tw_recycle) has its own counter. A SYN that meets a TIME_WAIT with an older timestamp moves
// PAWSTimewait in 6.18 and PAWSEstab before, which established connections move too.
#include <fmt/format.h>

#include "doctor/results.hpp"
#include "doctor/words.hpp"

namespace synwhy::doctor {

namespace {

using core::Cause;
using core::Confidence;

void examine_host_paws(const Chart& chart, Results& results) {
    const std::string counter = "TcpExt.PAWSPassive";
    const core::Kernel* kernel = chart.kernel();
    if (kernel != nullptr && kernel->behaviours.host_paws == core::HostPaws::none) {
        return results.add(Cause::per_host_paws,
                           ruled_out(fmt::format("kernel {} has no per-host PAWS", kernel_name(*kernel))));
    }
    const auto recycle = chart.sysctl("net.ipv4.tcp_tw_recycle");
    const std::string setting =
        recycle ? fmt::format("net.ipv4.tcp_tw_recycle is {}", *recycle) : "net.ipv4.tcp_tw_recycle was not read";
    const std::int64_t moved = chart.moved(counter).value_or(0);
    const std::int64_t total = chart.total(counter).value_or(0);
    // One reading proves that it happened; with the sysctl still on it goes on whenever such clients come.
    const bool still_on = !chart.two_looks() && total > 0 && recycle.value_or(0) != 0;
    if (moved > 0 || still_on) {
        Examination examination{.standing = Standing::found,
                                .confidence = moved > 0 ? Confidence::certain : Confidence::likely,
                                .syns = static_cast<std::uint64_t>(moved),
                                .evidence = {stillness(chart, counter), setting}};
        examination.headline =
            "SYNs are refused because of another host's timestamp behind the same address "
            "(tcp_tw_recycle)";
        if (moved > 0)
            examination.evidence.push_back(
                fmt::format("{} refused this way since boot", counted(static_cast<std::uint64_t>(total), "SYN")));
        return results.add(Cause::per_host_paws, std::move(examination));
    }
    const std::string reading = setting + ", " + stillness(chart, counter);
    if (recycle && *recycle == 0 && total == 0) return results.add(Cause::per_host_paws, ruled_out(reading));
    results.add(Cause::per_host_paws, total > 0 ? past(reading) : unmoved(chart, counter, reading));
}

void examine_time_wait(const Chart& chart, Results& results) {
    const bool own = chart.total("TcpExt.PAWSTimewait").has_value();
    const std::string counter = own ? "TcpExt.PAWSTimewait" : "TcpExt.PAWSEstab";
    const std::int64_t moved = chart.moved(counter).value_or(0);
    if (moved == 0) return results.add(Cause::time_wait_refused, unmoved(chart, counter, stillness(chart, counter)));
    if (!own && chart.unanswered().value_or(1) == 0) {
        return results.add(Cause::time_wait_refused,
                           ruled_out("PAWSEstab moved, but every SYN that was seen got its SYN+ACK"));
    }
    Examination examination{.standing = Standing::found,
                            .confidence = own ? Confidence::likely : Confidence::possible,
                            .syns = static_cast<std::uint64_t>(moved),
                            .headline = "SYNs that reuse a connection in TIME_WAIT are refused for an older timestamp",
                            .evidence = {stillness(chart, counter)}};
    if (const auto waiting = chart.total("sockstat.TCP.tw")) {
        examination.evidence.push_back(fmt::format("{} connections are in TIME_WAIT", *waiting));
    }
    for (const core::WatchedGroup& group : chart.inputs().watched.groups) {
        if (group.unanswered == 0 || !group.has_timestamps) continue;
        examination.servers.push_back(group.server);
        examination.clients.push_back(group.client);
    }
    if (!own) examination.rivals = {Cause::established_collision};
    results.add(Cause::time_wait_refused, std::move(examination));
}

}  // namespace

void examine_memory_of_peers(const Chart& chart, Results& results) {
    examine_host_paws(chart, results);
    examine_time_wait(chart, results);
}

}  // namespace synwhy::doctor
