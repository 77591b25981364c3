#include "firewall/nft_statement.hpp"

#include <algorithm>
#include <array>

#include "firewall/iptables_target.hpp"
#include "firewall/nft_operand.hpp"
#include "firewall/nft_text.hpp"

namespace synwhy::firewall {

namespace {

using core::FilterAction;
using core::FilterDoubt;
using NodeKind = Node::Kind;

Match doubtful(FilterDoubt doubt, std::string why) {
    Match match;
    match.doubt = doubt;
    match.why = std::move(why);
    return match;
}

struct Operator {
    std::string_view sign;
    Compare compare;
};
constexpr auto kOperators = std::to_array<Operator>({
    {"==", Compare::equal},
    {"!=", Compare::not_equal},
    {"<", Compare::less},
    {">", Compare::greater},
    {"<=", Compare::at_most},
    {">=", Compare::at_least},
    {"in", Compare::any_bit},
    {"!", Compare::no_bit},
});

std::vector<Kind> kinds_of(const std::vector<Operand>& operands) {
    std::vector<Kind> kinds;
    for (const Operand& operand : operands) kinds.push_back(kind_of(operand.field));
    return kinds;
}

/// Whether every part is a field whose values we can read; a foreign header decides without its value.
bool readable(const std::vector<Operand>& operands) {
    return std::ranges::none_of(
        operands, [](const Operand& one) { return one.field == Field::other || one.field == Field::absent; });
}

Match read_match(const Node& node, std::size_t& room) {
    const Node* left = node.find("left");
    const Node* right = node.find("right");
    const auto sign = std::ranges::find(kOperators, node.text_of("op"), &Operator::sign);
    const std::string text = nft_text(node);
    if (left == nullptr || right == nullptr || sign == kOperators.end()) {
        return doubtful(FilterDoubt::not_understood, "a match that is not understood: " + text);
    }
    Match match;
    match.operands = nft_operands(*left);
    match.compare = sign->compare;
    if (!readable(match.operands)) return match;
    if (right->is(NodeKind::string) && right->text.starts_with('@')) {
        match.set_name = right->text.substr(1);
        return match;
    }
    const Node* set = right->find("set");
    Node one;
    if (set == nullptr) {
        one.kind = NodeKind::array;
        one.items.push_back(*right);
    }
    match.values = nft_set(set != nullptr ? *set : one, kinds_of(match.operands), Elements::values, room);
    room -= match.values.size();
    // A single value is all or nothing: what is not understood may be anything.
    if (set == nullptr && match.values.left_out != 0) {
        return doubtful(FilterDoubt::not_understood, "a value that is not understood: " + nft_text(*right));
    }
    return match;
}

Statement read_verdict_map(const Node& node, std::size_t& room) {
    const Node* key = node.find("key");
    const Node* data = node.find("data");
    if (key == nullptr || data == nullptr)
        return Verdict{FilterAction::not_understood, {}, "a verdict map without a key"};
    VerdictMap map;
    map.operands = nft_operands(*key);
    if (data->is(NodeKind::string) && data->text.starts_with('@')) {
        map.set_name = data->text.substr(1);
    } else if (const Node* set = data->find("set"); set != nullptr) {
        map.values = nft_set(*set, kinds_of(map.operands), Elements::verdict_pairs, room);
        room -= map.values.size();
    }
    return map;
}

Verdict read_reject(const Node& node) {
    const bool reset = node.text_of("type") == "tcp reset";
    return {reset ? FilterAction::reject_reset : FilterAction::reject_icmp, {}, {}};
}

Translate read_translation(std::string_view name, const Node& node) {
    Translate translate;
    translate.destination = name == "dnat" || name == "redirect";
    translate.to_this_host = name == "redirect";
    if (const Node* address = node.find("addr"); address != nullptr) {
        translate.address = address->is(NodeKind::string) ? core::parse_address(address->text) : std::nullopt;
        translate.known = translate.address.has_value();
    }
    if (const Node* port = node.find("port"); port != nullptr) {
        const bool plain = port->is(NodeKind::number) && !port->negative && port->number <= 65'535;
        if (plain) translate.port = static_cast<std::uint16_t>(port->number);
        translate.known = translate.known && plain;
    }
    return translate;
}

/// "dnat to FIELD map @m": a packet whose key the map does not have goes on to the next rule.
std::optional<Match> translation_key(const Node& node, std::size_t& room) {
    for (const std::string_view part : {"addr", "port"}) {
        const Node* target = node.find(part);
        const Node* map = target == nullptr ? nullptr : target->find("map");
        const Node* key = map == nullptr ? nullptr : map->find("key");
        const Node* data = map == nullptr ? nullptr : map->find("data");
        if (key == nullptr || data == nullptr) continue;
        Match match;
        match.operands = nft_operands(*key);
        if (!readable(match.operands)) return match;
        if (data->is(NodeKind::string) && data->text.starts_with('@')) {
            match.set_name = data->text.substr(1);
        } else if (const Node* set = data->find("set"); set != nullptr) {
            match.values = nft_set(*set, kinds_of(match.operands), Elements::pairs, room);
            room -= match.values.size();
        }
        return match;
    }
    return std::nullopt;
}

/// A packet's new mark, or a change of the packet that later matches would not know of.
std::optional<Statement> read_mangle(const Node& node) {
    const Node* key = node.find("key");
    const Node* value = node.find("value");
    if (key == nullptr || value == nullptr)
        return Verdict{FilterAction::not_understood, {}, "a change that is not understood"};
    const auto operands = nft_operands(*key);
    const Field field = operands[0].field;
    if (field == Field::mark || field == Field::ct_mark) {
        SetMark mark;
        mark.connection = field == Field::ct_mark;
        if (value->is(NodeKind::number) && !value->negative) {
            mark.source = SetMark::Source::value;
            mark.value = static_cast<std::uint32_t>(value->number);
        } else if (nft_operands(*value)[0].field == (mark.connection ? Field::mark : Field::ct_mark) &&
                   value->find("&") == nullptr) {
            mark.source = SetMark::Source::other_mark;
        }
        return mark;
    }
    if (key->find("payload") != nullptr && field != Field::other && field != Field::ttl4 &&
        field != Field::hop_limit6) {
        return Verdict{FilterAction::not_understood, {}, "it rewrites " + operands[0].text};
    }
    return std::nullopt;
}

bool is_stateful(std::string_view name) {
    constexpr auto kStateful = std::to_array<std::string_view>({"limit", "quota", "ct count", "meter"});
    return std::ranges::find(kStateful, name) != kStateful.end();
}

/// Adding to a set asks nothing, unless a limit is attached to the element.
std::optional<Statement> read_set_update(const Node& node, const std::string& text) {
    const Node* attached = node.find("stmt");
    if (attached == nullptr) return std::nullopt;
    for (const Node& statement : attached->items) {
        if (!statement.names.empty() && is_stateful(statement.names[0])) {
            return doubtful(FilterDoubt::state, "depends on how much came before: " + text);
        }
    }
    return std::nullopt;
}

std::optional<Statement> read_foreign(const Node& node) {
    const std::string name = shown_text(node.text_of("name"));
    if (node.text_of("type") == "target") {
        if (is_passive_target(name)) return std::nullopt;
        return Verdict{
            FilterAction::not_understood, {}, "nft does not show what the iptables target " + name + " does"};
    }
    if (name == "comment") return std::nullopt;
    return doubtful(FilterDoubt::not_understood, "nft does not show what the iptables match " + name + " asks");
}

/// Statements that neither match, end nor change what later rules see.
bool is_passive(std::string_view name) {
    constexpr auto kPassive =
        std::to_array<std::string_view>({"log", "dup", "flow", "secmark", "ct helper", "ct timeout", "ct expectation",
                                         "last", "comment", "counter", "exthdr"});
    return std::ranges::find(kPassive, name) != kPassive.end();
}

std::optional<Statement> read_statement(std::string_view name, const Node& value, const Node& whole,
                                        std::size_t& room) {
    if (auto verdict = nft_verdict(name, value)) return *verdict;
    if (name == "match") return read_match(value, room);
    if (name == "vmap") return read_verdict_map(value, room);
    if (name == "reject") return read_reject(value);
    if (name == "dnat" || name == "redirect" || name == "snat" || name == "masquerade")
        return read_translation(name, value);
    if (name == "mangle") return read_mangle(value);
    if (name == "notrack") return NoTrack{};
    if (name == "xt") return read_foreign(value);
    if (is_passive(name)) return std::nullopt;
    const std::string text = nft_text(whole);
    if (name == "set") return read_set_update(value, text);
    if (is_stateful(name)) return doubtful(FilterDoubt::state, "depends on how much came before: " + text);
    if (name == "queue") return Verdict{FilterAction::queue, {}, "a program decides: " + text};
    if (name == "synproxy") return Verdict{FilterAction::synproxy, {}, {}};
    if (name == "tproxy") return Verdict{FilterAction::tproxy, {}, {}};
    if (name == "fwd") return Verdict{FilterAction::forward, {}, {}};
    return Verdict{FilterAction::not_understood, {}, "a statement that is not understood: " + text};
}

}  // namespace

Rule nft_rule(const Node& node, bool& foreign, std::size_t& room) {
    Rule rule;
    rule.handle = node.number_of("handle");
    rule.comment = shown_text(node.text_of("comment"));
    const Node* expressions = node.find("expr");
    if (expressions == nullptr) return rule;
    rule.text = nft_rule_text(*expressions);
    for (const Node& whole : expressions->items) {
        if (whole.names.empty()) {
            rule.statements.emplace_back(
                Verdict{FilterAction::not_understood, {}, "a statement that is not understood: " + nft_text(whole)});
            continue;
        }
        const std::string& name = whole.names[0];
        if (name == "xt") foreign = true;
        if (name == "counter" && whole.items[0].find("packets") != nullptr) {
            rule.packets = whole.items[0].number_of("packets");
        }
        auto statement = read_statement(name, whole.items[0], whole, room);
        if (!statement) continue;
        if (std::holds_alternative<Translate>(*statement)) {
            if (auto key = translation_key(whole.items[0], room)) rule.statements.emplace_back(std::move(*key));
        }
        if (std::holds_alternative<Match>(*statement) || std::holds_alternative<VerdictMap>(*statement))
            rule.packets.reset();
        rule.statements.push_back(std::move(*statement));
    }
    if (expressions->left_out != 0) {
        rule.statements.emplace_back(Verdict{FilterAction::not_understood, {}, "the rule is too long to be read"});
    }
    return rule;
}

}  // namespace synwhy::firewall
