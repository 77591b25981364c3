// What does a process that should accept connections do instead?
#include "host/process.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <set>

#include "host/cgroup.hpp"
#include "host/lines.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kMaxDescriptorsCounted = 4'000'000;

struct SyscallName {
    int number;
    std::string_view name;
};

/// Those in which a server that does not accept may hang, by the numbers of x86-64.
constexpr std::array<SyscallName, 31> kSyscalls{{
    {0, "read"},
    {1, "write"},
    {7, "poll"},
    {8, "lseek"},
    {23, "select"},
    {34, "pause"},
    {35, "nanosleep"},
    {42, "connect"},
    {43, "accept"},
    {44, "sendto"},
    {45, "recvfrom"},
    {46, "sendmsg"},
    {47, "recvmsg"},
    {61, "wait4"},
    {72, "fcntl"},
    {73, "flock"},
    {74, "fsync"},
    {75, "fdatasync"},
    {130, "rt_sigsuspend"},
    {202, "futex"},
    {230, "clock_nanosleep"},
    {232, "epoll_wait"},
    {247, "waitid"},
    {257, "openat"},
    {270, "pselect6"},
    {271, "ppoll"},
    {281, "epoll_pwait"},
    {288, "accept4"},
    {426, "io_uring_enter"},
    {441, "epoll_pwait2"},
    {449, "futex_waitv"},
}};

constexpr std::array<std::string_view, 9> kWaitsForConnections{
    "accept", "accept4", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6"};

std::optional<std::uint64_t> unsigned_of(std::string_view text) {
    const auto value = integer_of(text);
    return value && *value >= 0 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
}

bool waits_for_connections(const core::ThreadState& thread) {
    return std::ranges::find(kWaitsForConnections, thread.syscall) != kWaitsForConnections.end();
}

core::ThreadState read_thread(const Tree& tree, const std::string& folder, int tid) {
    core::ThreadState thread;
    thread.tid = tid;
    const auto stat = parse_stat_line(tree.text(folder + "/stat").value_or(""));
    thread.name = stat.name;
    thread.state = stat.state;
    if (auto channel = tree.line(folder + "/wchan"); channel != "0") thread.wait_channel = std::move(channel);
#if defined(__x86_64__)
    if (tree.live()) thread.syscall = syscall_of(tree.line(folder + "/syscall"));
#endif
    const auto schedule = tree.line(folder + "/schedstat");
    const auto words = words_of(schedule, 3);
    if (words.size() == 3) {
        thread.cpu_ns = unsigned_of(words[0]);
        thread.run_delay_ns = unsigned_of(words[1]);
    }
    return thread;
}

void read_threads(const Tree& tree, const std::string& folder, core::ProcessState& process) {
    const auto names = tree.names(folder + "/task", kMaxThreadsLooked);
    for (const auto& name : names) {
        const auto tid = integer_of(name);
        if (tid) process.threads.push_back(read_thread(tree, folder + "/task/" + name, static_cast<int>(*tid)));
    }
    process.thread_count = std::max<std::uint64_t>(process.thread_count, process.threads.size());
    std::ranges::stable_sort(process.threads, [](const core::ThreadState& a, const core::ThreadState& b) {
        const bool waits_a = waits_for_connections(a);
        const bool waits_b = waits_for_connections(b);
        return waits_a != waits_b ? waits_a : a.tid < b.tid;
    });
    if (process.threads.size() > core::kMaxThreadsListed) process.threads.resize(core::kMaxThreadsListed);
    for (auto& thread : process.threads) {
        const auto stack = tree.text(fmt::format("{}/task/{}/stack", folder, thread.tid));
        if (stack) thread.kernel_stack = parse_kernel_stack(*stack);
    }
}

/// The soft limit of "Max open files            1024                 524288               files".
std::optional<std::uint64_t> descriptor_limit(const Tree& tree, const std::string& folder) {
    const auto read = tree.text(folder + "/limits");
    if (!read) return std::nullopt;
    std::string_view text = *read;
    while (const auto line = next_line(text)) {
        const auto value = value_of(*line, "Max open files");
        if (!value) continue;
        const auto words = words_of(*value, 1);
        return words.empty() ? std::nullopt : unsigned_of(words[0]);
    }
    return std::nullopt;
}

/// The folder's size since 6.2; before, its size is 0 and the entries are counted.
std::optional<std::uint64_t> count_descriptors(const Tree& tree, const std::string& folder) {
    struct stat status{};
    if (!tree.live() || ::stat(tree.path(folder + "/fd").c_str(), &status) != 0) return std::nullopt;
    if (status.st_size > 0) return static_cast<std::uint64_t>(status.st_size);
    const auto names = tree.names(folder + "/fd", kMaxDescriptorsCounted);
    return names.empty() ? std::nullopt : std::optional<std::uint64_t>(names.size());
}

}  // namespace

StatLine parse_stat_line(std::string_view text) {
    StatLine stat;
    const auto open = text.find('(');
    const auto close = text.rfind(')');  // the name may hold blanks and parentheses
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) return stat;
    constexpr std::size_t kThreadsAt = 17;  // field 20, the state being field 3
    const auto fields = words_of(text.substr(close + 1), kThreadsAt + 1);
    if (fields.empty() || fields[0].size() != 1) return stat;
    stat.name = text.substr(open + 1, close - open - 1);
    stat.state = fields[0][0];
    if (fields.size() > kThreadsAt) stat.threads = unsigned_of(fields[kThreadsAt]).value_or(0);
    return stat;
}

std::string_view syscall_of(std::string_view text) {
    constexpr std::size_t kFields = 9;  // number, six arguments, stack pointer, program counter
    const auto words = words_of(text, kFields);
    if (words.size() != kFields || !words[kFields - 2].starts_with("0x")) return {};
    const auto number = integer_of(words[0]);
    const auto stack = hex_of(words[kFields - 2].substr(2));
    if (!number || !stack || *stack <= 0xffff'ffffU) return {};
    const auto found = std::ranges::find(kSyscalls, *number, &SyscallName::number);
    return found == kSyscalls.end() ? std::string_view{} : found->name;
}

std::vector<std::string> parse_kernel_stack(std::string_view text) {
    std::vector<std::string> frames;
    while (frames.size() < core::kMaxStackFrames) {
        const auto line = next_line(text);
        if (!line) break;
        const auto words = words_of(*line, 2);
        if (words.size() < 2) continue;
        const auto function = words[1].substr(0, words[1].find('+'));
        if (!function.starts_with("0x")) frames.emplace_back(function);  // the end mark of old kernels
    }
    return frames;
}

std::optional<core::ProcessState> read_process(const Tree& tree, int pid) {
    const auto folder = fmt::format("proc/{}", pid);
    const auto text = tree.text(folder + "/stat");
    if (!text) return std::nullopt;
    const auto stat = parse_stat_line(*text);
    core::ProcessState process;
    process.pid = pid;
    process.name = stat.name;
    process.state = stat.state;
    process.thread_count = stat.threads;
    read_threads(tree, folder, process);
    process.descriptor_limit = descriptor_limit(tree, folder);
    process.descriptors = count_descriptors(tree, folder);
    const auto paths = parse_cgroups(tree.text(folder + "/cgroup").value_or(""));
    process.cgroup = paths.best();
    process.container = container_of(process.cgroup);
    process.frozen = is_frozen(tree, paths);
    process.throttled_us = throttled_us(tree, paths);
    return process;
}

void read_processes(const Tree& tree, core::HostState& state) {
    std::vector<const core::Listener*> by_need;
    for (const auto& listener : state.listeners) by_need.push_back(&listener);
    std::ranges::stable_sort(by_need, std::greater{}, &core::Listener::accept_length);
    std::set<int> left_out;
    for (const auto* listener : by_need) {
        for (const int pid : listener->pids) {
            if (state.processes.contains(pid)) continue;
            if (state.processes.size() >= kMaxProcessesRead) {
                left_out.insert(pid);
            } else if (auto process = read_process(tree, pid)) {
                state.processes.emplace(pid, std::move(*process));
            }
        }
    }
    if (!left_out.empty()) {
        miss(state, fmt::format("{} owners of listeners", left_out.size()),
             fmt::format("at most {} processes are described", kMaxProcessesRead));
    }
}

}  // namespace synwhy::host
