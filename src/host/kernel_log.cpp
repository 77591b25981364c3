// What did the kernel write about refused or lost SYNs?
#include "host/kernel_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>

#include "host/descriptor.hpp"
#include "host/lines.hpp"
#include "host/tree.hpp"

namespace synwhy::host {

namespace {

/// Parts of messages that v2.6.32 to v6.18 write when connections, packets or memory for them are refused.
constexpr std::array<std::string_view, 16> kTopics{
    "SYN flooding",             // tcp_input.c: the SYN queue overflowed
    "conntrack: table full",    // nf_conntrack_core.c
    "eighbour table overflow",  // neighbour.c, up to 4.x
    "eighbor table overflow",   // neighbour.c
    "martian source",           // route.c
    "martian destination",      // route.c
    "TCP: out of memory",       // tcp.c, tcp_mem
    "TCP: too many",            // "... orphaned sockets", "... of orphaned sockets"
    "too many orphaned",
    "time wait bucket table overflow",
    "oom-kill",
    "Out of memory",
    "dst cache overflow",
    "Route cache is full",
    "file-max limit",  // file_table.c
    "page allocation failure",
};

/// One record at a time is what the device gives. @return errno when it can't be read, 0 at its end
int read_records(const Descriptor& device, std::deque<core::KernelLogLine>& lines) {
    std::array<char, 8192> record;  // the kernel's own limit
    for (std::size_t seen = 0; seen < kMaxLogRecords; ++seen) {
        const ssize_t size = ::read(device.get(), record.data(), record.size());
        if (size < 0 && errno == EAGAIN) return 0;
        if (size < 0 && (errno == EINTR || errno == EPIPE || errno == EINVAL)) continue;  // overwritten, or too long
        if (size < 0) return errno;
        auto line = parse_log_record({record.data(), static_cast<std::size_t>(size)});
        if (!line) continue;
        lines.push_back(std::move(*line));
        if (lines.size() > kMaxLogLines) lines.pop_front();
    }
    return 0;
}

}  // namespace

std::optional<core::KernelLogLine> parse_log_record(std::string_view record) {
    const auto semicolon = record.find(';');
    if (semicolon == std::string_view::npos) return std::nullopt;
    auto prefix = record.substr(0, semicolon);
    for (int field = 0; field < 2; ++field) {  // priority, sequence number
        const auto comma = prefix.find(',');
        if (comma == std::string_view::npos) return std::nullopt;
        prefix.remove_prefix(comma + 1);
    }
    const auto time = integer_of(prefix.substr(0, prefix.find(',')));
    auto text = record.substr(semicolon + 1);
    text = text.substr(0, text.find('\n'));  // what follows is a dictionary of the device
    const bool speaks_of_it = std::ranges::any_of(
        kTopics, [text](std::string_view topic) { return text.find(topic) != std::string_view::npos; });
    if (!time || *time < 0 || !speaks_of_it) return std::nullopt;
    core::KernelLogLine line{*time, std::string(text.substr(0, kMaxLogLineBytes))};
    std::ranges::replace_if(line.text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
    return line;
}

void read_kernel_log(core::HostState& state) {
    const Descriptor device(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    std::deque<core::KernelLogLine> lines;
    const int error = device ? read_records(device, lines) : errno;
    if (error != 0) {
        miss(state, "kernel log",
             "/dev/kmsg: " + text_of_errno(error) + (error == EPERM || error == EACCES ? "; run as root" : ""));
    }
    state.kernel_log.assign(lines.begin(), lines.end());
}

}  // namespace synwhy::host
