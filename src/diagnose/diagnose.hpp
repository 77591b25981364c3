// From folded handshakes to a report: the entry of this folder.
//
// analyse() replays every server host of the capture, weighs the explanations that the evidence leaves open, and says
// for each handshake and for the whole what happened, why, how sure that is, and what would settle it.
#pragma once

#include "capture/fold.hpp"
#include "core/host.hpp"
#include "core/verdict.hpp"

namespace synwhy::diagnose {

struct Options {
    std::size_t max_clients_listed = 20;  ///< addresses named per finding
    bool keep_answered = true;            ///< Report::handshakes also holds the simply answered ones
    std::size_t timeline_buckets = 60;    ///< at most this many intervals
};

/// @param fold finished (Fold::finish() has run)
/// @param facts what is known of the server; describes every server of the capture
core::Report analyse(const capture::Fold& fold, const core::HostFacts& facts, const Options& options = {});

}  // namespace synwhy::diagnose
