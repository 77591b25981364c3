#include "model/tuple_state.hpp"

#include <algorithm>

namespace synwhy::model {

using core::Existing;

namespace {

bool happened(std::int64_t mark_ns, std::int64_t now_ns) { return mark_ns != kUnseen && mark_ns <= now_ns; }

/// The server sent its FIN; what the client did about it decides between FIN_WAIT1, FIN_WAIT2, CLOSING and TIME_WAIT.
TupleState after_server_fin(const Connection& c, std::int64_t now_ns) {
    const bool fin_acked = happened(c.server_fin_acked_ns, now_ns);
    const bool client_fin = happened(c.client_fin_ns, now_ns);
    if (client_fin && c.client_fin_ns < c.server_fin_ns) {
        // The client closed first: LAST_ACK, gone with the last ACK.
        if (fin_acked) return {};
        return {Existing::closing, c.server_fin_ns, INT64_MAX, "LAST-ACK"};
    }
    if (client_fin && fin_acked) {
        const std::int64_t since = std::max(c.client_fin_ns, c.server_fin_acked_ns);
        if (now_ns - since >= kTimeWaitNs) return {};
        return {Existing::time_wait, since, since + kTimeWaitNs, "TIME-WAIT"};
    }
    if (client_fin) return {Existing::closing, c.client_fin_ns, INT64_MAX, "CLOSING"};
    if (fin_acked) {
        if (now_ns - c.server_fin_acked_ns >= kTimeWaitNs) return {};
        return {Existing::fin_wait2_bucket, c.server_fin_acked_ns, c.server_fin_acked_ns + kTimeWaitNs, "FIN-WAIT-2"};
    }
    return {Existing::closing, c.server_fin_ns, INT64_MAX, "FIN-WAIT-1"};
}

}  // namespace

TupleState state_at(const Connection& c, std::int64_t now_ns) {
    if (happened(c.reset_ns, now_ns)) return {};
    if (happened(c.server_fin_ns, now_ns)) return after_server_fin(c, now_ns);
    if (happened(c.client_fin_ns, now_ns)) return {Existing::closing, c.client_fin_ns, INT64_MAX, "CLOSE-WAIT"};
    if (happened(c.established_ns, now_ns)) return {Existing::established, c.established_ns, INT64_MAX, "ESTAB"};
    if (happened(c.synack_ns, now_ns) && (c.request_end_ns == kUnseen || now_ns < c.request_end_ns)) {
        return {Existing::request, c.synack_ns, c.request_end_ns, "SYN-RECV"};
    }
    return {};
}

}  // namespace synwhy::model
