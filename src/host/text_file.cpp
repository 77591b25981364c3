// What does a small text file hold?
#include "host/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "host/descriptor.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kChunk = 64U << 10;

core::Error failed(const std::string& path, const char* call, int error) {
    return {fmt::format("{}: {}", call, text_of_errno(error)), path,
            error == EACCES ? "read it as root or copy it first" : ""};
}

}  // namespace

std::expected<std::string, core::Error> read_text_file(const std::string& path, FileKind kind, std::size_t limit) {
    // O_NONBLOCK so that a FIFO in a strange tree cannot stop us; a pipe that the user named has to be waited for.
    const int flags = O_RDONLY | O_CLOEXEC | (kind == FileKind::regular ? O_NOFOLLOW | O_NONBLOCK : 0);
    const Descriptor file(::open(path.c_str(), flags));
    if (!file) return std::unexpected(failed(path, "open", errno));

    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return std::unexpected(failed(path, "fstat", errno));
    if (S_ISDIR(status.st_mode)) return std::unexpected(core::Error{"is a directory", path, "name a file"});
    if (kind == FileKind::regular && !S_ISREG(status.st_mode)) {
        return std::unexpected(core::Error{"is not a regular file", path});
    }

    std::string text;
    while (text.size() <= limit) {
        const std::size_t had = text.size();
        text.resize(had + kChunk);
        const ssize_t got = ::read(file.get(), text.data() + had, kChunk);
        const int error = errno;
        text.resize(had + (got > 0 ? static_cast<std::size_t>(got) : 0));
        if (got == 0) return text;
        if (got < 0 && error != EINTR) return std::unexpected(failed(path, "read", error));
    }
    return std::unexpected(core::Error{fmt::format("larger than {} bytes", limit), path, "is this the right file?"});
}

}  // namespace synwhy::host
