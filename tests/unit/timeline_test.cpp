// Several files as one time line: order, ties, broken files, rotated captures, batches.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "capture/reader.hpp"
#include "capture_bytes.hpp"

namespace synwhy::capture {
namespace {

using test::Bytes;
using test::operator+;

/// Files that live as long as the test.
class timeline : public testing::Test {
  protected:
    timeline() {
        std::string name = (std::filesystem::temp_directory_path() / "synwhy-timeline-XXXXXX").string();
        folder_ = mkdtemp(name.data());
    }
    ~timeline() override { std::filesystem::remove_all(folder_); }

    std::string file(const std::string& name, const Bytes& bytes) {
        const std::string path = folder_ + "/" + name;
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return path;
    }
    std::string folder_;
};

const test::Order kOrder{};

/// A capture of one-byte packets at the given seconds.
Bytes capture(std::initializer_list<std::uint32_t> seconds) {
    Bytes bytes = kOrder.pcap_header();
    for (const auto second : seconds) {
        bytes = std::move(bytes) + kOrder.pcap_record(second, 0, {static_cast<std::uint8_t>(second)});
    }
    return bytes;
}

/// "1a 2b": second and file of each packet.
std::string order_of(TimeLine& line) {
    std::string story;
    while (const auto packet = line.next()) {
        story += (story.empty() ? "" : " ") + std::to_string(packet->time_ns / 1'000'000'000) +
                 static_cast<char>('a' + packet->file);
        EXPECT_EQ(packet->data[0], static_cast<std::uint8_t>(packet->time_ns / 1'000'000'000))
            << "data of another packet";
    }
    EXPECT_FALSE(line.next()) << "over means over";
    return story;
}

std::string order_of(const std::vector<std::string>& paths) {
    auto line = TimeLine::open(paths);
    return line ? order_of(*line) : core::to_string(line.error());
}

TEST_F(timeline, merges_by_time_and_keeps_the_file_order_for_equal_times) {
    const auto a = file("a", capture({1, 3, 5, 5}));
    const auto b = file("b", capture({2, 3, 3, 5}));
    const auto c = file("c", capture({0, 9}));
    EXPECT_EQ(order_of({a, b, c}), "0c 1a 2b 3a 3b 3b 5a 5a 5b 9c");
    EXPECT_EQ(order_of({a}), "1a 3a 5a 5a");
}

TEST_F(timeline, an_unsorted_file_keeps_its_own_order) {
    EXPECT_EQ(order_of({file("a", capture({5, 1, 6})), file("b", capture({2, 7}))}), "2b 5a 1a 6a 7b");
}

TEST_F(timeline, a_broken_file_ends_alone) {
    auto cut = capture({1, 4});
    cut.pop_back();
    auto line = TimeLine::open({file("a", cut), folder_ + "/missing", file("b", capture({2, 6})), file("c", {})});
    ASSERT_TRUE(line);
    EXPECT_EQ(line->errors().size(), 2U);  // the missing and the empty file are known at once
    EXPECT_EQ(order_of(*line), "1a 2c 6c");
    ASSERT_EQ(line->errors().size(), 3U);
    EXPECT_NE(core::to_string(line->errors()[2]).find("a: offset 41: the file ends inside"), std::string::npos);
    const auto facts = line->facts();
    ASSERT_EQ(facts.size(), 4U);
    EXPECT_EQ(facts[0].packets, 1U);
    EXPECT_EQ(facts[1].name, folder_ + "/missing");
    EXPECT_EQ(facts[2].packets, 2U);
}

TEST_F(timeline, nothing_readable_is_an_error) {
    EXPECT_NE(order_of({folder_ + "/x", folder_ + "/y"}).find("/x: cannot open"), std::string::npos);
    EXPECT_FALSE(TimeLine::open({}));
}

TEST_F(timeline, hundreds_of_rotated_files_need_few_descriptors) {
    std::vector<std::string> paths;
    std::string expected;
    for (std::uint32_t i = 0; i < 200; ++i) {
        paths.push_back(file("rotated" + std::to_string(i), capture({i, i + 1})));
    }
    auto line = TimeLine::open(paths);
    ASSERT_TRUE(line);
    const auto open_descriptors = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    EXPECT_LT(open_descriptors(), 50);
    std::int64_t last = 0;
    std::size_t count = 0;
    while (const auto packet = line->next()) {
        EXPECT_GE(packet->time_ns, last);
        EXPECT_EQ(packet->ordinal + packet->file, static_cast<std::uint64_t>(packet->time_ns / 1'000'000'000));
        last = packet->time_ns;
        ++count;
        EXPECT_LT(open_descriptors(), 50);
    }
    EXPECT_EQ(count, 400U);
    for (const auto& facts : line->facts()) {
        EXPECT_EQ(facts.packets, 2U);
        EXPECT_EQ(facts.bytes_read, facts.file_size);
    }
    EXPECT_EQ(line->progress(), 1.0);
}

TEST_F(timeline, progress_grows_to_one) {
    auto line = TimeLine::open({file("a", capture({1, 2})), file("b", capture({3}))});
    ASSERT_TRUE(line);
    while (line->next()) {
        ASSERT_TRUE(line->progress());
        EXPECT_LE(*line->progress(), 1.0);
    }
    EXPECT_EQ(line->progress(), 1.0);
}

TEST_F(timeline, a_batch_holds_the_same_packets_in_the_same_order) {
    Bytes pcap = kOrder.pcap_header();
    Bytes pcapng = kOrder.section() + kOrder.interface();
    for (std::uint32_t i = 0; i < 5000; ++i) {
        const Bytes data(1 + i % 300, static_cast<std::uint8_t>(i));
        pcap = std::move(pcap) + kOrder.pcap_record(i, 0, data);
        pcapng =
            std::move(pcapng) + kOrder.enhanced(i * 1'000'000ULL, data, i % 7 == 0 ? kOrder.option(1, {'x'}) : Bytes{});
    }
    pcap.pop_back();
    pcapng.pop_back();
    const auto a = file("a", pcap);
    const auto b = file("b", pcapng);
    for (const std::vector<std::string>& paths : {std::vector{a}, std::vector{b}, std::vector{a, b}}) {
        auto one = TimeLine::open(paths);
        auto many = TimeLine::open(paths);
        std::array<Packet, 13> batch;
        std::size_t count = 0;
        while (const std::size_t filled = many->next(batch)) {
            for (std::size_t i = 0; i < filled; ++i, ++count) {
                const auto expected = one->next();
                ASSERT_TRUE(expected);
                ASSERT_EQ(batch[i].ordinal, expected->ordinal);
                ASSERT_EQ(batch[i].time_ns, expected->time_ns);
                ASSERT_EQ(batch[i].file, expected->file);
                ASSERT_EQ(batch[i].offset, expected->offset);
                ASSERT_EQ(batch[i].options.size(), expected->options.size());
                ASSERT_TRUE(std::ranges::equal(batch[i].data, expected->data));
            }
        }
        EXPECT_FALSE(one->next());
        EXPECT_EQ(count, 4999 * paths.size());
        EXPECT_EQ(many->errors().size(), paths.size());
        EXPECT_EQ(one->facts()[0].packets, many->facts()[0].packets);
        EXPECT_EQ(one->facts()[0].comments, many->facts()[0].comments);
    }
}

}  // namespace
}  // namespace synwhy::capture
