// What must hold of every report, and the host facts it is made with: shared by the targets that reach the diagnosis.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "capture/fold.hpp"
#include "core/host.hpp"
#include "core/verdict.hpp"
#include "emit/comments.hpp"
#include "emit/json.hpp"
#include "emit/ndjson.hpp"
#include "emit/terminal.hpp"
#include "read_to_the_end.hpp"

namespace synwhy::fuzz {

/// Three bits choose the kernel, the others what else is known of the server.
inline core::HostFacts facts_of(std::uint8_t choice) {
    constexpr std::array<std::string_view, 8> kReleases = {"",         "2.6.32.69", "2.6.32-642.el6", "3.10.0-1160.el7",
                                                           "3.10.105", "4.9.229",   "6.1.20",         "6.18.44"};
    core::HostFacts facts;
    const std::string_view release = kReleases[choice % kReleases.size()];
    if (!release.empty()) facts.kernel = core::resolve_kernel(release);
    if ((choice & 0x08U) != 0) facts.sysctls["net.ipv4.tcp_tw_recycle"] = "1";
    if ((choice & 0x10U) != 0) facts.sysctls["net.ipv4.tcp_syncookies"] = "0";
    if ((choice & 0x20U) != 0) {
        facts.sysctls["net.ipv4.tcp_max_syn_backlog"] = "8";
        facts.sysctls["net.core.somaxconn"] = "2";
    }
    if ((choice & 0x40U) != 0) facts.sysctls["net.ipv4.tcp_timestamps"] = "0";
    if ((choice & 0x80U) != 0) {
        facts.counter_deltas = {{"TcpExt.PAWSPassive", 1}, {"TcpExt.ListenOverflows", 0}, {"TcpExt.ListenDrops", 3}};
        core::Endpoint local;
        local.port = 80;
        facts.listeners.push_back({local, 3, 2});
    }
    core::correct_kernel_by_facts(facts);
    return facts;
}

/// Totals add up, and every SYN is told of once.
inline void check_sums(const capture::Fold& fold, const core::Report& report) {
    const core::Totals& t = report.totals;
    require(t.answered + t.cookie + t.refused_rst + t.bare_ack + t.icmp + t.unanswered == t.handshakes);
    require(t.handshakes == report.handshakes.size() && t.handshakes <= fold.handshakes().size());
    std::set<std::pair<std::uint16_t, std::uint64_t>> told;
    std::uint64_t syns = 0;
    for (const core::HandshakeVerdict& handshake : report.handshakes) {
        syns += handshake.syns.size() + handshake.more_syns;
        for (const core::SynVerdict& syn : handshake.syns) require(told.emplace(syn.file, syn.ordinal).second);
    }
    require(syns <= t.syns && (t.evicted != 0 || syns == t.syns));
    for (const core::Finding& finding : report.findings) {
        require(finding.syns <= t.syns && finding.handshakes <= t.handshakes);
        require(finding.never_answered <= finding.handshakes);
    }
}

/// Valid UTF-8, or nlohmann's strict writer throws.
inline void check_utf8(const std::string& text) { static_cast<void>(nlohmann::json(text).dump()); }

/// Every way of writing it down works, and the machine-readable ones can be read again.
inline void check_texts(const core::Report& report, std::uint8_t choice) {
    require(nlohmann::json::parse(emit::report_json(report)).at("v") == 1);
    emit::HandshakeWriter writer;
    for (const core::HandshakeVerdict& handshake : report.handshakes) {
        std::string line;
        writer.append(line, handshake);
        require(line.ends_with('\n') && nlohmann::json::parse(line).at("type") == "handshake");
    }
    check_utf8(emit::render(report,
                            {.width = choice, .utf8 = (choice & 1U) != 0, .verbose = true, .all = (choice & 2U) != 0}));
    for (const emit::PacketComment& comment : emit::packet_comments(report)) check_utf8(comment.text);
}

}  // namespace synwhy::fuzz
