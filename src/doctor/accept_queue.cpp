// Is an accept queue full, and whose?
//
// The kernel shows the queue's length and limit for every listening socket, and since 4.9 how much that very socket
// refused. ListenOverflows tells that some queue was full, ListenDrops that some SYN was refused: both are the whole
// namespace's. Left out: why the process does not accept (owner.cpp).
#include <fmt/format.h>

#include <algorithm>

#include "doctor/owner.hpp"
#include "doctor/results.hpp"
#include "doctor/words.hpp"

namespace synwhy::doctor {

namespace {

using core::Cause;
using core::Confidence;
using core::Listener;

const std::string kOverflows = "TcpExt.ListenOverflows";

bool full(const Listener& listener) { return listener.backlog_known && listener.accept_length > listener.backlog; }

struct Suspect {
    const Listener* listener = nullptr;
    std::uint64_t refused = 0;  ///< by this socket, where the kernel says so
    bool full_now = false;
    bool full_before = false;
};

/// Listeners that are or just were full, or that refused something while some accept queue overflowed.
std::vector<Suspect> suspects_of(const Chart& chart) {
    std::vector<Suspect> suspects;
    const bool overflowed = chart.moved(kOverflows).value_or(0) > 0;
    for (const Listener& listener : chart.now().listeners) {
        const Listener* earlier = chart.earlier(listener);
        Suspect suspect{.listener = &listener,
                        .refused = chart.drops_moved(listener).value_or(0),
                        .full_now = full(listener),
                        .full_before = earlier != nullptr && full(*earlier)};
        const bool just_full = suspect.full_before && overflowed;
        if (suspect.full_now || just_full || (overflowed && suspect.refused > 0)) suspects.push_back(suspect);
    }
    return suspects;
}

std::vector<const Listener*> members(const Chart& chart, const Listener& of) {
    std::vector<const Listener*> found;
    for (const Listener& listener : chart.now().listeners) {
        if (listener.local == of.local && listener.interface == of.interface) found.push_back(&listener);
    }
    return found;
}

void add_limit_advice(const Chart& chart, const Listener& listener, Examination& examination) {
    const auto somaxconn = chart.sysctl("net.core.somaxconn");
    if (!somaxconn) return;
    if (listener.backlog == static_cast<std::uint64_t>(*somaxconn)) {
        examination.story.push_back(fmt::format(
            "its limit is exactly net.core.somaxconn ({}): the application may have asked for more", *somaxconn));
    } else if (listener.backlog < static_cast<std::uint64_t>(*somaxconn)) {
        examination.story.push_back(
            fmt::format("its limit {} is below net.core.somaxconn ({}): the application's own listen() argument, or "
                        "the sysctl was raised after it had called listen()",
                        listener.backlog, *somaxconn));
        examination.fix.push_back(
            fmt::format("Raise the backlog in the service's own configuration and restart it: {} is its own limit, "
                        "net.core.somaxconn allows {}.",
                        listener.backlog, *somaxconn));
    }
}

void add_evidence(const Chart& chart, const Suspect& suspect, Examination& examination) {
    const Listener& listener = *suspect.listener;
    if (suspect.full_now) {
        examination.evidence.push_back(fmt::format(
            "{} wait for accept(), the queue is full above {} (ss -ltn: Recv-Q {}, Send-Q {})",
            counted(listener.accept_length, "connection"), listener.backlog, listener.accept_length, listener.backlog));
    } else {
        examination.evidence.push_back(fmt::format("{} wait for accept() at this moment, the limit is {}",
                                                   counted(listener.accept_length, "connection"), listener.backlog));
    }
    if (suspect.full_before && suspect.full_now) {
        examination.evidence.push_back(fmt::format("it was full at both looks {}", chart.span()));
    }
    if (chart.moved(kOverflows).value_or(0) > 0) examination.evidence.push_back(stillness(chart, kOverflows));
    if (suspect.refused > 0) {
        examination.evidence.push_back(
            fmt::format("this socket refused {} {}", counted(suspect.refused, "segment"), chart.span()));
    }
}

Confidence confidence_of(const Chart& chart, const Suspect& suspect, std::size_t suspect_count) {
    if (suspect.full_now) return Confidence::certain;
    const auto overflows = static_cast<std::uint64_t>(chart.moved(kOverflows).value_or(0));
    if (suspect.refused > 0 && suspect.refused == overflows) return Confidence::certain;
    return suspect_count == 1 ? Confidence::likely : Confidence::possible;
}

Examination examination_of(const Chart& chart, const Suspect& suspect, std::size_t suspect_count) {
    const Listener& listener = *suspect.listener;
    Examination examination{.standing = Standing::found,
                            .confidence = confidence_of(chart, suspect, suspect_count),
                            .servers = {listener.local},
                            .processes = chart.owners(listener)};
    examination.syns = suspect.refused;
    if (suspect.refused == 0 && suspect_count == 1) {
        examination.syns = static_cast<std::uint64_t>(chart.moved(kOverflows).value_or(0));
    }
    add_evidence(chart, suspect, examination);
    add_owner_story(chart, listener, examination);
    add_limit_advice(chart, listener, examination);
    return examination;
}

void add_found(const Chart& chart, const Suspect& suspect, std::size_t suspect_count, Results& results) {
    Examination examination = examination_of(chart, suspect, suspect_count);
    const auto group = members(chart, *suspect.listener);
    const auto full_members = std::ranges::count_if(group, [](const Listener* member) { return full(*member); });
    const std::string name = listener_name(chart, *suspect.listener);
    if (group.size() > 1 && std::cmp_less(full_members, group.size())) {
        examination.headline =
            fmt::format("One of the {} SO_REUSEPORT listeners of {} has a full accept queue", group.size(), name);
        examination.evidence.push_back(fmt::format(
            "the other {} of the group have room: a fixed share of the clients' ports is refused, the rest is served",
            counted(group.size() - static_cast<std::size_t>(full_members), "listener")));
        results.add(Cause::reuseport_stuck_member, std::move(examination));
        return;
    }
    examination.headline = fmt::format("The accept queue of {} {} full", name, suspect.full_now ? "is" : "was");
    results.add(Cause::accept_queue_full, std::move(examination));
}

std::string fullest(const Chart& chart) {
    const auto& listeners = chart.now().listeners;
    if (listeners.empty()) return "no TCP listener";
    const auto most = std::ranges::max_element(listeners, {}, [](const Listener& listener) {
        return double(listener.accept_length) / (listener.backlog + 1.0);
    });
    if (most->accept_length == 0) return fmt::format("all {} accept queues are empty", listeners.size());
    return fmt::format("the fullest of {} accept queues holds {} of {}", listeners.size(), most->accept_length,
                       most->backlog);
}

}  // namespace

void examine_accept_queues(const Chart& chart, Results& results) {
    const std::vector<Suspect> suspects = suspects_of(chart);
    for (const Suspect& suspect : suspects) add_found(chart, suspect, suspects.size(), results);

    const std::string reading = fullest(chart) + ", " + stillness(chart, kOverflows);
    const auto moved = chart.moved(kOverflows);
    if (suspects.empty() && moved.value_or(0) > 0) {
        results.add(Cause::accept_queue_full,
                    {.standing = Standing::found,
                     .confidence = Confidence::likely,
                     .syns = static_cast<std::uint64_t>(*moved),
                     .headline = "An accept queue overflowed for a moment",
                     .evidence = {reading, "which listener it was cannot be told from two looks: all have room now"}});
    } else if (!results.found(Cause::accept_queue_full)) {
        const bool limits = std::ranges::all_of(chart.now().listeners, &Listener::backlog_known);
        results.add(Cause::accept_queue_full, limits ? unmoved(chart, kOverflows, reading)
                                                     : not_examinable("the limits of the queues were not read"));
    }
    if (results.found(Cause::reuseport_stuck_member)) return;
    const bool limits = std::ranges::all_of(chart.now().listeners, &Listener::backlog_known);
    results.add(Cause::reuseport_stuck_member,
                limits ? ruled_out("no member of a SO_REUSEPORT group has a full accept queue")
                       : not_examinable("the limits of the queues were not read"));
}

}  // namespace synwhy::doctor
