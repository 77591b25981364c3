// Which worlds does the evidence leave open?
//
// The kernels that could be running on the server and the sysctls that are known. Host facts narrow them; so does
// what the capture shows (the SYN+ACK's first retransmission betrays the initial RTO, a cookie betrays syncookies).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/host.hpp"
#include "core/kernel.hpp"
#include "diagnose/host_view.hpp"

namespace synwhy::diagnose {

struct Premises {
    std::vector<core::Kernel> kernels{};  ///< still possible, oldest first; one when the release was given
    bool kernel_given = false;
    std::optional<bool> tw_recycle{};  ///< known value
    std::optional<bool> timestamps{};
    std::optional<int> syncookies{};
    std::optional<std::uint32_t> max_syn_backlog{};
    std::optional<std::uint32_t> somaxconn{};
    std::optional<bool> rp_filter{};  ///< known: on for some interface, or off for all that were named
    bool cookies_seen = false;
    bool netfilter_unlikely = false;  ///< many sysctls are known and none is netfilter's
    const core::HostFacts* facts = nullptr;
    std::vector<std::string> notes{};  ///< what was concluded from the capture, one sentence each

    [[nodiscard]] bool any_kernel(bool (*test)(const core::Behaviours&)) const;
    /// The listen() backlog of a listener when the facts name it.
    [[nodiscard]] std::optional<std::uint32_t> backlog_of(const core::Endpoint& endpoint) const;
};

Premises make_premises(const core::HostFacts& facts, const HostView& view, const std::vector<Reading>& readings);

}  // namespace synwhy::diagnose
