// What does one host's explanation come to: findings, what was ruled out, what stays open, what was missing?
#pragma once

#include "core/verdict.hpp"
#include "diagnose/diagnose.hpp"
#include "diagnose/stories.hpp"

namespace synwhy::diagnose {

/// Appends this host's findings and remarks to the report. `verdicts` are the host's handshakes.
void add_findings(const StoryContext& context, const HostExplanation& explanation,
                  const std::vector<core::HandshakeVerdict>& verdicts, const Options& options, core::Report& report);

}  // namespace synwhy::diagnose
