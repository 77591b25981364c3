// Where do a capture's bytes come from, and how are they held?
//
// A ByteSource delivers bytes in order (descriptor, memory, decompressor); a Window keeps the few that are being
// looked at contiguous, so that packets are handed out in place. Left out: what the bytes mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/error.hpp"

namespace synwhy::capture {

/// Bytes read at a time: fits the second-level cache, so the kernel's copy is still there when it is parsed.
inline constexpr std::size_t kReadBytes = 256U * 1024U;
/// Compressed bytes read at a time.
inline constexpr std::size_t kCompressedReadBytes = 128U * 1024U;

class ByteSource {
  public:
    ByteSource() = default;
    ByteSource(const ByteSource&) = delete;
    ByteSource& operator=(const ByteSource&) = delete;
    virtual ~ByteSource() = default;

    /// Fills a prefix of `into` (not empty) and returns its length; 0 only at the end. Short reads are normal.
    /// Everything before a broken place is delivered first; the error comes with the next call, and stays.
    virtual std::expected<std::size_t, core::Error> read(std::span<std::uint8_t> into) = 0;
    /// Bytes taken from the file itself so far: compressed ones when it is compressed.
    [[nodiscard]] virtual std::uint64_t bytes_read() const = 0;
};

/// Owns `fd`. @param name for error messages
std::unique_ptr<ByteSource> read_descriptor(int fd, std::string name);
/// Does not own the bytes, which must outlive the source.
std::unique_ptr<ByteSource> read_memory(std::span<const std::uint8_t> bytes);

/// A contiguous look at the next bytes of a source. Grows only when somebody demands more than it holds.
class Window {
  public:
    explicit Window(std::unique_ptr<ByteSource> source);

    /// Makes at least `count` bytes visible unless the input ends first. Moves what bytes() returned before.
    /// @return false when fewer than `count` bytes are left; error() then tells whether the source broke
    bool demand(std::size_t count) { return static_cast<std::size_t>(end_ - begin_) >= count || refill(count); }
    /// The visible bytes; valid until the next demand() or discard().
    [[nodiscard]] const std::uint8_t* bytes() const { return begin_; }
    [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end_ - begin_); }
    /// Forgets `count` visible bytes; what bytes() returned stays readable until the next demand() or discard().
    void consume(std::size_t count) { begin_ += count; }
    /// Forgets `count` bytes, visible or not. @return false when the input ends first
    bool discard(std::uint64_t count);

    /// Position of bytes() in the (decompressed) stream.
    [[nodiscard]] std::uint64_t offset() const { return read_so_far_ - size(); }
    /// Where the source broke, nullptr while it has not; valid as long as the window.
    [[nodiscard]] const core::Error* error() const { return error_ ? &*error_ : nullptr; }
    [[nodiscard]] std::uint64_t source_bytes_read() const { return source_->bytes_read(); }

  private:
    bool refill(std::size_t count);
    void grow();
    bool read_more();

    std::unique_ptr<ByteSource> source_;
    std::unique_ptr<std::uint8_t[]> buffer_;
    std::size_t capacity_ = 0;
    const std::uint8_t* begin_ = nullptr;
    const std::uint8_t* end_ = nullptr;
    std::uint64_t read_so_far_ = 0;
    bool ended_ = false;
    std::optional<core::Error> error_{};
};

/// Delivers `head` first, then the rest of `source`: for bytes that were looked at to recognise a format.
std::unique_ptr<ByteSource> with_head(std::span<const std::uint8_t> head, std::unique_ptr<ByteSource> source);

/// "FILE: offset N", the form of every reader's Error::where.
std::string place(const std::string& name, std::uint64_t offset);

}  // namespace synwhy::capture
