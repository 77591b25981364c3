// The JSON of `synwhy fix`; see fix_report.hpp.
#include <nlohmann/json.hpp>

#include "core/catalogue.hpp"
#include "emit/fix_report.hpp"
#include "fix/sysctl_tree.hpp"

namespace synwhy::emit {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(fix::SettingState state) {
    switch (state) {
        case fix::SettingState::to_change: return "to-change";
        case fix::SettingState::as_advised: return "as-advised";
        case fix::SettingState::beyond: return "beyond";
        case fix::SettingState::absent: return "absent";
        case fix::SettingState::unreadable: return "unreadable";
        case fix::SettingState::needs_interface: return "needs-interface";
        case fix::SettingState::not_looked: return "not-looked";
    }
    return "";
}

const char* name_of(core::FixApply apply) {
    switch (apply) {
        case core::FixApply::by_default: return "default";
        case core::FixApply::asked: return "asked";
        case core::FixApply::never: return "never";
    }
    return "";
}

const char* name_of(FixReport::Action action) {
    switch (action) {
        case FixReport::Action::plan: return "plan";
        case FixReport::Action::apply: return "apply";
        case FixReport::Action::undo: return "undo";
    }
    return "";
}

Json entries(const std::vector<fix::SysctlEntry>& list) {
    Json json = Json::array();
    for (const fix::SysctlEntry& entry : list) {
        json.push_back({{"name", fix::sysctl_name(entry.path)}, {"old", entry.old_value}, {"new", entry.new_value}});
    }
    return json;
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json steps_of(const fix::Plan& plan) {
    Json list = Json::array();
    for (const fix::PlannedStep& step : plan.steps) {
        Json settings = Json::array();
        for (const fix::PlannedSetting& setting : step.settings) {
            settings.push_back({{"name", setting.name},
                                {"now", text_or_null(setting.now)},
                                {"wanted", setting.wanted},
                                {"state", name_of(setting.state)},
                                {"problem", text_or_null(setting.problem)}});
        }
        list.push_back({{"number", step.number},
                        {"says", step.fix->says},
                        {"command", step.fix->command},
                        {"risk", step.fix->risk},
                        {"kernels", step.fix->kernels},
                        {"apply", name_of(step.fix->apply)},
                        {"chosen", step.chosen},
                        {"needs_backlog", step.fix->backlog},
                        {"settings", settings}});
    }
    return list;
}

Json backlogs() {
    Json list = Json::array();
    for (const core::ListenBacklog& entry : core::listen_backlogs()) {
        list.push_back(
            {{"server", entry.server}, {"setting", entry.setting}, {"usual", entry.usual}, {"applies", entry.applies}});
    }
    return list;
}

}  // namespace

std::string fix_json(const FixReport& report) {
    Json json = {{"v", 1},
                 {"tool", "synwhy"},
                 {"type", "fix"},
                 {"verdict", fix_verdict(report)},
                 {"cause", core::slug(report.plan.cause)},
                 {"kernel", report.plan.kernel.release.text},
                 {"kernel_has_cause", report.plan.kernel_has_cause},
                 {"action", name_of(report.action)},
                 {"pending", report.pending()},
                 {"steps", steps_of(report.plan)},
                 {"backlogs", report.plan.needs_backlog() ? backlogs() : Json::array()},
                 {"applied", nullptr},
                 {"undone", nullptr},
                 {"watched_s", report.watched_s},
                 {"counters", Json::array()}};
    if (report.applied) {
        json["applied"] = {{"changed", entries(report.applied->changed)},
                           {"drop_in", text_or_null(report.applied->drop_in)},
                           {"drop_in_written", report.applied->drop_in_written},
                           {"journal", text_or_null(report.applied->journal)}};
    }
    if (report.undone) {
        json["undone"] = {
            {"journal_found", report.undone->journal_found},       {"restored", entries(report.undone->restored)},
            {"already_old", entries(report.undone->already_old)},  {"gone", entries(report.undone->gone)},
            {"drop_in_restored", report.undone->drop_in_restored}, {"drop_in", text_or_null(report.undone->drop_in)}};
    }
    for (const fix::WatchedCounter& counter : report.counters) {
        json["counters"].push_back({{"name", counter.name}, {"before", counter.before}, {"after", counter.after}});
    }
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace synwhy::emit
