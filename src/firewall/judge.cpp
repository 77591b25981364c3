#include "firewall/judge.hpp"

#include <algorithm>

namespace synwhy::firewall {

namespace {

using core::FilterDoubt;

constexpr Key kAllOnes = [] {
    Key key{};
    key.fill(0xff);
    return key;
}();

/// Different verdicts that one lookup may have; more become one that may do anything.
constexpr std::size_t kMaxHits = 64;

/// An operand's value, with its mask applied.
struct Side {
    Content content{};
    const Operand* operand = nullptr;
};

Side read_side(const Operand& operand, const Packet& packet, bool tracked) {
    Side side{read_field(operand.field, packet, tracked), &operand};
    if (side.content.kind != Content::Kind::known) return side;
    if (operand.mask) {
        side.content.value = side.content.value & *operand.mask;
        Key relevant = side.content.known_bits;
        for (std::size_t i = 0; i < relevant.size(); ++i) {
            relevant[i] = static_cast<std::uint8_t>(relevant[i] | static_cast<std::uint8_t>(~(*operand.mask)[i]));
        }
        side.content.known_bits = relevant;
    }
    return side;
}

Truth inside(const Side& side, const Interval& interval) {
    if (interval.low == Key{} && interval.high == kAllOnes) return Truth::yes;
    if (side.content.kind != Content::Kind::known || side.content.known_bits != kAllOnes) return Truth::unknown;
    return interval.low <= side.content.value && side.content.value <= interval.high ? Truth::yes : Truth::no;
}

Truth element_truth(const std::vector<Side>& sides, const Interval* parts) {
    Truth all = Truth::yes;
    for (std::size_t i = 0; i < sides.size(); ++i) {
        const Truth one = inside(sides[i], parts[i]);
        if (one == Truth::no) return Truth::no;
        if (one == Truth::unknown) all = Truth::unknown;
    }
    return all;
}

Truth negate(Truth truth) {
    if (truth == Truth::unknown) return truth;
    return truth == Truth::yes ? Truth::no : Truth::yes;
}

Judgement unknown_side(const std::vector<Side>& sides) {
    for (const Side& side : sides) {
        if (side.content.kind == Content::Kind::known && side.content.known_bits == kAllOnes) continue;
        const Operand& operand = *side.operand;
        if (operand.field != Field::other) {
            return {Truth::unknown, FilterDoubt::field, std::string(name_of(operand.field)) + " is not known"};
        }
        return {Truth::unknown, operand.doubt,
                operand.doubt == FilterDoubt::state ? "depends on more than the packet: " + operand.text
                                                    : "this program does not know the value of: " + operand.text};
    }
    return {Truth::unknown, FilterDoubt::not_understood, "a set that was not read in full"};
}

/// Whether any element holds the value.
Truth lookup(const std::vector<Side>& sides, const Set& set, Budget& budget) {
    if (!budget.spend(set.size() + 1)) return Truth::unknown;
    if (set.size() != 0 && set.arity != sides.size()) return Truth::unknown;
    Truth best = set.left_out != 0 ? Truth::unknown : Truth::no;
    for (std::size_t i = 0; i < set.size(); ++i) {
        const Truth one = element_truth(sides, &set.parts[i * set.arity]);
        if (one == Truth::yes) return Truth::yes;
        if (one == Truth::unknown) best = Truth::unknown;
    }
    return best;
}

Truth order(const Side& side, Compare compare, const Key& than) {
    if (side.content.kind != Content::Kind::known || side.content.known_bits != kAllOnes) return Truth::unknown;
    const Key& value = side.content.value;
    const bool holds = compare == Compare::less      ? value < than
                       : compare == Compare::greater ? value > than
                       : compare == Compare::at_most ? value <= than
                                                     : value >= than;
    return holds ? Truth::yes : Truth::no;
}

Truth any_bit(const Side& side, const Key& bits) {
    if (side.content.kind != Content::Kind::known) return Truth::unknown;
    if ((side.content.value & side.content.known_bits & bits) != Key{}) return Truth::yes;
    return (bits & side.content.known_bits) == bits ? Truth::no : Truth::unknown;
}

Truth compare_sides(const Match& match, const std::vector<Side>& sides, const Set& set, Budget& budget) {
    const bool one_value = set.parts.size() == 1 && sides.size() == 1;
    switch (match.compare) {
        case Compare::equal: return lookup(sides, set, budget);
        case Compare::not_equal: return negate(lookup(sides, set, budget));
        case Compare::less:
        case Compare::greater:
        case Compare::at_most:
        case Compare::at_least: return one_value ? order(sides[0], match.compare, set.parts[0].low) : Truth::unknown;
        case Compare::any_bit: return one_value ? any_bit(sides[0], set.parts[0].low) : Truth::unknown;
        case Compare::no_bit: return one_value ? negate(any_bit(sides[0], set.parts[0].low)) : Truth::unknown;
    }
    return Truth::unknown;
}

/// nullptr: a name without a set.
const Set* set_of(const Set& values, const std::string& name, const Table& table) {
    if (name.empty()) return &values;
    const auto found = table.sets.find(name);
    return found == table.sets.end() ? nullptr : &found->second;
}

Judgement no_such_set(const std::string& name) {
    return {Truth::unknown, FilterDoubt::not_understood, "the set " + name + " was not read"};
}

std::vector<Side> read_sides(const std::vector<Operand>& operands, const Packet& packet, bool tracked, bool& absent) {
    std::vector<Side> sides;
    sides.reserve(operands.size());
    for (const Operand& operand : operands) {
        sides.push_back(read_side(operand, packet, tracked));
        if (sides.back().content.kind == Content::Kind::absent) absent = true;
    }
    return sides;
}

}  // namespace

Judgement judge(const Match& match, const Packet& packet, const Table& table, bool tracked, Budget& budget) {
    if (match.doubt != FilterDoubt::none) return {Truth::unknown, match.doubt, match.why};
    bool absent = false;
    const auto sides = read_sides(match.operands, packet, tracked, absent);
    // What the packet does not have is never matched, not even by "is not".
    if (absent) return {Truth::no, FilterDoubt::none, {}};
    if (std::ranges::any_of(match.operands, [](const Operand& one) { return one.field == Field::other; })) {
        return unknown_side(sides);
    }
    const Set* set = set_of(match.values, match.set_name, table);
    if (set == nullptr) return no_such_set(match.set_name);
    Truth truth = Truth::no;
    if (match.either) {
        Match single_sided = match;
        single_sided.compare = Compare::equal;
        for (const Side& side : sides) {
            const Truth one = compare_sides(single_sided, {side}, *set, budget);
            if (one == Truth::yes || (one == Truth::unknown && truth == Truth::no)) truth = one;
        }
        if (match.compare == Compare::not_equal) truth = negate(truth);
    } else {
        truth = compare_sides(match, sides, *set, budget);
    }
    return truth == Truth::unknown ? unknown_side(sides) : Judgement{truth, FilterDoubt::none, {}};
}

MapAnswer judge(const VerdictMap& map, const Packet& packet, const Table& table, bool tracked, Budget& budget) {
    MapAnswer answer;
    bool absent = false;
    const auto sides = read_sides(map.operands, packet, tracked, absent);
    if (absent) return answer;
    answer.reason = unknown_side(sides);
    const Set* set = set_of(map.values, map.set_name, table);
    if (set == nullptr) answer.reason = no_such_set(map.set_name);
    static const Verdict kUnread{
        core::FilterAction::not_understood, {}, "elements of the verdict map that were not read"};
    bool crowded = false;
    const bool readable = set != nullptr && budget.spend(set->size() + 1) &&
                          (set->size() == 0 || (set->arity == sides.size() && set->verdicts.size() == set->size()));
    if (!readable || set->left_out != 0) answer.hits.emplace_back(&kUnread, Truth::unknown);
    if (!readable) return answer;
    for (std::size_t i = 0; i < set->size(); ++i) {
        const Truth one = element_truth(sides, &set->parts[i * set->arity]);
        if (one == Truth::no) continue;
        if (one == Truth::yes) {
            answer.hits = {{&set->verdicts[i], one}};
            answer.may_miss = false;
            return answer;
        }
        // One of each kind is enough: the walk only asks what may happen.
        const bool seen = std::ranges::any_of(answer.hits, [&](const auto& hit) {
            return hit.first->action == set->verdicts[i].action && hit.first->chain == set->verdicts[i].chain;
        });
        if (seen) continue;
        if (answer.hits.size() < kMaxHits) {
            answer.hits.emplace_back(&set->verdicts[i], one);
        } else {
            crowded = true;
        }
    }
    if (crowded) answer.hits.emplace_back(&kUnread, Truth::unknown);
    return answer;
}

}  // namespace synwhy::firewall
