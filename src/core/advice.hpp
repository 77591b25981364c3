// What does the catalogue advise about a cause, on these kernels?
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/catalogue.hpp"
#include "core/kernel.hpp"

namespace synwhy::core {

/// One string per remedy, least invasive first: "COMMAND  # what it does (risk: ...)" or a sentence. With one kernel
/// its own remedies; with several those of any of them, each followed by "[kernels]"; with none all of them.
std::vector<std::string> advice(Cause cause, std::span<const Kernel> kernels);

}  // namespace synwhy::core
