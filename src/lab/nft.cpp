// nft as a child process; see nft.hpp.
#include "lab/nft.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "tun/descriptor.hpp"
#include "tun/system_error.hpp"

namespace synwhy::lab {
namespace {

using tun::Descriptor;
using tun::system_error;

/// The first line that was written to it, at most 300 bytes.
std::string first_line(const Descriptor& file) {
    std::array<char, 300> text{};
    const ssize_t length = ::pread(file.get(), text.data(), text.size(), 0);
    const std::string_view all(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    return std::string(all.substr(0, all.find('\n')));
}

int wait_for(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

}  // namespace

std::string ruleset_of(const Masquerade& m) {
    return fmt::format(
        "table {} synwhy {{\n"
        "  chain out {{\n"
        "    type nat hook postrouting priority 100;\n"
        "    oifname \"{}\" meta l4proto tcp masquerade to :{}-{}{};\n"
        "  }}\n"
        "}}\n",
        m.family == core::Family::ipv6 ? "ip6" : "ip", m.interface, m.port_low, m.port_high,
        m.random_ports ? " fully-random" : "");
}

std::string find_nft() {
    for (const char* path : {"/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/usr/local/sbin/nft"}) {
        if (::access(path, X_OK) == 0) return path;
    }
    return {};
}

sim::Result<void> load_ruleset(const std::string& ruleset) {
    const std::string path = find_nft();
    if (path.empty()) return std::unexpected(core::Error{"is not installed", "nft", "a NAT gateway needs it"});
    const Descriptor input(::memfd_create("ruleset", MFD_CLOEXEC));
    const Descriptor said(::memfd_create("said", MFD_CLOEXEC));
    const auto size = static_cast<ssize_t>(ruleset.size());
    if (!input || !said || ::pwrite(input.get(), ruleset.data(), ruleset.size(), 0) != size) {
        return std::unexpected(system_error("memfd", errno, "nft"));
    }
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, input.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, said.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, said.get(), STDERR_FILENO);
    std::array<std::string, 3> words{"nft", "-f", "-"};
    std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
    std::array<char*, 1> environment{nullptr};
    pid_t child = 0;
    const int error = ::posix_spawn(&child, path.c_str(), &files, nullptr, arguments.data(), environment.data());
    ::posix_spawn_file_actions_destroy(&files);
    if (error != 0) return std::unexpected(system_error("posix_spawn", error, path));
    const int status = wait_for(child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return std::unexpected(
        core::Error{"refused the ruleset: " + first_line(said), "nft", "does this kernel have nf_tables with NAT?"});
}

}  // namespace synwhy::lab
