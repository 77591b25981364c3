// Which tables, chains, sets and rules does `nft -j list ruleset` print?
//
// Members come in an order where a chain stands before its rules and a set before its use. Left out: objects that are
// counters, limits and quotas by name, since a rule that uses them depends on their past anyway.
#include <algorithm>
#include <array>

#include "firewall/json_tree.hpp"
#include "firewall/nft_operand.hpp"
#include "firewall/nft_statement.hpp"
#include "firewall/nft_text.hpp"
#include "firewall/read_ruleset.hpp"

namespace synwhy::firewall {

namespace {

using NodeKind = Node::Kind;

constexpr auto kFamilies = std::to_array<std::string_view>({"inet", "ip", "ip6", "netdev"});

struct HookName {
    std::string_view name;
    core::FilterHook hook;
};
constexpr auto kHooks = std::to_array<HookName>({
    {"ingress", core::FilterHook::ingress},
    {"prerouting", core::FilterHook::prerouting},
    {"input", core::FilterHook::input},
    {"output", core::FilterHook::output},
    {"postrouting", core::FilterHook::postrouting},
    {"egress", core::FilterHook::egress},
});

/// Stands at the end of a chain whose further rules were over the limit.
constexpr std::string_view kCutShort = "the rest of this chain was not read: too many rules";

/// nft 1.0.6 prints a lone flag as its first letter only.
bool is_dormant(const Node& flag) { return flag.text == "dormant" || flag.text == "d"; }

class Reader {
  public:
    explicit Reader(Ruleset& into) : ruleset_(into), first_table_(into.tables.size()) {}

    void read(const Node& member) {
        if (member.names.empty()) return;
        const std::string& name = member.names[0];
        const Node& value = member.items[0];
        if (std::ranges::find(kFamilies, value.text_of("family")) == kFamilies.end()) return;
        if (name == "table") {
            read_table(value);
        } else if (name == "chain") {
            read_chain(value);
        } else if (name == "set" || name == "map") {
            read_set(value, name == "map");
        } else if (name == "rule") {
            read_rule(value);
        }
    }

    void close() {
        if (rules_left_out_ == 0) return;
        ruleset_.complain(std::to_string(rules_left_out_) + " nft rules beyond the limit were not read");
    }

  private:
    Table* find_table(const Node& value, std::string_view name_key) {
        const std::string_view family = value.text_of("family");
        const std::string_view name = value.text_of(name_key);
        for (std::size_t i = ruleset_.tables.size(); i-- > first_table_;) {
            Table& table = ruleset_.tables[i];
            if (table.name == name && table.family == family) return &table;
        }
        return nullptr;
    }

    void read_table(const Node& value) {
        if (find_table(value, "name") != nullptr) return;
        if (ruleset_.tables.size() >= kMaxTables)
            return ruleset_.complain("an nft table beyond the limit was not read");
        Table table;
        table.family = value.text_of("family");
        table.name = value.text_of("name");
        if (const Node* flags = value.find("flags"); flags != nullptr) {
            table.dormant = is_dormant(*flags) || std::ranges::any_of(flags->items, is_dormant);
        }
        ruleset_.tables.push_back(std::move(table));
    }

    void read_chain(const Node& value) {
        Table* table = find_table(value, "table");
        if (table == nullptr) return ruleset_.complain("an nft chain without a table");
        std::string name(value.text_of("name"));
        if (table->chain_index.contains(name)) return;
        if (++chains_ > kMaxChains) return ruleset_.complain("an nft chain beyond the limit was not read");
        Chain chain;
        chain.name = name;
        const auto hook = std::ranges::find(kHooks, value.text_of("hook"), &HookName::name);
        if (hook != kHooks.end()) chain.base = read_base(value, hook->hook);
        table->chain_index.emplace(std::move(name), table->chains.size());
        table->chains.push_back(std::move(chain));
    }

    static Base read_base(const Node& value, core::FilterHook hook) {
        Base base;
        base.hook = hook;
        if (const Node* priority = value.find("prio"); priority != nullptr) {
            const int magnitude = static_cast<int>(std::min<std::uint64_t>(priority->number, 1U << 30));
            base.priority = priority->negative ? -magnitude : magnitude;
        }
        base.nat = value.text_of("type") == "nat";
        base.policy_drop = value.text_of("policy") == "drop";
        if (const Node* device = value.find("dev"); device != nullptr) {
            if (device->is(NodeKind::string)) base.devices.push_back(device->text);
            for (const Node& one : device->items) base.devices.push_back(one.text);
        }
        return base;
    }

    void read_set(const Node& value, bool map) {
        Table* table = find_table(value, "table");
        if (table == nullptr) return ruleset_.complain("an nft set without a table");
        const Node* type = value.find("type");
        const Node* elements = value.find("elem");
        const auto kinds = type == nullptr ? std::vector<Kind>{} : nft_set_kinds(*type);
        Set set;
        set.arity = std::max<std::size_t>(kinds.size(), 1);
        if (elements != nullptr) {
            const std::size_t room = kMaxSetElements - std::min(kMaxSetElements, ruleset_.set_elements);
            const auto form = !map                                ? Elements::values
                              : value.text_of("map") == "verdict" ? Elements::verdict_pairs
                                                                  : Elements::pairs;
            set = nft_set(*elements, kinds, form, room);
        }
        ruleset_.set_elements += set.size();
        const std::string name(value.text_of("name"));
        if (set.left_out != 0) {
            ruleset_.complain(std::to_string(set.left_out) + " elements of the nft set " + shown_text(name) +
                              " were not read");
        }
        table->sets.insert_or_assign(name, std::move(set));
    }

    void read_rule(const Node& value) {
        Table* table = find_table(value, "table");
        const auto found = table == nullptr ? std::map<std::string, std::size_t, std::less<>>::iterator{}
                                            : table->chain_index.find(value.text_of("chain"));
        if (table == nullptr || found == table->chain_index.end())
            return ruleset_.complain("an nft rule without a chain");
        auto& rules = table->chains[found->second].rules;
        if (ruleset_.rules >= kMaxRules) {
            ++rules_left_out_;
            if (rules.empty() || rules.back().text != kCutShort) rules.push_back(unread_rule(std::string(kCutShort)));
            return;
        }
        ++ruleset_.rules;
        std::size_t room = kMaxSetElements - std::min(kMaxSetElements, ruleset_.set_elements);
        const std::size_t before = room;
        rules.push_back(nft_rule(value, table->has_foreign_parts, room));
        ruleset_.set_elements += before - room;
    }

    Ruleset& ruleset_;
    std::size_t first_table_;
    std::size_t chains_ = 0;
    std::uint64_t rules_left_out_ = 0;
};

}  // namespace

std::expected<void, core::Error> read_nft(std::string_view json, Ruleset& into) {
    Reader reader(into);
    const auto done = for_each_member(json, [&](const Node& member) { reader.read(member); });
    reader.close();
    return done;
}

}  // namespace synwhy::firewall
