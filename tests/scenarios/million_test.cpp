// Does memory stay bounded with a million clients? Slow: about ten seconds.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdio>

#include "sim/scenario.hpp"
#include "sim/shipped.hpp"
#include "sim/world.hpp"

namespace synwhy::sim {
namespace {

TEST(Million, MemoryStaysBounded) {
    for (const ShippedScenario& shipped : shipped_scenarios()) {
        if (shipped.name != "million") continue;
        const auto scenario = parse_scenario(shipped.text, shipped.name);
        ASSERT_TRUE(scenario);
        const Result result = run(*scenario);
        rusage usage{};
        ::getrusage(RUSAGE_SELF, &usage);
        std::printf("%llu events, %zu bytes by own count, peak %ld KiB of the process\n",
                    static_cast<unsigned long long>(result.events), result.most_bytes, usage.ru_maxrss);
        EXPECT_GT(result.groups.at(0).seen, 400'000U);
        EXPECT_EQ(result.attempts.hindered, 0U);
        EXPECT_LT(usage.ru_maxrss, 512 * 1024) << "KiB; sanitizers need several times as much as a release";
        return;
    }
    FAIL() << "no scenario 'million'";
}

}  // namespace
}  // namespace synwhy::sim
