// What does an expression of `nft -j` compare, and with which values?
//
// Left sides become operands, right sides and sets become intervals of keys. What is not understood is said by nullopt
// or by an operand of Field::other; the caller turns both into doubts. Left out: arithmetic beyond "field & mask".
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "firewall/json_tree.hpp"
#include "firewall/names.hpp"
#include "firewall/ruleset.hpp"

namespace synwhy::firewall {

/// How the values of a field are written.
Kind kind_of(Field field);
/// One operand, or the parts of a concatenation. Never empty; unknown expressions are Field::other with their text.
std::vector<Operand> nft_operands(const Node& left);
/// The kinds of a named set's `type`: "ipv4_addr", or an array of such. Empty when one is not understood.
std::vector<Kind> nft_set_kinds(const Node& type);
/// A single value as a number or key of that kind.
std::optional<Key> nft_scalar(const Node& value, Kind kind);
/// A value, a range, a prefix, "eth*": what one part of an element covers.
std::optional<Interval> nft_interval(const Node& value, Kind kind);
/// What an array of elements holds.
enum class Elements : std::uint8_t { values, pairs, verdict_pairs };
/// Reads elements; those that are not understood, or over `room`, are counted as left out.
/// @param form pairs: of a map, whose data is not kept; verdict_pairs: of a verdict map
Set nft_set(const Node& elements, const std::vector<Kind>& kinds, Elements form, std::size_t room);
/// {"accept": null}, {"jump": {"target": ...}} and so on. @return nullopt when it is no verdict
std::optional<Verdict> nft_verdict(std::string_view name, const Node& value);

}  // namespace synwhy::firewall
