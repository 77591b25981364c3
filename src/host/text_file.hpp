// What does a small text file hold?
//
// Sizes are bounded and directories, devices and unreadable files are errors with a remedy, never a hang. Files of
// /proc report size 0, so a file is read until its end.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

#include "core/error.hpp"

namespace synwhy::host {

/// Longest text read from one file; /proc/net/netstat is 4 KiB, `sysctl -a` 100 KiB.
inline constexpr std::size_t kMaxTextBytes = 4U << 20;

enum class FileKind : unsigned char {
    any,      ///< also pipes: the user named the file, `<(nstat -az)` is fine
    regular,  ///< a tree from a strange host: only regular files, a last symlink is not followed
};

/// @return the bytes, or what could not be opened or read; a longer file is an error
std::expected<std::string, core::Error> read_text_file(const std::string& path, FileKind kind = FileKind::any,
                                                       std::size_t limit = kMaxTextBytes);

}  // namespace synwhy::host
