// The annotated capture: same packets, comments added and kept, never half a file, never over an input.
#include "capture/annotate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "capture/reader.hpp"
#include "capture_bytes.hpp"

namespace synwhy::capture {
namespace {

using test::Bytes;
using test::operator+;
using testing::ElementsAre;
using testing::HasSubstr;

class annotate_files : public testing::Test {
  protected:
    annotate_files() {
        std::string name = (std::filesystem::temp_directory_path() / "synwhy-annotate-XXXXXX").string();
        folder_ = mkdtemp(name.data());
    }
    ~annotate_files() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
    [[nodiscard]] std::string file(const std::string& name, const Bytes& bytes) const {
        std::ofstream(path(name), std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return path(name);
    }
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
            all.push_back(entry.path().filename());
        }
        std::ranges::sort(all);
        return all;
    }
    std::string folder_;
};

const test::Order kLittle{false};
const test::Order kBig{true};

Bytes pcapng_input(const test::Order& order) {
    return order.section(order.option(1, test::text("rack 7"))) +
           order.interface(order.option(2, test::text("eth0")) + order.option(9, {9}), 1, 96) +
           order.enhanced(1'000'000'123, test::text("one"), order.option(1, test::text("theirs")), 0, 60) +
           order.section(order.option(1, test::text("later section"))) +
           order.interface(order.option(2, test::text("eth1")), 101) + order.enhanced(3'000'000, test::text("three")) +
           order.interface(order.option(2, test::text("silent")), 113) +
           order.block(5, order.u32(0) + order.u64(0) + order.option(5, order.u64(9)));
}

TEST_F(annotate_files, packets_interfaces_and_all_comments_are_there) {
    for (const auto& order : {kLittle, kBig}) {
        const auto a = file("a", kLittle.pcap_header() + kLittle.pcap_record(2, 5, test::text("two!"), 1500));
        const auto b = file("b", pcapng_input(order));
        const auto counts = annotate({a, b}, path("out"), {{{0, 0}, "refused: accept queue full"}, {{1, 0}, "ours"}});
        ASSERT_TRUE(counts) << core::to_string(counts.error());
        EXPECT_EQ(counts->packets, 3U);
        EXPECT_EQ(counts->comments, 2U);
        EXPECT_EQ(counts->kept_comments, 1U);

        auto reader = Reader::open(path("out"));
        ASSERT_TRUE(reader);
        std::vector<std::string> story;
        while (const auto packet = *reader->next()) {
            story.push_back(std::to_string(packet->time_ns) + " " + reader->facts().interfaces[packet->interface].name +
                            " " + std::string(packet->data.begin(), packet->data.end()) + " " +
                            std::to_string(packet->wire_length));
        }
        EXPECT_THAT(story, ElementsAre("1000000123 eth0 one 60", "2000005000  two! 1500", "3000000000 eth1 three 5"));
        EXPECT_THAT(reader->facts().comments,
                    ElementsAre("rack 7", "theirs", "ours", "refused: accept queue full", "later section"));
        const auto& interfaces = reader->facts().interfaces;
        ASSERT_EQ(interfaces.size(), 4U);
        EXPECT_EQ(interfaces[0].snap_length, 96U);
        EXPECT_EQ(interfaces[2].link, core::LinkType::raw);
        EXPECT_EQ(interfaces[2].dropped, 9U);
        EXPECT_EQ(interfaces[3].name, "silent");
        EXPECT_FALSE(interfaces[3].drop_count_known);
        EXPECT_THAT(names(), ElementsAre("a", "b", "out"));
    }
}

TEST_F(annotate_files, an_input_is_never_overwritten) {
    const auto a = file("a", kLittle.pcap_header());
    std::filesystem::create_hard_link(a, path("link"));
    for (const auto& output : {a, path("link"), folder_ + "/./a"}) {
        const auto counts = annotate({a}, output, {});
        ASSERT_FALSE(counts);
        EXPECT_THAT(counts.error().what, HasSubstr("one of the inputs"));
    }
    EXPECT_EQ(std::filesystem::file_size(a), 24U);
}

TEST_F(annotate_files, standard_input_cannot_be_read_twice) {
    const auto counts = annotate({"-"}, path("out"), {});
    ASSERT_FALSE(counts);
    EXPECT_THAT(counts.error().what, HasSubstr("standard input"));
}

TEST_F(annotate_files, a_broken_input_is_written_up_to_the_break) {
    auto cut =
        kLittle.pcap_header() + kLittle.pcap_record(1, 0, test::text("x")) + kLittle.pcap_record(2, 0, {1, 2, 3});
    cut.pop_back();
    const auto counts = annotate({file("a", cut)}, path("out"), {});
    ASSERT_TRUE(counts);
    EXPECT_EQ(counts->packets, 1U);
    ASSERT_EQ(counts->input_errors.size(), 1U);
    EXPECT_THAT(core::to_string(counts->input_errors[0]), HasSubstr("ends inside a packet record"));
}

TEST_F(annotate_files, a_failure_leaves_the_old_output_and_no_rubbish) {
    const auto out = file("out", test::text("old"));
    EXPECT_FALSE(annotate({path("missing")}, out, {}));
    EXPECT_FALSE(annotate({file("a", kLittle.pcap_header())}, path("nowhere/out"), {}));
    EXPECT_THAT(names(), ElementsAre("a", "out"));
    EXPECT_EQ(std::filesystem::file_size(out), 3U);
}

TEST_F(annotate_files, a_device_is_written_in_place) {
    const auto a = file("a", kLittle.pcap_header() + kLittle.pcap_record(1, 0, test::text("x")));
    EXPECT_TRUE(annotate({a}, "/dev/null", {}));
    EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
    const auto full = annotate({a}, "/dev/full", {});
    ASSERT_FALSE(full);
    EXPECT_THAT(full.error().what, HasSubstr("No space left"));
}

TEST_F(annotate_files, an_endless_comment_is_clipped_between_characters) {
    const auto a = file("a", kLittle.pcap_header() + kLittle.pcap_record(1, 0, test::text("x")));
    std::string comment(65534, 'a');
    comment += "\xc3\xa4 and more";  // the character would end at byte 65536
    ASSERT_TRUE(annotate({a}, path("out"), {{{0, 0}, comment}}));
    auto reader = Reader::open(path("out"));
    ASSERT_TRUE(reader);
    const auto packet = *reader->next();
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->options[2] + 256 * packet->options[3], 65534);
}

}  // namespace
}  // namespace synwhy::capture
