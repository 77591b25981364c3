// synwhy fix: what helps against a cause on this host, and do it, and take it back.
//
// The order of work is run_fix(): find the cause, go into the network namespace, plan; then apply between two watches
// of the counters, or undo. Nothing is asked: what changes the host has to be on the command line.
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "cli/commands.hpp"
#include "cli/facts.hpp"
#include "cli/suggest.hpp"
#include "cli/talk.hpp"
#include "core/catalogue.hpp"
#include "emit/fix_report.hpp"
#include "fix/apply.hpp"
#include "fix/netns.hpp"
#include "fix/plan.hpp"
#include "fix/sysctl_tree.hpp"
#include "fix/watch.hpp"

namespace synwhy::cli {
namespace {

using emit::FixReport;

std::unexpected<Refusal> fail(const core::Error& error) {
    complain(core::to_string(error));
    return std::unexpected(ExitCode::could_not_look);
}

std::expected<core::Cause, Refusal> find_cause(const std::string& slug) {
    if (const auto cause = core::parse_cause(slug)) return *cause;
    std::vector<std::string_view> known;
    for (const core::CausePage& page : core::all_pages()) known.push_back(page.slug);
    const auto near = near_matches(slug, known);
    complain("no cause is named '" + slug + "'; " +
             (near.empty() ? "synwhy explain list names all" : "did you mean " + either(near) + "?"));
    return std::unexpected(ExitCode::usage);
}

/// Goes into the namespace that is asked for. @return where to work from now on
std::expected<fix::Place, Refusal> find_place(const FixCommand& options) {
    fix::Place place{.root = options.root, .state = options.state};
    if (place.state.empty()) place.state = options.root + "/var/lib/synwhy";
    const bool elsewhere = !options.netns.empty() || options.pid != 0;
    if (elsewhere) {
        const std::string file =
            options.pid != 0 ? fix::namespace_file(options.pid) : fix::namespace_file(options.netns);
        if (const auto entered = fix::enter_namespace(file); !entered) return fail(entered.error());
    }
    const auto inode = fix::own_namespace();
    if (!inode) return fail(inode.error());
    const auto boot = fix::boot_id();
    if (!boot) return fail(boot.error());
    place.name_space = *inode;
    place.boot = *boot;
    if (elsewhere) place.scope = std::to_string(*inode);
    return place;
}

/// The counters now; nullopt, after saying why, when they cannot be read: the fix does not depend on them.
std::optional<fix::CounterValues> look(const fix::Place& place) {
    auto values = fix::read_counters(place.root);
    if (values) return *std::move(values);
    complain("the counters are not watched: " + core::to_string(values.error()));
    return std::nullopt;
}

void wait(int seconds, const char* when) {
    if (::isatty(STDERR_FILENO) != 0) {
        talk("synwhy: watching the counters for " + std::to_string(seconds) + " s " + when + " the change\n");
    }
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
}

std::expected<void, Refusal> apply(const FixCommand& options, const fix::Place& place, FixReport& report) {
    if (report.plan.count(fix::SettingState::needs_interface) != 0) {
        complain("fix: this step is about one interface: --interface IF names it");
        return std::unexpected(ExitCode::usage);
    }
    const bool anything = !report.plan.changes().empty();
    std::optional<fix::CounterValues> start;
    if (anything && options.seconds > 0) start = look(place);
    std::optional<fix::CounterValues> middle;
    if (start) {
        wait(options.seconds, "before");
        middle = look(place);
    }
    auto applied = fix::apply(report.plan, place, options.persist);
    if (!applied) return fail(applied.error());
    report.applied = *std::move(applied);
    if (!middle) return {};
    wait(options.seconds, "after");
    const auto end = look(place);
    if (!end) return {};
    report.watched_s = options.seconds;
    report.counters = fix::compare_counters(core::page(report.plan.cause), *start, *middle, *end);
    return {};
}

ExitCode exit_code_of(const FixReport& report) {
    const bool more = report.action == FixReport::Action::plan ? report.pending() : report.still_moves();
    if (more) return ExitCode::cause_found;
    const bool unseen =
        report.action != FixReport::Action::undo && report.plan.count(fix::SettingState::unreadable) != 0;
    return unseen ? ExitCode::could_not_look : ExitCode::nothing_found;
}

}  // namespace

ExitCode run_fix(const FixCommand& options, const CommonOptions& common) {
    const auto cause = find_cause(options.cause);
    if (!cause) return cause.error();
    const auto kernel = kernel_or_running(options.kernel);
    if (!kernel) return kernel.error();
    const fix::PlanChoice choice{.interface = options.interface, .steps = options.steps};
    if (const std::string wrong = fix::complaint(*cause, *kernel, choice); !wrong.empty()) {
        complain("fix: " + wrong);
        return ExitCode::usage;
    }
    const auto place = find_place(options);
    if (!place) return place.error();

    FixReport report;
    const fix::SysctlTree tree(place->root);
    const fix::ReadSysctl read = [&](const std::string& path) { return tree.read(path); };
    report.plan = fix::make_plan(*cause, *kernel, choice, options.kernel.empty() ? read : fix::ReadSysctl());
    if (options.undo) {
        report.action = FixReport::Action::undo;
        auto undone = fix::undo(*cause, *place, options.force);
        if (!undone) return fail(undone.error()).error();
        report.undone = *std::move(undone);
    } else if (options.apply) {
        report.action = FixReport::Action::apply;
        if (const auto done = apply(options, *place, report); !done) return done.error();
    }
    const std::string text =
        options.json ? emit::fix_json(report)
                     : emit::fix_text(report, terminal_width(STDOUT_FILENO), use_colour(common.colour, STDOUT_FILENO));
    return print(text) ? exit_code_of(report) : ExitCode::could_not_look;
}

}  // namespace synwhy::cli
