// What did the processes that hold the listening sockets do?
#include "host/bundle_processes.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "host/lines.hpp"
#include "host/process.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxPathBytes = 512;

std::optional<std::uint64_t> natural_of(std::string_view text) {
    const auto value = integer_of(text);
    if (!value || *value < 0) return std::nullopt;
    return static_cast<std::uint64_t>(*value);
}

std::optional<int> id_of(std::string_view text) {
    const auto value = natural_of(text);
    if (!value || *value == 0 || *value > std::numeric_limits<int>::max()) return std::nullopt;
    return static_cast<int>(*value);
}

std::string printable(std::string_view text, std::size_t limit) {
    std::string clean;
    for (const char c : text.substr(0, limit)) clean += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return clean;
}

/// "812 (nginx) S 1 ...": the name may hold blanks and brackets, the last bracket ends it.
void read_stat(std::string_view text, std::string& name, char& state) {
    const auto open = text.find('(');
    const auto close = text.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) return;
    name = printable(text.substr(open + 1, close - open - 1), kMaxNameBytes);
    const auto rest = trimmed(text.substr(close + 1));
    if (!rest.empty()) state = rest.front();
}

/// "[<0>] inet_csk_accept+0x12/0x340" -> "inet_csk_accept"; old kernels end with "[<ffffffffffffffff>] 0xffff...".
void read_stack(std::string_view text, std::vector<std::string>& stack) {
    stack.clear();
    while (const auto line = next_line(text)) {
        const auto words = words_of(*line, 2);
        if (words.size() < 2 || words[1].starts_with("0x")) continue;
        if (stack.size() >= core::kMaxStackFrames) return;
        stack.push_back(printable(words[1].substr(0, words[1].find('+')), kMaxNameBytes));
    }
}

void add_of_thread(core::ThreadState& thread, std::string_view file, std::string_view text) {
    const auto line = trimmed(text.substr(0, text.find('\n')));
    const auto words = words_of(line, 3);
    if (file == "stat") {
        read_stat(text, thread.name, thread.state);
    } else if (file == "wchan") {
        thread.wait_channel = line == "0" ? "" : printable(line, kMaxNameBytes);
    } else if (file == "stack") {
        read_stack(text, thread.kernel_stack);
    } else if (file == "syscall") {
        thread.syscall = syscall_of(text);
    } else if (file == "schedstat" && words.size() >= 2) {
        thread.cpu_ns = natural_of(words[0]);
        thread.run_delay_ns = natural_of(words[1]);
    }
}

/// "/system.slice/nginx.service" -> "nginx.service"; a container's 64 hexadecimal digits -> the first 12.
std::string container_of(std::string_view cgroup) {
    constexpr std::size_t kContainerDigits = 64;
    std::size_t digits = 0;
    for (std::size_t i = 0; i < cgroup.size(); ++i) {
        const char c = cgroup[i];
        digits = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ? digits + 1 : 0;
        if (digits == kContainerDigits) return std::string(cgroup.substr(i + 1 - kContainerDigits, 12));
    }
    const auto last = cgroup.substr(cgroup.rfind('/') + 1);
    return last.ends_with(".service") || last.ends_with(".scope") ? std::string(last) : std::string();
}

/// Lines "0::/path" of version 2, "4:cpu,cpuacct:/path" of version 1; the deepest path says most.
void read_cgroup(core::ProcessState& process, std::string_view text) {
    while (const auto line = next_line(text)) {
        const auto path = line->find(":/");
        if (path == std::string_view::npos) continue;
        const auto group = printable(trimmed(line->substr(path + 1)), kMaxPathBytes);
        if (group.size() > process.cgroup.size()) process.cgroup = group;
    }
    process.container = container_of(process.cgroup);
}

void read_status(core::ProcessState& process, std::string_view text) {
    while (const auto line = next_line(text)) {
        if (const auto name = value_of(*line, "Name")) process.name = printable(*name, kMaxNameBytes);
        if (const auto state = value_of(*line, "State"); state && !state->empty()) process.state = state->front();
        if (const auto threads = value_of(*line, "Threads")) process.thread_count = natural_of(*threads).value_or(0);
    }
}

void read_limits(core::ProcessState& process, std::string_view text) {
    while (const auto line = next_line(text)) {
        const auto value = value_of(*line, "Max open files");
        const auto words = words_of(value.value_or(""), 1);
        if (!words.empty()) process.descriptor_limit = natural_of(words[0]);
    }
}

/// cpu.stat of version 2 counts microseconds, that of version 1 nanoseconds.
void read_cgroup_state(core::ProcessState& process, std::string_view text) {
    while (const auto line = next_line(text)) {
        if (const auto us = value_of(*line, "throttled_usec")) process.throttled_us = natural_of(*us);
        if (const auto ns = value_of(*line, "throttled_time")) {
            if (const auto value = natural_of(*ns)) process.throttled_us = *value / 1000;
        }
        if (const auto frozen = value_of(*line, "frozen")) process.frozen = *frozen == "1";
        if (trimmed(*line) == "FROZEN") process.frozen = true;
        if (trimmed(*line) == "THAWED") process.frozen = false;
    }
}

/// Where a thread stands in the list: those that wait for connections first.
int rank_of(const core::ThreadState& thread) {
    if (thread.syscall.starts_with("accept")) return 0;
    const bool polls =
        thread.syscall.find("poll") != std::string::npos || thread.syscall.find("select") != std::string::npos;
    return polls ? 1 : 2;
}

}  // namespace

void ProcessFiles::add_of_process(core::ProcessState& process, std::string_view name, std::string_view text) {
    if (name == "status") {
        read_status(process, text);
    } else if (name == "stat") {
        read_stat(text, process.name, process.state);
    } else if (name == "limits") {
        read_limits(process, text);
    } else if (name == "cgroup") {
        read_cgroup(process, text);
    } else if (name == "attr/current") {
        // "nginx (enforce)" of AppArmor; SELinux has contexts without brackets.
        const auto profile = trimmed(text.substr(0, text.find('\n')));
        if (profile.ends_with(" (enforce)")) confined_.push_back({"apparmor", printable(profile, 200), process.pid});
    }
}

void ProcessFiles::add(std::string_view path, std::string_view text) {
    if (path.starts_with('/')) path.remove_prefix(1);
    if (path.starts_with("sys/fs/cgroup/")) {
        const auto process = processes_.find(current_);
        if (process != processes_.end()) read_cgroup_state(process->second, text);
        return;
    }
    if (!path.starts_with("proc/")) return;
    path.remove_prefix(5);
    const auto slash = path.find('/');
    const auto pid = id_of(path.substr(0, slash));
    if (!pid || slash == std::string_view::npos) return;
    if (processes_.size() >= kMaxBundleProcesses && !processes_.contains(*pid)) return;
    current_ = *pid;
    auto& process = processes_[*pid];
    process.pid = *pid;
    path.remove_prefix(slash + 1);
    if (!path.starts_with("task/")) return add_of_process(process, path, text);

    path.remove_prefix(5);
    const auto end = path.find('/');
    const auto tid = id_of(path.substr(0, end));
    if (!tid || end == std::string_view::npos) return;
    auto thread = std::ranges::find(process.threads, *tid, &core::ThreadState::tid);
    if (thread == process.threads.end()) {
        if (process.threads.size() >= core::kMaxThreadsListed) return;
        process.threads.push_back({.tid = *tid});
        thread = process.threads.end() - 1;
    }
    add_of_thread(*thread, path.substr(end + 1), text);
}

void ProcessFiles::add_all(std::string_view text) {
    constexpr std::string_view kBegin = "==> /";
    constexpr std::string_view kEnd = " <==";
    std::string_view path;
    const char* begin = text.data();
    const char* line_begin = text.data();
    const auto finish = [&] {
        if (!path.empty()) add(path, std::string_view(begin, static_cast<std::size_t>(line_begin - begin)));
    };
    while (const auto line = next_line(text)) {
        line_begin = line->data();
        if (!line->starts_with(kBegin) || !line->ends_with(kEnd)) continue;
        finish();
        path = line->substr(kBegin.size() - 1, line->size() - kBegin.size() + 1 - kEnd.size());
        begin = line->data() + line->size() + (text.empty() ? 0 : 1);
    }
    line_begin = text.data();
    if (!path.empty() && begin <= line_begin) finish();
}

std::map<int, core::ProcessState> ProcessFiles::take() {
    for (auto& [pid, process] : processes_) {
        std::ranges::stable_sort(process.threads, {}, rank_of);
        process.thread_count = std::max<std::uint64_t>(process.thread_count, process.threads.size());
    }
    current_ = 0;
    return std::exchange(processes_, {});
}

}  // namespace synwhy::host
