// A simulation's result as one self-contained HTML page with plots.
//
// Inline SVG and style only, no script, no external resource; light and dark by the reader's preference. The number of
// points is bounded by the result's own limits.
#pragma once

#include <string>

#include "sim/result.hpp"

namespace synwhy::emit {

std::string sim_html(const sim::Result& result);

}  // namespace synwhy::emit
