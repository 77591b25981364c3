// synwhy explain: the page of a cause, or the list of all.
#include <unistd.h>

#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/suggest.hpp"
#include "cli/talk.hpp"
#include "core/catalogue.hpp"
#include "emit/explain.hpp"

namespace synwhy::cli {
namespace {

ExitCode unknown_cause(const std::string& topic) {
    std::vector<std::string_view> known;
    for (const core::CausePage& page : core::all_pages()) known.push_back(page.slug);
    const auto near = near_matches(topic, known);
    complain("no cause is named '" + topic + "'; " +
             (near.empty() ? "synwhy explain list names all" : "did you mean " + either(near) + "?"));
    return ExitCode::usage;
}

std::string list_as_json() {
    std::string out;
    for (const core::CausePage& page : core::all_pages()) out += emit::explain_json(page) + '\n';
    return out;
}

}  // namespace

ExitCode run_explain(const ExplainCommand& options, const CommonOptions& common) {
    const emit::ExplainOptions look{.width = terminal_width(STDOUT_FILENO),
                                    .colour = use_colour(common.colour, STDOUT_FILENO)};
    std::string text;
    if (options.topic == "list") {
        text = options.json ? list_as_json() : emit::explain_list(look);
    } else if (const auto cause = core::parse_cause(options.topic)) {
        text = options.json ? emit::explain_json(core::page(*cause)) + '\n' : emit::explain(core::page(*cause), look);
    } else {
        return unknown_cause(options.topic);
    }
    return print(text) ? ExitCode::nothing_found : ExitCode::could_not_look;
}

}  // namespace synwhy::cli
