#include "fix/plan.hpp"

#include <algorithm>
#include <charconv>

#include "core/sysctl_history.hpp"
#include "fix/sysctl_tree.hpp"

namespace synwhy::fix {
namespace {

using Numbers = std::vector<std::int64_t>;

std::optional<Numbers> numbers_of(std::string_view text) {
    Numbers numbers;
    const std::string tidy = tidy_value(text);
    const char* at = tidy.data();
    const char* const end = at + tidy.size();
    while (at != end) {
        std::int64_t value = 0;
        const auto [next, error] = std::from_chars(at, end, value);
        if (error != std::errc{} || (next != end && *next != ' ')) return std::nullopt;
        numbers.push_back(value);
        at = next == end ? next : next + 1;
    }
    return numbers;
}

std::string text_of(const Numbers& numbers) {
    std::string text;
    for (const std::int64_t number : numbers) text += (text.empty() ? "" : " ") + std::to_string(number);
    return text;
}

/// What the sysctl should hold, given what it holds and what is advised; nullopt when the two cannot be compared.
std::optional<Numbers> meet(core::SettingRule rule, const Numbers& now, const Numbers& advised) {
    if (rule == core::SettingRule::set) return advised;
    if (now.size() != advised.size()) return std::nullopt;
    Numbers met(now.size());
    for (std::size_t i = 0; i < now.size(); ++i) {
        const bool lower = rule == core::SettingRule::at_most || (rule == core::SettingRule::widen && i == 0);
        met[i] = lower ? std::min(now[i], advised[i]) : std::max(now[i], advised[i]);
    }
    return met;
}

void compare(PlannedSetting& planned, const core::PageSetting& setting) {
    const auto advised = numbers_of(setting.value);
    const auto now = numbers_of(planned.now);
    if (same_value(planned.now, setting.value)) {
        planned.state = SettingState::as_advised;
        return;
    }
    const bool exact = setting.rule == core::SettingRule::set;
    const auto met = advised && (now || exact) ? meet(setting.rule, now.value_or(Numbers{}), *advised) : std::nullopt;
    if (!met) {
        planned.state = SettingState::unreadable;
        planned.problem = "holds '" + planned.now + "', which cannot be compared with the advice";
        return;
    }
    planned.wanted = text_of(*met);
    planned.state = same_value(planned.wanted, planned.now) ? SettingState::beyond : SettingState::to_change;
}

PlannedSetting plan_setting(const core::PageSetting& setting, const core::Kernel& kernel, const PlanChoice& choice,
                            const ReadSysctl& read) {
    PlannedSetting planned{.name = std::string(setting.name), .wanted = std::string(setting.value)};
    if (needs_interface(setting.name)) {
        if (choice.interface.empty()) {
            planned.state = SettingState::needs_interface;
            return planned;
        }
    }
    planned.path = sysctl_path(setting.name, choice.interface);
    planned.name = sysctl_name(planned.path);
    if (!read) {
        if (!core::has_sysctl(kernel, setting.name)) planned.state = SettingState::absent;
        return planned;
    }
    const auto now = read(planned.path);
    if (!now) {
        planned.state = SettingState::unreadable;
        planned.problem = core::to_string(now.error());
    } else if (!now->has_value()) {
        planned.state = SettingState::absent;
    } else {
        planned.now = **now;
        compare(planned, setting);
    }
    return planned;
}

bool is_chosen(const core::PageFix& fix, std::size_t number, const PlanChoice& choice) {
    if (fix.settings.empty() || fix.apply == core::FixApply::never) return false;
    if (choice.steps.empty()) return fix.apply == core::FixApply::by_default;
    return std::ranges::find(choice.steps, number) != choice.steps.end();
}

}  // namespace

std::vector<const PlannedSetting*> Plan::changes() const {
    std::vector<const PlannedSetting*> list;
    for (const PlannedStep& step : steps) {
        for (const PlannedSetting& setting : step.settings) {
            if (!step.chosen || setting.state != SettingState::to_change) continue;
            const bool known = std::ranges::find(list, setting.path, &PlannedSetting::path) != list.end();
            if (!known) list.push_back(&setting);
        }
    }
    return list;
}

std::size_t Plan::count(SettingState state) const {
    std::size_t sum = 0;
    for (const PlannedStep& step : steps) {
        if (step.chosen)
            sum += static_cast<std::size_t>(std::ranges::count(step.settings, state, &PlannedSetting::state));
    }
    return sum;
}

bool Plan::needs_backlog() const {
    return std::ranges::any_of(steps, [](const PlannedStep& step) { return step.chosen && step.fix->backlog; });
}

Plan make_plan(core::Cause cause, const core::Kernel& kernel, const PlanChoice& choice, const ReadSysctl& read) {
    const core::CausePage& page = core::page(cause);
    Plan plan{.cause = cause, .kernel = kernel, .kernel_has_cause = core::possible_in(page, kernel.release)};
    for (const core::PageFix* fix : core::fixes_for(page, kernel.release)) {
        PlannedStep step{.fix = fix, .number = static_cast<std::size_t>(fix - page.fixes.data()) + 1};
        step.chosen = is_chosen(*fix, step.number, choice);
        for (const core::PageSetting& setting : fix->settings) {
            step.settings.push_back(plan_setting(setting, kernel, choice, read));
        }
        plan.steps.push_back(std::move(step));
    }
    return plan;
}

std::string complaint(core::Cause cause, const core::Kernel& kernel, const PlanChoice& choice) {
    if (!choice.interface.empty() && !is_interface_name(choice.interface)) {
        return "'" + choice.interface + "' is no single interface";
    }
    const core::CausePage& page = core::page(cause);
    const auto fixes = core::fixes_for(page, kernel.release);
    for (const std::size_t number : choice.steps) {
        const std::string step = "step " + std::to_string(number);
        const core::PageFix* fix = number >= 1 && number <= page.fixes.size() ? &page.fixes[number - 1] : nullptr;
        if (fix == nullptr) return std::string(page.slug) + " has no " + step;
        if (std::ranges::find(fixes, fix) == fixes.end()) return step + " is not for this kernel";
        if (fix->settings.empty() || fix->apply == core::FixApply::never) {
            return step + " is for a person to do, not for --apply";
        }
    }
    return {};
}

std::string drop_in_text(const Plan& plan) {
    std::string text;
    for (const PlannedStep& step : plan.steps) {
        for (const PlannedSetting& setting : step.settings) {
            const bool kept = setting.state == SettingState::to_change || setting.state == SettingState::as_advised;
            if (!step.chosen || !kept) continue;
            text += setting.name + " = " + setting.wanted + '\n';
        }
    }
    if (text.empty()) return text;
    const std::string slug(core::slug(plan.cause));
    return "# Written by synwhy; `synwhy fix " + slug + " --undo` puts back what was here before.\n" + text;
}

}  // namespace synwhy::fix
