// What does a directory copied from another host tell about it?
//
// A tree with /proc in it, a sosreport, or a flat folder with the output of a few commands; with subfolders before/
// and after/ the counters become differences. Names are recognised, nothing is executed, symbolic links are followed
// only inside the directory. Left out: archives (unpack them first).
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/host.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxBundleFiles = 20'000;  ///< files looked at in one bundle
inline constexpr std::size_t kMaxBundleDepth = 12;      ///< directories below the bundle's root

struct Bundle {
    core::HostFacts facts{};
    std::vector<core::Error> complaints{};  ///< files that could not be used, at most kMaxComplaints
};

/// @return an error when the path is no directory or holds nothing that was recognised
std::expected<Bundle, core::Error> read_bundle(const std::string& directory);

}  // namespace synwhy::host
