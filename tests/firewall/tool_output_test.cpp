// Does a tool that prints too much, runs too long or fails leave us unharmed?
#include "host/tool_output.hpp"

#include <gtest/gtest.h>

namespace synwhy::host {
namespace {

TEST(RunTool, GivesWhatItPrints) {
    const auto echo = find_tool("echo");
    ASSERT_TRUE(echo);
    const auto text = run_tool(*echo, {"two words", "$HOME;"});
    ASSERT_TRUE(text) << core::to_string(text.error());
    EXPECT_EQ(*text, "two words $HOME;\n");
}

TEST(RunTool, IsBoundedInBytes) {
    const auto text = run_tool(*find_tool("yes"), {}, {100'000, std::chrono::seconds(60)});
    ASSERT_FALSE(text);
    EXPECT_NE(text.error().what.find("more than 100000 bytes"), std::string::npos) << text.error().what;
}

TEST(RunTool, IsBoundedInTime) {
    const auto text = run_tool(*find_tool("sleep"), {"600"}, {100, std::chrono::milliseconds(50)});
    ASSERT_FALSE(text);
    EXPECT_NE(text.error().what.find("within 50 ms"), std::string::npos) << text.error().what;
}

TEST(RunTool, QuotesTheComplaint) {
    const auto text = run_tool(*find_tool("ls"), {"/nowhere\x1b[1m/at all"});
    ASSERT_FALSE(text);
    EXPECT_NE(text.error().what.find("/nowhere"), std::string::npos) << text.error().what;
    EXPECT_EQ(text.error().what.find('\x1b'), std::string::npos);
}

TEST(RunTool, SaysWhatIsMissing) {
    EXPECT_FALSE(find_tool("no-such-tool-anywhere"));
    EXPECT_FALSE(run_tool("/nowhere/tool", {}));
}

}  // namespace
}  // namespace synwhy::host
