// Where does a sysctl live, and what does it hold?
//
// Names in dots become paths below /proc/sys of a root directory; values are compared as the kernel means them, since
// it writes tabs and leading zeros of its own. Left out: which value is right.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace synwhy::fix {

/// Longest value that is read or written.
inline constexpr std::size_t kMaxValueBytes = 4096;

/// Does the name have a part "IF" that stands for an interface?
bool needs_interface(std::string_view name);
/// May an interface be called so? Neither "all" nor "default", which stand for every interface.
bool is_interface_name(std::string_view name);
/// "net/ipv4/conf/eth0.7/rp_filter" of "net.ipv4.conf.IF.rp_filter" on eth0.7.
std::string sysctl_path(std::string_view name, std::string_view interface);
/// Inverse, as sysctl(8) writes it: "net.ipv4.conf.eth0/7.rp_filter".
std::string sysctl_name(std::string_view path);
/// Only below net/ and vm/, and no part that leads out of there.
bool is_sysctl_path(std::string_view path);

/// Words with one blank between them.
std::string tidy_value(std::string_view value);
/// "32768\t60999" and "32768 60999" are the same; so are "0" and the bit mask "00000000,00000000".
bool same_value(std::string_view a, std::string_view b);

class SysctlTree {
  public:
    /// @param root directory that holds proc/sys, "" for /
    explicit SysctlTree(const std::string& root) : folder_(root + "/proc/sys/") {}

    /// Tidy; nullopt when this kernel, or this network namespace, has no such sysctl.
    [[nodiscard]] std::expected<std::optional<std::string>, core::Error> read(const std::string& path) const;
    /// Writes, reads back and compares.
    [[nodiscard]] std::expected<void, core::Error> write(const std::string& path, const std::string& value) const;

  private:
    std::string folder_;
};

}  // namespace synwhy::fix
