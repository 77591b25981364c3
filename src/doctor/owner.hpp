// Why does the process not call accept()?
#pragma once

#include "doctor/chart.hpp"
#include "doctor/examination.hpp"

namespace synwhy::doctor {

/// Adds to the story what the owners of the listener do instead of accepting, and to the fix what ends that.
void add_owner_story(const Chart& chart, const core::Listener& listener, Examination& examination);

}  // namespace synwhy::doctor
