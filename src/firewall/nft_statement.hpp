// What does one statement of `nft -j` do with a packet?
#pragma once

#include "firewall/json_tree.hpp"
#include "firewall/ruleset.hpp"

namespace synwhy::firewall {

/// Fills statements, text, comment, handle and counter from a "rule" member.
/// @param foreign set to true when the rule has x_tables parts, whose arguments nft does not print
/// @param room set elements that may still be kept; lowered by what is kept
Rule nft_rule(const Node& rule, bool& foreign, std::size_t& room);

}  // namespace synwhy::firewall
