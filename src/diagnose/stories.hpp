// What happened in this very capture, in sentences with names and numbers?
#pragma once

#include <string>
#include <vector>

#include "diagnose/explain.hpp"

namespace synwhy::diagnose {

/// The SYNs that one cause refused on one host.
struct Refusals {
    core::Cause cause{};
    std::vector<std::size_t> attempts{};         ///< indices into HostView::attempts, by time
    std::vector<const Mechanism*> mechanisms{};  ///< those that explain them
};

struct StoryContext {
    const capture::Fold& fold;
    const std::vector<Reading>& readings;
    const Premises& premises;
    const HostView& view;
};

/// Why we think so: observations that support the cause, strongest first.
std::vector<std::string> evidence_of(const StoryContext& context, const Refusals& refusals);

/// Who lost to whom, at which limit, for how long.
std::vector<std::string> story_of(const StoryContext& context, const Refusals& refusals);

/// "12:34:56.789" UTC.
std::string clock_text(std::int64_t time_ns);
/// "350 ms", "4.2 s", "61 s".
std::string span_text(std::int64_t length_ns);

}  // namespace synwhy::diagnose
