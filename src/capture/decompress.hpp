// Is this input compressed, and how is it undone as a stream?
//
// gzip (all members), zstd (all frames), lz4 frames, xz (all streams), recognised by their first bytes, never by a
// file name. Memory is bounded whatever the file says: see the limits. Left out: bzip2 and archives, refused by name.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "capture/input.hpp"

namespace synwhy::capture {

/// Largest zstd window accepted, as a power of two: 128 MiB, what `zstd -d` accepts without --long.
inline constexpr int kZstdWindowLog = 27;
/// Most memory an xz decoder may ask for, bytes; `xz -9` needs 65 MiB.
inline constexpr std::uint64_t kXzMemoryBytes = 128U * 1024U * 1024U;
/// Bytes that recognise() wants to see.
inline constexpr std::size_t kMagicBytes = 6;

enum class Compression : std::uint8_t { none, gzip, zstd, lz4, xz };

/// @param head the first bytes of the input, up to kMagicBytes
Compression recognise(std::span<const std::uint8_t> head);
/// "", "gzip", "zstd", "lz4", "xz"
const char* to_string(Compression compression);

/// A source that delivers the decompressed bytes of `source`. Errors carry the compressed offset; what could be
/// decompressed before the broken place is delivered. @param name for error messages
std::unique_ptr<ByteSource> decompress(Compression compression, std::unique_ptr<ByteSource> source, std::string name);

}  // namespace synwhy::capture
