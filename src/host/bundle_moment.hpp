// What did the host look like at the moment these files were taken?
//
// Puts the texts of a bundle into a core::HostState. What a bundle lacks is named in `missing`. Left out: comparing two
// moments (bundle.cpp).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/host_state.hpp"
#include "host/bundle_files.hpp"
#include "host/netstat_file.hpp"

namespace synwhy::host {

struct BundleMoment {
    core::HostState state{};            ///< facts.counters holds the last reading
    std::optional<Counters> earlier{};  ///< a first reading in the same files ("netstat -s" twice in one)
    bool zeros_omitted = false;         ///< a counter that is not there is 0
    bool found_anything = false;        ///< kernel, sysctls, counters or listeners
    std::vector<core::Error> complaints{};
};

/// @param moment "before" or "after": its files, and what the files beside these folders tell that does not move; ""
/// for a bundle of one moment
BundleMoment read_moment(const BundleFiles& files, std::string_view moment);

/// Names in state.missing what a reading of this host should have and has not.
void note_missing(core::HostState& state);

inline constexpr std::size_t kMaxMissingNotes = 64;

}  // namespace synwhy::host
