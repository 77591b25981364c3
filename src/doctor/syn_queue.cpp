// Is a SYN queue full, or its last quarter reserved?
//
// The number of half-open requests is counted per address and port. TCPReqQFullDrop moves for this cause alone; the
// rule of the last quarter has no counter of its own and is known by what is left of ListenDrops when all others are
// taken away. Source of the rules: core/kernel.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "doctor/results.hpp"
#include "doctor/words.hpp"

namespace synwhy::doctor {

namespace {

using core::Cause;
using core::Confidence;
using core::Listener;

/// Requests that fit before the next SYN meets a full queue, net/ipv4/tcp_input.c:tcp_conn_request; nullopt when the
/// kernel or a sysctl it needs is not known.
std::optional<std::uint64_t> own_capacity(const Chart& chart, const Listener& listener) {
    const core::Kernel* kernel = chart.kernel();
    if (kernel == nullptr || !listener.backlog_known) return std::nullopt;
    switch (kernel->behaviours.syn_queue_rule) {
        case core::SynQueueRule::at_backlog: return listener.backlog;
        case core::SynQueueRule::above_backlog: return std::uint64_t{listener.backlog} + 1;
        case core::SynQueueRule::table: {
            const auto limit = chart.sysctl("net.ipv4.tcp_max_syn_backlog");
            if (!limit) return std::nullopt;
            const std::uint64_t entries = std::min<std::uint64_t>(listener.backlog, static_cast<std::uint64_t>(*limit));
            return std::bit_ceil(std::max<std::uint64_t>(8, entries) + 1);
        }
    }
    return std::nullopt;
}

/// Of all SO_REUSEPORT members together: requests are counted by address and port, which they share.
std::optional<std::uint64_t> capacity(const Chart& chart, const Listener& listener) {
    const auto own = own_capacity(chart, listener);
    if (!own) return std::nullopt;
    const auto members = std::ranges::count(chart.now().listeners, listener.local, &Listener::local);
    return *own * static_cast<std::uint64_t>(members);
}

bool full(const Chart& chart, const Listener& listener) {
    const auto most = capacity(chart, listener);
    return most && listener.half_open && *listener.half_open >= *most;
}

/// The listener with the fullest SYN queue; nullptr when half-open requests could not be counted.
const Listener* fullest(const Chart& chart) {
    const Listener* most = nullptr;
    double share = -1;
    for (const Listener& listener : chart.now().listeners) {
        if (!listener.half_open) continue;
        const double used = static_cast<double>(*listener.half_open) / (listener.backlog + 1.0);
        if (used > share) {
            share = used;
            most = &listener;
        }
    }
    return most;
}

std::string queue_sentence(const Chart& chart, const Listener& listener) {
    const auto most = capacity(chart, listener);
    return fmt::format("{} {} half-open, {}", core::to_string(listener.local),
                       counted(listener.half_open.value_or(0), "request"),
                       most ? fmt::format("the queue takes {}", *most) : "its capacity is not known");
}

Examination full_queue(const Chart& chart, const Listener* listener, std::int64_t dropped, std::int64_t cookies) {
    Examination examination{.standing = Standing::found, .confidence = Confidence::certain};
    std::string name = "a listener";
    if (listener != nullptr) {
        examination.servers = {listener->local};
        examination.processes = chart.owners(*listener);
        examination.evidence.push_back(queue_sentence(chart, *listener));
        name = listener_name(chart, *listener);
    }
    if (dropped > 0) examination.evidence.push_back(stillness(chart, "TcpExt.TCPReqQFullDrop"));
    if (cookies > 0) {
        examination.evidence.push_back(stillness(chart, "TcpExt.TCPReqQFullDoCookies"));
        examination.evidence.push_back(stillness(chart, "TcpExt.SyncookiesSent"));
    }
    examination.syns = static_cast<std::uint64_t>(dropped);
    const bool answered = chart.sysctl("net.ipv4.tcp_syncookies").value_or(1) != 0;
    examination.headline = answered ? fmt::format("The SYN queue of {} is full: SYN cookies answer in its place", name)
                                    : fmt::format("The SYN queue of {} is full and SYN cookies are off", name);
    if (!chart.now().half_open_clients.empty()) examination.clients = chart.now().half_open_clients;
    return examination;
}

void examine_full(const Chart& chart, Results& results) {
    const std::int64_t dropped = chart.moved("TcpExt.TCPReqQFullDrop").value_or(0);
    const bool always_cookies = chart.sysctl("net.ipv4.tcp_syncookies").value_or(1) == 2;
    const std::int64_t cookies = always_cookies ? 0 : chart.moved("TcpExt.TCPReqQFullDoCookies").value_or(0);
    const Listener* most = fullest(chart);
    const bool full_now = most != nullptr && full(chart, *most) && *most->half_open > 0;
    if (dropped > 0 || cookies > 0 || full_now) {
        const Listener* culprit = full_now || chart.now().listeners.size() == 1 ? most : nullptr;
        return results.add(Cause::syn_queue_full, full_queue(chart, culprit, dropped, cookies));
    }
    std::string reading = most == nullptr ? "half-open requests could not be counted" : queue_sentence(chart, *most);
    reading += ", " + stillness(chart, "TcpExt.TCPReqQFullDrop");
    results.add(Cause::syn_queue_full, unmoved(chart, "TcpExt.TCPReqQFullDrop", reading));
}

/// What is left of ListenDrops when every cause with a counter of its own is taken away.
std::int64_t unexplained_drops(const Chart& chart) {
    return chart.moved("TcpExt.ListenDrops").value_or(0) -
           chart.moved_sum({"TcpExt.ListenOverflows", "TcpExt.TCPReqQFullDrop", "TcpExt.PAWSPassive", "Ip.OutNoRoutes",
                            "IpExt.OutNoRoutes", "Ip6.OutNoRoutes"});
}

void examine_quarter(const Chart& chart, Results& results) {
    const auto cookies = chart.sysctl("net.ipv4.tcp_syncookies");
    if (cookies && *cookies != 0) {
        return results.add(Cause::syn_backlog_quarter,
                           ruled_out(fmt::format("net.ipv4.tcp_syncookies is {}", *cookies)));
    }
    const auto limit = chart.sysctl("net.ipv4.tcp_max_syn_backlog");
    if (!cookies || !limit) {
        return results.add(Cause::syn_backlog_quarter,
                           not_examinable("net.ipv4.tcp_syncookies or tcp_max_syn_backlog was not read"));
    }
    const auto reserved_above = static_cast<std::uint64_t>(*limit - *limit / 4);
    for (const Listener& listener : chart.now().listeners) {
        if (listener.half_open.value_or(0) <= reserved_above || full(chart, listener)) continue;
        const std::int64_t left = std::max<std::int64_t>(0, unexplained_drops(chart));
        Examination examination{.standing = Standing::found,
                                .confidence = Confidence::likely,
                                .servers = {listener.local},
                                .processes = chart.owners(listener),
                                .syns = static_cast<std::uint64_t>(left)};
        examination.headline =
            fmt::format("The last quarter of tcp_max_syn_backlog is reserved at {}", listener_name(chart, listener));
        examination.evidence = {
            fmt::format("{} half-open, and above {} of tcp_max_syn_backlog = {} only clients that the kernel remembers "
                        "get in",
                        counted(*listener.half_open, "request"), reserved_above, *limit),
            "net.ipv4.tcp_syncookies is 0"};
        if (left > 0) {
            examination.evidence.push_back(
                fmt::format("{} of ListenDrops {} are explained by no other counter", left, chart.span()));
        }
        examination.rivals = {Cause::lsm_refused, Cause::request_alloc_failed};
        results.add(Cause::syn_backlog_quarter, std::move(examination));
    }
    if (!results.found(Cause::syn_backlog_quarter)) {
        results.add(Cause::syn_backlog_quarter,
                    ruled_out(fmt::format("no listener has more than {} half-open requests (three quarters of {})",
                                          reserved_above, *limit)));
    }
}

}  // namespace

void examine_syn_queues(const Chart& chart, Results& results) {
    examine_full(chart, results);
    examine_quarter(chart, results);
}

}  // namespace synwhy::doctor
