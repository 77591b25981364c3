// From what was seen of a host to a report: the entry of this folder.
//
// Every cause of the catalogue ends up found, ruled out with the reading that rules it out, or not examinable with
// what is missing. Findings come first by the harm they do now, then by how sure they are.
#pragma once

#include "core/verdict.hpp"
#include "doctor/chart.hpp"

namespace synwhy::doctor {

/// Total: never fails. Report::ruled_out stands in the order in which a person checks a host.
core::Report examine(const Inputs& inputs);

/// Sure findings before guesses, then by harm.
void rank(std::vector<core::Finding>& findings);

}  // namespace synwhy::doctor
