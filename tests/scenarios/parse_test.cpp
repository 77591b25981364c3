// Does a scenario file say what it means, and does every mistake in one get a place and a remedy?
#include <gtest/gtest.h>

#include "sim/fields.hpp"
#include "sim/scenario.hpp"
#include "sim/shipped.hpp"

namespace synwhy::sim {
namespace {

constexpr std::string_view kSmall = R"(title = "small"
duration = "10 s"
[server]
kernel = "4.9"
[[server.listener]]
port = 80
[[clients]]
arrivals = "1 s"
)";

std::string error_of(std::string text) {
    const auto scenario = parse_scenario(text, "dir/x.toml");
    return scenario ? "no error" : core::to_string(scenario.error());
}

std::string with(std::string_view line) { return std::string(kSmall) + std::string(line) + "\n"; }

TEST(Parse, SmallScenarioHasDefaults) {
    const auto scenario = parse_scenario(kSmall, "dir/small.toml");
    ASSERT_TRUE(scenario) << core::to_string(scenario.error());
    EXPECT_EQ(scenario->name, "small");
    EXPECT_EQ(scenario->duration_ns, 10'000'000'000);
    ASSERT_EQ(scenario->servers.size(), 1U);
    EXPECT_EQ(core::to_string(scenario->servers[0].address), "10.0.0.1");
    ASSERT_EQ(scenario->clients.size(), 1U);
    EXPECT_EQ(scenario->clients[0].server, "server");
    EXPECT_EQ(scenario->links.size(), 1U);
}

TEST(Parse, ScriptKeepsTextsAndPlaces) {
    const auto scenario = parse_scenario("title = \"s\"\n[script]\nsteps = [\n  \"one\",\n  \"two\",\n]\n", "s.toml");
    ASSERT_TRUE(scenario) << core::to_string(scenario.error());
    ASSERT_EQ(scenario->script.size(), 2U);
    EXPECT_EQ(scenario->script[1].text, "two");
    EXPECT_EQ(scenario->script[1].line, 5);
    EXPECT_EQ(scenario->script[1].column, 4);
}

TEST(Parse, MistakesHaveAPlace) {
    EXPECT_EQ(error_of(with("arival = \"1 s\"")), "dir/x.toml:9:1: unknown key 'arival' (did you mean 'arrivals'?)");
    EXPECT_EQ(error_of(with("count = 0")), "dir/x.toml:9:9: 'count' must be a whole number from 1 to 10000000");
    EXPECT_EQ(error_of(with("patience = \"7 parsecs\"")),
              "dir/x.toml:9:12: a duration is needed here (for example \"250 ms\"; units ns us ms s min h d)");
    EXPECT_EQ(error_of(with("server = \"other\"")), "dir/x.toml:7:1: there is no server named 'other'");
    EXPECT_EQ(error_of(with("gateway = \"nat\"")), "dir/x.toml:7:1: there is no gateway named 'nat'");
    EXPECT_EQ(error_of(with("sysctl = { \"net.ipv4.tcp_tw_recycle\" = 1 }")),
              "dir/x.toml:9:12: net.ipv4.tcp_tw_recycle does not exist in Linux 6.1");
    EXPECT_EQ(error_of(with("sysctl = { \"vm.swappiness\" = 1 }")),
              "dir/x.toml:9:12: vm.swappiness is not simulated (nothing here depends on it)");
    EXPECT_TRUE(error_of(with("= 3")).starts_with("dir/x.toml:9:1: "));
    EXPECT_TRUE(error_of("title = \"empty\"").ends_with("(add [[clients]], [[flood]] or [script])"));
    EXPECT_TRUE(error_of(with("arrivals_of = \"nobody\"")).find("\"client\" or \"group\"") != std::string::npos);
    EXPECT_TRUE(error_of(with("think = { uniform = [\"2 s\", \"1 s\"] }")).find("end is before its start") !=
                std::string::npos);
    EXPECT_EQ(error_of(std::string(kMaxScenarioBytes + 1, ' ')),
              "dir/x.toml: is larger than 1 MiB, which no scenario needs");
}

TEST(Parse, Durations) {
    EXPECT_EQ(parse_duration("250 ms"), 250'000'000);
    EXPECT_EQ(parse_duration("1.5s"), 1'500'000'000);
    EXPECT_EQ(parse_duration("1.5 min"), 90'000'000'000);
    EXPECT_EQ(parse_duration("0.25 us"), 250);
    EXPECT_EQ(parse_duration("2 d"), 172'800'000'000'000);
    for (const char* bad : {"", "s", "-1 s", "1", "1.", "1. s", "1 S", "99999999999 d", "1  s", "1 s ", ".5 s"}) {
        EXPECT_FALSE(parse_duration(bad)) << bad;
    }
}

TEST(Parse, VariantsChangeWhatTheySay) {
    auto scenario = parse_scenario(with("[[variant]]\nname = \"new\"\nkernel = \"6.1\"\nbacklog = 7"), "x.toml");
    ASSERT_TRUE(scenario) << core::to_string(scenario.error());
    EXPECT_FALSE(apply_variant(*scenario, "newer"));
    ASSERT_TRUE(apply_variant(*scenario, "new"));
    EXPECT_EQ(scenario->servers[0].kernel, "6.1");
    EXPECT_EQ(scenario->servers[0].listeners[0].backlog, 7);
    EXPECT_EQ(scenario->name, "x/new");
}

TEST(Parse, ShippedScenariosAreComplete) {
    EXPECT_GE(shipped_scenarios().size(), 10U);
    for (const ShippedScenario& shipped : shipped_scenarios()) {
        SCOPED_TRACE(shipped.name);
        const auto scenario = parse_scenario(shipped.text, shipped.name);
        ASSERT_TRUE(scenario) << core::to_string(scenario.error());
        EXPECT_FALSE(scenario->title.empty());
        EXPECT_FALSE(scenario->description.empty());
        for (const VariantPlan& variant : scenario->variants) EXPECT_FALSE(variant.title.empty()) << variant.name;
    }
}

}  // namespace
}  // namespace synwhy::sim
