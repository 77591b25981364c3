// What speaks against each cause that could hide behind the same silence?
//
// A silence looks alike whatever made it; what came through does not. For a set of refused SYNs this counts the
// answered SYNs (or the refused ones) that a rival cause predicts wrongly.
#pragma once

#include <vector>

#include "core/verdict.hpp"
#include "diagnose/explain.hpp"

namespace synwhy::diagnose {

/// @param refused attempts (indices into HostView::attempts) whose cause is in question
/// @return the rivals of `cause` that leave nothing but silence, refuted ones first, each with a reason
std::vector<core::Rival> weigh_rivals(const capture::Fold& fold, const HostView& view, const Premises& premises,
                                      core::Cause cause, const std::vector<std::size_t>& refused);

}  // namespace synwhy::diagnose
