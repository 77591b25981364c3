// Which sysctls does a text set or show?
//
// `sysctl -a` output, sysctl.conf and the --sysctl option: "k=v", "k = v", dots or slashes. Only net.* is kept.
// Left out: reading /proc/sys (bundle.hpp walks it).
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.hpp"

namespace synwhy::host {

/// Most entries kept from one text; a host with a thousand interfaces has about 100,000.
inline constexpr std::size_t kMaxSysctls = 200'000;

/// Full name with dots: "net/ipv4/tcp_tw_recycle", "ipv4.tcp_tw_recycle" and "tcp_tw_recycle" all become
/// "net.ipv4.tcp_tw_recycle". With slashes as separators a dot belongs to an interface name and becomes a slash, as
/// sysctl(8) does: "net/ipv4/conf/eth0.5/rp_filter" -> "net.ipv4.conf.eth0/5.rp_filter".
std::string full_sysctl_name(std::string_view name);

/// One "name=value" given by the user.
std::expected<std::pair<std::string, std::string>, core::Error> parse_sysctl_assignment(std::string_view text);

/// All net.* assignments of a text, the last one winning; lines that are none ("sysctl: permission denied on key")
/// are passed over. An error when there is no assignment at all.
std::expected<std::map<std::string, std::string>, core::Error> parse_sysctls(std::string_view text,
                                                                             const std::string& name);

}  // namespace synwhy::host
