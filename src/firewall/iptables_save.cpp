// Which tables, chains and rules does iptables-save print?
//
// Line by line: "*table", ":CHAIN POLICY [packets:bytes]", "[packets:bytes] -A CHAIN ...". The hooks and priorities of
// the built-in chains are x_tables' own: linux/netfilter_ipv4.h, enum nf_ip_hook_priorities.
#include <algorithm>
#include <array>

#include "firewall/iptables_match.hpp"
#include "firewall/iptables_target.hpp"
#include "firewall/names.hpp"
#include "firewall/nft_text.hpp"
#include "firewall/read_ruleset.hpp"

namespace synwhy::firewall {

namespace {

using core::FilterHook;

struct BuiltIn {
    std::string_view table;
    std::string_view chain;
    FilterHook hook;
    int priority;
};
constexpr auto kBuiltIns = std::to_array<BuiltIn>({
    {"raw", "PREROUTING", FilterHook::prerouting, -300},
    {"raw", "OUTPUT", FilterHook::output, -300},
    {"mangle", "PREROUTING", FilterHook::prerouting, -150},
    {"mangle", "INPUT", FilterHook::input, -150},
    {"mangle", "OUTPUT", FilterHook::output, -150},
    {"mangle", "POSTROUTING", FilterHook::postrouting, -150},
    {"nat", "PREROUTING", FilterHook::prerouting, -100},
    {"nat", "INPUT", FilterHook::input, 100},
    {"nat", "OUTPUT", FilterHook::output, -100},
    {"nat", "POSTROUTING", FilterHook::postrouting, 100},
    {"filter", "INPUT", FilterHook::input, 0},
    {"filter", "OUTPUT", FilterHook::output, 0},
    {"security", "INPUT", FilterHook::input, 50},
    {"security", "OUTPUT", FilterHook::output, 50},
});

/// "[12:720]" at the start of the text, which is cut off. @return nullopt when there is none
std::optional<std::uint64_t> take_counter(std::string_view& text) {
    if (!text.starts_with('[')) return std::nullopt;
    const auto colon = text.find(':');
    const auto end = text.find(']');
    if (colon == std::string_view::npos || end == std::string_view::npos || colon > end) return std::nullopt;
    const auto packets = parse_number(text.substr(1, colon - 1));
    if (!packets) return std::nullopt;
    text.remove_prefix(end + 1);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    return packets;
}

class Reader {
  public:
    Reader(core::Family family, core::FilterSystem system, Ruleset& into)
        : ruleset_(into), family_(family), system_(system) {}

    void read(std::string_view line) {
        if (line.empty() || line.starts_with('#') || line == "COMMIT") return;
        if (line.starts_with('*')) {
            open_table(line.substr(1));
        } else if (line.starts_with(':')) {
            read_chain(line.substr(1));
        } else {
            read_rule(line);
        }
    }

  private:
    [[nodiscard]] std::string tool() const { return family_ == core::Family::ipv4 ? "iptables" : "ip6tables"; }

    void open_table(std::string_view name) {
        open_ = false;
        if (ruleset_.tables.size() >= kMaxTables)
            return ruleset_.complain("an " + tool() + " table beyond the limit was not read");
        Table table;
        table.system = system_;
        table.family = family_ == core::Family::ipv4 ? "ip" : "ip6";
        table.name = name;
        ruleset_.tables.push_back(std::move(table));
        open_ = true;
    }

    void read_chain(std::string_view line) {
        if (!open_) return ruleset_.complain("an " + tool() + " chain outside a table");
        Table& table = ruleset_.tables.back();
        const auto parts = split(line, ' ');
        if (table.chain_index.contains(parts[0])) return;
        if (++chains_ > kMaxChains) return ruleset_.complain("an " + tool() + " chain beyond the limit was not read");
        Chain chain;
        chain.name = parts[0];
        const auto built_in = std::ranges::find_if(
            kBuiltIns, [&](const BuiltIn& one) { return one.table == table.name && one.chain == parts[0]; });
        if (built_in != kBuiltIns.end() && parts.size() > 1) {
            chain.base = Base{built_in->hook, built_in->priority, table.name == "nat", parts[1] == "DROP", {}};
            std::string_view rest = parts.size() > 2 ? parts[2] : std::string_view{};
            chain.policy_packets = take_counter(rest);
        }
        table.chain_index.emplace(chain.name, table.chains.size());
        table.chains.push_back(std::move(chain));
    }

    /// The rule's place, or a complaint.
    Chain* chain_of(std::string_view name) {
        if (!open_) return nullptr;
        Table& table = ruleset_.tables.back();
        const auto found = table.chain_index.find(name);
        return found == table.chain_index.end() ? nullptr : &table.chains[found->second];
    }

    void read_rule(std::string_view line) {
        const auto packets = take_counter(line);
        auto words = parse_rule_line(line);
        if (!words)
            return ruleset_.complain("a line of " + tool() +
                                     "-save that is no rule: " + shown_text(line.substr(0, 80)));
        Chain* chain = chain_of(words->chain);
        if (chain == nullptr) {
            return ruleset_.complain("a rule of " + tool() + " without its chain: " + shown_text(line.substr(0, 80)));
        }
        constexpr std::string_view kCutShort = "the rest of this chain was not read: too many rules";
        if (ruleset_.rules >= kMaxRules) {
            if (chain->rules.empty() || chain->rules.back().text != kCutShort) {
                chain->rules.push_back(unread_rule(std::string(kCutShort)));
            }
            return;
        }
        ++ruleset_.rules;
        chain->rules.push_back(make_rule(*words, line, packets));
    }

    [[nodiscard]] Rule make_rule(const RuleLine& words, std::string_view line,
                                 std::optional<std::uint64_t> packets) const {
        Rule rule;
        rule.text = shown_text(line);
        rule.packets = packets;
        rule.statements = header_matches(words.header, family_);
        for (const Section& module : words.matches) {
            if (module.name == "comment" && !module.options.empty()) {
                rule.comment = shown_text(module.options[0].argument());
            }
            std::ranges::move(module_matches(module, family_), std::back_inserter(rule.statements));
        }
        std::ranges::move(target_statements(words), std::back_inserter(rule.statements));
        return rule;
    }

    Ruleset& ruleset_;
    core::Family family_;
    core::FilterSystem system_;
    std::size_t chains_ = 0;
    bool open_ = false;
};

/// Whether both tables have the same chains with as many rules each, so that the rules are the same ones.
bool same_shape(const Table& nft, const Table& saved) {
    return std::ranges::all_of(nft.chains, [&](const Chain& chain) {
        const Chain* other = saved.find_chain(chain.name);
        return other == nullptr ? chain.rules.empty() : other->rules.size() == chain.rules.size();
    });
}

void take_rules(Table& nft, Table&& saved) {
    nft.system = core::FilterSystem::iptables_nft;
    nft.has_foreign_parts = false;
    for (Chain& chain : nft.chains) {
        const auto found = saved.chain_index.find(chain.name);
        if (found == saved.chain_index.end()) continue;
        auto& rules = saved.chains[found->second].rules;
        for (std::size_t i = 0; i < chain.rules.size(); ++i) {
            rules[i].handle = chain.rules[i].handle;
            chain.rules[i] = std::move(rules[i]);
        }
    }
}

void read_nft_text(const core::FilterText& text, Ruleset& into) {
    if (text.text.empty()) return;
    const auto done = read_nft(text.text, into);
    if (!done) into.complain("nft's ruleset was read in part only: " + core::to_string(done.error()));
}

}  // namespace

void read_iptables(std::string_view text, core::Family family, core::FilterSystem system, Ruleset& into) {
    Reader reader(family, system, into);
    for (const std::string_view line : split(text, '\n')) reader.read(line);
}

void complete_from_iptables(Ruleset& nft, Ruleset&& saved) {
    for (Table& table : nft.tables) {
        if (!table.has_foreign_parts) continue;
        const auto match = std::ranges::find_if(
            saved.tables, [&](const Table& other) { return other.family == table.family && other.name == table.name; });
        if (match == saved.tables.end() || !same_shape(table, *match)) {
            nft.complain("the iptables parts of table " + table.family + " " + shown_text(table.name) +
                         " were not read");
            continue;
        }
        take_rules(table, std::move(*match));
    }
}

Ruleset read_ruleset(const core::FilterTexts& texts) {
    Ruleset ruleset;
    for (const auto* text :
         {&texts.nft, &texts.iptables_nft, &texts.ip6tables_nft, &texts.iptables_legacy, &texts.ip6tables_legacy}) {
        if (text->failed) ruleset.complain(shown_text(text->reason));
    }
    read_nft_text(texts.nft, ruleset);
    Ruleset saved;
    read_iptables(texts.iptables_nft.text, core::Family::ipv4, core::FilterSystem::iptables_nft, saved);
    read_iptables(texts.ip6tables_nft.text, core::Family::ipv6, core::FilterSystem::iptables_nft, saved);
    complete_from_iptables(ruleset, std::move(saved));
    read_iptables(texts.iptables_legacy.text, core::Family::ipv4, core::FilterSystem::iptables_legacy, ruleset);
    read_iptables(texts.ip6tables_legacy.text, core::Family::ipv6, core::FilterSystem::iptables_legacy, ruleset);
    return ruleset;
}

}  // namespace synwhy::firewall
