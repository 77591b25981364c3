// From copies to handshakes: one verdict per 4-tuple and ISN.
#pragma once

#include "core/verdict.hpp"
#include "diagnose/explain.hpp"

namespace synwhy::diagnose {

/// Verdicts of one host's handshakes, in the order of HostView::handshakes. Handshakes without a SYN and a known ISN
/// (connections that began before the capture) are left out.
std::vector<core::HandshakeVerdict> make_verdicts(const capture::Fold& fold, const std::vector<Reading>& readings,
                                                  const HostView& view, const HostExplanation& explanation);

}  // namespace synwhy::diagnose
