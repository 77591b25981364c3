// The text of `synwhy fix`; see fix_report.hpp.
#include "emit/fix_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/catalogue.hpp"
#include "emit/style.hpp"
#include "emit/text.hpp"
#include "fix/sysctl_tree.hpp"

namespace synwhy::emit {
namespace {

using fix::SettingState;

std::string state_text(const fix::PlannedSetting& setting) {
    switch (setting.state) {
        case SettingState::to_change: return fmt::format("{} -> {}", setting.now, setting.wanted);
        case SettingState::as_advised: return fmt::format("{}, as advised", setting.now);
        case SettingState::beyond: return fmt::format("{}, beyond the advice: left alone", setting.now);
        case SettingState::absent: return "does not exist here";
        case SettingState::unreadable: return setting.problem;
        case SettingState::needs_interface:
            return fmt::format("{}; name the interface: --interface IF", setting.wanted);
        case SettingState::not_looked: return setting.wanted;
    }
    return {};
}

/// Without the `uname -v` that may follow.
std::string_view release_of(const core::Kernel& kernel) {
    const std::string_view text = kernel.release.text;
    return text.substr(0, text.find(' '));
}

std::string_view role_of(const fix::PlannedStep& step) {
    if (step.fix->settings.empty()) return "by hand";
    if (step.fix->apply == core::FixApply::never) return "by hand, never by synwhy";
    if (step.chosen) return "chosen";
    return step.fix->apply == core::FixApply::asked ? "only if asked for" : "not chosen";
}

class Page {
  public:
    Page(std::size_t width, bool colour) : width_(width), style_(colour) {}

    void heading(std::string_view text) { out_ += '\n' + style_.strong(text) + '\n'; }
    void item(std::string_view first, std::string_view text) { append_wrapped(out_, first, text, width_); }
    void strong(std::string_view text) {
        for (const std::string& line : wrap(text, width_)) out_ += style_.strong(line) + '\n';
    }
    void command(std::string_view text, std::size_t indent) {
        for (const std::string& line : wrap_command(text, width_ - indent)) {
            out_ += std::string(indent, ' ') + style_.command(line) + '\n';
        }
    }
    std::string take() { return std::move(out_); }

  private:
    std::size_t width_;
    Style style_;
    std::string out_{};
};

void print_step(Page& page, const fix::PlannedStep& step) {
    page.item(fmt::format("  {}. ", step.number),
              fmt::format("{} [{}{}]", step.fix->says, role_of(step),
                          role_of(step) == "only if asked for" ? fmt::format(": --step {}", step.number) : ""));
    for (const fix::PlannedSetting& setting : step.settings) {
        page.item("       ", fmt::format("{}: {}", setting.name, state_text(setting)));
    }
    if (step.settings.empty() && !step.fix->command.empty()) page.command(step.fix->command, 7);
    if (!step.fix->risk.empty()) page.item("     Risk: ", step.fix->risk);
}

void print_backlogs(Page& page) {
    page.heading("In the application, which has to ask for the longer queue itself");
    for (const core::ListenBacklog& entry : core::listen_backlogs()) {
        page.item("  * ", fmt::format("{}: {} (now, unless set: {}); {}", entry.server, entry.setting, entry.usual,
                                      entry.applies));
    }
}

void print_counters(Page& page, const FixReport& report) {
    page.heading(fmt::format("Counters, {} s before the change and {} s after it", report.watched_s, report.watched_s));
    for (const fix::WatchedCounter& counter : report.counters) {
        page.item("  ", fmt::format("{}: {} before, {} after", counter.name, counter.before, counter.after));
    }
    if (report.counters.empty()) page.item("  ", "this kernel's netstat has none that belongs to this cause");
}

void print_applied(Page& page, const FixReport& report) {
    const fix::Applied& applied = *report.applied;
    if (applied.changed.empty() && !applied.drop_in_written) return;
    page.heading("Changed, read back and found right");
    for (const fix::SysctlEntry& entry : applied.changed) {
        page.item("  ", fmt::format("{}: {} -> {}", fix::sysctl_name(entry.path), entry.old_value, entry.new_value));
    }
    if (applied.drop_in_written) page.item("  ", applied.drop_in);
    if (applied.drop_in.empty()) page.item("  ", "Gone at the next boot; --persist keeps it.");
    page.item("  ", fmt::format("`synwhy fix {} --undo` takes it back; the old values are in {}",
                                core::slug(report.plan.cause), applied.journal));
}

void print_undone(Page& page, const fix::Undone& undone) {
    for (const fix::SysctlEntry& entry : undone.restored) {
        page.item("  ", fmt::format("{}: {} again", fix::sysctl_name(entry.path), entry.old_value));
    }
    for (const fix::SysctlEntry& entry : undone.already_old) {
        page.item("  ", fmt::format("{}: was {} already", fix::sysctl_name(entry.path), entry.old_value));
    }
    for (const fix::SysctlEntry& entry : undone.gone) {
        page.item("  ", fmt::format("{}: does not exist any more", fix::sysctl_name(entry.path)));
    }
    if (undone.drop_in_restored) page.item("  ", fmt::format("{}: as it was", undone.drop_in));
}

std::string counter_verdict(const FixReport& report) {
    if (report.watched_s == 0 || report.counters.empty()) return {};
    const bool moved = std::ranges::any_of(report.counters, [](const auto& c) { return c.before > 0; });
    if (report.still_moves()) return " Its counters still move.";
    return moved ? " Its counters moved before and stand still now."
                 : " Its counters stand still, but they did not move before either: this shows nothing.";
}

std::string applied_verdict(const FixReport& report) {
    const fix::Applied& applied = *report.applied;
    const std::size_t changed = applied.changed.size();
    if (changed == 0 && !applied.drop_in_written) return "Nothing had to be changed: all is as advised here.";
    std::string text = changed == 0
                           ? "The settings were as advised and are kept now."
                           : fmt::format("{} {} changed.", counted(changed, "setting"), changed == 1 ? "was" : "were");
    if (report.plan.needs_backlog()) text += " The application has to be changed as well.";
    return text + counter_verdict(report);
}

std::string undone_verdict(const fix::Undone& undone) {
    if (!undone.journal_found) return "Nothing to undo: there is no journal of such a change.";
    return undone.restored.empty() && !undone.drop_in_restored
               ? "Everything was as before already; the journal is gone."
               : "Everything is as it was before; the journal is gone.";
}

std::string plan_verdict(const FixReport& report) {
    const fix::Plan& plan = report.plan;
    const std::size_t changes = plan.changes().size() + plan.count(SettingState::not_looked);
    if (changes != 0) {
        return fmt::format("{} would change; nothing was changed. --apply does it, --undo takes it back.",
                           counted(changes, "setting"));
    }
    if (plan.count(SettingState::needs_interface) != 0) return "The interface has to be named: --interface IF.";
    if (plan.count(SettingState::unreadable) != 0) return "A setting could not be read.";
    const bool any = std::ranges::any_of(plan.steps, [](const auto& step) { return step.chosen; });
    return any ? "All settings are as advised here."
               : "Nothing here is for synwhy to change: these steps are for a person.";
}

}  // namespace

bool FixReport::still_moves() const {
    return std::ranges::any_of(counters, [](const fix::WatchedCounter& c) { return c.after > 0; });
}

bool FixReport::pending() const {
    return !plan.changes().empty() || plan.count(SettingState::needs_interface) != 0 ||
           plan.count(SettingState::not_looked) != 0;
}

std::string fix_verdict(const FixReport& report) {
    if (report.applied) return applied_verdict(report);
    return report.undone ? undone_verdict(*report.undone) : plan_verdict(report);
}

std::string fix_text(const FixReport& report, std::size_t width, bool colour) {
    Page page(width, colour);
    const core::CausePage& cause = core::page(report.plan.cause);
    page.strong(fmt::format("{}: {}", cause.slug, fix_verdict(report)));
    if (report.undone) {
        print_undone(page, *report.undone);
        return page.take();
    }
    page.item("", fmt::format("{} Linux {}.", cause.summary, release_of(report.plan.kernel)));
    if (!report.plan.kernel_has_cause) {
        page.item("", fmt::format("This kernel cannot have this cause ({}).", cause.kernels));
    }
    if (report.applied) print_applied(page, report);
    if (report.watched_s != 0) print_counters(page, report);
    page.heading("Steps, the least invasive first");
    for (const fix::PlannedStep& step : report.plan.steps) print_step(page, step);
    if (report.plan.needs_backlog()) print_backlogs(page);
    if (!cause.no_help.empty()) page.heading("What does not help");
    for (const core::PageNoHelp& entry : cause.no_help) page.item("  * ", fmt::format("{}: {}", entry.what, entry.why));
    return page.take();
}

}  // namespace synwhy::emit
