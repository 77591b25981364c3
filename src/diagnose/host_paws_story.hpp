// Whose timestamp locked out whom, and for how long?
#pragma once

#include "diagnose/stories.hpp"

namespace synwhy::diagnose {

std::vector<std::string> host_paws_evidence(const StoryContext& context, const Refusals& refusals);
std::vector<std::string> host_paws_story(const StoryContext& context, const Refusals& refusals);

}  // namespace synwhy::diagnose
