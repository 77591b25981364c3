// How does a scenario that was played with real clients read, and how two engines' outcomes beside each other?
//
// In the words of `synwhy sim`, as far as the running kernel shows what it shows. Values in, text or JSON out;
// schema/lab.schema.json describes the JSON.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "sim/outcome.hpp"

namespace synwhy::emit {

struct OutcomeTextOptions {
    std::size_t width = 80;
    bool colour = false;
};

/// Did anything go wrong: an attempt hindered, or without a source port?
bool anything_wrong(const sim::Outcome& outcome);

/// The first line: "38 of 120 connection attempts got no answer to their first SYN, 4 of them not until the end: ...".
std::string outcome_verdict(const sim::Outcome& outcome);

/// The whole report, first the verdict.
std::string outcome_text(const sim::Outcome& outcome, const OutcomeTextOptions& options);
std::string outcome_json(const sim::Outcome& outcome);

/// Several engines, the first of which is the measure: a line for each group, then where the others differ.
std::string comparison_text(std::span<const sim::Outcome> outcomes, std::size_t width);

}  // namespace synwhy::emit
