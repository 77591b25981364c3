#include "core/existing.hpp"

#include "core/seq.hpp"

namespace synwhy::core {

namespace {

bool paws_old(const Behaviours& kernel, const ExistingFacts& facts) {
    return facts.has_ts_recent && facts.has_timestamps &&
           paws_refuses(kernel, facts.ts_recent, facts.ts_recent_age_s, facts.ts_value, 0);
}

bool syn_in_window(const ExistingFacts& facts) {
    return in_window(facts.sequence, facts.sequence_length, facts.rcv_nxt, facts.window);
}

bool too_soon(const ExistingFacts& facts) {
    return facts.since_last_reply_ms >= 0 && facts.since_last_reply_ms < facts.invalid_ratelimit_ms;
}

/// An ACK, or silence when the last one is too recent.
ExistingDecision limited_ack(bool limited, const ExistingFacts& facts, Cause cause, std::string_view row,
                             std::string_view limited_row) {
    if (limited && too_soon(facts)) return {ExistingReply::silence, Cause::ack_rate_limited, limited_row};
    return {ExistingReply::ack, cause, row};
}

ExistingDecision decide_time_wait(const Behaviours& kernel, const ExistingFacts& facts) {
    const bool newer_sequence = seq_after(facts.sequence, facts.rcv_nxt);
    const bool newer_timestamp =
        facts.has_ts_recent && facts.has_timestamps && ts_older_by(facts.ts_recent, facts.ts_value) < 0;
    const bool old = paws_old(kernel, facts);
    if (!old && (newer_sequence || newer_timestamp)) return {ExistingReply::listen};
    return limited_ack(kernel.duplicate_rate_limited, facts, Cause::time_wait_refused,
                       old ? "time-wait.paws" : "time-wait.sequence", "time-wait.rate-limit");
}

ExistingDecision decide_fin_wait2(const Behaviours& kernel, const ExistingFacts& facts) {
    const bool inside = syn_in_window(facts) && !seq_before(facts.sequence, facts.rcv_nxt);
    if (inside && !paws_old(kernel, facts)) {
        return {ExistingReply::rst, Cause::time_wait_refused, "time-wait.fin-wait2-inside"};
    }
    return limited_ack(kernel.duplicate_rate_limited, facts, Cause::time_wait_refused, "time-wait.fin-wait2-outside",
                       "time-wait.fin-wait2-rate-limit");
}

ExistingDecision decide_request(const Behaviours& kernel, const ExistingFacts& facts) {
    const bool old = paws_old(kernel, facts);
    if (facts.sequence == facts.request_isn && !old) {
        if (kernel.duplicate_rate_limited && too_soon(facts)) {
            return {ExistingReply::silence, Cause::ack_rate_limited, "request.rate-limit"};
        }
        return {ExistingReply::synack_again, Cause::syn_recv_collision};
    }
    if (old || !syn_in_window(facts)) {
        return limited_ack(kernel.request_ack_rate_limited, facts, Cause::syn_recv_collision,
                           old ? "request.paws" : "request.other-isn", "request.rate-limit");
    }
    return {ExistingReply::rst, Cause::syn_recv_collision, "request.in-window"};
}

ExistingDecision decide_full_socket(const Behaviours& kernel, const ExistingFacts& facts) {
    const Cause cause = Cause::established_collision;
    switch (kernel.syn_on_established) {
        case SynOnEstablished::ignored: return {ExistingReply::silence, cause, "full-socket.ignored"};
        case SynOnEstablished::reset_in_window: {
            if (paws_old(kernel, facts)) return {ExistingReply::ack, cause, "full-socket.paws"};
            const bool inside =
                !seq_before(facts.sequence, facts.rcv_nxt) && !seq_after(facts.sequence, facts.rcv_nxt + facts.window);
            if (inside) return {ExistingReply::rst, cause, "full-socket.reset"};
            return {ExistingReply::ack, cause, "full-socket.duplicate-ack"};
        }
        case SynOnEstablished::challenge:
            if (paws_old(kernel, facts)) {
                return limited_ack(kernel.duplicate_rate_limited, facts, cause, "full-socket.paws",
                                   "full-socket.rate-limit");
            }
            break;
        case SynOnEstablished::challenge_always: break;
    }
    return limited_ack(kernel.established_reply_rate_limited, facts, cause, "full-socket.challenge",
                       "full-socket.rate-limit");
}

}  // namespace

bool paws_refuses(const Behaviours& kernel, std::uint32_t ts_recent, std::int64_t ts_recent_age_s,
                  std::uint32_t ts_value, std::int32_t window) {
    if (ts_older_by(ts_recent, ts_value) <= window) return false;
    if (ts_recent_age_s >= kernel.paws_expiry_s) return false;
    return ts_recent != 0 || !kernel.zero_timestamp_exempt;
}

bool in_window(std::uint32_t sequence, std::uint32_t sequence_length, std::uint32_t window_start,
               std::uint32_t window_length) {
    if (sequence == window_start) return true;
    const std::uint32_t end = sequence + sequence_length;
    const std::uint32_t window_end = window_start + window_length;
    if (seq_after(end, window_start) && seq_before(sequence, window_end)) return true;
    return sequence == window_end && sequence_length == 0;
}

ExistingDecision decide_existing(const Behaviours& kernel, const ExistingFacts& facts) {
    ExistingDecision decision;
    switch (facts.state) {
        case Existing::none: return {ExistingReply::listen};
        case Existing::time_wait: decision = decide_time_wait(kernel, facts); break;
        case Existing::fin_wait2_bucket: decision = decide_fin_wait2(kernel, facts); break;
        case Existing::request: decision = decide_request(kernel, facts); break;
        case Existing::established:
        case Existing::closing: decision = decide_full_socket(kernel, facts); break;
    }
    decision.paws_old = paws_old(kernel, facts);
    return decision;
}

}  // namespace synwhy::core
