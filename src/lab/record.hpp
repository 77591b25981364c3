// How is a played script written down?
//
// As the project's measured data is: one JSON object with the kernel, its settings and every step, so that anyone can
// measure another kernel and contribute it (`synwhy replay` reads it). Left out: the capture beside it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "lab/kernel_engine.hpp"
#include "lab/scripts.hpp"
#include "sim/script.hpp"

namespace synwhy::lab {

struct Recording {
    const Script& script;
    KernelName kernel{};
    double wall_start_s = 0;  ///< seconds since the epoch
    sim::SysctlValues sysctls_at_start{};
    sim::SysctlValues sysctls_at_end{};
    std::span<const sim::StepResult> steps{};
    std::int64_t duration_ns = 0;
};

/// The JSON object with a newline at its end.
std::string to_json(const Recording& recording);

}  // namespace synwhy::lab
