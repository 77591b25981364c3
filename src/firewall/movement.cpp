#include "firewall/movement.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace synwhy::firewall {

namespace {

using core::FilterAction;

/// Table, chain, handle, text and how many rules with that text stand before it; of a policy all behind chain is empty.
using Identity =
    std::tuple<core::FilterSystem, std::string, std::string, std::string, std::uint64_t, std::string, std::size_t>;

/// A rule's action when it may stop a packet.
std::optional<FilterAction> stopping_action(const Rule& rule) {
    for (const Statement& statement : rule.statements) {
        const auto* verdict = std::get_if<Verdict>(&statement);
        if (verdict == nullptr) continue;
        switch (verdict->action) {
            case FilterAction::drop:
            case FilterAction::reject_reset:
            case FilterAction::reject_icmp:
            case FilterAction::queue:
            case FilterAction::synproxy:
            case FilterAction::forward:
            case FilterAction::not_understood: return verdict->action;
            case FilterAction::accept:
            case FilterAction::translate:
            case FilterAction::tproxy:
            case FilterAction::jump:
            case FilterAction::go_to:
            case FilterAction::leave:
            case FilterAction::proceed: break;
        }
    }
    return std::nullopt;
}

core::FilterRule describe(const Table& table, const Chain& chain) {
    core::FilterRule shown;
    shown.system = table.system;
    shown.family = table.family;
    shown.table = table.name;
    shown.chain = chain.name;
    if (chain.base) {
        shown.hook = chain.base->hook;
        shown.priority = chain.base->priority;
    }
    return shown;
}

/// Calls `handle` with the identity and description of everything that counts and may stop a packet.
template <class Handle>
void for_each_stopping(const Ruleset& ruleset, const Handle& handle) {
    for (const Table& table : ruleset.tables) {
        // nf_tables is one system here: whether iptables-nft-save completed a table may differ between readings.
        const bool legacy = table.system == core::FilterSystem::iptables_legacy;
        const auto system = legacy ? table.system : core::FilterSystem::nft;
        for (const Chain& chain : table.chains) {
            std::map<std::string, std::size_t> seen;
            for (std::size_t i = 0; i < chain.rules.size(); ++i) {
                const Rule& rule = chain.rules[i];
                const std::size_t occurrence = legacy ? seen[rule.text]++ : 0;
                const auto action = stopping_action(rule);
                if (!rule.packets || !action) continue;
                core::FilterRule shown = describe(table, chain);
                shown.handle = rule.handle;
                shown.position = static_cast<std::uint32_t>(i + 1);
                shown.text = rule.text;
                shown.comment = rule.comment;
                shown.packets = rule.packets;
                shown.action = *action;
                handle(Identity{system, table.family, table.name, chain.name, rule.handle,
                                legacy ? rule.text : std::string{}, occurrence},
                       std::move(shown));
            }
            if (!chain.base || !chain.base->policy_drop || !chain.policy_packets) continue;
            core::FilterRule policy = describe(table, chain);
            policy.text = "policy drop";
            policy.packets = chain.policy_packets;
            handle(Identity{system, table.family, table.name, chain.name, 0, std::string{}, 0}, std::move(policy));
        }
    }
}

}  // namespace

std::vector<core::FilterMovement> movements(const Ruleset& before, const Ruleset& after) {
    std::map<Identity, std::uint64_t> old;
    for_each_stopping(before, [&](Identity&& identity, core::FilterRule&& rule) {
        old.insert_or_assign(std::move(identity), rule.packets.value_or(0));
    });
    std::vector<core::FilterMovement> moved;
    for_each_stopping(after, [&](Identity&& identity, core::FilterRule&& rule) {
        const auto found = old.find(identity);
        const std::uint64_t was = found == old.end() ? 0 : found->second;
        const std::uint64_t is = rule.packets.value_or(0);
        if (is == was) return;
        moved.push_back({std::move(rule), is > was ? is - was : is, is < was});
    });
    std::erase_if(moved, [](const core::FilterMovement& one) { return one.packets == 0; });
    return moved;
}

}  // namespace synwhy::firewall
