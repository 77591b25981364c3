// What does the target of an iptables rule do with a packet?
#pragma once

#include <string_view>
#include <vector>

#include "firewall/iptables_words.hpp"
#include "firewall/ruleset.hpp"

namespace synwhy::firewall {

/// Logs, counts or changes what no later rule reads.
bool is_passive_target(std::string_view name);
/// A name that is no known target is a jump; the walk says when there is no such chain.
std::vector<Statement> target_statements(const RuleLine& line);

}  // namespace synwhy::firewall
