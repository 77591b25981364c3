// Is the printed path of every known kernel what was reviewed?
//
// Golden files lie beside this test, so that a change of the table shows up as a text diff. SYNWHY_UPDATE_GOLDEN=1
// rewrites them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "emit/path_print.hpp"
#include "emit/text.hpp"

namespace synwhy::emit {
namespace {

core::Kernel kernel_of(std::string_view release) { return core::resolve_kernel(release).value(); }

/// Compares, or rewrites the file when asked to.
void expect_golden(const std::string& file, const std::string& text) {
    const std::string path = std::string(SYNWHY_SOURCE_DIR "/tests/paths/") + file;
    const char* update = std::getenv("SYNWHY_UPDATE_GOLDEN");
    if (update != nullptr && std::string_view(update) == "1") {
        std::ofstream(path) << text;
        return;
    }
    std::ifstream in(path);
    ASSERT_TRUE(in) << path << " is missing; make it with SYNWHY_UPDATE_GOLDEN=1";
    std::ostringstream golden;
    golden << in.rdbuf();
    EXPECT_EQ(text, golden.str()) << path << " differs; if that is right, rewrite it with SYNWHY_UPDATE_GOLDEN=1";
}

void expect_80_columns(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        EXPECT_LE(display_width(line), 80U) << line;
        EXPECT_FALSE(line.ends_with(' ')) << '\'' << line << '\'';
    }
}

TEST(PathGolden, EveryKnownKernel) {
    ASSERT_GE(core::known_releases().size(), 14U);
    for (const auto release : core::known_releases()) {
        SCOPED_TRACE(std::string(release));
        const auto text = print_path(kernel_of(release));
        expect_80_columns(text);
        expect_golden(std::string(release) + ".txt", text);
    }
}

TEST(PathGolden, Differences) {
    const std::pair<const char*, const char*> pairs[] = {
        {"4.9", "4.12"}, {"6.12.0", "6.12.19"}, {"3.10.105", "3.10.0-1160.el7"}, {"6.18.16", "6.18.17"}};
    for (const auto& [from, to] : pairs) {
        SCOPED_TRACE(std::string(from) + " -> " + to);
        const auto text = print_path_diff(kernel_of(from), kernel_of(to));
        expect_80_columns(text);
        expect_golden("diff_" + std::string(from) + "_" + to + ".txt", text);
    }
}

TEST(PathDiff, ShowsWhatThePagesPromise) {
    const auto recycle = print_path_diff(kernel_of("4.9"), kernel_of("4.12"));
    for (const char* expected : {"- listen.host-paws", "- TcpExt.PAWSPassive", "- net.ipv4.tcp_tw_recycle",
                                 "- off when tcp_tw_recycle=1", "offset per address pair"}) {
        EXPECT_NE(recycle.find(expected), std::string::npos) << expected << "\n" << recycle;
    }
    const auto queue = print_path_diff(kernel_of("6.12.0"), kernel_of("6.12.19"));
    EXPECT_NE(queue.find("- full at length >= backlog (holds backlog)"), std::string::npos) << queue;
    EXPECT_NE(queue.find("+ full at length > backlog (holds backlog+1)"), std::string::npos) << queue;
}

TEST(PathDiff, IsEmptyBetweenEqualKernels) {
    EXPECT_EQ(print_path_diff(kernel_of("4.9.229"), kernel_of("4.9.100")), "");
}

TEST(PathDiff, IsTheMirrorImageBackwards) {
    const auto forward = print_path_diff(kernel_of("3.10.105"), kernel_of("4.4.178"));
    const auto backward = print_path_diff(kernel_of("4.4.178"), kernel_of("3.10.105"));
    const auto lines_with = [](const std::string& text, std::string_view mark) {
        std::vector<std::string> found;
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with(mark)) found.push_back(line.substr(mark.size()));
        }
        std::ranges::sort(found);
        return found;
    };
    EXPECT_EQ(lines_with(forward, "  + "), lines_with(backward, "  - "));
    EXPECT_EQ(lines_with(forward, "  - "), lines_with(backward, "  + "));
}

}  // namespace
}  // namespace synwhy::emit
