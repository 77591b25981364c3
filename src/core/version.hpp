// Since which kernel does a row, a counter or a default exist?
//
// Comparisons of a release with a mainline version, for what is no named behaviour. el6 and el7 carry backports, so
// the two that matter are named where they differ.
#pragma once

#include <tuple>

#include "core/kernel.hpp"

namespace synwhy::core {

inline bool since(const Kernel& kernel, int major, int minor, int patch = 0) {
    const auto& release = kernel.release;
    const int known_patch = release.patch < 0 ? 0 : release.patch;
    return std::tie(release.major, release.minor, known_patch) >= std::tie(major, minor, patch);
}

inline bool is_el6(const Kernel& kernel) { return kernel.release.vendor == Release::Vendor::el6; }
inline bool is_el7(const Kernel& kernel) { return kernel.release.vendor == Release::Vendor::el7; }

}  // namespace synwhy::core
