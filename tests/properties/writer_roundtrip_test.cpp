// Properties of the pcapng writer: reading what was written gives the same packets, and writing that again gives the
// same bytes.
#include <gtest/gtest.h>

#include <random>

#include "../unit/capture_bytes.hpp"
#include "capture/pcapng.hpp"
#include "capture/pcapng_writer.hpp"
#include "capture/reader.hpp"

namespace synwhy::capture {
namespace {

using test::Bytes;

class MemorySink final : public ByteSink {
  public:
    std::expected<void, core::Error> write(std::span<const std::uint8_t> bytes) override {
        written.insert(written.end(), bytes.begin(), bytes.end());
        return {};
    }
    Bytes written{};
};

/// A packet with everything that a file keeps of it.
struct Kept {
    std::int64_t time_ns = 0;
    std::uint32_t interface = 0;
    std::uint32_t wire_length = 0;
    core::LinkType link{};
    Bytes data{};
    std::vector<std::string> comments{};

    friend bool operator==(const Kept&, const Kept&) = default;
};

struct File {
    std::vector<std::string> section_comments{};
    std::vector<Interface> interfaces{};
    std::vector<Kept> packets{};
};

std::string random_text(std::mt19937& random, std::size_t most) {
    std::string text(random() % (most + 1), ' ');
    for (auto& character : text) {
        character = static_cast<char>('a' + random() % 26);
    }
    return text;
}

File random_file(std::mt19937& random) {
    File file;
    for (auto count = random() % 3; count > 0; --count) {
        file.section_comments.push_back(random_text(random, 50));
    }
    constexpr std::array kLinks = {core::LinkType::ethernet, core::LinkType::raw, core::LinkType::linux_sll2};
    for (auto count = 1 + random() % 4; count > 0; --count) {
        Interface interface;
        interface.name = random_text(random, 12);
        interface.link = kLinks[random() % kLinks.size()];
        interface.snap_length = static_cast<std::uint32_t>(random());
        file.interfaces.push_back(interface);
    }
    for (auto count = random() % 40; count > 0; --count) {
        Kept packet;
        packet.time_ns = static_cast<std::int64_t>((std::uint64_t{random()} << 31U | random()) >> 1U);
        packet.interface = static_cast<std::uint32_t>(random() % file.interfaces.size());
        packet.link = file.interfaces[packet.interface].link;
        packet.data.resize(random() % 300);
        for (auto& byte : packet.data) {
            byte = static_cast<std::uint8_t>(random());
        }
        packet.wire_length = static_cast<std::uint32_t>(packet.data.size() + random() % 2 * 1000);
        for (auto comments = random() % 3; comments > 0; --comments) {
            packet.comments.push_back(random_text(random, 90));
        }
        file.packets.push_back(std::move(packet));
    }
    return file;
}

Bytes written(const File& file) {
    MemorySink sink;
    PcapngWriter writer(sink);
    writer.section(file.section_comments);
    for (const Interface& interface : file.interfaces) {
        writer.interface(interface);
    }
    for (const Kept& kept : file.packets) {
        Packet packet;
        packet.time_ns = kept.time_ns;
        packet.wire_length = kept.wire_length;
        packet.data = kept.data;
        writer.packet(kept.interface, packet,
                      std::vector<std::string_view>(kept.comments.begin(), kept.comments.end()));
    }
    EXPECT_TRUE(writer.finish());
    return sink.written;
}

File read(const Bytes& bytes) {
    File file;
    auto reader = Reader::from_memory(bytes, "written");
    EXPECT_TRUE(reader);
    for (;;) {
        const auto got = reader->next();
        EXPECT_TRUE(got) << core::to_string(got.error());
        if (!got || !*got) {
            break;
        }
        const Packet& packet = **got;
        Kept kept{packet.time_ns,
                  packet.interface,
                  packet.wire_length,
                  packet.link,
                  Bytes(packet.data.begin(), packet.data.end()),
                  {}};
        for_each_option(packet.options, packet.options_swapped,
                        [&kept](std::uint16_t code, std::span<const std::uint8_t> value) {
                            EXPECT_EQ(code, pcapng::kOptionComment);
                            kept.comments.emplace_back(value.begin(), value.end());
                        });
        file.packets.push_back(std::move(kept));
    }
    file.interfaces = reader->facts().interfaces;
    file.section_comments = reader->facts().section_comments;
    return file;
}

TEST(writer_roundtrip, read_after_write_is_identity_and_write_after_read_too) {
    std::mt19937 random(1);
    for (unsigned round = 0; round < 500; ++round) {
        const File file = random_file(random);
        const Bytes bytes = written(file);
        const File again = read(bytes);
        ASSERT_EQ(again.packets, file.packets) << "round " << round;
        ASSERT_EQ(again.section_comments, file.section_comments) << "round " << round;
        ASSERT_EQ(again.interfaces.size(), file.interfaces.size()) << "round " << round;
        for (std::size_t i = 0; i < file.interfaces.size(); ++i) {
            ASSERT_EQ(again.interfaces[i].name, file.interfaces[i].name);
            ASSERT_EQ(again.interfaces[i].link, file.interfaces[i].link);
            ASSERT_EQ(again.interfaces[i].snap_length, file.interfaces[i].snap_length);
        }
        ASSERT_EQ(written(again), bytes) << "round " << round;
    }
}

TEST(writer_roundtrip, times_before_1970_become_1970) {
    File file;
    file.interfaces.resize(1);
    file.packets.push_back({-5, 0, 0, core::LinkType{}, {}, {}});
    EXPECT_EQ(read(written(file)).packets.at(0).time_ns, 0);
}

}  // namespace
}  // namespace synwhy::capture
