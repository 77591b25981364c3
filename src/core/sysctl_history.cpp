#include "core/sysctl_history.hpp"

#include <algorithm>

#include "core/version.hpp"

namespace synwhy::core {

namespace {

constexpr SysctlAge kAges[] = {
    {"net.ipv4.tcp_tw_recycle", [](const Kernel& k) { return k.behaviours.host_paws != HostPaws::none; }},
    {"net.ipv4.tcp_challenge_ack_limit",
     [](const Kernel& k) { return k.behaviours.syn_on_established != SynOnEstablished::reset_in_window; }},
    {"net.ipv4.tcp_fastopen", [](const Kernel& k) { return since(k, 3, 7); }},
    {"net.core.flow_limit_cpu_bitmap", [](const Kernel& k) { return since(k, 3, 11); }},
    {"net.ipv4.tcp_invalid_ratelimit", [](const Kernel& k) { return k.behaviours.duplicate_rate_limited; }},
    {"net.ipv4.tcp_early_demux", [](const Kernel& k) { return since(k, 4, 12); }},
    {"net.ipv4.tcp_migrate_req", [](const Kernel& k) { return since(k, 5, 14); }},
    {"net.ipv4.tcp_syn_linear_timeouts", [](const Kernel& k) { return k.behaviours.linear_syn_timeouts; }},
    {"net.ipv4.tcp_tw_reuse_delay", [](const Kernel& k) { return since(k, 6, 14); }},
};

}  // namespace

std::span<const SysctlAge> sysctl_ages() { return kAges; }

bool has_sysctl(const Kernel& kernel, std::string_view name) {
    const auto* const age = std::ranges::find(kAges, name, &SysctlAge::name);
    return age == std::end(kAges) || age->exists(kernel);
}

}  // namespace synwhy::core
