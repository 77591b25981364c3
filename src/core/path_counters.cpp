// Which counters move on this kernel when a row applies?
//
// The table names every counter that any kernel moves for a row. Here stands which kernel has a counter at all, and
// the few rows where a kernel has it but leaves it alone.
#include <algorithm>

#include "core/path.hpp"
#include "core/version.hpp"

namespace synwhy::core {

namespace {

/// Names that begin with `prefix` exist when `exists` says so; names not listed exist everywhere.
struct CounterAge {
    std::string_view prefix;
    bool (*exists)(const Kernel&);
};

/// net/ipv4/proc.c:snmp4_net_list and friends.
constexpr CounterAge kAges[] = {
    {"TcpExt.IPReversePathFilter", [](const Kernel& k) { return k.behaviours.rp_filter_counted; }},
    {"IpExt.InCsumErrors", [](const Kernel& k) { return k.behaviours.checksum_counted; }},
    {"Tcp.InCsumErrors", [](const Kernel& k) { return k.behaviours.checksum_counted; }},
    {"TcpExt.TCPReqQFull", [](const Kernel& k) { return k.behaviours.req_queue_full_counted; }},
    {"TcpExt.PAWSPassive", [](const Kernel& k) { return k.behaviours.host_paws != HostPaws::none; }},
    {"TcpExt.PAWSTimewait", [](const Kernel& k) { return k.behaviours.paws_timewait_counter; }},
    {"TcpExt.TSEcrRejected", [](const Kernel& k) { return k.behaviours.tsecr_checked; }},
    {"TcpExt.TCPMinTTLDrop", [](const Kernel& k) { return k.behaviours.min_ttl_exists; }},
    {"TcpExt.TCPBacklogDrop", [](const Kernel& k) { return since(k, 2, 6, 34) || is_el6(k); }},
    {"TcpExt.TCPMD5Failure", [](const Kernel& k) { return since(k, 4, 9); }},
    {"TcpExt.TCPAO", [](const Kernel& k) { return since(k, 6, 7); }},
    {"TcpExt.TCPACKSkipped", [](const Kernel& k) { return k.behaviours.duplicate_rate_limited; }},
    {"TcpExt.TCPSYNChallenge",
     [](const Kernel& k) { return k.behaviours.syn_on_established != SynOnEstablished::reset_in_window; }},
    {"TcpExt.TCPDeferAcceptDrop", [](const Kernel& k) { return since(k, 2, 6, 34); }},
    {"TcpExt.TCPSynRetrans", [](const Kernel& k) { return since(k, 3, 18) || is_el7(k); }},
    {"TcpExt.TCPTimeouts", [](const Kernel& k) { return since(k, 2, 6, 37); }},
    {"TcpExt.PFMemallocDrop", [](const Kernel& k) { return since(k, 4, 12) || is_el7(k); }},
    {"TcpExt.TCPMigrateReq", [](const Kernel& k) { return since(k, 5, 14); }},
    {"dev.rx_otherhost_dropped", [](const Kernel& k) { return since(k, 5, 19); }},
    {"TcpExt.TCPTimeWaitOverflow", [](const Kernel& k) { return since(k, 3, 10); }},
    {"TcpExt.TCPChallengeACK",
     [](const Kernel& k) { return k.behaviours.syn_on_established != SynOnEstablished::reset_in_window; }},
    {"TcpExt.TCPAbortOnSyn",
     [](const Kernel& k) { return k.behaviours.syn_on_established == SynOnEstablished::reset_in_window; }},
    {"TcpExt.TCPFastOpen", [](const Kernel& k) { return since(k, 3, 7); }},
    {"conntrack.clashres", [](const Kernel& k) { return since(k, 5, 10); }},
    {"conntrack.chainlength", [](const Kernel& k) { return since(k, 5, 15); }},
};

bool exists(std::string_view name, const Kernel& kernel) {
    const auto age = std::ranges::find_if(kAges, [&](const CounterAge& a) { return name.starts_with(a.prefix); });
    return age == std::end(kAges) || age->exists(kernel);
}

/// sk_drops of a listener: drops before LISTEN since el7 and 4.4, refusals in LISTEN since tcp_listendrop.
bool sk_drops_move(const Row& row, const Kernel& kernel) {
    if (row.stage == Stage::listen) return kernel.behaviours.sk_drops_counted;
    return is_el7(kernel) || since(kernel, 4, 4);
}

/// The counter exists, but does this row move it on this kernel?
bool moves(const Row& row, std::string_view name, const Kernel& kernel) {
    const auto& b = kernel.behaviours;
    if (name == "sk_drops") return sk_drops_move(row, kernel);
    if (name == "TcpExt.PAWSEstab" && row.id == "time-wait.paws") return !b.paws_timewait_counter;
    if (name == "Ip.InAddrErrors" && row.id == "ip.not-local") return b.not_local_counted;
    const bool listen_counter = name == "TcpExt.ListenDrops" || name == "TcpExt.ListenOverflows";
    if (!listen_counter || row.stage != Stage::listen) return true;
    if (row.seen == Seen::cookie) return b.cookie_counts_listen_drop;
    return b.listen_drop_counted_at_syn;
}

}  // namespace

bool kernel_has_counter(std::string_view name, const Kernel& kernel) { return exists(name, kernel); }

std::vector<std::string_view> row_counters(const Row& row, const Kernel& kernel) {
    std::vector<std::string_view> counters;
    std::string_view rest = row.counters;
    while (!rest.empty()) {
        const auto end = std::min(rest.find(' '), rest.size());
        const auto name = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (exists(name, kernel) && moves(row, name, kernel)) counters.push_back(name);
    }
    return counters;
}

}  // namespace synwhy::core
