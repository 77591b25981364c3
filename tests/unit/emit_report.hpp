// A report made by hand, so that every number in a golden text can be looked up here.
#pragma once

#include <cstdint>

#include "core/verdict.hpp"

namespace synwhy::test {

inline constexpr std::int64_t kNoon_ns = 1'425'211'200'000'000'000;  // 2015-03-01 12:00:00 UTC
inline constexpr std::int64_t kSecond_ns = 1'000'000'000;

inline core::Address address4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    const std::uint8_t octets[] = {a, b, c, d};
    return core::Address::from_ipv4(octets);
}
inline core::Endpoint server80() { return {address4(10, 0, 0, 1), 80}; }

inline core::HandshakeVerdict answered_handshake(std::uint16_t port, std::int64_t first_ns) {
    core::HandshakeVerdict handshake;
    handshake.tuple = {{address4(192, 0, 2, 9), port}, server80()};
    handshake.isn = port;
    handshake.first_ns = first_ns;
    handshake.outcome = core::Outcome::synack;
    handshake.confidence = core::Confidence::certain;
    handshake.syns.push_back({.time_ns = first_ns, .outcome = core::Outcome::synack});
    return handshake;
}

/// Three SYNs; the third is answered when `answered` says so.
inline core::HandshakeVerdict refused_handshake(std::uint16_t port, std::int64_t first_ns, bool answered) {
    core::HandshakeVerdict handshake;
    handshake.tuple = {{address4(198, 51, 100, 7), port}, server80()};
    handshake.isn = 1000U + port;
    handshake.first_ns = first_ns;
    handshake.outcome = answered ? core::Outcome::synack : core::Outcome::none;
    handshake.cause = core::Cause::per_host_paws;
    handshake.confidence = core::Confidence::likely;
    for (int i = 0; i < 3; ++i) {
        core::SynVerdict syn{.time_ns = first_ns + (i == 2 ? 3 : i) * kSecond_ns,
                             .ordinal = port * 10U + static_cast<unsigned>(i)};
        if (answered && i == 2) {
            syn.outcome = core::Outcome::synack;
        } else {
            syn.cause = core::Cause::per_host_paws;
            syn.detail = "TSval 12345 is 417 ticks behind the remembered 12762 (3 s old)";
        }
        handshake.syns.push_back(syn);
    }
    return handshake;
}

inline void add_totals(core::Report& report) {
    for (const core::HandshakeVerdict& handshake : report.handshakes) {
        ++report.totals.handshakes;
        report.totals.syns += handshake.syns.size();
        ++(handshake.outcome == core::Outcome::synack ? report.totals.answered : report.totals.unanswered);
    }
    report.totals.packets = 402;
    report.totals.segments = 402;
    report.source.files = {"trouble.pcap"};
    report.source.formats = {"pcap"};
    report.source.first_ns = kNoon_ns;
    report.source.last_ns = kNoon_ns + 60 * kSecond_ns;
}

inline core::Report healthy_report() {
    core::Report report;
    for (std::uint16_t i = 0; i < 97; ++i) {
        report.handshakes.push_back(
            answered_handshake(static_cast<std::uint16_t>(30000 + i), kNoon_ns + i * kSecond_ns / 2));
    }
    add_totals(report);
    return report;
}

/// 97 answered attempts, 14 refused ones of which 12 were never answered; one finding, or two with `second`.
inline core::Report paws_report(bool second = false) {
    core::Report report = healthy_report();
    report.totals = {};
    for (std::uint16_t i = 0; i < 14; ++i) {
        report.handshakes.push_back(
            refused_handshake(static_cast<std::uint16_t>(40000 + i), kNoon_ns + 3 * kSecond_ns + i, i >= 12));
    }
    add_totals(report);
    core::Finding finding;
    finding.cause = core::Cause::per_host_paws;
    finding.confidence = core::Confidence::likely;
    finding.servers = {server80()};
    finding.clients = {address4(198, 51, 100, 7)};
    finding.client_count = 1;
    finding.syns = 40;
    finding.handshakes = 14;
    finding.attempts = 111;
    finding.never_answered = 12;
    finding.first_ns = kNoon_ns + 3 * kSecond_ns;
    finding.last_ns = kNoon_ns + 58 * kSecond_ns;
    finding.evidence = {
        "40 refused SYNs came less than 60 s after the server had closed another connection of the same address, "
        "with an older timestamp than that connection's last",
        "no answered SYN contradicts it"};
    finding.story = {"198.51.100.7: 14 connections refused between 12:00:03.000 and 12:00:58.000 (55 s)"};
    finding.rivals = {
        {core::Cause::netfilter_drop, 0, ""},
        {core::Cause::syn_queue_full, 13, "13 SYNs to the same port were answered within 0.5 s of a refusal"},
        {core::Cause::accept_queue_full, 97, "they were answered in between"}};
    finding.fix = {
        "sysctl -w net.ipv4.tcp_tw_recycle=0  # Turn it off: the next SYN is answered. (risk: TIME_WAIT lasts 60 s "
        "again)",
        "Let the client close first."};
    finding.settle =
        "nstat -az TcpExtPAWSPassive; sleep 10; nstat -az TcpExtPAWSPassive; sysctl net.ipv4.tcp_tw_recycle";
    report.findings.push_back(finding);
    if (second) {
        finding.cause = core::Cause::no_listener;
        finding.confidence = core::Confidence::certain;
        finding.servers = {{address4(10, 0, 0, 1), 81},
                           {address4(10, 0, 0, 1), 82},
                           {address4(10, 0, 0, 1), 83},
                           {address4(10, 0, 0, 1), 84}};
        finding.client_count = 5;
        finding.syns = finding.handshakes = finding.attempts = finding.never_answered = 1;
        finding.evidence = {"a RST answered the SYN"};
        finding.story.clear();
        finding.rivals.clear();
        finding.fix = {"Start the server."};
        report.findings.push_back(finding);
    }
    report.ruled_out = {{core::Cause::syn_queue_full, 13, ""},
                        {core::Cause::min_ttl, 9, "9 SYNs with as low a TTL were answered"}};
    report.missing = {"the server's kernel is not known (--kernel \"$(uname -r)\")"};
    report.bucket_ns = kSecond_ns;
    for (std::int64_t i = 0; i < 60; ++i) {
        report.timeline.push_back({.start_ns = kNoon_ns + i * kSecond_ns,
                                   .answered = static_cast<std::uint64_t>(i % 9),
                                   .unanswered = static_cast<std::uint64_t>(i > 2 && i < 12 ? 12 - i : 0)});
    }
    return report;
}

/// Silences without a cause.
inline core::Report unexplained_report() {
    core::Report report = healthy_report();
    report.totals = {};
    core::HandshakeVerdict silent = refused_handshake(40000, kNoon_ns + 3 * kSecond_ns, false);
    silent.cause.reset();
    silent.confidence = core::Confidence::unknown;
    for (core::SynVerdict& syn : silent.syns) {
        syn.cause.reset();
        syn.detail.clear();
    }
    silent.more_syns = 2;
    report.handshakes.push_back(silent);
    add_totals(report);
    report.unknown = {
        "5 SYNs to 10.0.0.1:80 got no answer and no explanation predicts them better than another; open: "
        "netfilter-drop, no-route-back, rp-filter"};
    return report;
}

}  // namespace synwhy::test
