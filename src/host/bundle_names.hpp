// Which file of a bundle is what, by its path?
//
// Paths are relative to the bundle's root, with '/'. Understood: our own layout (synwhy-collect), a copied /proc, what
// sosreport calls its files, and flat folders with the output of a few commands ("uname-a.txt", "proc-net-snmp").
// Left out: guessing from contents.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace synwhy::host {

enum class BundleKind : std::uint8_t {
    release,       ///< `uname -a`, /proc/version
    distribution,  ///< os-release, redhat-release, debian_version
    sysctls,       ///< `sysctl -a`
    sysctl_file,   ///< one file below /proc/sys/net
    counters,      ///< netstat, snmp, snmp6, nstat
    sockstat,      ///< also sockstat6
    softnet,       ///< softnet_stat
    cpu_table,     ///< /proc/net/stat/*
    proc_tcp,      ///< /proc/net/tcp, tcp6
    listeners,     ///< `ss -ltn...`
    half_open,     ///< `ss -tn state syn-recv`
    owners,        ///< "PID FD INODE" and "PID open COUNT" of synwhy-collect
    processes,     ///< many files of /proc/PID in one, under lines "==> path <=="
    process_file,  ///< a file of a copied /proc/PID
    addresses,     ///< `ip addr`, `ip link`
    devices,       ///< /proc/net/dev
    nic_counters,  ///< `ethtool -S`
    nic_rings,     ///< `ethtool -g`
    tc_ingress,    ///< `tc filter show dev X ingress`
    load,          ///< /proc/loadavg
    cpu_time,      ///< /proc/stat
    memory,        ///< /proc/meminfo
    kernel_log,    ///< dmesg
    security,      ///< of synwhy-collect: which security modules are on
    moment,        ///< of synwhy-collect: when the counters were read
    uptime,        ///< /proc/uptime
    description,   ///< of synwhy-collect: which namespace
    refused,       ///< of synwhy-collect: what could not be read
};

/// What the file at `path` is. The folders "before" and "after" in front count as the root.
std::optional<BundleKind> bundle_kind(std::string_view path);

/// Could the path be one of a bundle whose root lies at most kMaxBundleTop folders deep?
bool is_bundle_path_anywhere(std::string_view path);
inline constexpr int kMaxBundleTop = 3;

/// "before", "after" or "": the part of a pair that a path belongs to.
std::string_view moment_of(std::string_view path);

/// The interface in a name like "ethtool_-S_eth0"; empty when there is none.
std::string interface_in_name(std::string_view path);

/// Folders that a bundle's root itself holds, so that they are never mistaken for its only top folder.
bool is_bundle_folder(std::string_view name);

}  // namespace synwhy::host
