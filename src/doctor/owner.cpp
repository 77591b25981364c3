// Why does the process not call accept()?
//
// In the order of certainty: it cannot (stopped, frozen, no descriptor left), it does something else (blocked in the
// kernel, computing), it does not get the CPU, or it waits although there is work. A thread's state is one moment's;
// the sentences say so.
#include "doctor/owner.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "doctor/words.hpp"

namespace synwhy::doctor {

namespace {

using core::ProcessState;
using core::ThreadState;

constexpr std::size_t kMaxThreadsTold = 4;
constexpr double kBusy = 0.8;     // of one CPU
constexpr double kStarved = 0.3;  // of the time, runnable without a CPU

std::string name_of(const ProcessState& process) { return fmt::format("{} (pid {})", process.name, process.pid); }

bool cannot_run(const ProcessState& process, Examination& examination) {
    if (process.frozen.value_or(false)) {
        examination.story.push_back(fmt::format("{} does not run: its cgroup {} is frozen (a paused container?)",
                                                name_of(process), process.cgroup));
        examination.fix.push_back(fmt::format("Resume the container or thaw the cgroup {}.", process.cgroup));
        return true;
    }
    if (process.state == 'T' || process.state == 't') {
        examination.story.push_back(fmt::format("{} is {} (state {}): nothing calls accept()", name_of(process),
                                                process.state == 'T' ? "stopped by a signal" : "stopped by a debugger",
                                                process.state));
        if (process.state == 'T') {
            examination.fix.push_back(
                fmt::format("kill -CONT {}  # Let the process run again. (risk: find out first "
                            "who stopped it)",
                            process.pid));
        }
        return true;
    }
    if (process.state == 'Z' || process.state == 'X') {
        examination.story.push_back(fmt::format("{} has ended and waits for its parent", name_of(process)));
        return true;
    }
    return false;
}

bool out_of_descriptors(const ProcessState& process, Examination& examination) {
    if (!process.descriptors || !process.descriptor_limit) return false;
    if (*process.descriptors < *process.descriptor_limit) return false;
    examination.story.push_back(fmt::format("{} has {} of {} descriptors open: accept() fails with EMFILE",
                                            name_of(process), *process.descriptors, *process.descriptor_limit));
    examination.fix.push_back(
        fmt::format("prlimit --pid {} --nofile={}  # More descriptors for the running process; keep it with "
                    "LimitNOFILE= in its unit. (risk: if it leaks descriptors, this only buys time; a process that "
                    "uses select() cannot use numbers above 1023)",
                    process.pid, std::max<std::uint64_t>(*process.descriptor_limit * 4, 4096)));
    return true;
}

const ThreadState* thread_of(const ProcessState* process, int tid) {
    if (process == nullptr) return nullptr;
    const auto found = std::ranges::find(process->threads, tid, &ThreadState::tid);
    return found == process->threads.end() ? nullptr : &*found;
}

/// Share of the time between the looks, 0..; nullopt when not known.
std::optional<double> share(std::optional<std::uint64_t> first, std::optional<std::uint64_t> last,
                            std::int64_t length_ns) {
    if (!first || !last || *last < *first || length_ns <= 0) return std::nullopt;
    return static_cast<double>(*last - *first) / static_cast<double>(length_ns);
}

std::string doing(const ThreadState& thread) {
    switch (thread.state) {
        case 'R': return "is running";
        case 'D':
            return fmt::format("sleeps uninterruptibly{}{}", thread.syscall.empty() ? "" : " in " + thread.syscall,
                               thread.wait_channel.empty() ? "" : " (" + thread.wait_channel + ")");
        case 'T':
        case 't': return "is stopped";
        default: break;
    }
    if (!thread.syscall.empty()) {
        return fmt::format("sleeps in {}(){}", thread.syscall,
                           thread.wait_channel.empty() ? "" : " (" + thread.wait_channel + ")");
    }
    return thread.wait_channel.empty() ? "sleeps" : fmt::format("sleeps in {}", thread.wait_channel);
}

std::string thread_sentence(const ProcessState& process, const ThreadState& thread, const ThreadState* earlier,
                            std::int64_t length_ns) {
    std::string text = process.thread_count == 1
                           ? fmt::format("the only thread of {} {}", name_of(process), doing(thread))
                           : fmt::format("thread {} of {} {}", thread.tid, name_of(process), doing(thread));
    if (earlier == nullptr) return text;
    const auto busy = share(earlier->cpu_ns, thread.cpu_ns, length_ns);
    const auto starved = share(earlier->run_delay_ns, thread.run_delay_ns, length_ns);
    if (busy && *busy >= kBusy) text += fmt::format("; it used {:.0f} % of a CPU", *busy * 100);
    if (busy && *busy < 0.01) text += "; it used less than 1 % of a CPU";
    if (starved && *starved >= kStarved)
        text += fmt::format("; it waited for a CPU {:.0f} % of the time", *starved * 100);
    return text;
}

void tell_threads(const Chart& chart, const ProcessState& process, Examination& examination) {
    const ProcessState* earlier = nullptr;
    std::int64_t length_ns = 0;
    if (chart.two_looks()) {
        const auto found = chart.inputs().before.processes.find(process.pid);
        if (found != chart.inputs().before.processes.end()) earlier = &found->second;
        length_ns = chart.now().monotonic_ns - chart.inputs().before.monotonic_ns;
    }
    std::size_t told = 0;
    for (const ThreadState& thread : process.threads) {
        if (told++ == kMaxThreadsTold) break;
        examination.story.push_back(thread_sentence(process, thread, thread_of(earlier, thread.tid), length_ns));
    }
    if (process.thread_count > told) {
        examination.story.push_back(
            fmt::format("{} of {}", counted(process.thread_count - told, "more thread"), name_of(process)));
    }
    if (earlier != nullptr && process.throttled_us && earlier->throttled_us &&
        *process.throttled_us > *earlier->throttled_us) {
        examination.story.push_back(fmt::format("the CPU limit of its cgroup {} held it back for {} ms", process.cgroup,
                                                (*process.throttled_us - *earlier->throttled_us) / 1000));
    }
}

}  // namespace

void add_owner_story(const Chart& chart, const core::Listener& listener, Examination& examination) {
    if (listener.pids.empty()) {
        examination.story.emplace_back(
            "no process that could be looked at holds this socket: run as root, and in the PID namespace of the "
            "service");
        return;
    }
    bool explained = false;
    for (const int pid : listener.pids) {
        const auto found = chart.now().processes.find(pid);
        if (found == chart.now().processes.end()) continue;
        explained |= cannot_run(found->second, examination) || out_of_descriptors(found->second, examination);
    }
    if (explained) return;
    for (const int pid : listener.pids) {
        const auto found = chart.now().processes.find(pid);
        if (found != chart.now().processes.end()) tell_threads(chart, found->second, examination);
    }
}

}  // namespace synwhy::doctor
