// Which files does a tarball hold?
//
// tar in all its kinds, plain or packed by gzip, xz, zstd or bzip2. Only regular files that the caller asks for are
// kept, in memory: nothing is written, so no name can escape and no link leads anywhere. Decompression bombs meet the
// limits below. Left out: other archives (zip, cpio), archives inside archives.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxArchiveEntries = 200'000;
inline constexpr std::uint64_t kMaxUnpackedBytes = 4ULL << 30U;  ///< of the whole archive, also of what is not kept
inline constexpr std::size_t kMaxKeptBytes = 64U << 20U;

struct Archive {
    std::map<std::string, std::string> files{};  ///< path without "./" -> text
    std::vector<core::Error> complaints{};       ///< what was left out and why, at most kMaxComplaints
};

/// What `wanted` says yes to. An archive that breaks off gives what came before, and a complaint.
/// @return an error when it cannot be opened or is no archive
std::expected<Archive, core::Error> read_archive(const std::string& path,
                                                 const std::function<bool(std::string_view)>& wanted);

/// The same from bytes in memory. @param name for messages
std::expected<Archive, core::Error> read_archive(std::span<const std::uint8_t> bytes, const std::string& name,
                                                 const std::function<bool(std::string_view)>& wanted);

}  // namespace synwhy::host
