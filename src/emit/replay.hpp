// How are replayed experiments reported?
//
// JSON for scripts, and for people every difference as a story: the step, what the kernel did, what the model did, and
// the row of the path by which the model decided.
#pragma once

#include <string>
#include <vector>

#include "truth/known.hpp"
#include "truth/replay.hpp"

namespace synwhy::emit {

/// One object: "v", "scenarios", "steps", "comparable", "agree", "differences".
std::string replay_json(const std::vector<truth::Replayed>& results);
/// The totals last. @param verbose also says what was not comparable
std::string replay_text(const std::vector<truth::Replayed>& results, bool verbose);

}  // namespace synwhy::emit
