// Which packets does a capture hold?
//
// pcap (both byte orders, microseconds and nanoseconds) and pcapng (all blocks, several sections and interfaces),
// from files, stdin and pipes, plain or gzip, zstd, lz4, xz. Streams: memory does not grow with the file.
// A broken record ends the file with one error that carries the offset; all packets before it were valid.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/packet.hpp"

namespace synwhy::capture {

/// Largest captured length of a packet that is believed, bytes; libpcap's own limit is 256 KiB. More is an error.
inline constexpr std::uint32_t kMaxPacketBytes = 16U * 1024U * 1024U;
/// Interfaces of one pcapng file; more is an error.
inline constexpr std::size_t kMaxInterfaces = 4096;
/// Comments of one file that are kept, and bytes of each; what falls off is dropped silently, it decides nothing.
inline constexpr std::size_t kMaxComments = 1000;
inline constexpr std::size_t kMaxCommentBytes = 4096;
/// Files of one TimeLine.
inline constexpr std::size_t kMaxFiles = 65535;

/// One captured frame. `data` is valid until the next call to next().
struct Packet {
    std::int64_t time_ns = 0;              ///< since 1970-01-01 UTC
    std::span<const std::uint8_t> data{};  ///< captured bytes
    std::uint32_t wire_length = 0;         ///< bytes on the wire, >= data.size()
    core::LinkType link = core::LinkType::ethernet;
    std::uint32_t interface = 0;              ///< index over all sections of this file, 0 for pcap
    std::uint64_t ordinal = 0;                ///< 0-based position among the packets of this file
    std::uint64_t offset = 0;                 ///< byte offset of the record in the decompressed stream
    std::uint16_t file = 0;                   ///< index into TimeLine's files; 0 for a single Reader
    bool options_swapped = false;             ///< `options` are in the byte order that this machine does not have
    std::span<const std::uint8_t> options{};  ///< pcapng: the record's option list as it stands in the file
};

/// A pcapng interface, or the one implied by a pcap header.
struct Interface {
    std::string name{};  ///< if_name, may be empty
    core::LinkType link{};
    std::uint32_t snap_length = 0;  ///< 0 = unlimited
    std::uint64_t dropped = 0;      ///< packets lost by the capture (interface statistics block), when told
    bool drop_count_known = false;
};

/// What was read of one file so far; complete once next() returned nullopt or an error.
struct FileFacts {
    std::string name{};         ///< as given; "-" for stdin
    std::string format{};       ///< "pcap", "pcapng"
    std::string compression{};  ///< "", "gzip", "zstd", "lz4", "xz"
    std::uint64_t packets = 0;
    std::uint64_t cut_packets = 0;     ///< captured shorter than on the wire
    std::uint64_t bytes_read = 0;      ///< of the file itself (compressed when it is)
    std::uint64_t file_size = 0;       ///< 0 when unknown (pipe)
    std::uint64_t backward_steps = 0;  ///< packets older than their predecessor
    std::vector<Interface> interfaces{};
    std::vector<std::string> comments{};          ///< section, interface and packet comments, at most kMaxComments
    std::vector<std::string> section_comments{};  ///< those of `comments` that belong to a section
};

/// Whether a read that a signal interrupts ends its input from now on, instead of being repeated: a ^C then also ends
/// the wait for a silent pipe. For signal handlers; affects the whole process.
void end_interrupted_reads(bool end) noexcept;

class Reader {
  public:
    static std::expected<Reader, core::Error> open(const std::string& path);
    /// Reads from an already open descriptor, which the Reader then owns.
    static std::expected<Reader, core::Error> from_descriptor(int fd, std::string name);
    /// For tests and fuzzers: reads from memory, which must outlive the Reader.
    static std::expected<Reader, core::Error> from_memory(std::span<const std::uint8_t> bytes, std::string name);

    Reader(Reader&&) noexcept;
    Reader& operator=(Reader&&) noexcept;
    ~Reader();

    /// The next packet, nullopt at a clean end, an Error where the file is broken (then the file is over).
    std::expected<std::optional<Packet>, core::Error> next();
    [[nodiscard]] const FileFacts& facts() const;

  private:
    friend class TimeLine;
    struct State;
    explicit Reader(std::unique_ptr<State> state);
    /// next() in place. @return false at a clean end
    std::expected<bool, core::Error> read(Packet& packet);
    /// Further packets that are already in memory, so that the ones handed out before stay valid.
    std::size_t read_buffered(std::span<Packet> batch);
    std::unique_ptr<State> state_;
};

/// Several captures as one time line: packets of all files merged by time. Each file is assumed to be nearly sorted
/// in itself; a broken file ends alone, its error is kept, the others go on.
class TimeLine {
  public:
    static std::expected<TimeLine, core::Error> open(const std::vector<std::string>& paths);

    TimeLine(TimeLine&&) noexcept;
    TimeLine& operator=(TimeLine&&) noexcept;
    ~TimeLine();

    /// The next packet over all files, or nullopt at the end.
    std::optional<Packet> next();
    /// Fills a prefix of `batch` (not empty) with the next packets and returns its length, 0 at the end. All of them
    /// are valid until the following call; a batch is as long as memory already holds, so a slow pipe is never waited
    /// for.
    std::size_t next(std::span<Packet> batch);
    [[nodiscard]] std::vector<FileFacts> facts() const;
    /// The same for one file, without copying; valid until the next call to next().
    [[nodiscard]] const FileFacts& facts_of(std::uint16_t file) const;
    /// Errors met so far, in order, each with file and offset.
    [[nodiscard]] const std::vector<core::Error>& errors() const;
    /// Fraction of all input consumed, 0..1; nullopt when a size is unknown.
    [[nodiscard]] std::optional<double> progress() const;

  private:
    struct State;
    explicit TimeLine(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace synwhy::capture
