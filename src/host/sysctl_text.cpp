// Which sysctls does a text set or show?
#include "host/sysctl_text.hpp"

#include <fmt/format.h>

#include <optional>

#include "host/lines.hpp"

namespace synwhy::host {

namespace {

/// Names without their group, as people say them.
std::string_view group_of(std::string_view bare_name) {
    if (bare_name == "somaxconn" || bare_name.starts_with("netdev_") || bare_name.starts_with("flow_limit")) {
        return "net.core.";
    }
    if (bare_name.starts_with("nf_conntrack")) return "net.netfilter.";
    return "net.ipv4.";
}

std::string with_dots(std::string_view name) {
    std::string dotted(name);
    const auto separator = dotted.find_first_of("./");
    if (separator == std::string::npos || dotted[separator] == '.') return dotted;
    for (char& c : dotted) {
        if (c == '/') {
            c = '.';
        } else if (c == '.') {
            c = '/';
        }
    }
    return dotted;
}

std::optional<std::pair<std::string, std::string>> assignment_of(std::string_view line) {
    line = trimmed(line);
    if (line.starts_with('#') || line.starts_with(';')) return std::nullopt;
    if (line.starts_with('-')) line.remove_prefix(1);  // sysctl.conf: ignore errors for this one
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const auto name = trimmed(line.substr(0, equals));
    if (name.empty() || name.find_first_of(" \t:") != std::string_view::npos) return std::nullopt;
    return std::pair{full_sysctl_name(name), std::string(trimmed(line.substr(equals + 1)))};
}

}  // namespace

std::string full_sysctl_name(std::string_view name) {
    constexpr std::string_view kProc = "/proc/sys/";
    if (name.starts_with(kProc)) name.remove_prefix(kProc.size());
    std::string dotted = with_dots(name);
    for (const std::string_view group : {"ipv4.", "ipv6.", "core.", "netfilter."}) {
        if (dotted.starts_with(group)) return "net." + dotted;
    }
    if (dotted.find('.') == std::string::npos) return std::string(group_of(dotted)) + dotted;
    return dotted;
}

std::expected<std::pair<std::string, std::string>, core::Error> parse_sysctl_assignment(std::string_view text) {
    auto assignment = assignment_of(text);
    if (!assignment) {
        return std::unexpected(core::Error{fmt::format("'{}' is no sysctl assignment", text), "",
                                           "write it as net.ipv4.tcp_tw_recycle=1"});
    }
    return std::move(*assignment);
}

std::expected<std::map<std::string, std::string>, core::Error> parse_sysctls(std::string_view text,
                                                                             const std::string& name) {
    std::map<std::string, std::string> sysctls;
    bool any = false;
    while (const auto line = next_line(text)) {
        auto assignment = assignment_of(*line);
        any = any || assignment.has_value();
        if (!assignment || !assignment->first.starts_with("net.")) continue;
        if (sysctls.size() >= kMaxSysctls) {
            return std::unexpected(core::Error{fmt::format("more than {} sysctls", kMaxSysctls), name});
        }
        sysctls.insert_or_assign(std::move(assignment->first), std::move(assignment->second));
    }
    if (!any) return std::unexpected(core::Error{"holds no sysctl", name, "make it with: sysctl -a"});
    return sysctls;
}

}  // namespace synwhy::host
