// Is a run the same on every build?
//
// runs.txt holds a hash of every shipped scenario's result (JSON and page), each variant apart. The file is the same
// for g++ and clang, -O0 and -O3: a difference between two builds is a difference from it. SYNWHY_UPDATE_GOLDEN=1
// rewrites it when the model or a scenario changed; read the diff of what changed with `synwhy sim NAME` before and
// after.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "emit/sim_html.hpp"
#include "emit/sim_json.hpp"
#include "sim/scenario.hpp"
#include "sim/shipped.hpp"
#include "sim/world.hpp"

namespace synwhy::sim {
namespace {

/// FNV-1a, 64 bit, as hexadecimal.
std::string hash_of(const std::string& text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char byte : text) hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3U;
    std::ostringstream out;
    out << std::hex << hash;
    return out.str();
}

std::string line_of(const std::string& name, const Scenario& scenario) {
    const Result result = run(scenario);
    return name + " " + hash_of(emit::sim_json(result)) + " " + hash_of(emit::sim_html(result)) + "\n";
}

std::string all_runs() {
    std::string lines;
    for (const ShippedScenario& one : shipped_scenarios()) {
        if (one.name == "million") continue;  // its own test, and slow
        const std::string name(one.name);
        const auto scenario = parse_scenario(one.text, name);
        EXPECT_TRUE(scenario) << name;
        if (!scenario) continue;
        lines += line_of(name, *scenario);
        for (const auto& variant : scenario->variants) {
            Scenario changed = *scenario;
            const bool applied = static_cast<bool>(apply_variant(changed, variant.name));
            EXPECT_TRUE(applied) << name << "/" << variant.name;
            if (applied) lines += line_of(name + "/" + variant.name, changed);
        }
    }
    return lines;
}

TEST(Runs, AreTheSameOnEveryBuild) {
    const std::string file = SYNWHY_SOURCE_DIR "/tests/scenarios/runs.txt";
    const std::string runs = all_runs();
    if (std::getenv("SYNWHY_UPDATE_GOLDEN") != nullptr) std::ofstream(file) << runs;
    std::ifstream in(file);
    std::stringstream expected;
    expected << in.rdbuf();
    EXPECT_EQ(runs, expected.str()) << "rewrite with SYNWHY_UPDATE_GOLDEN=1 when a change was meant";
}

}  // namespace
}  // namespace synwhy::sim
