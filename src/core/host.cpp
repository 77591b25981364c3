// How is a fact about the host looked up by name?
//
// People write a sysctl with or without its prefix, so "net.ipv4.tcp_tw_recycle", "ipv4.tcp_tw_recycle" and
// "tcp_tw_recycle" find the same entry. A value that is not a plain integer ("4096 87380 6291456") is no number, never
// the first of several. Existing counters and sysctls are facts about the kernel and overrule its release.
#include "core/host.hpp"

#include <charconv>
#include <string_view>

namespace synwhy::core {

namespace {

std::optional<long> to_integer(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\n')) text.remove_suffix(1);
    long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// A counter whose existence is a behaviour.
struct Witness {
    const char* counter;
    bool (*claimed)(const Behaviours&);
    void (*set)(Behaviours&, bool);
};

constexpr Witness kWitnesses[] = {
    {"TcpExt.TCPReqQFullDrop", [](const Behaviours& b) { return b.req_queue_full_counted; },
     [](Behaviours& b, bool on) { b.req_queue_full_counted = on; }},
    {"TcpExt.IPReversePathFilter", [](const Behaviours& b) { return b.rp_filter_counted; },
     [](Behaviours& b, bool on) { b.rp_filter_counted = on; }},
    {"Tcp.InCsumErrors", [](const Behaviours& b) { return b.checksum_counted; },
     [](Behaviours& b, bool on) { b.checksum_counted = on; }},
    {"TcpExt.TCPMinTTLDrop", [](const Behaviours& b) { return b.min_ttl_exists; },
     [](Behaviours& b, bool on) { b.min_ttl_exists = on; }},
    {"TcpExt.TCPACKSkippedSynRecv", [](const Behaviours& b) { return b.duplicate_rate_limited; },
     [](Behaviours& b, bool on) { b.duplicate_rate_limited = b.established_reply_rate_limited = on; }},
    {"TcpExt.PAWSTimewait", [](const Behaviours& b) { return b.paws_timewait_counter; },
     [](Behaviours& b, bool on) { b.paws_timewait_counter = on; }},
    {"TcpExt.TSEcrRejected", [](const Behaviours& b) { return b.tsecr_checked; },
     [](Behaviours& b, bool on) { b.tsecr_checked = on; }},
    // The variant is not visible; the last one before the removal refuses most and is the one that was backported.
    {"TcpExt.PAWSPassive", [](const Behaviours& b) { return b.host_paws != HostPaws::none; },
     [](Behaviours& b, bool on) {
         b.host_paws = on ? HostPaws::metrics_pair : HostPaws::none;
         b.quarter_with_recycle = on ? QuarterWithRecycle::always : QuarterWithRecycle::absent;
     }},
};

/// Fewest counters of a complete section: 2.6.32 has 69 in TcpExt, `nstat -az` shows 9 of Tcp.
constexpr std::size_t kCompleteTcpExt = 50;
constexpr std::size_t kCompleteTcp = 9;

/// A reading that lists zeros lists every counter of its section, unless somebody cut lines out (`| grep`);
/// `netstat -s` leaves zeros out.
bool is_complete(const std::map<std::string, std::int64_t>& counters, std::string_view section) {
    std::size_t count = 0;
    bool lists_zeros = false;
    for (auto at = counters.lower_bound(std::string(section)); at != counters.end(); ++at) {
        if (!at->first.starts_with(section)) break;
        ++count;
        lists_zeros = lists_zeros || at->second == 0;
    }
    return lists_zeros && count >= (section == "Tcp." ? kCompleteTcp : kCompleteTcpExt);
}

}  // namespace

void correct_kernel_by_facts(HostFacts& facts) {
    if (!facts.kernel) return;
    auto& kernel = *facts.kernel;
    const auto correct = [&kernel](const std::string& what, bool present) {
        kernel.open_questions.push_back(what + (present ? " exists" : " does not exist") +
                                        " on this host, other than the release suggests; the host is believed");
    };
    for (const auto& witness : kWitnesses) {
        const std::string_view name = witness.counter;
        const bool present = facts.counters.contains(witness.counter);
        const bool readable = present || is_complete(facts.counters, name.substr(0, name.find('.') + 1));
        if (!readable || witness.claimed(kernel.behaviours) == present) continue;
        witness.set(kernel.behaviours, present);
        correct(witness.counter, present);
    }
    if (facts.sysctls.contains("net.ipv4.tcp_syn_linear_timeouts") && !kernel.behaviours.linear_syn_timeouts) {
        kernel.behaviours.linear_syn_timeouts = true;
        correct("net.ipv4.tcp_syn_linear_timeouts", true);
    }
}

std::optional<long> HostFacts::sysctl(const std::string& name) const {
    for (const char* prefix : {"", "net.", "net.ipv4.", "net.core."}) {
        const auto found = sysctls.find(prefix + name);
        if (found != sysctls.end()) return to_integer(found->second);
    }
    return std::nullopt;
}

std::optional<std::int64_t> HostFacts::moved(const std::string& counter) const {
    const auto found = counter_deltas.find(counter);
    if (found == counter_deltas.end()) return std::nullopt;
    return found->second;
}

}  // namespace synwhy::core
