// How is a pcapng file written? One section, interfaces in nanoseconds, enhanced packets with comments.
//
// The machine's own byte order, as the format allows. The first failed write is kept and ends the writing; finish()
// tells it. Left out: everything an annotated capture does not need (names, secrets, packet flags).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "capture/reader.hpp"
#include "core/error.hpp"

namespace synwhy::capture {

/// Where the bytes go.
class ByteSink {
  public:
    ByteSink() = default;
    ByteSink(const ByteSink&) = delete;
    ByteSink& operator=(const ByteSink&) = delete;
    virtual ~ByteSink() = default;
    virtual std::expected<void, core::Error> write(std::span<const std::uint8_t> bytes) = 0;
};

class PcapngWriter {
  public:
    explicit PcapngWriter(ByteSink& sink) : sink_(sink) {}

    /// Starts a section; interfaces count from 0 again. Comments are clipped to what an option can hold (64 KiB).
    void section(std::span<const std::string> comments);
    /// Describes an interface. @return its number in this section
    std::uint32_t interface(const Interface& interface);
    /// Writes time, bytes and lengths of `packet` with these comments; times before 1970 become 1970.
    void packet(std::uint32_t interface, const Packet& packet, std::span<const std::string_view> comments);
    /// How many packets the capture lost on an interface, known at `time_ns`.
    void statistics(std::uint32_t interface, std::int64_t time_ns, std::uint64_t dropped);
    /// Writes what is still held back. @return the first error of all writes
    std::expected<void, core::Error> finish();
    /// A write failed: what is written from now on is thrown away.
    [[nodiscard]] bool failed() const { return error_.has_value(); }

  private:
    template <typename Integer>
    void put(Integer value);
    void put_padded(std::span<const std::uint8_t> bytes);
    void put_option(std::uint16_t code, std::span<const std::uint8_t> value);
    void put_comment(std::string_view text);
    void put_time(std::int64_t time_ns);
    void begin_block(std::uint32_t type);
    void end_block();
    void flush();

    ByteSink& sink_;
    std::vector<std::uint8_t> buffer_{};
    std::size_t block_start_ = 0;
    std::uint32_t interfaces_ = 0;
    std::optional<core::Error> error_{};
};

}  // namespace synwhy::capture
