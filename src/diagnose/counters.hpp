// What do the kernel's own counters say about a cause?
//
// A counter that only one cause moves settles it in both directions: it moved by as many as the capture holds, or it
// did not move at all. Which counter that is stands in the catalogue (`direct`).
#pragma once

#include "core/verdict.hpp"
#include "diagnose/premises.hpp"

namespace synwhy::diagnose {

/// A direct counter of this cause is known and has not moved.
bool counters_exclude(core::Cause cause, const Premises& premises);

/// Adds what the counters say to the evidence, and raises the confidence to certain where they count what we count.
void weigh_counters(const Premises& premises, core::Finding& finding);

}  // namespace synwhy::diagnose
