// How does a program see the SYNs that arrive, without changing anything?
//
// A packet socket in the calling thread's network namespace, with a filter in the kernel that lets only SYN, RST and
// ICMP errors through. It sees packets above the driver and XDP and below the firewall. Needs CAP_NET_RAW.
#pragma once

#include <cstdint>
#include <expected>
#include <span>

#include "core/error.hpp"
#include "core/watched.hpp"
#include "host/syn_table.hpp"

namespace synwhy::host {

/// Packets taken in one watch; a flood beyond that is counted by the kernel and not looked at.
inline constexpr std::uint64_t kMaxTapPackets = 2'000'000;

class SynTap {
  public:
    static std::expected<SynTap, core::Error> open();
    SynTap(SynTap&& other) noexcept;
    SynTap& operator=(SynTap&&) = delete;
    SynTap(const SynTap&) = delete;
    SynTap& operator=(const SynTap&) = delete;
    ~SynTap();

    /// What was seen since open().
    [[nodiscard]] core::Watched watched() const;

    [[nodiscard]] int socket() const { return socket_; }
    [[nodiscard]] bool exhausted() const { return taken_ >= kMaxTapPackets; }
    void take_waiting();

  private:
    explicit SynTap(int socket);

    int socket_ = -1;
    std::int64_t start_ns_ = 0;
    std::uint64_t taken_ = 0;
    SynTable table_;
};

/// Takes packets from all taps for `length_ns`, or until `stop` says so (asked at least ten times a second).
void watch(std::span<SynTap*> taps, std::int64_t length_ns, bool (*stop)());

}  // namespace synwhy::host
