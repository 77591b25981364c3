// Which scenarios come with the binary? Generated from scenarios/ by cmake/scenarios.cmake.
#pragma once

#include <span>
#include <string_view>

namespace synwhy::sim {

struct LibraryFile {
    std::string_view path{};  ///< below scenarios/: "nat-recycle.toml", "scripts/accept-queue-full.toml"
    std::string_view text{};
};

/// Sorted by path.
std::span<const LibraryFile> library();

}  // namespace synwhy::sim
