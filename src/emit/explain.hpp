// How does a page of the catalogue look in a terminal, and as JSON?
//
// `synwhy explain SLUG` prints what explain() returns, `synwhy explain` alone prints explain_list(). Facts come from
// the page's front matter, prose from its Markdown. Nothing is printed here.
#pragma once

#include <cstddef>
#include <string>

#include "core/catalogue.hpp"

namespace synwhy::emit {

struct ExplainOptions {
    std::size_t width = 80;  ///< columns; values below 40 are taken as 40
    bool colour = false;     ///< ANSI bold and colour; without it code keeps its backticks
};

/// One page: facts, prose, counters, commands and fixes. Text and tables stay within the width; commands are never
/// broken, because they are there to be copied.
std::string explain(const core::CausePage& page, const ExplainOptions& options = {});

/// All causes with their summaries, grouped by stage in path order.
std::string explain_list(const ExplainOptions& options = {});

/// One JSON object, UTF-8, no trailing newline: {"v":1,"type":"cause","cause":slug,...}.
std::string explain_json(const core::CausePage& page);

}  // namespace synwhy::emit
