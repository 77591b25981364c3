// Which segment did a step inject?
#pragma once

#include <optional>

#include "core/packet.hpp"
#include "model/server.hpp"
#include "truth/recording.hpp"

namespace synwhy::truth {

struct Injection {
    core::Segment segment{};
    model::Arrival arrival{};
};

/// From what the harness decoded, and what the line says was wrong on purpose. nullopt when the step injected nothing
/// that the model can take (fragments, other protocols).
std::optional<Injection> injection_of(const Step& step);

}  // namespace synwhy::truth
