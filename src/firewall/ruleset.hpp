// What is a ruleset, whoever wrote it?
//
// nft's and iptables' rules as the same values: tables of chains of rules, a rule being a list of statements that run
// until one does not match or ends the chain. What could not be read stands in its place as a statement that may do
// anything, so that a walk never takes a gap for a pass. Left out: chains of arp, bridge and forward, which no SYN to
// this host's own sockets meets; and the elements of ipsets.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/filter.hpp"
#include "firewall/packet.hpp"
#include "firewall/value.hpp"

namespace synwhy::firewall {

/// Limits of one ruleset; what falls off is counted and becomes a doubt.
inline constexpr std::size_t kMaxRules = 131'072;
inline constexpr std::size_t kMaxSetElements = 1U << 20;
inline constexpr std::size_t kMaxTables = 1024;
inline constexpr std::size_t kMaxChains = 65'536;
inline constexpr std::size_t kMaxRuleTextBytes = 400;
inline constexpr std::size_t kMaxComplaints = 50;

/// What a verdict does; a jump's chain is in `chain`.
struct Verdict {
    core::FilterAction action = core::FilterAction::accept;
    std::string chain{};
    std::string why{};  ///< for actions whose end is open: queue, tproxy, not_understood
};

/// Elements of a set or map, named or written in a rule.
struct Set {
    std::size_t arity = 1;            ///< parts of a concatenation
    std::vector<Interval> parts{};    ///< arity for each element
    std::vector<Verdict> verdicts{};  ///< one for each element of a verdict map, else empty
    std::uint64_t left_out = 0;       ///< elements not kept: over the limit or not understood

    [[nodiscard]] std::size_t size() const { return arity == 0 ? 0 : parts.size() / arity; }
};

/// One part of what is compared.
struct Operand {
    Field field = Field::other;
    std::optional<Key> mask{};
    core::FilterDoubt doubt = core::FilterDoubt::none;  ///< for Field::other: why it is not known
    std::string text{};                                 ///< as the rule writes it
};

enum class Compare : std::uint8_t { equal, not_equal, less, greater, at_most, at_least, any_bit, no_bit };

/// "These fields are in that set", or a condition that no packet alone can settle (`doubt`).
struct Match {
    std::vector<Operand> operands{};
    bool either = false;  ///< any one of the operands is enough (multiport --ports)
    Compare compare = Compare::equal;
    Set values{};
    std::string set_name{};  ///< instead of values
    core::FilterDoubt doubt = core::FilterDoubt::none;
    std::string why{};  ///< with a doubt: one sentence
};

/// The verdict depends on a lookup.
struct VerdictMap {
    std::vector<Operand> operands{};
    Set values{};
    std::string set_name{};
};

/// Network address translation; ends the chain, as accept does.
struct Translate {
    bool destination = false;   ///< DNAT and REDIRECT; SNAT and MASQUERADE change nothing that matters here
    bool to_this_host = false;  ///< REDIRECT
    bool known = true;          ///< false: comes from a map or an address range
    std::optional<core::Address> address{};  ///< nullopt: as it was
    std::optional<std::uint16_t> port{};     ///< nullopt: as it was
};

/// Writes the packet's or the connection's mark: (old & keep) ^ value, the other one's mark, or something not known.
struct SetMark {
    enum class Source : std::uint8_t { value, other_mark, unknown };
    bool connection = false;
    Source source = Source::unknown;
    std::uint32_t keep = 0;
    std::uint32_t value = 0;
};

/// The packet shall not be tracked.
struct NoTrack {};

using Statement = std::variant<Match, Verdict, VerdictMap, Translate, SetMark, NoTrack>;

struct Rule {
    std::uint64_t handle = 0;
    std::string text{};
    std::string comment{};
    std::optional<std::uint64_t> packets{};  ///< only when the counter stands behind all matches
    std::vector<Statement> statements{};
};

/// What makes a chain one that packets enter.
struct Base {
    core::FilterHook hook = core::FilterHook::input;
    int priority = 0;
    bool nat = false;                    ///< sees only the first packet of a connection
    bool policy_drop = false;            ///< else accept
    std::vector<std::string> devices{};  ///< of ingress and egress; empty: not told
};

struct Chain {
    std::string name{};
    std::optional<Base> base{};  ///< nullopt: reached by jumps only, or at a hook that no SYN to this host meets
    std::vector<Rule> rules{};
    std::optional<std::uint64_t> policy_packets{};
};

struct Table {
    core::FilterSystem system = core::FilterSystem::nft;
    std::string family{};
    std::string name{};
    bool dormant = false;
    bool has_foreign_parts = false;  ///< x_tables matches or targets, of which nft prints only the names
    std::vector<Chain> chains{};
    std::map<std::string, std::size_t, std::less<>> chain_index{};
    std::map<std::string, Set, std::less<>> sets{};

    /// @return nullptr when there is none
    [[nodiscard]] const Chain* find_chain(std::string_view wanted) const {
        const auto found = chain_index.find(wanted);
        return found == chain_index.end() ? nullptr : &chains[found->second];
    }
};

struct Ruleset {
    std::vector<Table> tables{};            ///< in the order they were printed
    std::vector<std::string> complaints{};  ///< what was not read, at most kMaxComplaints
    std::uint64_t complaints_left_out = 0;
    std::size_t rules = 0;
    std::size_t set_elements = 0;

    void complain(std::string what) {
        if (complaints.size() < kMaxComplaints) {
            complaints.push_back(std::move(what));
        } else {
            ++complaints_left_out;
        }
    }
};

/// The rule that stands for what was not read: it may do anything.
inline Rule unread_rule(std::string why) {
    Rule rule;
    rule.text = why;
    rule.statements.emplace_back(Verdict{core::FilterAction::not_understood, {}, std::move(why)});
    return rule;
}

}  // namespace synwhy::firewall
