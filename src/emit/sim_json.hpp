// A simulation's result as one JSON document.
#pragma once

#include <string>

#include "sim/result.hpp"

namespace synwhy::emit {

/// Ends in a newline. The same result gives the same bytes.
std::string sim_json(const sim::Result& result);

}  // namespace synwhy::emit
