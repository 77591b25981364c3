// Which file of a bundle is what, by its path?
#include "host/bundle_names.hpp"

#include <algorithm>
#include <array>

namespace synwhy::host {

namespace {

enum class Match : std::uint8_t { whole, beginning, end };

struct NameRule {
    Match match;
    std::string_view name;  ///< lower case
    BundleKind kind;
    bool proc_only = false;  ///< only below proc/, or with "proc" in the name: too short a word elsewhere
};

/// The first that fits counts. Names are lower case, without ".txt" and without "proc_net_" in front.
constexpr std::array kRules{
    NameRule{Match::whole, "version", BundleKind::release, true},
    NameRule{Match::beginning, "uname", BundleKind::release},
    NameRule{Match::whole, "osrelease", BundleKind::release},
    NameRule{Match::whole, "version_signature", BundleKind::release},
    NameRule{Match::whole, "os-release", BundleKind::distribution},
    NameRule{Match::whole, "redhat-release", BundleKind::distribution},
    NameRule{Match::whole, "debian_version", BundleKind::distribution},
    NameRule{Match::whole, "tcp", BundleKind::proc_tcp, true},
    NameRule{Match::whole, "tcp6", BundleKind::proc_tcp, true},
    NameRule{Match::whole, "dev", BundleKind::devices, true},
    NameRule{Match::whole, "stat", BundleKind::cpu_time, true},
    NameRule{Match::whole, "loadavg", BundleKind::load, true},
    NameRule{Match::whole, "meminfo", BundleKind::memory, true},
    NameRule{Match::whole, "uptime", BundleKind::uptime, true},
    NameRule{Match::whole, "sockstat", BundleKind::sockstat},
    NameRule{Match::whole, "sockstat6", BundleKind::sockstat},
    NameRule{Match::whole, "softnet_stat", BundleKind::softnet},
    NameRule{Match::whole, "netstat", BundleKind::counters},
    NameRule{Match::end, "snmp", BundleKind::counters},
    NameRule{Match::end, "snmp6", BundleKind::counters},
    NameRule{Match::beginning, "nstat", BundleKind::counters},
    NameRule{Match::beginning, "netstat_-s", BundleKind::counters},
    NameRule{Match::beginning, "netstat-s", BundleKind::counters},
    NameRule{Match::beginning, "ss_syn-recv", BundleKind::half_open},
    NameRule{Match::whole, "ss", BundleKind::listeners},
    NameRule{Match::beginning, "ss_", BundleKind::listeners},
    NameRule{Match::beginning, "ss-", BundleKind::listeners},
    NameRule{Match::whole, "owners", BundleKind::owners},
    NameRule{Match::whole, "processes", BundleKind::processes},
    NameRule{Match::beginning, "ip_-o_addr", BundleKind::addresses},
    NameRule{Match::beginning, "ip_-o_link", BundleKind::addresses},
    NameRule{Match::beginning, "ip_addr", BundleKind::addresses},
    NameRule{Match::beginning, "ip-addr", BundleKind::addresses},
    NameRule{Match::beginning, "ip_-d_addr", BundleKind::addresses},
    NameRule{Match::beginning, "ip_-s_-d_link", BundleKind::addresses},
    NameRule{Match::beginning, "ethtool_-s_", BundleKind::nic_counters},
    NameRule{Match::beginning, "ethtool_-g_", BundleKind::nic_rings},
    NameRule{Match::beginning, "tc_-s_filter_ingress_", BundleKind::tc_ingress},
    NameRule{Match::beginning, "dmesg", BundleKind::kernel_log},
    NameRule{Match::whole, "security", BundleKind::security},
    NameRule{Match::whole, "moment", BundleKind::moment},
    NameRule{Match::whole, "synwhy-collect", BundleKind::description},
    NameRule{Match::whole, "refused", BundleKind::refused},
};

/// Where the files lie: the root of a flat folder, a copied /proc, sosreport's command output.
constexpr std::array<std::string_view, 10> kFolders{"",
                                                    "proc",
                                                    "proc/net",
                                                    "proc/sys/kernel",
                                                    "commands",
                                                    "etc",
                                                    "usr/lib",
                                                    "sos_commands/kernel",
                                                    "sos_commands/networking",
                                                    "sos_commands/general"};

constexpr std::array<std::string_view, 6> kTopFolders{"proc", "sos_commands", "before", "after", "commands", "etc"};

constexpr std::array<std::string_view, 11> kProcessFiles{"status",       "stat",     "limits",       "cgroup",
                                                         "attr/current", "wchan",    "stack",        "syscall",
                                                         "schedstat",    "cpu.stat", "cgroup.events"};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool is_number(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::string plain_name(std::string_view given) {
    std::string name(given);
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    for (const std::string_view suffix : {".txt", ".out", ".log"}) {
        if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
    }
    return name;
}

/// "proc/812/limits", "proc/812/task/815/wchan"
bool is_process_file(std::string_view path) {
    if (!path.starts_with("proc/")) return false;
    path.remove_prefix(5);
    const auto slash = path.find('/');
    if (slash == std::string_view::npos || !is_number(path.substr(0, slash))) return false;
    path.remove_prefix(slash + 1);
    if (path.starts_with("task/")) {
        path.remove_prefix(5);
        const auto end = path.find('/');
        if (end == std::string_view::npos || !is_number(path.substr(0, end))) return false;
        path.remove_prefix(end + 1);
    }
    return std::ranges::find(kProcessFiles, path) != kProcessFiles.end();
}

std::string_view without_moment(std::string_view path) {
    const auto moment = moment_of(path);
    if (!moment.empty()) path.remove_prefix(moment.size() + 1);
    return path;
}

std::optional<BundleKind> kind_of_name(std::string_view folder, std::string_view given) {
    const auto name = plain_name(given);
    if (name.starts_with("sysctl") && !contains(name, "conf")) return BundleKind::sysctls;
    std::string_view word = name;
    bool proc = folder.starts_with("proc");
    for (const std::string_view prefix : {"proc_net_", "proc-net-", "proc_", "proc-"}) {
        if (!word.starts_with(prefix)) continue;
        word.remove_prefix(prefix.size());
        proc = true;
        break;
    }
    for (const auto& rule : kRules) {
        if (rule.proc_only && !proc) continue;
        const bool fits = rule.match == Match::whole       ? word == rule.name
                          : rule.match == Match::beginning ? word.starts_with(rule.name)
                                                           : word.ends_with(rule.name);
        // ethtool's -s sets, its -S shows: the given name decides.
        if (fits && (rule.kind != BundleKind::nic_counters || given.starts_with("ethtool_-S_"))) return rule.kind;
    }
    return std::nullopt;
}

}  // namespace

std::string_view moment_of(std::string_view path) {
    for (const std::string_view moment : {"before", "after"}) {
        if (path.starts_with(moment) && path.size() > moment.size() && path[moment.size()] == '/') return moment;
    }
    return "";
}

std::optional<BundleKind> bundle_kind(std::string_view path) {
    path = without_moment(path);
    if (path.starts_with("proc/sys/net/")) return BundleKind::sysctl_file;
    if (path.starts_with("proc/net/stat/")) return BundleKind::cpu_table;
    if (is_process_file(path)) return BundleKind::process_file;
    const auto slash = path.rfind('/');
    const auto folder = slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
    const auto name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    if (std::ranges::find(kFolders, folder) == kFolders.end()) return std::nullopt;
    return kind_of_name(folder, name);
}

bool is_bundle_path_anywhere(std::string_view path) {
    for (int top = 0; top <= kMaxBundleTop; ++top) {
        if (bundle_kind(path)) return true;
        const auto slash = path.find('/');
        if (slash == std::string_view::npos) return false;
        path.remove_prefix(slash + 1);
    }
    return false;
}

std::string interface_in_name(std::string_view path) {
    const auto slash = path.rfind('/');
    if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
    for (const std::string_view prefix : {"ethtool_-S_", "ethtool_-g_", "tc_-s_filter_ingress_"}) {
        if (path.starts_with(prefix)) return std::string(path.substr(prefix.size()));
    }
    return {};
}

bool is_bundle_folder(std::string_view name) { return std::ranges::find(kTopFolders, name) != kTopFolders.end(); }

}  // namespace synwhy::host
