// What does `synwhy fix` tell: the plan, what was changed, whether it helped?
//
// Values in, text or JSON out; schema/fix.schema.json describes the JSON. Left out: changing anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fix/apply.hpp"
#include "fix/plan.hpp"
#include "fix/watch.hpp"

namespace synwhy::emit {

struct FixReport {
    enum class Action : std::uint8_t { plan, apply, undo } action = Action::plan;
    fix::Plan plan{};
    std::optional<fix::Applied> applied{};
    std::optional<fix::Undone> undone{};
    std::vector<fix::WatchedCounter> counters{};
    int watched_s = 0;  ///< before the change, and again after it; 0: not watched

    /// A counter moved after the change.
    [[nodiscard]] bool still_moves() const;
    /// Something of the chosen steps is not as advised.
    [[nodiscard]] bool pending() const;
};

/// The verdict first. At most `width` columns.
std::string fix_text(const FixReport& report, std::size_t width, bool colour);
/// One indented JSON object, ending in a newline.
std::string fix_json(const FixReport& report);
/// The first sentence of both.
std::string fix_verdict(const FixReport& report);

}  // namespace synwhy::emit
