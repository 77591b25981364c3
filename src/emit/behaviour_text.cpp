// What does each named behaviour mean, in words?
//
// One line per field of core::Behaviours, in the order a SYN meets them. Left out: where the facts come from
// (core/kernel.cpp).
#include <fmt/format.h>

#include "emit/path_print.hpp"

namespace synwhy::emit {

namespace {

using namespace core;

constexpr int kDay_s = 86400;

std::string_view words(AcceptRule rule) {
    switch (rule) {
        case AcceptRule::full_and_young: return "refuses at length > backlog with more than one young request";
        case AcceptRule::full: return "refuses at length > backlog (holds backlog+1)";
    }
    return {};
}

std::string_view words(SynQueueRule rule) {
    switch (rule) {
        case SynQueueRule::table:
            return "full at the table made at listen(): roundup_pow2(max(8, min(backlog, tcp_max_syn_backlog)) + 1)";
        case SynQueueRule::at_backlog: return "full at length >= backlog (holds backlog)";
        case SynQueueRule::above_backlog: return "full at length > backlog (holds backlog+1)";
    }
    return {};
}

std::string_view words(HostPaws variant) {
    switch (variant) {
        case HostPaws::none: return "none, the kernel has no tcp_tw_recycle";
        case HostPaws::inetpeer: return "by client address, IPv4 only, SYNs without timestamps pass";
        case HostPaws::inetpeer_v6: return "by client address, SYNs without timestamps pass";
        case HostPaws::metrics_peer: return "by client address in tcp_metrics, SYNs without timestamps pass";
        case HostPaws::metrics_pair_ts:
            return "by (local, client) address in tcp_metrics, SYNs without timestamps pass";
        case HostPaws::metrics_pair:
            return "by (local, client) address in tcp_metrics, SYNs without timestamps are refused too";
    }
    return {};
}

std::string_view words(QuarterWithRecycle rule) {
    switch (rule) {
        case QuarterWithRecycle::known_peer_only: return "off for peers with a stamp when tcp_tw_recycle=1";
        case QuarterWithRecycle::timestamps_only: return "off for SYNs with timestamps when tcp_tw_recycle=1";
        case QuarterWithRecycle::always: return "off when tcp_tw_recycle=1";
        case QuarterWithRecycle::absent: return "no exemption by tcp_tw_recycle";
    }
    return {};
}

std::string_view words(ProvenPeer rule) {
    switch (rule) {
        case ProvenPeer::never: return "nobody passes as a known peer";
        case ProvenPeer::by_rtt: return "peers with an RTT in tcp_metrics pass";
    }
    return {};
}

std::string_view words(SynOnEstablished rule) {
    switch (rule) {
        case SynOnEstablished::reset_in_window: return "RST and the connection dies in window, else duplicate ACK";
        case SynOnEstablished::ignored: return "ignored silently, no counter";
        case SynOnEstablished::challenge: return "challenge ACK; duplicate ACK when its timestamp is old";
        case SynOnEstablished::challenge_always: return "challenge ACK, also when its timestamp is old";
    }
    return {};
}

std::string_view words(TimestampClock clock) {
    switch (clock) {
        case TimestampClock::jiffies: return "ticks of 1/HZ s, one line per host";
        case TimestampClock::jiffies_pair: return "ticks of 1/HZ s, offset per address pair";
        case TimestampClock::milliseconds: return "milliseconds, offset per address pair";
        case TimestampClock::milliseconds_tuple: return "milliseconds, offset per 4-tuple";
    }
    return {};
}

std::string_view yes_no(bool value) { return value ? "yes" : "no"; }

}  // namespace

std::vector<BehaviourText> describe_behaviours(const Behaviours& b) {
    std::vector<BehaviourText> list;
    const auto add = [&](std::string_view name, std::string_view value) { list.push_back({name, std::string(value)}); };

    add("source own address is a martian", yes_no(b.land_is_martian));
    add("source own subnet broadcast dropped", yes_no(b.subnet_broadcast_source_dropped));
    add("IPReversePathFilter counts", yes_no(b.rp_filter_counted));
    add("InCsumErrors counts", yes_no(b.checksum_counted));
    add("IP_MINTTL on TCP", yes_no(b.min_ttl_exists));
    add("malformed MD5 option drops", yes_no(b.malformed_md5_dropped));
    add("requests in the connection hash", yes_no(b.request_in_ehash));
    add("repeated SYN answered", b.duplicate_rate_limited ? "at most once per 500 ms" : "every time");
    add("SYN on a live connection", words(b.syn_on_established));
    add("RST on a live connection",
        b.rst_needs_exact_sequence ? "must hit rcv_nxt, else a challenge ACK" : "anywhere in the window");
    add("its replies rate limited", yes_no(b.established_reply_rate_limited));
    add("TIME_WAIT PAWS counter", b.paws_timewait_counter ? "PAWSTimewait" : "PAWSEstab");
    add("reopened TIME_WAIT starts at", b.reopened_isn_is_fresh ? "a fresh ISN" : "the old snd_nxt + 65537");
    add("TW and TWKilled move", b.tw_counted_when_scheduled ? "when the bucket is made" : "when it ends");
    add("SYN+ACK timers", b.requests_swept     ? "one 200 ms sweep of the table, late by half the initial RTO"
                          : b.timer_slots_grow ? "one per request, late by an eighth at most"
                                               : "one per request");
    add("SYN queue", words(b.syn_queue_rule));
    add("queue full counters (TCPReqQFull*)", yes_no(b.req_queue_full_counted));
    add("tcp_syncookies=2 always cookies", yes_no(b.cookies_always_mode));
    add("cookie moves ListenDrops", yes_no(b.cookie_counts_listen_drop));
    add("cookie believed for", fmt::format("{} s after the last overflow", b.cookie_validity_s));
    add("accept queue", words(b.accept_rule));
    add("cookies pass a full accept queue", b.cookie_ignores_accept_queue ? "yes, while no request is young" : "no");
    add("refusals move ListenDrops", yes_no(b.listen_drop_counted_at_syn));
    add("refusals move sk_drops", yes_no(b.sk_drops_counted));
    add("backlog width", b.backlog_is_16_bit ? "16 bit" : "32 bit");
    add("per-host PAWS", words(b.host_paws));
    add("IPv4 on a [::] listener stamped",
        b.host_paws == HostPaws::none ? "no stamps" : yes_no(b.v4_on_v6_listener_stamped));
    add("3/4 rule", words(b.quarter_with_recycle));
    add("3/4 rule, known peers", words(b.proven_peer));
    add("unsendable SYN+ACK refuses the SYN", yes_no(b.send_failure_drops_syn));
    add("LISTEN frees SYNs silently",
        b.consume_skb_on_listen ? "yes, no drop event for any refusal" : "no, a drop event even for accepted SYNs");
    add("drop reasons", yes_no(b.drop_reasons));
    add("final ACK's TSecr checked", yes_no(b.tsecr_checked));
    add("recycled TIME_WAIT near 1 s RTO", b.recycle_rounds_to_15s ? "15 s" : "3.5 RTO");
    add("FIN_WAIT2 of 5 s", b.fin_wait2_rounds_to_15s ? "15 s" : "5 s");
    add("timestamp clock", words(b.timestamp_clock));
    add("PAWS expiry", b.paws_expiry_s % kDay_s == 0 ? fmt::format("{} days", b.paws_expiry_s / kDay_s)
                                                     : fmt::format("{} s", b.paws_expiry_s));
    add("initial RTO", fmt::format("{} ms", b.initial_rto_ms));
    add("client SYNs", b.linear_syn_timeouts ? "4 at 1 s, then doubling" : "doubling");
    add("default tcp_syn_retries", std::to_string(b.default_syn_retries));
    add("default tcp_syncookies", std::to_string(b.default_syncookies));
    add("default somaxconn", std::to_string(b.default_somaxconn));
    return list;
}

}  // namespace synwhy::emit
