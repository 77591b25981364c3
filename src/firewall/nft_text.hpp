// How would nft write this expression?
//
// For people who look for the rule in their own files. Text is untrusted and bounded; control characters become '?',
// and what has no notation here is shown by its name. Left out: nft's choice between equal ways of writing.
#pragma once

#include <string>
#include <string_view>

#include "firewall/json_tree.hpp"

namespace synwhy::firewall {

/// One expression, value or statement, at most kMaxRuleTextBytes long and then ending in "...".
std::string nft_text(const Node& node);
/// A rule's statements; counters are left out, since they stand in FilterRule::packets.
std::string nft_rule_text(const Node& expressions);
/// Control characters to '?', and cut to kMaxRuleTextBytes.
std::string shown_text(std::string_view text);

}  // namespace synwhy::firewall
