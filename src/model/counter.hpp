// Which counters does the model keep, and does this kernel have them?
//
// One enumerator per line of /proc/net/netstat, /proc/net/snmp and /proc/net/stat/rt_cache that passive opens move.
// A counter that the modelled kernel does not have never moves. Left out: counters of the fast path, of congestion
// control and of loss recovery (TCPHPHits, TCPPureAcks, TCPDelivered, TCPLossProbes ...).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/kernel.hpp"

namespace synwhy::model {

enum class Counter : std::uint8_t {
    ip_in_receives,
    ip_in_hdr_errors,
    ip_in_addr_errors,
    ip_in_delivers,
    ip_out_requests,
    ip_out_no_routes,
    ipext_in_csum_errors,
    ipext_in_truncated_pkts,
    rt_cache_in_martian_src,
    rt_cache_in_martian_dst,
    rt_cache_in_no_route,
    tcp_passive_opens,
    tcp_attempt_fails,
    tcp_estab_resets,
    tcp_in_segs,
    tcp_out_segs,
    tcp_retrans_segs,
    tcp_in_errs,
    tcp_in_csum_errors,
    tcp_out_rsts,
    syncookies_sent,
    syncookies_recv,
    syncookies_failed,
    embryonic_rsts,
    tw,
    tw_killed,
    paws_passive,
    paws_estab,
    paws_timewait,
    delayed_ack_lost,
    listen_overflows,
    listen_drops,
    tcp_abort_on_syn,
    tcp_abort_on_data,
    tcp_abort_on_close,
    tcp_dsack_old_sent,
    tcp_md5_not_found,
    tcp_md5_unexpected,
    tcp_backlog_drop,
    tcp_min_ttl_drop,
    tcp_defer_accept_drop,
    ip_reverse_path_filter,
    tcp_time_wait_overflow,
    tcp_req_q_full_do_cookies,
    tcp_req_q_full_drop,
    tcp_challenge_ack,
    tcp_syn_challenge,
    tcp_timeouts,
    tcp_syn_retrans,
    tcp_fast_open_cookie_reqd,
    tcp_fast_open_passive,
    tcp_fast_open_passive_fail,
    tcp_fast_open_listen_overflow,
    tcp_ack_skipped_syn_recv,
    tcp_ack_skipped_paws,
    tcp_ack_skipped_seq,
    tcp_ack_skipped_fin_wait2,
    tcp_ack_skipped_time_wait,
    tcp_ack_skipped_challenge,
    ts_ecr_rejected,
    count_,  ///< how many there are
};

inline constexpr std::size_t kCounters = static_cast<std::size_t>(Counter::count_);

/// "TcpExt.ListenDrops": the file's line prefix, a dot, the kernel's name.
std::string_view counter_name(Counter counter);
/// Inverse of counter_name(); nullopt for a counter that is not modelled.
std::optional<Counter> find_counter(std::string_view name);
/// Does a kernel with these behaviours have the counter?
bool counter_exists(Counter counter, const core::Kernel& kernel);

/// Values since the model's start, and which of them this kernel has.
class Counters {
  public:
    explicit Counters(const core::Kernel& kernel);
    void add(Counter counter, std::uint64_t n = 1) noexcept {
        const auto i = static_cast<std::size_t>(counter);
        values_[i] += exists_[i] ? n : 0;
    }
    [[nodiscard]] std::uint64_t operator[](Counter counter) const noexcept {
        return values_[static_cast<std::size_t>(counter)];
    }
    [[nodiscard]] bool has(Counter counter) const noexcept { return exists_[static_cast<std::size_t>(counter)]; }

  private:
    std::array<std::uint64_t, kCounters> values_{};
    std::array<bool, kCounters> exists_{};
};

}  // namespace synwhy::model
