// Does undo put back exactly what was there? On a tree of ordinary files instead of /proc/sys and /etc.
#include "fix/apply.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "fix/state.hpp"
#include "fix/sysctl_tree.hpp"

namespace synwhy {
namespace {

using core::Cause;
using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr const char* kSomaxconn = "proc/sys/net/core/somaxconn";
constexpr const char* kDropIn = "etc/sysctl.d/90-synwhy-accept-queue-full.conf";

class FixApply : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "synwhy-fix-XXXXXX";
        root_ = ::mkdtemp(pattern.data());
        put(kSomaxconn, "128\n");
        fs::create_directories(root_ + "/etc/sysctl.d");
        place_ = {.root = root_, .state = root_ + "/state", .boot = "boot", .name_space = 7};
    }
    void TearDown() override { fs::remove_all(root_); }

    void put(const std::string& name, const std::string& text) {
        fs::create_directories(fs::path(root_ + '/' + name).parent_path());
        std::ofstream(root_ + '/' + name, std::ios::trunc) << text;
    }
    [[nodiscard]] std::string get(const std::string& name) const {
        std::ifstream file(root_ + '/' + name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    /// Every file below the root but the state folder: name, content, mode.
    [[nodiscard]] std::map<std::string, std::string> everything() const {
        std::map<std::string, std::string> files;
        for (const auto& entry : fs::recursive_directory_iterator(root_)) {
            const std::string name = fs::relative(entry.path(), root_).string();
            if (!entry.is_regular_file() || name.starts_with("state")) continue;
            struct stat status{};
            ::stat(entry.path().c_str(), &status);
            files[name] = std::to_string(status.st_mode) + ' ' + fix::tidy_value(get(name));
        }
        return files;
    }
    [[nodiscard]] fix::Plan plan(Cause cause = Cause::accept_queue_full) const {
        const fix::SysctlTree tree(root_);
        return fix::make_plan(cause, core::resolve_kernel("6.1").value(), {},
                              [&](const std::string& path) { return tree.read(path); });
    }
    [[nodiscard]] std::string journal() const { return place_.state + "/accept-queue-full.journal"; }

    std::string root_{};
    fix::Place place_{};
};

TEST_F(FixApply, ApplyAndUndo) {
    const auto before = everything();
    const auto applied = fix::apply(plan(), place_, true);
    ASSERT_TRUE(applied) << core::to_string(applied.error());
    EXPECT_EQ(fix::tidy_value(get(kSomaxconn)), "4096");
    EXPECT_THAT(get(kDropIn), HasSubstr("net.core.somaxconn = 4096\n"));
    EXPECT_TRUE(fs::exists(journal()));
    const auto undone = fix::undo(Cause::accept_queue_full, place_, false);
    ASSERT_TRUE(undone) << core::to_string(undone.error());
    EXPECT_EQ(undone->restored.size(), 1U);
    EXPECT_EQ(everything(), before);
    EXPECT_FALSE(fs::exists(journal()));
}

TEST_F(FixApply, AFileThatWasThereComesBackWithItsRights) {
    put(kDropIn, "# mine\nnet.core.somaxconn = 200\n");
    fs::permissions(root_ + '/' + kDropIn, fs::perms(0640));
    const auto before = everything();
    ASSERT_TRUE(fix::apply(plan(), place_, true));
    EXPECT_NE(everything(), before);
    ASSERT_TRUE(fix::undo(Cause::accept_queue_full, place_, false));
    EXPECT_EQ(everything(), before);
}

TEST_F(FixApply, ASecondApplyKeepsTheFirstOldValue) {
    ASSERT_TRUE(fix::apply(plan(), place_, false));
    put(kSomaxconn, "300\n");  // somebody else, meanwhile
    ASSERT_TRUE(fix::apply(plan(), place_, false));
    const auto third = fix::apply(plan(), place_, false);
    ASSERT_TRUE(third);
    EXPECT_TRUE(third->changed.empty());
    ASSERT_TRUE(fix::undo(Cause::accept_queue_full, place_, false));
    EXPECT_EQ(fix::tidy_value(get(kSomaxconn)), "128");
}

TEST_F(FixApply, NothingToChangeLeavesNoJournal) {
    put(kSomaxconn, "5000\n");
    const auto applied = fix::apply(plan(), place_, true);
    ASSERT_TRUE(applied);
    EXPECT_EQ(applied->journal, "");
    EXPECT_FALSE(fs::exists(journal()));
    EXPECT_FALSE(fs::exists(root_ + '/' + kDropIn));
}

TEST_F(FixApply, UndoWithoutAJournalChangesNothing) {
    const auto before = everything();
    const auto undone = fix::undo(Cause::accept_queue_full, place_, false);
    ASSERT_TRUE(undone);
    EXPECT_FALSE(undone->journal_found);
    EXPECT_EQ(everything(), before);
}

TEST_F(FixApply, AForeignChangeStopsUndoUnlessForced) {
    ASSERT_TRUE(fix::apply(plan(), place_, false));
    put(kSomaxconn, "9000\n");
    const auto refused = fix::undo(Cause::accept_queue_full, place_, false);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().where, "net.core.somaxconn");
    EXPECT_EQ(fix::tidy_value(get(kSomaxconn)), "9000");
    ASSERT_TRUE(fix::undo(Cause::accept_queue_full, place_, true));
    EXPECT_EQ(fix::tidy_value(get(kSomaxconn)), "128");
}

TEST_F(FixApply, ABrokenJournalStopsBothWithItsLine) {
    ASSERT_TRUE(fix::apply(plan(), place_, false));
    std::string text;
    {
        std::ifstream file(journal());
        text.assign(std::istreambuf_iterator<char>(file), {});
    }
    std::ofstream(journal(), std::ios::trunc) << text.substr(0, text.rfind("end"));
    const auto before = everything();
    const auto undone = fix::undo(Cause::accept_queue_full, place_, true);
    ASSERT_FALSE(undone);
    EXPECT_EQ(undone.error().where, journal() + ":6");
    put(kSomaxconn, "128\n");
    const auto applied = fix::apply(plan(), place_, false);
    ASSERT_FALSE(applied);
    EXPECT_THAT(applied.error().where, HasSubstr(".journal:"));
    EXPECT_EQ(fix::tidy_value(get(kSomaxconn)), "128");
    EXPECT_NE(everything(), before);
}

TEST_F(FixApply, AnotherNamespaceIsRefusedWithinOneBoot) {
    ASSERT_TRUE(fix::apply(plan(), place_, false));
    fix::Place other = place_;
    other.name_space = 8;
    EXPECT_FALSE(fix::undo(Cause::accept_queue_full, other, false));
    other.boot = "another boot";
    EXPECT_TRUE(fix::undo(Cause::accept_queue_full, other, false));
}

TEST_F(FixApply, AFolderThatIsNoneIsSeenBeforeAnythingIsChanged) {
    fs::remove_all(root_ + "/etc/sysctl.d");
    std::ofstream(root_ + "/etc/sysctl.d") << "in the way";
    const auto applied = fix::apply(plan(), place_, true);
    ASSERT_FALSE(applied);
    EXPECT_EQ(fix::tidy_value(get(kSomaxconn)), "128");
    EXPECT_FALSE(fs::exists(journal()));
}

TEST_F(FixApply, ASymbolicLinkIsNotFollowed) {
    put("victim", "keep");
    fs::create_symlink(root_ + "/victim", root_ + '/' + kDropIn);
    ASSERT_FALSE(fix::apply(plan(), place_, true));
    EXPECT_EQ(get("victim"), "keep");
    EXPECT_EQ(fix::tidy_value(get(kSomaxconn)), "128");
}

TEST_F(FixApply, OneAtATime) {
    const auto holder = fix::StateFolder::open(place_.state);
    ASSERT_TRUE(holder);
    const auto applied = fix::apply(plan(), place_, false);
    ASSERT_FALSE(applied);
    EXPECT_THAT(applied.error().what, HasSubstr("another synwhy fix"));
    EXPECT_EQ(fix::tidy_value(get(kSomaxconn)), "128");
}

TEST(FixJournal, PrintsAndReads) {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    const fix::Journal journal{.cause = "accept-queue-full",
                               .boot = "id",
                               .name_space = 4026531840,
                               .sysctls = {{"net/core/somaxconn", "1\t2", "4096"}, {"vm/min_free_kbytes", "", "x y"}},
                               .drop_in = fix::DropInEntry{true, bytes, 0644, 12, 34, "new\n"}};
    const auto read = fix::parse_journal(fix::print_journal(journal), "j");
    ASSERT_TRUE(read) << core::to_string(read.error());
    EXPECT_EQ(*read, journal);
}

TEST(FixJournal, WhatIsWrongHasALine) {
    const std::string head = "synwhy fix journal 1\ncause \"rp-filter\"\n";
    const std::map<std::string, std::string> wrong = {
        {"", "j:1"},
        {"hello\n", "j:1"},
        {head, "j:3"},
        {head + "end", "j:3"},
        {head + "sysctl \"kernel/panic\" \"0\" \"1\"\nend\n", "j:3"},
        {head + "sysctl \"net/../../etc/x\" \"0\" \"1\"\nend\n", "j:3"},
        {head + "sysctl \"net/core/somaxconn\" \"0\nend\n", "j:3"},
        {head + "boot \"\\zz\"\nend\n", "j:3"},
        {head + "file was \"x\" 99999 0 0 \"y\"\nend\n", "j:3"},
        {head + "end\nmore\n", "j:4"},
        {"synwhy fix journal 1\ncause \"nonsense\"\nend\n", "j:2"},
        {"synwhy fix journal 1\nend\n", "j:2"},
    };
    for (const auto& [text, place] : wrong) {
        const auto read = fix::parse_journal(text, "j");
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().where, place) << text;
    }
}

}  // namespace
}  // namespace synwhy
