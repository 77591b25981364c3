// Which part of a scenario is played where time is real?
//
// Scenario to scenario: a part of its time, and the same with IPv6. Left out: what a kernel can show (lab/worlds.hpp).
#pragma once

#include <cstdint>

#include "sim/scenario.hpp"

namespace synwhy::sim {

/// What happens from `from_ns` on, for `length_ns`, moved to the start. Changes before it are made at the start,
/// clients begin there anew, and nothing is left over of what happened before.
Scenario part_of(Scenario scenario, std::int64_t from_ns, std::int64_t length_ns);

/// Every IPv4 address A becomes the one that scripts use for it: ipv6_twin(A). The name gets "-v6" at its end.
Scenario ipv6_twin(Scenario scenario);

}  // namespace synwhy::sim
