#include "diagnose/premises.hpp"

#include <algorithm>

namespace synwhy::diagnose {

namespace {

std::optional<std::uint32_t> unsigned_sysctl(const core::HostFacts& facts, const std::string& name) {
    const auto value = facts.sysctl(name);
    if (!value || *value < 0) return std::nullopt;
    return static_cast<std::uint32_t>(*value);
}

void prune_by_initial_rto(const HostView& view, Premises& premises) {
    if (!view.traits.initial_rto_known || premises.kernel_given) return;
    const auto rto_ms = view.traits.initial_rto_ns / 1'000'000;
    std::erase_if(premises.kernels,
                  [&](const core::Kernel& kernel) { return kernel.behaviours.initial_rto_ms != rto_ms; });
    premises.notes.push_back(rto_ms >= 3000 ? "SYN+ACKs are first repeated after 3 s: a kernel up to 3.0"
                                            : "SYN+ACKs are first repeated after 1 s: el6, or a kernel from 3.1 on");
}

/// A SYN refused by a bare ACK twice within half a second shows a kernel without the reply rate limit; nothing here
/// needs that yet, but a SYN on a live connection does: it is answered by an ACK, a RST, or (3.10) not at all.
void prune_by_live_sockets(const HostView& view, Premises& premises) {
    if (premises.kernel_given) return;
    std::uint64_t acks = 0;
    std::uint64_t silent = 0;
    for (const Attempt& attempt : view.attempts) {
        const bool live = attempt.existing.state == core::Existing::established && !attempt.own_request;
        if (!live || (attempt.existing.since_last_reply_ms >= 0 && attempt.existing.since_last_reply_ms < 1000))
            continue;
        acks += attempt.outcome == core::Outcome::ack;
        silent += attempt.outcome == core::Outcome::none;
    }
    if (acks > 0) {
        std::erase_if(premises.kernels, [](const core::Kernel& k) {
            return k.behaviours.syn_on_established == core::SynOnEstablished::ignored;
        });
    } else if (silent >= 3) {
        std::vector<core::Kernel> ignoring;
        std::copy_if(
            premises.kernels.begin(), premises.kernels.end(), std::back_inserter(ignoring),
            [](const core::Kernel& k) { return k.behaviours.syn_on_established == core::SynOnEstablished::ignored; });
        if (!ignoring.empty()) premises.kernels = std::move(ignoring);
    }
}

/// Every generation that the table distinguishes, resolved once: a capture may hold thousands of servers.
const std::vector<core::Kernel>& kernel_generations() {
    static const std::vector<core::Kernel> kernels = [] {
        std::vector<core::Kernel> resolved;
        for (const std::string_view release : core::known_releases()) {
            if (const auto kernel = core::resolve_kernel(release)) resolved.push_back(*kernel);
        }
        return resolved;
    }();
    return kernels;
}

/// A bare base version is what vendors build from: "3.10.0" is far more often a stripped el7 than mainline's .0.
void add_vendor_twin(const core::Release& release, std::vector<core::Kernel>& kernels) {
    if (release.vendor != core::Release::Vendor::upstream || release.build != 0) return;
    const bool el7_base = release.major == 3 && release.minor == 10 && release.patch == 0;
    const bool el6_base = release.major == 2 && release.minor == 6 && release.patch == 32;
    const char* twin = el7_base                                                        ? "3.10.0-1160.el7"
                       : el6_base && release.text.find("2.6.32.") == std::string::npos ? "2.6.32-642.el6"
                                                                                       : nullptr;
    if (twin == nullptr) return;
    if (const auto kernel = core::resolve_kernel(twin)) kernels.push_back(*kernel);
}

/// A handful of sysctls without one of net.netfilter.* is what a host without connection tracking prints.
bool looks_free_of_netfilter(const core::HostFacts& facts) {
    constexpr std::size_t kEnoughToBeADump = 8;
    if (facts.sysctls.size() < kEnoughToBeADump) return false;
    return std::none_of(facts.sysctls.begin(), facts.sysctls.end(), [](const auto& entry) {
        return entry.first.find("netfilter") != std::string::npos || entry.first.find("conntrack") != std::string::npos;
    });
}

}  // namespace

bool Premises::any_kernel(bool (*test)(const core::Behaviours&)) const {
    return std::any_of(kernels.begin(), kernels.end(),
                       [&](const core::Kernel& kernel) { return test(kernel.behaviours); });
}

std::optional<std::uint32_t> Premises::backlog_of(const core::Endpoint& endpoint) const {
    if (facts == nullptr) return std::nullopt;
    for (const core::ListenerFacts& listener : facts->listeners) {
        if (listener.local.port != endpoint.port) continue;
        const auto& bytes = listener.local.address.bytes;
        const std::size_t first = listener.local.address.family == core::Family::ipv4 ? 12 : 0;
        const bool wildcard = std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(first), bytes.end(),
                                          [](std::uint8_t b) { return b == 0; });
        if (wildcard || listener.local.address == endpoint.address) return listener.backlog;
    }
    return std::nullopt;
}

Premises make_premises(const core::HostFacts& facts, const HostView& view, const std::vector<Reading>& readings) {
    Premises premises;
    premises.facts = &facts;
    if (facts.kernel) {
        premises.kernels.push_back(*facts.kernel);
        premises.kernel_given = true;
        add_vendor_twin(facts.kernel->release, premises.kernels);
    } else {
        premises.kernels = kernel_generations();
    }
    for (const auto& [name, value] : facts.sysctls) {
        if (!name.starts_with("net.ipv4.conf.") || !name.ends_with(".rp_filter")) continue;
        premises.rp_filter = premises.rp_filter.value_or(false) || (value != "0" && !value.empty());
    }
    premises.netfilter_unlikely = looks_free_of_netfilter(facts);
    if (const auto value = facts.sysctl("net.ipv4.tcp_tw_recycle")) premises.tw_recycle = *value != 0;
    if (const auto value = facts.sysctl("net.ipv4.tcp_timestamps")) premises.timestamps = *value != 0;
    if (const auto value = facts.sysctl("net.ipv4.tcp_syncookies")) premises.syncookies = static_cast<int>(*value);
    premises.max_syn_backlog = unsigned_sysctl(facts, "net.ipv4.tcp_max_syn_backlog");
    premises.somaxconn = unsigned_sysctl(facts, "net.core.somaxconn");
    premises.cookies_seen = std::any_of(view.handshakes.begin(), view.handshakes.end(),
                                        [&](std::uint32_t i) { return readings[i].outcome == core::Outcome::cookie; });
    const std::vector<core::Kernel> all = premises.kernels;
    if (view.traits.retransmits) prune_by_initial_rto(view, premises);
    prune_by_live_sockets(view, premises);
    if (premises.kernels.empty()) premises.kernels = all;  // contradictory signs: trust none of them
    return premises;
}

}  // namespace synwhy::diagnose
