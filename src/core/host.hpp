// What is known of the server beside the packets?
//
// Everything is optional: a fact that nobody read is absent, never assumed. Readers live in host/, the command line
// adds --kernel and --sysctl. Facts overrule what a kernel's release suggests.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/address.hpp"
#include "core/kernel.hpp"

namespace synwhy::core {

/// A listening socket as `ss -ltn` shows it.
struct ListenerFacts {
    Endpoint local{};                 ///< wildcard addresses are all zero
    std::uint32_t accept_length = 0;  ///< Recv-Q
    std::uint32_t backlog = 0;        ///< Send-Q: min(backlog, somaxconn) at listen()
};

struct HostFacts {
    std::optional<Kernel> kernel{};
    std::map<std::string, std::string> sysctls{};          ///< "net.ipv4.tcp_tw_recycle" -> "1"; dots, never slashes
    std::map<std::string, std::int64_t> counters{};        ///< "TcpExt.PAWSPassive" -> value, one reading
    std::map<std::string, std::int64_t> counter_deltas{};  ///< after minus before, when two readings were given
    std::vector<ListenerFacts> listeners{};
    std::vector<std::string> sources{};  ///< where the facts come from, for the report

    /// Integer value of a sysctl: "net.ipv4.tcp_tw_recycle", "ipv4.tcp_tw_recycle" or "tcp_tw_recycle"; nullopt when
    /// unknown or not a number.
    [[nodiscard]] std::optional<long> sysctl(const std::string& name) const;
    /// Delta if two readings exist, else nullopt.
    [[nodiscard]] std::optional<std::int64_t> moved(const std::string& counter) const;
};

/// Corrects kernel->behaviours by what the facts show: a counter or sysctl exists or does not, whatever the release
/// suggests (vendors backport). Absence counts only in a complete reading (/proc or `nstat -az`, which list zeros).
/// Each correction is added to kernel->open_questions as a sentence; without a kernel nothing happens.
void correct_kernel_by_facts(HostFacts& facts);

}  // namespace synwhy::core
