// What would be changed on this host, and what not?
//
// The catalogue's advice for one cause and one kernel, held against the values that are there. A plan is a value: it
// changes nothing. Left out: carrying it out (apply.hpp), its text (emit).
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/catalogue.hpp"
#include "core/error.hpp"
#include "core/kernel.hpp"

namespace synwhy::fix {

enum class SettingState : std::uint8_t {
    to_change,
    as_advised,
    beyond,           ///< better than advised already: left alone
    absent,           ///< this kernel or network namespace has no such sysctl
    unreadable,       ///< `problem` says why
    needs_interface,  ///< the name has an IF, and no interface was given
    not_looked,       ///< the plan is for another host
};

struct PlannedSetting {
    std::string name{};  ///< in dots, the interface filled in
    std::string path{};  ///< below /proc/sys
    std::string now{};
    std::string wanted{};
    SettingState state = SettingState::not_looked;
    std::string problem{};
};

struct PlannedStep {
    const core::PageFix* fix = nullptr;
    std::size_t number = 0;  ///< as `explain` counts them, from 1
    bool chosen = false;     ///< --apply makes it
    std::vector<PlannedSetting> settings{};
};

struct Plan {
    core::Cause cause{};
    core::Kernel kernel{};
    std::vector<PlannedStep> steps{};
    bool kernel_has_cause = true;

    /// Settings of the chosen steps that differ; each path once.
    [[nodiscard]] std::vector<const PlannedSetting*> changes() const;
    /// Settings of the chosen steps in the state.
    [[nodiscard]] std::size_t count(SettingState state) const;
    /// A chosen step is done only with the application's own backlog.
    [[nodiscard]] bool needs_backlog() const;
};

struct PlanChoice {
    std::string interface{};           ///< empty: none given
    std::vector<std::size_t> steps{};  ///< by number; empty: those made by default
};

/// The value of a sysctl by path; nullopt when it does not exist.
using ReadSysctl = std::function<std::expected<std::optional<std::string>, core::Error>(const std::string& path)>;

/// @param read empty: a plan for another host
Plan make_plan(core::Cause cause, const core::Kernel& kernel, const PlanChoice& choice, const ReadSysctl& read);

/// What is wrong with the choice for this cause and kernel, in one sentence; empty when nothing is.
std::string complaint(core::Cause cause, const core::Kernel& kernel, const PlanChoice& choice);

/// The file for /etc/sysctl.d that makes the chosen settings last; empty when there is none to keep.
std::string drop_in_text(const Plan& plan);

}  // namespace synwhy::fix
