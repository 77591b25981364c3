// Which sysctls does the model obey?
//
// Plain values with the defaults of the modelled kernel. set() takes the sysctl's own name and text, and says when
// this kernel has no such sysctl. Left out: sysctls that no passive open looks at.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/kernel.hpp"

namespace synwhy::model {

struct Settings {
    int somaxconn = 128;                    ///< net.core.somaxconn
    int max_syn_backlog = 128;              ///< net.ipv4.tcp_max_syn_backlog
    int syncookies = 1;                     ///< net.ipv4.tcp_syncookies
    int abort_on_overflow = 0;              ///< net.ipv4.tcp_abort_on_overflow
    int synack_retries = 5;                 ///< net.ipv4.tcp_synack_retries
    int timestamps = 1;                     ///< net.ipv4.tcp_timestamps
    int tw_recycle = 0;                     ///< net.ipv4.tcp_tw_recycle; stays 0 where it does not exist
    int tw_reuse = 0;                       ///< net.ipv4.tcp_tw_reuse (client side)
    int tw_reuse_delay_ms = 1000;           ///< net.ipv4.tcp_tw_reuse_delay (client side)
    int max_tw_buckets = 131072;            ///< net.ipv4.tcp_max_tw_buckets
    int fin_timeout_s = 60;                 ///< net.ipv4.tcp_fin_timeout
    int rfc1337 = 0;                        ///< net.ipv4.tcp_rfc1337
    int invalid_ratelimit_ms = 500;         ///< net.ipv4.tcp_invalid_ratelimit
    int challenge_ack_limit = 1000;         ///< net.ipv4.tcp_challenge_ack_limit, per second and host
    int fastopen = 0;                       ///< net.ipv4.tcp_fastopen, bit mask
    int sack = 1;                           ///< net.ipv4.tcp_sack
    int window_scaling = 1;                 ///< net.ipv4.tcp_window_scaling
    int rmem_max_bytes = 6291456;           ///< third value of net.ipv4.tcp_rmem: decides the window scale offered
    int ip_forward = 0;                     ///< net.ipv4.ip_forward
    int rp_filter_all = 0;                  ///< net.ipv4.conf.all.rp_filter
    int rp_filter_interface = 0;            ///< net.ipv4.conf.IF.rp_filter of the one interface modelled
    int accept_source_route_all = 0;        ///< net.ipv4.conf.all.accept_source_route
    int accept_source_route_interface = 1;  ///< net.ipv4.conf.IF.accept_source_route
    int accept_local = 0;                   ///< net.ipv4.conf.all.accept_local
    int syn_retries = 6;                    ///< net.ipv4.tcp_syn_retries (client side)
    int syn_linear_timeouts = 0;            ///< net.ipv4.tcp_syn_linear_timeouts (client side)
    int local_port_low = 32768;             ///< net.ipv4.ip_local_port_range (client side)
    int local_port_high = 60999;

    /// The defaults that `kernel` boots with, as far as they do not depend on the machine's memory.
    static Settings defaults_of(const core::Kernel& kernel);

    enum class SetResult : std::uint8_t {
        ok,
        absent,       ///< this kernel has no such sysctl
        not_modelled  ///< exists, but nothing here depends on it
    };
    /// @param name with dots: "net.ipv4.tcp_tw_recycle"; "net.ipv4.conf.IF.*" is the modelled interface for any IF
    /// @param text as written to /proc/sys; text that is not a number leaves the value unchanged
    SetResult set(std::string_view name, std::string_view text, const core::Kernel& kernel);
};

}  // namespace synwhy::model
