// Which recognised files does a bundle hold?
//
// A directory or a tarball, both as texts in memory, named below the bundle's root. In a directory nothing is executed
// and symbolic links are followed only inside it. Left out: what the texts say (bundle_moment.hpp).
#pragma once

#include <expected>
#include <map>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxBundleFiles = 20'000;  ///< files looked at in one directory
inline constexpr std::size_t kMaxBundleDepth = 12;      ///< directories below proc/sys/net

struct BundleFiles {
    std::string root{};                          ///< in front of a path in messages: "DIR/", "FILE.tar.gz:"
    std::map<std::string, std::string> texts{};  ///< "before/proc/net/netstat" -> text
    std::vector<core::Error> complaints{};       ///< files that could not be read, at most kMaxComplaints
};

/// @param path a directory or a tarball
/// @return an error when it cannot be opened or is neither
std::expected<BundleFiles, core::Error> load_bundle(const std::string& path);

/// Steps into the only top folder of an archive ("sosreport-host-2026/...") and forgets what is no file of a bundle.
void enter_top_folder(BundleFiles& files);

}  // namespace synwhy::host
