// synwhy path: what one kernel does with a SYN, or what changed between two.
#include <string>

#include "cli/commands.hpp"
#include "cli/facts.hpp"
#include "cli/talk.hpp"
#include "core/kernel.hpp"
#include "emit/path_print.hpp"

namespace synwhy::cli {
namespace {

std::string list_releases() {
    std::string out;
    for (const std::string_view release : core::known_releases()) {
        out += release;
        out += '\n';
    }
    return out;
}

}  // namespace

ExitCode run_path(const PathCommand& options) {
    std::string text;
    if (options.list) {
        text = list_releases();
    } else if (!options.diff.empty()) {
        const auto from = kernel_of(options.diff[0]);
        if (!from) return from.error();
        const auto to = kernel_of(options.diff[1]);
        if (!to) return to.error();
        text = emit::print_path_diff(*from, *to);
        if (text.empty()) complain("nothing known differs between " + options.diff[0] + " and " + options.diff[1]);
    } else {
        const auto kernel = kernel_of(options.kernel);
        if (!kernel) return kernel.error();
        text = emit::print_path(*kernel);
    }
    return print(text) ? ExitCode::nothing_found : ExitCode::could_not_look;
}

}  // namespace synwhy::cli
