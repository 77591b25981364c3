// How does one kernel's path look as text, and what changes between two kernels?
#include "emit/path_print.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "core/catalogue.hpp"
#include "core/sysctl_history.hpp"
#include "emit/text.hpp"

namespace synwhy::emit {

namespace {

using namespace core;

constexpr std::size_t kWidth = 80;
constexpr std::string_view kIndent = "      ";

std::string joined(const std::vector<std::string_view>& names) {
    return names.empty() ? "none" : fmt::format("{}", fmt::join(names, " "));
}

std::string title_of(const Kernel& kernel) {
    const auto& text = kernel.release.text;
    return text == kernel.family ? printable(text) : fmt::format("{} (row {})", printable(text), kernel.family);
}

std::string row_line(const Row& row) {
    return fmt::format("{:<31} {:<24} {}", row.id, slug(row.cause), to_text(row.seen));
}

void append_row(std::string& out, const Row& row, const Kernel& kernel) {
    fmt::format_to(std::back_inserter(out), "  {}\n", row_line(row));
    append_wrapped(out, kIndent, row.condition, kWidth);
    append_wrapped(out, "      at: ", row.function, kWidth);
    append_wrapped(out, "      moves: ", joined(row_counters(row, kernel)), kWidth);
}

/// All counters that any row of this kernel moves, sorted.
std::vector<std::string_view> all_counters(const Kernel& kernel) {
    std::vector<std::string_view> names;
    for (const auto& row : path_rows()) {
        if (!row.holds_for(kernel)) continue;
        const auto counters = row_counters(row, kernel);
        names.insert(names.end(), counters.begin(), counters.end());
    }
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    return names;
}

void append_section(std::string& out, std::string_view heading, const std::string& body) {
    if (body.empty()) return;
    fmt::format_to(std::back_inserter(out), "\n{}\n{}", heading, body);
}

std::string behaviour_changes(const Kernel& from, const Kernel& to) {
    std::string out;
    const auto before = describe_behaviours(from.behaviours);
    const auto after = describe_behaviours(to.behaviours);
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (before[i].value == after[i].value) continue;
        fmt::format_to(std::back_inserter(out), "  {}\n", before[i].name);
        append_wrapped(out, "    - ", before[i].value, kWidth);
        append_wrapped(out, "    + ", after[i].value, kWidth);
    }
    return out;
}

std::string row_changes(const Kernel& from, const Kernel& to) {
    std::string out;
    for (const auto& row : path_rows()) {
        const bool before = row.holds_for(from);
        const bool after = row.holds_for(to);
        if (before != after) {
            fmt::format_to(std::back_inserter(out), "  {} {}\n", before ? '-' : '+', row_line(row));
            append_wrapped(out, kIndent, row.condition, kWidth);
            continue;
        }
        const auto old_counters = row_counters(row, from);
        const auto new_counters = row_counters(row, to);
        if (!before || old_counters == new_counters) continue;
        fmt::format_to(std::back_inserter(out), "    {}\n", row_line(row));
        append_wrapped(out, "      - moves: ", joined(old_counters), kWidth);
        append_wrapped(out, "      + moves: ", joined(new_counters), kWidth);
    }
    return out;
}

std::string counter_changes(const Kernel& from, const Kernel& to) {
    std::string out;
    const auto before = all_counters(from);
    const auto after = all_counters(to);
    std::vector<std::string_view> gone;
    std::vector<std::string_view> born;
    std::ranges::set_difference(before, after, std::back_inserter(gone));
    std::ranges::set_difference(after, before, std::back_inserter(born));
    for (const auto name : gone) fmt::format_to(std::back_inserter(out), "  - {}\n", name);
    for (const auto name : born) fmt::format_to(std::back_inserter(out), "  + {}\n", name);
    return out;
}

std::string sysctl_changes(const Kernel& from, const Kernel& to) {
    std::string out;
    for (const auto& sysctl : sysctl_ages()) {
        const bool before = sysctl.exists(from);
        if (before == sysctl.exists(to)) continue;
        fmt::format_to(std::back_inserter(out), "  {} {}\n", before ? '-' : '+', sysctl.name);
    }
    return out;
}

}  // namespace

std::string_view to_text(Seen seen) {
    switch (seen) {
        case Seen::silence: return "silence";
        case Seen::rst: return "RST";
        case Seen::bare_ack: return "ACK";
        case Seen::cookie: return "cookie";
        case Seen::icmp: return "ICMP";
        case Seen::synack_repeated: return "SYN+ACK again";
        case Seen::synack: return "SYN+ACK";
    }
    return {};
}

std::string_view to_text(Stage stage) {
    switch (stage) {
        case Stage::before_tap: return "Before a capture on the server sees the SYN";
        case Stage::ingress: return "Ingress: from the capture tap to IP";
        case Stage::ip: return "IP";
        case Stage::netfilter: return "Netfilter";
        case Stage::tcp_input: return "TCP input";
        case Stage::lookup: return "Socket lookup";
        case Stage::time_wait: return "The 4-tuple is in TIME_WAIT or FIN_WAIT2";
        case Stage::request: return "The 4-tuple has a pending request (SYN_RECV)";
        case Stage::full_socket: return "The 4-tuple belongs to a connection";
        case Stage::listen: return "The listener, in tcp_conn_request's order";
        case Stage::reply: return "The SYN+ACK's way out";
        case Stage::final_ack: return "The client's final ACK";
    }
    return {};
}

std::string print_path(const Kernel& kernel) {
    std::string out = fmt::format("The path of a SYN on {}\n", title_of(kernel));
    std::string body;
    for (const auto& behaviour : describe_behaviours(kernel.behaviours)) {
        append_wrapped(body, fmt::format("  {:<35} ", behaviour.name), behaviour.value, kWidth);
    }
    append_section(out, "Behaviours", body);

    body.clear();
    for (const auto& question : kernel.open_questions) append_wrapped(body, "  ? ", question, kWidth);
    append_section(out, "What the release does not settle", body);

    std::optional<Stage> stage;
    for (const auto& row : path_rows()) {
        if (!row.holds_for(kernel)) continue;
        if (stage != row.stage) fmt::format_to(std::back_inserter(out), "\n{}\n", to_text(row.stage));
        stage = row.stage;
        append_row(out, row, kernel);
    }
    return out;
}

std::string print_path_diff(const Kernel& from, const Kernel& to) {
    std::string changes;
    append_section(changes, "Behaviours", behaviour_changes(from, to));
    append_section(changes, "Rows", row_changes(from, to));
    append_section(changes, "Counters", counter_changes(from, to));
    append_section(changes, "Sysctls", sysctl_changes(from, to));
    if (changes.empty()) return {};
    return fmt::format("From {} to {}\n{}", title_of(from), title_of(to), changes);
}

}  // namespace synwhy::emit
