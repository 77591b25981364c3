// A temporary copy of standard input; see spool.hpp.
#include "cli/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "cli/reading.hpp"

namespace synwhy::cli {
namespace {

constexpr std::size_t kChunkBytes = 256U * 1024U;

core::Error system_error(const char* what, std::string where) {
    return {std::string(what) + ": " + std::strerror(errno), std::move(where)};
}

std::string temporary_folder() {
    const char* folder = std::getenv("TMPDIR");
    return folder != nullptr && *folder != '\0' ? folder : "/tmp";
}

/// @return a new descriptor of an unlinked file
std::expected<int, core::Error> open_unlinked(const std::string& folder) {
    std::string name = folder + "/synwhy-XXXXXX";
    const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
    if (descriptor < 0) return std::unexpected(system_error("cannot create a temporary file", folder));
    ::unlink(name.c_str());
    return descriptor;
}

/// @return false on an error, with errno
bool write_all(int descriptor, const char* data, std::size_t size) {
    while (size > 0) {
        const ssize_t done = ::write(descriptor, data, size);
        if (done < 0 && errno != EINTR) return false;
        if (done > 0) {
            data += done;
            size -= static_cast<std::size_t>(done);
        }
    }
    return true;
}

}  // namespace

std::expected<Spool, core::Error> Spool::standard_input() {
    const std::string folder = temporary_folder();
    const auto descriptor = open_unlinked(folder);
    if (!descriptor) return std::unexpected(descriptor.error());
    Spool spool(*descriptor);
    std::vector<char> chunk(kChunkBytes);
    std::uint64_t kept = 0;
    while (!interrupted()) {
        const ssize_t got = ::read(STDIN_FILENO, chunk.data(), chunk.size());
        if (got == 0) break;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(system_error("read", "-"));
        kept += static_cast<std::uint64_t>(got);
        if (kept > kMaxSpoolBytes) {
            return std::unexpected(
                core::Error{"standard input is longer than the 16 GiB that are kept for writing it again", "-",
                            "save the capture to a file first"});
        }
        if (!write_all(spool.descriptor_, chunk.data(), static_cast<std::size_t>(got))) {
            return std::unexpected(system_error("cannot keep standard input for -w", folder));
        }
    }
    return spool;
}

Spool::Spool(Spool&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Spool::~Spool() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

std::string Spool::path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

}  // namespace synwhy::cli
