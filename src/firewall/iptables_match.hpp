// What do the conditions of an iptables rule ask of a packet?
#pragma once

#include <optional>
#include <vector>

#include "firewall/iptables_words.hpp"
#include "firewall/ruleset.hpp"

namespace synwhy::firewall {

/// -s -d -i -o -p -f of a rule.
std::vector<Statement> header_matches(const std::vector<Option>& options, core::Family family);
/// The options of one -m; nothing when the module only annotates.
std::vector<Statement> module_matches(const Section& module, core::Family family);

}  // namespace synwhy::firewall
