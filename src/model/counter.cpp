#include "model/counter.hpp"

#include <algorithm>

#include "core/path.hpp"

namespace synwhy::model {

namespace {

/// In the enumeration's order.
constexpr std::array<std::string_view, kCounters> kNames{
    "Ip.InReceives",
    "Ip.InHdrErrors",
    "Ip.InAddrErrors",
    "Ip.InDelivers",
    "Ip.OutRequests",
    "Ip.OutNoRoutes",
    "IpExt.InCsumErrors",
    "IpExt.InTruncatedPkts",
    "RtCache.in_martian_src",
    "RtCache.in_martian_dst",
    "RtCache.in_no_route",
    "Tcp.PassiveOpens",
    "Tcp.AttemptFails",
    "Tcp.EstabResets",
    "Tcp.InSegs",
    "Tcp.OutSegs",
    "Tcp.RetransSegs",
    "Tcp.InErrs",
    "Tcp.InCsumErrors",
    "Tcp.OutRsts",
    "TcpExt.SyncookiesSent",
    "TcpExt.SyncookiesRecv",
    "TcpExt.SyncookiesFailed",
    "TcpExt.EmbryonicRsts",
    "TcpExt.TW",
    "TcpExt.TWKilled",
    "TcpExt.PAWSPassive",
    "TcpExt.PAWSEstab",
    "TcpExt.PAWSTimewait",
    "TcpExt.DelayedACKLost",
    "TcpExt.ListenOverflows",
    "TcpExt.ListenDrops",
    "TcpExt.TCPAbortOnSyn",
    "TcpExt.TCPAbortOnData",
    "TcpExt.TCPAbortOnClose",
    "TcpExt.TCPDSACKOldSent",
    "TcpExt.TCPMD5NotFound",
    "TcpExt.TCPMD5Unexpected",
    "TcpExt.TCPBacklogDrop",
    "TcpExt.TCPMinTTLDrop",
    "TcpExt.TCPDeferAcceptDrop",
    "TcpExt.IPReversePathFilter",
    "TcpExt.TCPTimeWaitOverflow",
    "TcpExt.TCPReqQFullDoCookies",
    "TcpExt.TCPReqQFullDrop",
    "TcpExt.TCPChallengeACK",
    "TcpExt.TCPSYNChallenge",
    "TcpExt.TCPTimeouts",
    "TcpExt.TCPSynRetrans",
    "TcpExt.TCPFastOpenCookieReqd",
    "TcpExt.TCPFastOpenPassive",
    "TcpExt.TCPFastOpenPassiveFail",
    "TcpExt.TCPFastOpenListenOverflow",
    "TcpExt.TCPACKSkippedSynRecv",
    "TcpExt.TCPACKSkippedPAWS",
    "TcpExt.TCPACKSkippedSeq",
    "TcpExt.TCPACKSkippedFinWait2",
    "TcpExt.TCPACKSkippedTimeWait",
    "TcpExt.TCPACKSkippedChallenge",
    "TcpExt.TSEcrRejected",
};

}  // namespace

std::string_view counter_name(Counter counter) {
    const auto i = static_cast<std::size_t>(counter);
    return i < kCounters ? kNames[i] : std::string_view{};
}

std::optional<Counter> find_counter(std::string_view name) {
    const auto found = std::ranges::find(kNames, name);
    if (found == kNames.end()) return std::nullopt;
    return static_cast<Counter>(found - kNames.begin());
}

bool counter_exists(Counter counter, const core::Kernel& kernel) {
    return core::kernel_has_counter(counter_name(counter), kernel);
}

Counters::Counters(const core::Kernel& kernel) {
    for (std::size_t i = 0; i < kCounters; ++i) exists_[i] = counter_exists(static_cast<Counter>(i), kernel);
}

}  // namespace synwhy::model
