#include "diagnose/reading.hpp"

#include <algorithm>

#include "core/seq.hpp"

namespace synwhy::diagnose {

using capture::Handshake;
using capture::kNever;
using capture::Reply;
using capture::ReplyKind;
using core::Outcome;

namespace {

/// A SYN+ACK this soon after a copy answers it; later ones are the request's timer. The kernel answers within the
/// same softirq; busy emulated machines were measured at up to 130 ms.
constexpr std::int64_t kDirectReplyNs = 200'000'000;
/// A SYN+ACK this soon after the final ACK was sent by a timer that ran out at that moment: they crossed.
constexpr std::int64_t kCrossingNs = 20'000'000;
constexpr std::int64_t kOldInitialRtoNs = 3'000'000'000;  ///< TCP_TIMEOUT_INIT up to 3.0
/// A RST this soon after the final ACK (or the first data) answers it.
constexpr std::int64_t kAbortNs = 200'000'000;

/// Position of the newest copy at or before `time`; -1 when the SYN itself was not captured.
int copy_before(const Handshake& handshake, std::int64_t time_ns) {
    int found = -1;
    for (std::size_t i = 0; i < handshake.syns.size() && handshake.syns[i].time_ns <= time_ns; ++i) {
        found = static_cast<int>(i);
    }
    return found;
}

void give_reply(Reading& reading, int copy, Outcome outcome, std::uint32_t reply, std::int64_t time_ns) {
    if (copy < 0) return;
    CopyReading& target = reading.copies[static_cast<std::size_t>(copy)];
    if (target.outcome <= outcome && target.outcome != Outcome::none) return;
    target = {outcome, time_ns, reply};
}

/// RST,ACK that acknowledges the SYN: nobody listens, or a firewall pretends so.
bool resets_syn(const Handshake& handshake, const Reply& reply) {
    const std::int32_t acked = core::wrap_distance(reply.acknowledgment, handshake.isn);
    return handshake.isn_known && reply.has_ack && acked > 0 && acked <= 65536 && handshake.server_data_ns == kNever &&
           (!handshake.client_established() || reply.time_ns < handshake.final_ack_ns || reply.sequence == 0);
}

/// RST without ACK, numbered by the client's acknowledgment: tcp_v4_send_reset for an ACK that found no child.
bool resets_final_ack(const Handshake& handshake, const Reply& reply) {
    if (reply.has_ack || !handshake.client_established() || handshake.server_data_ns != kNever ||
        handshake.server_fin.seen() || reply.sequence != handshake.final_ack ||
        reply.time_ns < handshake.final_ack_ns) {
        return false;
    }
    const bool after_ack = reply.time_ns - handshake.final_ack_ns <= kAbortNs;
    const bool after_data = handshake.client_data_ns != kNever && reply.time_ns >= handshake.client_data_ns &&
                            reply.time_ns - handshake.client_data_ns <= kAbortNs;
    return after_ack || after_data || handshake.client_segments > 1;
}

void read_synack(const Handshake& handshake, std::uint32_t index, Reading& reading) {
    const Reply& reply = handshake.replies[index];
    const int copy = copy_before(handshake, reply.time_ns);
    const bool first = reading.synacks.empty();
    const bool direct = copy >= 0 && reading.copies[static_cast<std::size_t>(copy)].outcome != Outcome::synack &&
                        reply.time_ns - handshake.syns[static_cast<std::size_t>(copy)].time_ns <= kDirectReplyNs;
    if (first || direct) {
        give_reply(reading, copy, Outcome::synack, index, reply.time_ns);
    } else {
        ++reading.timer_synacks;
    }
    if (first) reading.answered_ns = reply.time_ns;
    reading.synacks.push_back(reply.time_ns);
    if (!direct && handshake.client_established() && reply.time_ns > handshake.final_ack_ns + kCrossingNs &&
        handshake.final_ack == reply.sequence + 1) {
        ++reading.refused_final_acks;
        if (reading.first_refused_ack_ns == kNever) reading.first_refused_ack_ns = handshake.final_ack_ns;
        reading.last_refused_ack_ns = reply.time_ns;
    }
}

/// The capture lacks the SYN+ACK; do later segments prove it? A lone ACK does not when the server's side was
/// captured: a client that met a TIME_WAIT sends strange ACKs too.
bool answer_implied(const Handshake& handshake, const HostTraits& traits) {
    if (handshake.server_data_ns != kNever || handshake.server_fin.seen()) return handshake.isn_known;
    if (!handshake.client_established() || handshake.final_ack == 0) return false;
    if (!traits.replies_visible) return true;
    const bool reset = std::any_of(handshake.replies.begin(), handshake.replies.end(),
                                   [](const Reply& reply) { return reply.kind == ReplyKind::rst; });
    return !reset && handshake.client_segments > 1 && handshake.client_acked.seen();
}

/// Timers fire late: up to half the initial RTO where one listener timer sweeps the table (<= 4.0), a tenth of the
/// interval where every request has its own on a coarse wheel.
std::int64_t timer_slack(std::int64_t interval_ns, const HostTraits& traits) {
    return interval_ns / 10 + traits.initial_rto_ns / 2;
}

void read_request(const Handshake& handshake, const HostTraits& traits, Reading& reading) {
    reading.request_start = reading.answered_ns;
    const std::int64_t last_synack = reading.synacks.empty() ? reading.answered_ns : reading.synacks.back();
    const std::int64_t interval = traits.initial_rto_ns << std::min(static_cast<int>(reading.timer_synacks), 6);
    std::int64_t end = last_synack + interval;
    std::int64_t late = end + timer_slack(interval, traits);
    // The first timer is 1 s or 3 s; as long as neither the kernel nor a repetition tells, the request may live on.
    if (!traits.initial_rto_known) late = std::max(late, last_synack + kOldInitialRtoNs + kOldInitialRtoNs / 2);
    const auto ends_at = [&](std::int64_t time_ns) { end = late = time_ns; };
    if (handshake.client_established() && reading.aborted_ns != kNever) {
        ends_at(reading.aborted_ns);
    } else if (handshake.client_established() && reading.refused_final_acks == 0) {
        ends_at(handshake.final_ack_ns);
    } else if (handshake.client_established() && reading.served_ns != kNever) {
        ends_at(reading.served_ns);
    }
    if (handshake.client_rst_ns != kNever && handshake.client_rst_ns >= reading.answered_ns) {
        end = std::min(end, handshake.client_rst_ns);
        late = std::min(late, handshake.client_rst_ns);
    }
    // Nothing from the server since the final ACK: the ACK may have been refused, and the request lives on.
    const bool unconfirmed = handshake.client_established() && reading.refused_final_acks == 0 &&
                             reading.aborted_ns == kNever && reading.served_ns == kNever &&
                             handshake.server_last_ns <= handshake.final_ack_ns;
    if (unconfirmed) late = std::max(late, last_synack + interval + timer_slack(interval, traits));
    reading.request_end = std::max(end, reading.answered_ns);
    reading.request_end_late = std::max(late, reading.answered_ns);
    const bool fired = reading.timer_synacks > 0 && reading.synacks.size() > 1;
    const std::int64_t young = fired ? reading.synacks[1] : reading.answered_ns + traits.initial_rto_ns;
    const std::int64_t slowest = traits.initial_rto_known ? young : reading.answered_ns + kOldInitialRtoNs;
    const std::int64_t young_late = fired ? young : slowest + timer_slack(traits.initial_rto_ns, traits);
    reading.young_end = std::min(young, reading.request_end);
    reading.young_end_late = std::min(young_late, reading.request_end_late);
}

void read_child(const Handshake& handshake, Reading& reading) {
    const auto earlier = [](std::int64_t& mark, std::int64_t time_ns) {
        if (time_ns != kNever && (mark == kNever || time_ns < mark)) mark = time_ns;
    };
    earlier(reading.served_ns, handshake.server_data_ns);
    earlier(reading.served_ns, handshake.server_fin.time_ns);
    if (reading.aborted_ns == kNever) earlier(reading.served_ns, handshake.server_rst_ns);
    if (handshake.client_established() && reading.refused_final_acks == 0 && reading.aborted_ns == kNever) {
        reading.queued_ns = handshake.final_ack_ns;
    }
}

}  // namespace

Reading read_handshake(const Handshake& handshake, const HostTraits& traits) {
    Reading reading;
    reading.copies.resize(handshake.syns.size());
    for (std::uint32_t i = 0; i < handshake.replies.size(); ++i) {
        const Reply& reply = handshake.replies[i];
        const int copy = copy_before(handshake, reply.time_ns);
        switch (reply.kind) {
            case ReplyKind::synack: read_synack(handshake, i, reading); break;
            case ReplyKind::rst:
                if (resets_syn(handshake, reply)) {
                    give_reply(reading, copy, Outcome::rst, i, reply.time_ns);
                } else if (reading.aborted_ns == kNever && resets_final_ack(handshake, reply)) {
                    reading.aborted_ns = reply.time_ns;
                }
                break;
            case ReplyKind::ack: give_reply(reading, copy, Outcome::ack, i, reply.time_ns); break;
            case ReplyKind::icmp: give_reply(reading, copy, Outcome::icmp, i, reply.time_ns); break;
        }
    }
    if (reading.synacks.empty()) reading.aborted_ns = kNever;
    if (reading.synacks.empty() && answer_implied(handshake, traits)) {
        reading.answer_inferred = true;
        std::int64_t known_by = handshake.client_established() ? handshake.final_ack_ns : handshake.server_data_ns;
        if (known_by == kNever) known_by = handshake.server_fin.time_ns;
        const int copy = copy_before(handshake, known_by);
        reading.answered_ns = copy >= 0 ? handshake.syns[static_cast<std::size_t>(copy)].time_ns : known_by;
        give_reply(reading, copy, Outcome::synack, UINT32_MAX, reading.answered_ns);
    }
    for (const CopyReading& copy : reading.copies) reading.outcome = std::min(reading.outcome, copy.outcome);
    if (reading.answered_ns != kNever) {
        reading.outcome = Outcome::synack;
        read_child(handshake, reading);
        read_request(handshake, traits, reading);
    }
    return reading;
}

HostTraits read_traits(const capture::Fold& fold, const std::vector<std::uint32_t>& handshakes,
                       std::optional<int> initial_rto_ms) {
    HostTraits traits;
    if (initial_rto_ms) {
        traits.initial_rto_ns = std::int64_t{*initial_rto_ms} * 1'000'000;
        traits.initial_rto_known = true;
    }
    traits.capture_first_ns = fold.counts().first_ns;
    traits.capture_last_ns = fold.counts().last_ns;
    std::vector<std::int64_t> first_gaps;
    for (const std::uint32_t index : handshakes) {
        const Handshake& handshake = fold.handshakes()[index];
        traits.syns_visible |= !handshake.syns.empty();
        traits.replies_visible |= handshake.server_segments > 0 || !handshake.replies.empty();
        std::int64_t first = kNever;
        for (const Reply& reply : handshake.replies) {
            if (reply.kind != ReplyKind::synack) continue;
            traits.offers_window_scale |= reply.has_window_scale;
            traits.offers_sack |= reply.has_sack_permitted;
            const int copy = copy_before(handshake, reply.time_ns);
            const bool direct =
                copy >= 0 && reply.time_ns - handshake.syns[static_cast<std::size_t>(copy)].time_ns <= kDirectReplyNs;
            if (first != kNever && !direct && handshake.syns.size() == 1 && first_gaps.size() < 1000) {
                first_gaps.push_back(reply.time_ns - first);
                break;
            }
            if (first == kNever) first = reply.time_ns;
        }
    }
    traits.retransmits = !first_gaps.empty();
    if (!first_gaps.empty() && !traits.initial_rto_known) {
        // The initial RTO is 3 s up to 3.0 and 1 s after (kernel.hpp: initial_rto_ms); timers only fire late.
        std::nth_element(first_gaps.begin(), first_gaps.begin() + static_cast<std::ptrdiff_t>(first_gaps.size() / 2),
                         first_gaps.end());
        traits.initial_rto_ns = first_gaps[first_gaps.size() / 2] > 2'300'000'000 ? 3'000'000'000 : 1'000'000'000;
        traits.initial_rto_known = true;
    }
    return traits;
}

namespace {

/// The low six bits of a cookie's TSval: window scale, SACK, ECN (net/ipv4/syncookies.c:cookie_init_timestamp).
bool timestamp_encodes_options(const core::TcpOptions& offered, std::uint32_t ts_value) {
    const std::uint32_t scale = offered.has_window_scale ? std::min<std::uint32_t>(offered.window_scale, 14) : 0xf;
    const std::uint32_t sack = offered.has_sack_permitted ? 1U << 4 : 0;
    return (ts_value & 0x1f) == (scale | sack);
}

enum class CookieSign : std::uint8_t { no, perhaps, yes };

CookieSign cookie_sign(const Handshake& handshake, const Reading& reading, const HostTraits& traits) {
    if (handshake.syns.empty() || reading.synacks.empty()) return CookieSign::no;
    if (reading.timer_synacks > 0) return CookieSign::no;  // nothing is stored, so nothing can be repeated
    const CopyReading* answered = nullptr;
    std::size_t at = 0;
    for (std::size_t i = 0; i < reading.copies.size() && answered == nullptr; ++i) {
        if (reading.copies[i].outcome == Outcome::synack && reading.copies[i].reply != UINT32_MAX) {
            answered = &reading.copies[i];
            at = i;
        }
    }
    if (answered == nullptr) return CookieSign::no;
    const Reply& reply = handshake.replies[answered->reply];
    const core::TcpOptions& offered = handshake.syns[at].options;
    if (reply.options_cut || offered.cut_by_snaplen) return CookieSign::no;
    if (!reply.has_timestamps) {
        const bool scale_missing = offered.has_window_scale && traits.offers_window_scale && !reply.has_window_scale;
        const bool sack_missing = offered.has_sack_permitted && traits.offers_sack && !reply.has_sack_permitted;
        if (scale_missing || sack_missing) return CookieSign::yes;
        if (offered.has_window_scale || offered.has_sack_permitted) return CookieSign::no;
    }
    // Unacknowledged and never repeated, with time enough for it: no request was stored.
    const std::int64_t until =
        std::min(traits.capture_last_ns, handshake.client_rst_ns == kNever ? INT64_MAX : handshake.client_rst_ns);
    const bool never_acked = !handshake.client_established();
    const std::int64_t first_timer = traits.initial_rto_known ? traits.initial_rto_ns : kOldInitialRtoNs;
    if (never_acked && reading.synacks.back() + first_timer + first_timer * 6 / 10 < until) {
        return CookieSign::yes;
    }
    if (reply.has_timestamps && timestamp_encodes_options(offered, reply.ts_value)) return CookieSign::perhaps;
    return reply.has_timestamps ? CookieSign::no : CookieSign::perhaps;
}

}  // namespace

void mark_cookies(const capture::Fold& fold, const std::vector<std::uint32_t>& order, const HostTraits& traits,
                  std::vector<Reading>& readings) {
    constexpr std::int64_t kNeighbourNs = 3'000'000'000;
    std::vector<std::int64_t> sure;  // times of cookies that show themselves
    std::vector<std::pair<std::uint32_t, CookieSign>> signs;
    for (const std::uint32_t index : order) {
        const CookieSign sign = cookie_sign(fold.handshakes()[index], readings[index], traits);
        if (sign == CookieSign::no) continue;
        signs.emplace_back(index, sign);
        if (sign == CookieSign::yes) sure.push_back(readings[index].answered_ns);
    }
    std::sort(sure.begin(), sure.end());
    for (const auto& [index, sign] : signs) {
        Reading& reading = readings[index];
        if (sign == CookieSign::perhaps) {
            // Only believable while the listener is sending cookies: others show themselves just before or after.
            const auto next = std::lower_bound(sure.begin(), sure.end(), reading.answered_ns - kNeighbourNs);
            if (next == sure.end() || *next > reading.answered_ns + kNeighbourNs) continue;
        }
        reading.outcome = Outcome::cookie;
        for (CopyReading& copy : reading.copies) {
            if (copy.outcome == Outcome::synack) copy.outcome = Outcome::cookie;
        }
        reading.request_end = reading.request_end_late = reading.young_end = reading.young_end_late =
            reading.request_start;
    }
}

}  // namespace synwhy::diagnose
