// Which rules counted packets between two readings of a ruleset?
//
// So that a doctor can say which rule drops now. nf_tables' rules are known again by their handle, which is never given
// twice; legacy rules by their text, and the how-many-eth with that text in their chain. Left out: rules whose counter
// does not stand behind all of their matches, since it counts others too.
#pragma once

#include <vector>

#include "core/filter.hpp"
#include "firewall/ruleset.hpp"

namespace synwhy::firewall {

/// Rules and policies that may stop a packet and whose counter moved, in the order of the second reading. Rules that
/// are new there count from zero. `hook` and `priority` are set for rules of base chains only.
std::vector<core::FilterMovement> movements(const Ruleset& before, const Ruleset& after);

}  // namespace synwhy::firewall
