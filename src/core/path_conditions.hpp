// Under which conditions does tcp_conn_request refuse a SYN?
//
// The named sub-conditions that the path table's predicates are made of. Each says one thing the kernel tests; a
// predicate is their conjunction. Sources are those of net/ipv4/tcp_input.c:tcp_conn_request unless named.
// Private to path*.cpp.
#pragma once

#include <cstdint>

#include "core/path.hpp"
#include "core/seq.hpp"

namespace synwhy::core::condition {

/// TCP_PAWS_MSL: a host's stamp is believed for this many whole seconds. include/net/tcp.h, v2.6.32 .. v4.11
inline constexpr std::int64_t kStampLife_s = 60;
/// TCP_PAWS_WINDOW: a TSval this many ticks older still passes.
inline constexpr std::int32_t kStampTolerance_ticks = 1;

// ------------------------------------------------------------------------------------------- SYN queue and cookies

/// include/net/inet_connection_sock.h:inet_csk_reqsk_queue_is_full
inline bool syn_queue_full(const Behaviours& kernel, const Facts& facts) {
    switch (kernel.syn_queue_rule) {
        case SynQueueRule::table: return facts.request_length >= facts.syn_table;
        case SynQueueRule::at_backlog: return facts.request_length >= facts.backlog;
        case SynQueueRule::above_backlog: return facts.request_length > facts.backlog;
    }
    return false;
}

inline bool cookie_for_every_syn(const Behaviours& kernel, const Facts& facts) {
    return kernel.cookies_always_mode && facts.syncookies == 2;
}

/// A SYN that reopened a TIME_WAIT brings its own ISN and is not asked.
inline bool asked_for_cookie(const Behaviours& kernel, const Facts& facts) {
    return !facts.via_time_wait && (syn_queue_full(kernel, facts) || cookie_for_every_syn(kernel, facts));
}

inline bool cookies_allowed(const Facts& facts) { return facts.syncookies != 0; }

inline bool becomes_cookie(const Behaviours& kernel, const Facts& facts) {
    return asked_for_cookie(kernel, facts) && cookies_allowed(facts);
}

inline bool refused_by_syn_queue(const Behaviours& kernel, const Facts& facts) {
    return asked_for_cookie(kernel, facts) && !cookies_allowed(facts);
}

// ---------------------------------------------------------------------------------------------------- accept queue

/// include/net/sock.h:sk_acceptq_is_full: strictly greater in every version, so backlog+1 connections fit.
inline bool accept_queue_full(const Facts& facts) { return facts.accept_length > facts.backlog; }

/// Up to 4.3 a full accept queue refuses only when more than one request waits for its first timer; cookies leave no
/// request, so with nothing but cookies the rule never bites (measured on el7: n5_cookie_full).
inline bool young_requests_allow_refusal(const Behaviours& kernel, const Facts& facts) {
    switch (kernel.accept_rule) {
        case AcceptRule::full_and_young: return facts.young_requests > 1;
        case AcceptRule::full: return true;
    }
    return true;
}

inline bool refused_by_accept_queue(const Behaviours& kernel, const Facts& facts) {
    return accept_queue_full(facts) && young_requests_allow_refusal(kernel, facts);
}

// --------------------------------------------------------------------------------------------------- per-host PAWS

/// With net.ipv4.tcp_timestamps=0 the server does not even parse the option.
inline bool timestamp_read(const Facts& facts) { return facts.has_timestamps && facts.timestamps_on; }

inline bool judged_as_new(const Behaviours& kernel, const Facts& facts) {
    return !facts.via_time_wait && !becomes_cookie(kernel, facts);
}

inline bool family_has_stamps(const Behaviours& kernel, const Facts& facts) {
    switch (kernel.host_paws) {
        case HostPaws::none: return false;
        case HostPaws::inetpeer: return !facts.ipv6;
        case HostPaws::inetpeer_v6:
        case HostPaws::metrics_peer:
        case HostPaws::metrics_pair_ts:
        case HostPaws::metrics_pair: return true;
    }
    return false;
}

/// 2.6.32 compares `now < stamp + 60`; later kernels the unsigned age, so that a clock stepped back ends the check.
inline bool stamp_fresh(const Behaviours& kernel, const Facts& facts) {
    const bool not_expired = facts.stamp_age_s < kStampLife_s;
    const bool counts_backward = kernel.host_paws == HostPaws::inetpeer;
    return facts.stamp_exists && not_expired && (counts_backward || facts.stamp_age_s >= 0);
}

inline bool older_than_stamp(const Facts& facts) {
    return ts_older_by(facts.stamp_ts, facts.syn_ts) > kStampTolerance_ticks;
}

/// Old timestamp; the last variant also refuses a SYN without any (net/ipv4/tcp_metrics.c:tcp_peer_is_proven, v3.17).
inline bool timestamp_unacceptable(const Behaviours& kernel, const Facts& facts) {
    if (timestamp_read(facts)) return older_than_stamp(facts);
    return kernel.host_paws == HostPaws::metrics_pair;
}

inline bool refused_by_host_paws(const Behaviours& kernel, const Facts& facts) {
    return facts.tw_recycle && judged_as_new(kernel, facts) && facts.route_back && family_has_stamps(kernel, facts) &&
           stamp_fresh(kernel, facts) && timestamp_unacceptable(kernel, facts);
}

// --------------------------------------------------------------------------------------------------- the 3/4 rule

/// Signed arithmetic as in the kernel: below 4 the quarter is 0 and the rule waits for more than max requests.
inline bool in_last_quarter(const Facts& facts) {
    const std::int64_t free = static_cast<std::int64_t>(facts.max_syn_backlog) - facts.request_length;
    return free < static_cast<std::int64_t>(facts.max_syn_backlog >> 2);
}

/// The 3/4 rule is the `else` of the tw_recycle branch, whose own condition changed over time.
inline bool recycle_replaces_quarter(const Behaviours& kernel, const Facts& facts) {
    switch (kernel.quarter_with_recycle) {
        case QuarterWithRecycle::known_peer_only:
            return facts.tw_recycle && timestamp_read(facts) && facts.route_back && facts.stamp_exists;
        case QuarterWithRecycle::timestamps_only: return facts.tw_recycle && timestamp_read(facts) && facts.route_back;
        case QuarterWithRecycle::always: return facts.tw_recycle;
        case QuarterWithRecycle::absent: return false;
    }
    return false;
}

inline bool peer_counts_as_proven(const Behaviours& kernel, const Facts& facts) {
    switch (kernel.proven_peer) {
        case ProvenPeer::never: return false;
        case ProvenPeer::by_rtt: return facts.peer_proven;
    }
    return false;
}

inline bool refused_by_quarter(const Behaviours& kernel, const Facts& facts) {
    return !cookies_allowed(facts) && !facts.via_time_wait && in_last_quarter(facts) &&
           !recycle_replaces_quarter(kernel, facts) && !peer_counts_as_proven(kernel, facts);
}

// ----------------------------------------------------------------------------------------------------------- route

/// The same change that made peers provable moved the route lookup before the 3/4 rule (v4.14).
inline bool route_before_quarter(const Behaviours& kernel) { return kernel.proven_peer == ProvenPeer::by_rtt; }

}  // namespace synwhy::core::condition
