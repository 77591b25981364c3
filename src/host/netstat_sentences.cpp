// Which counter does a sentence of `netstat -s` show, and the other way round?
//
// Of several wordings of a counter the newest stands last. Wordings of net-tools 1.60 (RHEL 5 and 6) and of its later
// corrections ("ignored" -> "dropped", "send out" -> "sent out", "retransmited", "rejects in"). Left out: counters that
// say nothing about passive opens.
#include "host/netstat_sentences.hpp"

namespace synwhy::host {

namespace {

struct Sentence {
    std::string_view section;
    std::string_view text;
    std::string_view counter;
};

constexpr Sentence kSentences[] = {
    {"Ip", "# total packets received", "InReceives"},
    {"Ip", "# with invalid headers", "InHdrErrors"},
    {"Ip", "# with invalid addresses", "InAddrErrors"},
    {"Ip", "# forwarded", "ForwDatagrams"},
    {"Ip", "# with unknown protocol", "InUnknownProtos"},
    {"Ip", "# incoming packets discarded", "InDiscards"},
    {"Ip", "# incoming packets delivered", "InDelivers"},
    {"Ip", "# requests sent out", "OutRequests"},
    {"Ip", "# outgoing packets dropped", "OutDiscards"},
    {"Ip", "# dropped because of missing route", "OutNoRoutes"},
    {"Ip", "# fragments dropped after timeout", "ReasmTimeout"},
    {"Ip", "# reassemblies required", "ReasmReqds"},
    {"Ip", "# packets reassembled ok", "ReasmOKs"},
    {"Ip", "# packet reassembles failed", "ReasmFails"},
    {"Ip", "# packet reassemblies failed", "ReasmFails"},
    {"Tcp", "# active connections openings", "ActiveOpens"},
    {"Tcp", "# active connection openings", "ActiveOpens"},
    {"Tcp", "# passive connection openings", "PassiveOpens"},
    {"Tcp", "# failed connection attempts", "AttemptFails"},
    {"Tcp", "# connection resets received", "EstabResets"},
    {"Tcp", "# connections established", "CurrEstab"},
    {"Tcp", "# segments received", "InSegs"},
    {"Tcp", "# segments send out", "OutSegs"},
    {"Tcp", "# segments sent out", "OutSegs"},
    {"Tcp", "# segments retransmited", "RetransSegs"},
    {"Tcp", "# segments retransmitted", "RetransSegs"},
    {"Tcp", "# bad segments received", "InErrs"},
    {"Tcp", "# resets sent", "OutRsts"},
    {"TcpExt", "# SYN cookies sent", "SyncookiesSent"},
    {"TcpExt", "# SYN cookies received", "SyncookiesRecv"},
    {"TcpExt", "# invalid SYN cookies received", "SyncookiesFailed"},
    {"TcpExt", "# resets received for embryonic SYN_RECV sockets", "EmbryonicRsts"},
    {"TcpExt", "# ICMP packets dropped because they were out-of-window", "OutOfWindowIcmps"},
    {"TcpExt", "# ICMP packets dropped because socket was locked", "LockDroppedIcmps"},
    {"TcpExt", "# TCP sockets finished time wait in fast timer", "TW"},
    {"TcpExt", "# time wait sockets recycled by time stamp", "TWRecycled"},
    {"TcpExt", "# TCP sockets finished time wait in slow timer", "TWKilled"},
    {"TcpExt", "# passive connections rejected because of time stamp", "PAWSPassive"},
    {"TcpExt", "# active connections rejected because of time stamp", "PAWSActive"},
    {"TcpExt", "# packets rejects in established connections because of timestamp", "PAWSEstab"},
    {"TcpExt", "# packets rejected in established connections because of timestamp", "PAWSEstab"},
    {"TcpExt", "Quick ack mode was activated # times", "DelayedACKLost"},
    {"TcpExt", "# times the listen queue of a socket overflowed", "ListenOverflows"},
    {"TcpExt", "# SYNs to LISTEN sockets ignored", "ListenDrops"},
    {"TcpExt", "# SYNs to LISTEN sockets dropped", "ListenDrops"},
    {"TcpExt", "# other TCP timeouts", "TCPTimeouts"},
    {"TcpExt", "# connections reset due to unexpected SYN", "TCPAbortOnSyn"},
    {"TcpExt", "# connections reset due to unexpected data", "TCPAbortOnData"},
    {"TcpExt", "# connections reset due to early user close", "TCPAbortOnClose"},
    {"TcpExt", "# connections aborted due to memory pressure", "TCPAbortOnMemory"},
    {"TcpExt", "# connections aborted due to timeout", "TCPAbortOnTimeout"},
    {"TcpExt", "# DSACKs sent for old packets", "TCPDSACKOldSent"},
};

}  // namespace

std::string_view counter_of_sentence(std::string_view section, std::string_view sentence) {
    for (const auto& known : kSentences) {
        if (known.section == section && known.text == sentence) return known.counter;
    }
    return {};
}

std::string_view sentence_of_counter(std::string_view section, std::string_view counter) {
    std::string_view newest;
    for (const auto& known : kSentences) {
        if (known.section == section && known.counter == counter) newest = known.text;
    }
    return newest;
}

}  // namespace synwhy::host
