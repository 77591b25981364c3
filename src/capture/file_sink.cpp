#include "capture/file_sink.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace synwhy::capture {

std::expected<void, core::Error> write_all(int descriptor, std::span<const std::uint8_t> bytes,
                                           const std::string& name) {
    while (!bytes.empty()) {
        const ssize_t done = ::write(descriptor, bytes.data(), bytes.size());
        if (done >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(done));
        } else if (errno != EINTR) {
            return std::unexpected(core::Error{std::string("write: ") + std::strerror(errno), name});
        }
    }
    return {};
}

std::expected<std::unique_ptr<FileSink>, core::Error> FileSink::open(const std::string& path) {
    if (path == "-") return std::unique_ptr<FileSink>(new FileSink(STDOUT_FILENO, "standard output"));
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) return std::unexpected(core::Error{std::string("open: ") + std::strerror(errno), path});
    return std::unique_ptr<FileSink>(new FileSink(descriptor, path));
}

FileSink::~FileSink() {
    if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
}

std::expected<void, core::Error> FileSink::write(std::span<const std::uint8_t> bytes) {
    return write_all(descriptor_, bytes, name_);
}

}  // namespace synwhy::capture
