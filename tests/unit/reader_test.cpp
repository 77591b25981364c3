// Captures as bytes: every format, every byte order, every compression, every way to be broken.
#include "capture/reader.hpp"

#include <gtest/gtest.h>
#include <lz4frame.h>
#include <lzma.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <thread>

#include "capture_bytes.hpp"

namespace synwhy::capture {
namespace {

using test::Bytes;
using test::operator+;

/// A packet with its bytes copied out.
struct Copy {
    Packet packet;
    Bytes data;
};

/// Everything a capture gives, and how it ends.
struct Story {
    std::vector<Copy> packets{};
    std::string error{};  // "" for a clean end
    FileFacts facts{};
};

Story drain(std::expected<Reader, core::Error> reader) {
    Story story;
    if (!reader) {
        story.error = core::to_string(reader.error());
        return story;
    }
    for (;;) {
        const auto got = reader->next();
        if (!got) {
            story.error = core::to_string(got.error());
            EXPECT_FALSE(reader->next()->has_value()) << "over means over";
            break;
        }
        if (!*got) {
            break;
        }
        story.packets.push_back({**got, Bytes((*got)->data.begin(), (*got)->data.end())});
    }
    story.facts = reader->facts();
    return story;
}

Story read(const Bytes& file) { return drain(Reader::from_memory(file, "x.pcap")); }

const test::Order kLittle{false};
const test::Order kBig{true};
const Bytes kAbc = test::text("abc");
const Bytes kDefgh = test::text("defgh");

TEST(reader, pcap_in_both_byte_orders_and_resolutions) {
    for (const auto& order : {kLittle, kBig}) {
        for (const std::uint32_t magic : {0xa1b2c3d4U, 0xa1b23c4dU}) {
            const auto story =
                read(order.pcap_header(magic, 0x14000001) +  // FCS length in the upper bits
                     order.pcap_record(1700000000, 999999, kAbc, 1500) + order.pcap_record(1, 2, kDefgh));
            ASSERT_EQ(story.packets.size(), 2U) << story.error;
            const std::int64_t unit = magic == 0xa1b2c3d4U ? 1000 : 1;
            EXPECT_EQ(story.packets[0].packet.time_ns, 1'700'000'000'000'000'000 + 999'999 * unit);
            EXPECT_EQ(story.packets[0].data, kAbc);
            EXPECT_EQ(story.packets[0].packet.wire_length, 1500U);
            EXPECT_EQ(story.packets[0].packet.link, core::LinkType::ethernet);
            EXPECT_EQ(story.packets[0].packet.offset, 24U);
            EXPECT_EQ(story.packets[1].packet.ordinal, 1U);
            EXPECT_EQ(story.packets[1].data, kDefgh);
            EXPECT_EQ(story.facts.format, "pcap");
            EXPECT_EQ(story.facts.packets, 2U);
            EXPECT_EQ(story.facts.cut_packets, 1U);
            EXPECT_EQ(story.facts.backward_steps, 1U);
            EXPECT_EQ(story.error, "");
        }
    }
}

TEST(reader, modified_pcap_records_have_eight_more_bytes) {
    const Bytes record = kLittle.u32(1) + kLittle.u32(2) + kLittle.u32(3) + kLittle.u32(3) + test::zeros(8) + kAbc;
    const auto story = read(kLittle.pcap_header(0xa1b2cd34) + record + record);
    ASSERT_EQ(story.packets.size(), 2U) << story.error;
    EXPECT_EQ(story.packets[1].data, kAbc);
}

TEST(reader, a_cut_pcap_gives_all_whole_packets_and_one_error_with_the_offset) {
    const Bytes file = kLittle.pcap_header() + kLittle.pcap_record(1, 0, kAbc) + kLittle.pcap_record(2, 0, kDefgh);
    for (std::size_t length = 24; length < file.size(); ++length) {
        const auto story = read(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length)));
        const std::size_t whole = length >= 43 ? 1 : 0;
        EXPECT_EQ(story.packets.size(), whole) << length;
        if (length == 24 || length == 43) {
            EXPECT_EQ(story.error, "");
        } else {
            EXPECT_NE(story.error.find("ends inside a packet record"), std::string::npos) << story.error;
            EXPECT_NE(story.error.find("x.pcap: offset " + std::to_string(whole == 1 ? 43 : 24)), std::string::npos);
        }
    }
}

TEST(reader, an_impossible_length_ends_the_file_where_it_stands) {
    const auto story = read(kLittle.pcap_header() + kLittle.pcap_record(1, 0, kAbc) + kLittle.u32(2) + kLittle.u32(0) +
                            kLittle.u32(0x01000001) + kLittle.u32(60) + test::zeros(100));
    EXPECT_EQ(story.packets.size(), 1U);
    EXPECT_EQ(story.error.substr(0, 45), "x.pcap: offset 43: a packet record claims 167");
}

TEST(reader, what_is_no_capture_is_described) {
    EXPECT_NE(read({}).error.find("the file is empty"), std::string::npos);
    EXPECT_NE(read({0xd4}).error.find("first four bytes"), std::string::npos);
    EXPECT_NE(read(test::text("10:00:00 IP a > b: S\nmore")).error.find("text: \"10:00:00 IP a > b: S\""),
              std::string::npos);
    EXPECT_NE(read(test::zeros(100)).error.find("only zero bytes"), std::string::npos);
    EXPECT_NE(read(test::text("BZh91AY&SY")).error.find("bzip2"), std::string::npos);
    EXPECT_NE(read({1, 2, 3, 0xff, 5}).error.find("bytes 01 02 03 ff 05"), std::string::npos);
    EXPECT_NE(read(kLittle.u32(0xa1b2c3d4)).error.find("ends inside the pcap header"), std::string::npos);
    EXPECT_NE(drain(Reader::open("/nonexistent/x.pcap")).error.find("No such file"), std::string::npos);
    EXPECT_NE(drain(Reader::open("/")).error.find("is a directory"), std::string::npos);
}

Bytes small_pcapng(const test::Order& order) {
    const Bytes section_options = order.option(1, test::text("from the rack")) + order.option(0, {});
    const Bytes name = order.option(2, test::text("eth0"));
    const Bytes packet_comment = order.option(1, test::text("odd one")) + order.option(0, {});
    return order.section(section_options) + order.interface(name + order.option(9, {9}) + order.option(0, {})) +
           order.enhanced(1'700'000'000'123'456'789, kAbc, packet_comment, 0, 60) +
           order.block(5, order.u32(0) + order.u64(0) + order.option(4, order.u64(10)) + order.option(5, order.u64(7)) +
                              order.option(0, {}));
}

TEST(reader, pcapng_sections_each_have_their_byte_order_and_interfaces) {
    const Bytes secrets = kBig.block(0x0000000a, test::zeros(40));
    const Bytes unknown = kBig.block(0x80000bad, test::zeros(8));
    const auto story = read(small_pcapng(kLittle) + small_pcapng(kBig) + secrets + unknown + kBig.enhanced(5, kDefgh));
    ASSERT_EQ(story.packets.size(), 3U) << story.error;
    for (const std::size_t i : {0U, 1U}) {
        EXPECT_EQ(story.packets[i].packet.time_ns, 1'700'000'000'123'456'789);
        EXPECT_EQ(story.packets[i].data, kAbc);
        EXPECT_EQ(story.packets[i].packet.interface, i);
        EXPECT_EQ(story.packets[i].packet.wire_length, 60U);
        EXPECT_EQ(story.facts.interfaces[i].name, "eth0");
        EXPECT_EQ(story.facts.interfaces[i].dropped, 7U);
        EXPECT_TRUE(story.facts.interfaces[i].drop_count_known);
    }
    EXPECT_EQ(story.packets[2].packet.time_ns, 5);
    EXPECT_EQ(story.facts.comments, (std::vector<std::string>{"from the rack", "odd one", "from the rack", "odd one"}));
    EXPECT_EQ(story.facts.section_comments, (std::vector<std::string>{"from the rack", "from the rack"}));
    EXPECT_EQ(story.error, "");
}

TEST(reader, pcapng_time_resolutions_and_offsets) {
    const auto time_of = [](const Bytes& options, std::uint64_t units) {
        const auto story = read(kLittle.section() + kLittle.interface(options) + kLittle.enhanced(units, kAbc));
        return story.packets.empty() ? -1 : story.packets[0].packet.time_ns;
    };
    const auto resolution = [](std::uint8_t value) { return kLittle.option(9, {value}); };
    EXPECT_EQ(time_of({}, 1'000'001), 1'000'001'000);  // microseconds unless told
    EXPECT_EQ(time_of(resolution(0), 3), 3'000'000'000);
    EXPECT_EQ(time_of(resolution(9), 3), 3);
    EXPECT_EQ(time_of(resolution(12), 3'999), 3);
    EXPECT_EQ(time_of(resolution(0x80 | 32), (7ULL << 32U) + (1ULL << 31U)), 7'500'000'000);
    EXPECT_EQ(time_of(resolution(0x80), 7), 7'000'000'000);
    EXPECT_EQ(time_of(resolution(0xff), ~0ULL), 0);
    EXPECT_EQ(time_of(resolution(127), ~0ULL), 0);
    EXPECT_EQ(time_of(kLittle.option(14, kLittle.u64(100)), 1'000'000), 101'000'000'000);
    EXPECT_EQ(time_of(kLittle.option(14, kLittle.u64(~0ULL)), 0), -1'000'000'000);
    EXPECT_EQ(time_of(resolution(0), ~0ULL), INT64_MAX);  // saturates, never wraps
    EXPECT_EQ(time_of(kLittle.option(14, kLittle.u64(1ULL << 63U)), 0), INT64_MIN);
}

TEST(reader, pcapng_simple_and_obsolete_packets) {
    const Bytes simple = kLittle.block(3, kLittle.u32(5) + kDefgh);
    const Bytes cut_simple = kLittle.block(3, kLittle.u32(1500) + test::zeros(8));
    const Bytes obsolete = kLittle.block(
        2, kLittle.u16(0) + kLittle.u16(3) + kLittle.u32(0) + kLittle.u32(8) + kLittle.u32(3) + kLittle.u32(40) + kAbc);
    const auto story = read(kLittle.section() + kLittle.interface({}, 101, 8) + obsolete + simple + cut_simple);
    ASSERT_EQ(story.packets.size(), 3U) << story.error;
    EXPECT_EQ(story.packets[0].data, kAbc);
    EXPECT_EQ(story.packets[0].packet.wire_length, 40U);
    EXPECT_EQ(story.packets[0].packet.time_ns, 8000);
    EXPECT_EQ(story.packets[1].data, kDefgh);
    EXPECT_EQ(story.packets[1].packet.time_ns, 8000);  // a simple packet has no time: the last one known
    EXPECT_EQ(story.packets[2].data.size(), 8U);
    EXPECT_EQ(story.packets[2].packet.wire_length, 1500U);
    EXPECT_EQ(story.packets[2].packet.link, core::LinkType::raw);
}

TEST(reader, broken_pcapng_blocks_end_the_file) {
    const Bytes start = kLittle.section() + kLittle.interface() + kLittle.enhanced(1, kAbc);
    auto lying = kLittle.enhanced(2, kDefgh);
    lying[lying.size() - 4] ^= 4U;
    auto greedy = kLittle.enhanced(2, kDefgh);
    greedy[20] = 200;
    const std::vector<std::pair<Bytes, std::string>> rows = {
        {lying, "two lengths differ"},
        {greedy, "claims 200 captured bytes and has room for 8"},
        {kLittle.enhanced(2, kDefgh, {}, 1), "names interface 1, but 1 were described"},
        {kLittle.u32(6) + kLittle.u32(8) + test::zeros(20), "claims a length of 8"},
        {kLittle.u32(6) + kLittle.u32(33) + test::zeros(33), "claims a length of 33"},
        {kLittle.u32(6) + kLittle.u32(0x40000000) + test::zeros(33), "claims a length of 1073741824"},
        {kLittle.u32(99) + kLittle.u32(0x40000000) + test::zeros(33), "ends inside a block"},
        {kLittle.block(6, test::zeros(8)), "packet block is too short"},
        {kLittle.block(1, test::zeros(4)), "interface description is too short"},
        {kLittle.block(0x0a0d0d0a, test::zeros(16)), "no byte-order magic"},
        {kLittle.section() + kLittle.block(3, kLittle.u32(1) + kAbc), "without length or interface"},
        {Bytes{1, 2, 3}, "ends inside a block header"},
    };
    for (const auto& [bytes, expected] : rows) {
        const auto story = read(start + bytes);
        EXPECT_EQ(story.packets.size(), 1U) << expected;
        EXPECT_NE(story.error.find(expected), std::string::npos) << story.error;
        EXPECT_NE(story.error.find("offset "), std::string::npos) << story.error;
    }
}

TEST(reader, interfaces_and_comments_are_bounded) {
    Bytes file = kLittle.section();
    for (std::size_t i = 0; i <= kMaxInterfaces; ++i) {
        file = std::move(file) + kLittle.interface();
    }
    EXPECT_NE(read(file).error.find("more than 4096 interfaces"), std::string::npos);
    file = kLittle.section() + kLittle.interface();
    for (std::size_t i = 0; i < kMaxComments + 10; ++i) {
        file = std::move(file) + kLittle.enhanced(i, kAbc, kLittle.option(1, Bytes(5000, 'x')));
    }
    const auto story = read(file);
    EXPECT_EQ(story.packets.size(), kMaxComments + 10);
    EXPECT_EQ(story.facts.comments.size(), kMaxComments);
    EXPECT_EQ(story.facts.comments.back().size(), kMaxCommentBytes);
}

// ------------------------------------------------------------------------------------------------- compression

Bytes gzip(const Bytes& plain) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    Bytes packed(deflateBound(&stream, plain.size()) + 32);
    stream.next_in = const_cast<Bytef*>(plain.data());
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = packed.data();
    stream.avail_out = static_cast<uInt>(packed.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

Bytes zstd(const Bytes& plain) {
    Bytes packed(ZSTD_compressBound(plain.size()));
    packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 1));
    return packed;
}

Bytes lz4(const Bytes& plain) {
    LZ4F_preferences_t preferences{};
    preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    Bytes packed(LZ4F_compressFrameBound(plain.size(), &preferences));
    packed.resize(LZ4F_compressFrame(packed.data(), packed.size(), plain.data(), plain.size(), &preferences));
    return packed;
}

Bytes xz(const Bytes& plain) {
    Bytes packed(lzma_stream_buffer_bound(plain.size()));
    std::size_t length = 0;
    EXPECT_EQ(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, nullptr, plain.data(), plain.size(), packed.data(), &length,
                                      packed.size()),
              LZMA_OK);
    packed.resize(length);
    return packed;
}

struct Packer {
    const char* name;
    Bytes (*pack)(const Bytes&);
};
constexpr std::array kPackers = {Packer{"gzip", gzip}, Packer{"zstd", zstd}, Packer{"lz4", lz4}, Packer{"xz", xz}};

/// Large enough to need several refills and hard to compress.
Bytes large_pcap(std::size_t packets) {
    Bytes file = kLittle.pcap_header();
    std::uint32_t noise = 1;
    for (std::size_t i = 0; i < packets; ++i) {
        Bytes data(100 + i % 1400);
        for (auto& byte : data) {
            noise = noise * 1664525U + 1013904223U;
            byte = static_cast<std::uint8_t>(noise >> 28U);
        }
        file = std::move(file) + kLittle.pcap_record(static_cast<std::uint32_t>(i), 0, data);
    }
    return file;
}

TEST(reader, every_compression_gives_the_same_packets) {
    const Bytes plain = large_pcap(2000);
    const auto expected = read(plain);
    ASSERT_EQ(expected.packets.size(), 2000U);
    const auto half = static_cast<std::ptrdiff_t>(plain.size() / 2);
    for (const auto& packer : kPackers) {
        const Bytes two_members =
            packer.pack({plain.begin(), plain.begin() + half}) + packer.pack({plain.begin() + half, plain.end()});
        for (const Bytes& packed : {packer.pack(plain), two_members}) {
            const auto story = read(packed);
            EXPECT_EQ(story.error, "") << packer.name;
            EXPECT_EQ(story.facts.compression, packer.name);
            EXPECT_EQ(story.facts.bytes_read, packed.size());
            ASSERT_EQ(story.packets.size(), expected.packets.size()) << packer.name;
            for (std::size_t i = 0; i < expected.packets.size(); ++i) {
                ASSERT_EQ(story.packets[i].data, expected.packets[i].data) << packer.name << " packet " << i;
            }
        }
    }
}

TEST(reader, a_cut_compressed_capture_gives_what_could_be_unpacked) {
    const Bytes plain = large_pcap(2000);
    for (const auto& packer : kPackers) {
        Bytes packed = packer.pack(plain);
        packed.resize(packed.size() / 2);
        const auto story = read(packed);
        EXPECT_GT(story.packets.size(), 100U) << packer.name;
        EXPECT_LT(story.packets.size(), 2000U) << packer.name;
        EXPECT_NE(story.error.find(std::string(packer.name) + ": the compressed stream ends too early"),
                  std::string::npos)
            << story.error;
        EXPECT_NE(story.error.find("offset " + std::to_string(packed.size()) + " (compressed)"), std::string::npos)
            << story.error;
    }
}

TEST(reader, a_corrupt_compressed_capture_gives_what_came_before) {
    const Bytes plain = large_pcap(2000);
    for (const auto& packer : kPackers) {
        Bytes packed = packer.pack(plain) + packer.pack(plain);
        for (std::size_t at = packed.size() / 2 + 1; at < packed.size(); ++at) {
            packed[at] = 0xff;
        }
        const auto story = read(packed);
        EXPECT_GE(story.packets.size(), 1900U) << packer.name;
        EXPECT_NE(story.error.find("(compressed)"), std::string::npos) << story.error;
    }
}

TEST(reader, zero_padding_behind_gzip_is_no_error) {
    const auto story = read(gzip(kLittle.pcap_header() + kLittle.pcap_record(1, 0, kAbc)) + test::zeros(512));
    EXPECT_EQ(story.packets.size(), 1U);
    EXPECT_EQ(story.error, "");
}

TEST(reader, an_oversized_zstd_window_is_refused_with_advice) {
    Bytes packed(1000);
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 29);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    const Bytes plain = kLittle.pcap_header();
    ZSTD_inBuffer in{plain.data(), plain.size(), 0};
    ZSTD_outBuffer out{packed.data(), packed.size(), 0};
    ZSTD_compressStream2(context, &out, &in, ZSTD_e_continue);
    ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
    ZSTD_freeCCtx(context);
    packed.resize(out.pos);
    const auto story = read(packed);
    EXPECT_NE(story.error.find("--long=31"), std::string::npos) << story.error;
}

// ------------------------------------------------------------------------------------------------------- pipes

TEST(reader, a_pipe_that_delivers_byte_by_byte) {
    const Bytes file = kLittle.pcap_header() + kLittle.pcap_record(1, 0, kAbc) + kLittle.pcap_record(2, 0, kDefgh);
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    std::thread writer([&file, fd = ends[1]] {
        for (const std::uint8_t byte : file) {
            ASSERT_EQ(write(fd, &byte, 1), 1);
        }
        close(fd);
    });
    const auto story = drain(Reader::from_descriptor(ends[0], "-"));
    writer.join();
    EXPECT_EQ(story.packets.size(), 2U);
    EXPECT_EQ(story.error, "");
    EXPECT_EQ(story.facts.file_size, 0U);
    EXPECT_EQ(story.facts.bytes_read, file.size());
}

TEST(reader, a_packet_is_handed_out_before_the_next_one_arrives) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    const Bytes first = kLittle.pcap_header() + kLittle.pcap_record(1, 0, kAbc);
    ASSERT_EQ(write(ends[1], first.data(), first.size()), static_cast<ssize_t>(first.size()));
    auto reader = Reader::from_descriptor(ends[0], "-");
    ASSERT_TRUE(reader);
    const auto got = reader->next();  // the writer is still open: this must not wait for more
    ASSERT_TRUE(got && *got);
    EXPECT_EQ((*got)->data.size(), 3U);
    close(ends[1]);
    EXPECT_FALSE(reader->next()->has_value());
}

TEST(reader, a_packet_larger_than_the_buffer) {
    const Bytes data(1'000'000, 0x5a);
    const auto story = read(kLittle.pcap_header() + kLittle.pcap_record(1, 0, kAbc) + kLittle.pcap_record(2, 0, data) +
                            kLittle.pcap_record(3, 0, kDefgh));
    ASSERT_EQ(story.packets.size(), 3U) << story.error;
    EXPECT_EQ(story.packets[1].data, data);
    EXPECT_EQ(story.packets[2].data, kDefgh);
    EXPECT_EQ(story.packets[2].packet.offset, 24U + 19 + 1'000'016);
}

}  // namespace
}  // namespace synwhy::capture
