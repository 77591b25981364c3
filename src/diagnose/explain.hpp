// Why was each SYN of one host not answered?
//
// Three steps, nearest to the packet first: what the segment itself forbids, what already had its 4-tuple, and what
// LISTEN refused under the explanations that survive. The result names a cause for every copy, with its rivals.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/verdict.hpp"
#include "diagnose/host_view.hpp"
#include "diagnose/mechanism.hpp"
#include "diagnose/premises.hpp"

namespace synwhy::diagnose {

/// The verdict on one copy; parallel to HostView::attempts.
struct AttemptCause {
    std::optional<core::Cause> cause{};
    core::Confidence confidence = core::Confidence::unknown;
    std::vector<core::Cause> rivals{};
    std::uint32_t mechanism = kNone;  ///< index into HostExplanation::chosen
    std::string detail{};
};

struct HostExplanation {
    std::vector<AttemptCause> attempts{};
    std::vector<Mechanism> chosen{};    ///< explanations that were needed, best first
    std::vector<Mechanism> rejected{};  ///< candidates that lost, with their counts
};

/// Step 1 and 2: fills `causes` and clears Attempt::reaches_listen where LISTEN never saw the SYN.
void settle_before_listen(const capture::Fold& fold, const std::vector<Reading>& readings, const Premises& premises,
                          HostView& view, std::vector<AttemptCause>& causes);

HostExplanation explain_host(const capture::Fold& fold, const std::vector<Reading>& readings, const Premises& premises,
                             HostView& view);

}  // namespace synwhy::diagnose
