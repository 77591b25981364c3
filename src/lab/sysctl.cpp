// Settings of a namespace, below /proc/sys; see sysctl.hpp.
#include "lab/sysctl.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "lab/proc_net.hpp"
#include "tun/descriptor.hpp"

namespace synwhy::lab {
namespace {

std::string path_of(std::string_view name) {
    std::string path(name);
    std::ranges::replace(path, '.', '/');
    return "/proc/sys/" + path;
}

}  // namespace

std::string read_sysctl(std::string_view name) {
    std::string text = read_text(path_of(name));
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

bool has_sysctl(std::string_view name) { return ::access(path_of(name).c_str(), F_OK) == 0; }

int write_sysctl(std::string_view name, std::string_view value) {
    const tun::Descriptor file(::open(path_of(name).c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return errno;
    return ::write(file.get(), value.data(), value.size()) < 0 ? errno : 0;
}

sim::SysctlValues tcp_sysctls(std::string_view interface) {
    sim::SysctlValues values;
    const auto take = [&](const std::string& name) {
        if (::access(path_of(name).c_str(), R_OK) == 0) values[name] = read_sysctl(name);
    };
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/sys/net/ipv4", none)) {
        const std::string name = entry.path().filename();
        const bool secret = name == "tcp_fastopen_key";
        if (!secret && (name.starts_with("tcp_") || name.starts_with("ip_"))) take("net.ipv4." + name);
    }
    take("net.core.somaxconn");
    for (const std::string_view scope : {std::string_view("all"), std::string_view("default"), interface}) {
        for (const char* name : {"rp_filter", "log_martians", "accept_source_route", "accept_local"}) {
            take("net.ipv4.conf." + std::string(scope) + '.' + name);
        }
    }
    take("net.ipv6.conf.all.disable_ipv6");
    return values;
}

void quieten_namespace() {
    for (const char* name : {"accept_dad", "router_solicitations", "accept_ra", "disable_ipv6"}) {
        write_sysctl(std::string("net.ipv6.conf.default.") + name, "0");
    }
    for (const char* scope : {"all", "default"}) {
        write_sysctl(std::string("net.ipv4.conf.") + scope + ".rp_filter", "0");
        write_sysctl(std::string("net.ipv4.conf.") + scope + ".log_martians", "0");
    }
}

}  // namespace synwhy::lab
