// What did the packet filter do, or what would it do, with a SYN or its SYN+ACK?
//
// Plain values that the walk of a ruleset fills and that a diagnosis or a printer reads: which rule, where it stands,
// how sure we are, and what we would have to know to be sure. Nothing is decided here and no text is laid out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace synwhy::core {

/// Who holds a rule.
enum class FilterSystem : std::uint8_t {
    nft,              ///< nf_tables, written by nft
    iptables_nft,     ///< nf_tables, written by iptables-nft
    iptables_legacy,  ///< x_tables
};

/// Where in the kernel a base chain stands, in the order a SYN and then its SYN+ACK meet them.
enum class FilterHook : std::uint8_t {
    ingress,      ///< netdev or inet ingress, before the IP layer
    prerouting,   ///< before the routing decision
    input,        ///< to a local socket
    output,       ///< from a local socket
    postrouting,  ///< after the routing decision
    egress,       ///< netdev egress, before the device's queue
};

/// What a rule does with the packets it matches.
enum class FilterAction : std::uint8_t {
    accept,          ///< ends this base chain only
    drop,            ///< silence
    reject_reset,    ///< the client gets a RST
    reject_icmp,     ///< the client gets an ICMP error
    queue,           ///< a program decides
    synproxy,        ///< the filter answers the SYN itself
    translate,       ///< DNAT or REDIRECT: another destination
    tproxy,          ///< another local socket gets the SYN
    forward,         ///< to another device, past the IP layer
    jump,            ///< to a chain, and back at its end
    go_to,           ///< to a chain, without coming back
    leave,           ///< back to the calling chain
    proceed,         ///< nothing that ends the walk: mark, notrack
    not_understood,  ///< a target this program does not know: it may drop
};

/// Why a rule's effect is not settled.
enum class FilterDoubt : std::uint8_t {
    none,            ///< it is settled
    field,           ///< a field of the packet is not known
    state,           ///< depends on what happened before: rate limits, connection counts, a program's decision
    not_understood,  ///< a match or target this program does not read
};

/// One rule, or a base chain's policy, as a user finds it again.
struct FilterRule {
    FilterSystem system = FilterSystem::nft;
    std::string family{};  ///< "inet", "ip", "ip6", "netdev"
    std::string table{};
    std::string chain{};
    FilterHook hook = FilterHook::input;  ///< of the base chain it was reached from
    int priority = 0;                     ///< of that base chain
    std::uint64_t handle = 0;    ///< nf_tables' handle, for `nft delete rule`; 0 for iptables-legacy and policies
    std::uint32_t position = 0;  ///< from 1 in its chain, as `iptables -L --line-numbers`; 0 for a policy
    std::string text{};          ///< in nft's or iptables' notation; may be shortened, ending in "..."
    std::string comment{};       ///< the administrator's own words; untrusted text
    std::optional<std::uint64_t> packets{};  ///< what it matched, when it has a counter behind all of its matches
    FilterAction action = FilterAction::drop;
};

/// A rule that ends, or may end, the packet's way to the socket or to the client.
struct FilterSuspect {
    FilterRule rule{};
    bool surely = false;                    ///< every packet like this one that gets here ends here
    FilterDoubt doubt = FilterDoubt::none;  ///< of this rule, or of an earlier one that decides whether it is reached
    std::string why{};                      ///< one clause when not surely; quotes untrusted text
};

/// A rule or policy that applied, or may have, on the way.
struct FilterStep {
    FilterRule rule{};
    bool surely = false;
};

enum class FilterOutcome : std::uint8_t {
    passes,             ///< no rule can stop it
    dropped,            ///< surely gone, without an answer unless a suspect rejects
    rejected,           ///< surely refused with a RST or an ICMP error
    may_be_dropped,     ///< one of the suspects may stop it
    sent_elsewhere,     ///< surely translated or forwarded to another host
    answered_by_proxy,  ///< surely answered by a SYN proxy
    undecided,          ///< the ruleset is too large or loops: the walk gave up
};

/// The fate of one packet.
struct FilterVerdict {
    FilterOutcome outcome = FilterOutcome::passes;
    std::vector<FilterSuspect> suspects{};  ///< in the order the packet meets them
    std::uint64_t suspects_left_out = 0;    ///< beyond the walk's limit
    std::vector<FilterRule> changes{};      ///< rules that gave it another destination or another socket
    std::vector<FilterStep> steps{};        ///< what applied, in order
    std::uint64_t steps_left_out = 0;       ///< beyond the walk's limit
    bool complete = true;                   ///< false: parts of the ruleset were not read, so that "passes" is not sure
};

/// What one tool printed, unjudged.
struct FilterText {
    std::string text{};
    std::string reason{};  ///< why there is none, in one sentence; empty when it was read
    bool failed = false;   ///< there may be rules that could not be read; else there are none
};

/// The packet filter of one network namespace, as its tools print it.
struct FilterTexts {
    FilterText nft{};               ///< nft -j list ruleset
    FilterText iptables_nft{};      ///< iptables-nft-save -c: only where nft prints names of x_tables parts
    FilterText ip6tables_nft{};     ///< ip6tables-nft-save -c
    FilterText iptables_legacy{};   ///< iptables-legacy-save -c
    FilterText ip6tables_legacy{};  ///< ip6tables-legacy-save -c
};

/// A counter that moved between two readings of the ruleset.
struct FilterMovement {
    FilterRule rule{};          ///< as in the second reading
    std::uint64_t packets = 0;  ///< since the first reading, or since a reset in between
    bool was_reset = false;     ///< the counter went back: `packets` is a lower bound
};

}  // namespace synwhy::core
