// What do files copied from another host tell about it?
//
// A directory or a tarball: the bundle of synwhy-collect, a tree with /proc in it, a sosreport, or a flat folder with
// the output of a few commands; one moment, or two (subfolders before/ and after/, or two bundles "A,B"), which make
// counters into differences. Names are recognised (bundle_names.hpp), nothing is executed, nothing is unpacked to disk.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/host.hpp"
#include "core/host_state.hpp"
#include "host/bundle_files.hpp"

namespace synwhy::host {

struct Bundle {
    core::HostFacts facts{};
    std::vector<core::Error> complaints{};  ///< files that could not be used, at most kMaxComplaints
};

/// The facts of the (last) moment, with differences where there are two.
/// @param path_or_pair a directory, a tarball, or two of them: "BEFORE,AFTER"
/// @return an error when it cannot be read or holds nothing that was recognised
std::expected<Bundle, core::Error> read_bundle(const std::string& path_or_pair);

struct BundleStates {
    core::HostState first{};
    std::optional<core::HostState> second{};  ///< the later moment; its facts have counter_deltas
    std::vector<core::Error> complaints{};    ///< files that could not be used, at most kMaxComplaints
};

/// Two bundles are put in order by the times in them, where those are known, else as they were given.
/// @param path_or_pair a directory, a tarball, or two of them: "BEFORE,AFTER". A name with a comma that exists is one.
/// @return an error when it cannot be read or holds nothing that was recognised
std::expected<BundleStates, core::Error> read_bundle_states(const std::string& path_or_pair);

/// The same from files that are in memory already. @param name for messages
std::expected<BundleStates, core::Error> bundle_states_of(const BundleFiles& files, const std::string& name);

}  // namespace synwhy::host
