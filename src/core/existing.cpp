#include "core/existing.hpp"

#include "core/seq.hpp"

namespace synwhy::core {

namespace {

/// net.ipv4.tcp_invalid_ratelimit, its default.
constexpr std::int64_t kInvalidRateLimitMs = 500;

bool paws_old(const ExistingFacts& facts) {
    return facts.has_ts_recent && facts.has_timestamps && ts_older_by(facts.ts_recent, facts.ts_value) > 0;
}

bool in_window(const ExistingFacts& facts) {
    return !seq_before(facts.sequence, facts.rcv_nxt) && seq_before(facts.sequence, facts.rcv_nxt + facts.window);
}

/// An ACK, or silence when the last one is too recent.
ExistingDecision limited_ack(bool limited, const ExistingFacts& facts, Cause cause) {
    const bool too_soon = facts.since_last_reply_ms >= 0 && facts.since_last_reply_ms < kInvalidRateLimitMs;
    if (limited && too_soon) return {ExistingReply::silence, Cause::ack_rate_limited};
    return {ExistingReply::ack, cause};
}

ExistingDecision decide_time_wait(const Behaviours& kernel, const ExistingFacts& facts) {
    const bool newer_sequence = seq_after(facts.sequence, facts.rcv_nxt);
    const bool newer_timestamp =
        facts.has_ts_recent && facts.has_timestamps && ts_older_by(facts.ts_recent, facts.ts_value) < 0;
    if (!paws_old(facts) && (newer_sequence || newer_timestamp))
        return {ExistingReply::listen, Cause::time_wait_refused};
    return limited_ack(kernel.duplicate_rate_limited, facts, Cause::time_wait_refused);
}

ExistingDecision decide_fin_wait2(const Behaviours& kernel, const ExistingFacts& facts) {
    if (in_window(facts) && !paws_old(facts)) return {ExistingReply::rst, Cause::time_wait_refused};
    return limited_ack(kernel.duplicate_rate_limited, facts, Cause::time_wait_refused);
}

ExistingDecision decide_request(const Behaviours& kernel, const ExistingFacts& facts) {
    if (facts.sequence == facts.request_isn) {
        if (paws_old(facts)) return limited_ack(kernel.duplicate_rate_limited, facts, Cause::syn_recv_collision);
        const bool too_soon = facts.since_last_reply_ms >= 0 && facts.since_last_reply_ms < kInvalidRateLimitMs;
        if (kernel.duplicate_rate_limited && too_soon) return {ExistingReply::silence, Cause::ack_rate_limited};
        return {ExistingReply::synack_again, Cause::syn_recv_collision};
    }
    if (!in_window(facts) || paws_old(facts)) {
        return limited_ack(kernel.established_reply_rate_limited, facts, Cause::syn_recv_collision);
    }
    return {ExistingReply::rst, Cause::syn_recv_collision};
}

ExistingDecision decide_full_socket(const Behaviours& kernel, const ExistingFacts& facts) {
    switch (kernel.syn_on_established) {
        case SynOnEstablished::ignored: return {ExistingReply::silence, Cause::established_collision};
        case SynOnEstablished::reset_in_window:
            if (in_window(facts) && !paws_old(facts)) return {ExistingReply::rst, Cause::established_collision};
            return {ExistingReply::ack, Cause::established_collision};
        case SynOnEstablished::challenge:
        case SynOnEstablished::challenge_always: break;
    }
    return limited_ack(kernel.established_reply_rate_limited, facts, Cause::established_collision);
}

}  // namespace

ExistingDecision decide_existing(const Behaviours& kernel, const ExistingFacts& facts) {
    switch (facts.state) {
        case Existing::none: return {ExistingReply::listen, Cause::time_wait_refused};
        case Existing::time_wait: return decide_time_wait(kernel, facts);
        case Existing::fin_wait2_bucket: return decide_fin_wait2(kernel, facts);
        case Existing::request: return decide_request(kernel, facts);
        case Existing::established:
        case Existing::closing: return decide_full_socket(kernel, facts);
    }
    return {ExistingReply::listen, Cause::time_wait_refused};
}

}  // namespace synwhy::core
