// Can a scenario file hurt us? Reading only: what a scenario asks for may take its time, and that is stated.
//
// An error must have its place; what parses must know its variants.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sim/scenario.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synwhy::sim;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto scenario = parse_scenario(text, "input");
    if (!scenario) {
        if (!scenario.error().where.starts_with("input")) std::abort();
        return 0;
    }
    for (const auto& variant : scenario->variants) {
        auto changed = *scenario;
        if (!apply_variant(changed, variant.name)) std::abort();
    }
    return 0;
}
