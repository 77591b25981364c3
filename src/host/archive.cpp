// Which files does a tarball hold?
#include "host/archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>

#include "host/netstat_file.hpp"
#include "host/text_file.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kBlockBytes = 64U << 10U;

struct ArchiveCloser {
    void operator()(archive* reader) const { ::archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, ArchiveCloser>;

struct FileCloser {
    int fd;
    ~FileCloser() {
        if (fd >= 0) ::close(fd);
    }
};

/// Only what a bundle can be: every format more is more code that meets strange bytes.
Reader tar_reader() {
    Reader reader(::archive_read_new());
    if (!reader) return reader;
    ::archive_read_support_format_tar(reader.get());
    ::archive_read_support_filter_gzip(reader.get());
    ::archive_read_support_filter_xz(reader.get());
    ::archive_read_support_filter_zstd(reader.get());
    ::archive_read_support_filter_bzip2(reader.get());
    return reader;
}

std::string reason(archive* reader) {
    const char* text = ::archive_error_string(reader);
    return text != nullptr ? text : "broken";
}

/// The path below the archive's root; nullopt for one that would lead out of it.
std::optional<std::string> safe_path(std::string_view given) {
    if (given.starts_with('/')) return std::nullopt;
    std::string path;
    while (!given.empty()) {
        const auto part = given.substr(0, given.find('/'));
        given.remove_prefix(std::min(given.size(), part.size() + 1));
        if (part == "..") return std::nullopt;
        if (part.empty() || part == ".") continue;
        if (!path.empty()) path += '/';
        path += part;
    }
    return path;
}

class Unpacker {
  public:
    Unpacker(archive* reader, const std::string& name, const std::function<bool(std::string_view)>& wanted)
        : reader_(reader), name_(name), wanted_(wanted) {}

    std::expected<Archive, core::Error> unpack() {
        for (entries_ = 0;; ++entries_) {
            archive_entry* entry = nullptr;
            const int result = ::archive_read_next_header(reader_, &entry);
            if (result == ARCHIVE_EOF) break;
            if (result < ARCHIVE_WARN) {
                if (entries_ == 0) {
                    return std::unexpected(core::Error{"is no tar archive: " + reason(reader_), name_,
                                                       "name a directory, or a .tar, .tar.gz, .tar.xz or .tar.zst"});
                }
                complain("breaks off: " + reason(reader_), name_);
                break;
            }
            if (entries_ >= kMaxArchiveEntries) {
                complain(fmt::format("more than {} entries, the rest is not read", kMaxArchiveEntries), name_);
                break;
            }
            if (!take(entry)) break;
        }
        return std::move(archive_);
    }

  private:
    void complain(std::string what, std::string where) {
        if (archive_.complaints.size() < kMaxComplaints) {
            archive_.complaints.push_back({std::move(what), std::move(where)});
        }
    }

    /// false: go no further.
    bool take(archive_entry* entry) {
        const char* raw = ::archive_entry_pathname(entry);
        const std::string given = raw != nullptr ? raw : "";
        const bool regular = ::archive_entry_filetype(entry) == AE_IFREG && ::archive_entry_hardlink(entry) == nullptr;
        const auto path = safe_path(given);
        if (!path && regular) complain("a name that leads out of the archive", name_ + ':' + given.substr(0, 200));
        if (!regular || !path || !wanted_(*path)) return pass_over();
        return keep(*path);
    }

    /// Reads what is not wanted, to count it: skipping would unpack a bomb to its end.
    bool pass_over() {
        const void* block = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        for (;;) {
            const int result = ::archive_read_data_block(reader_, &block, &size, &offset);
            if (result == ARCHIVE_EOF) return true;
            if (result < ARCHIVE_WARN) return broken("");
            if (!count(size)) return false;
        }
    }

    bool keep(const std::string& path) {
        std::string text;
        while (text.size() <= kMaxTextBytes) {
            const std::size_t had = text.size();
            text.resize(had + kBlockBytes);
            const auto got = ::archive_read_data(reader_, text.data() + had, kBlockBytes);
            text.resize(had + (got > 0 ? static_cast<std::size_t>(got) : 0));
            if (got == 0) return store(path, std::move(text));
            if (got < 0) {
                if (!text.empty()) store(path, std::move(text));
                return broken(path);
            }
            if (!count(static_cast<std::size_t>(got))) return false;
        }
        complain(fmt::format("larger than {} bytes", kMaxTextBytes), name_ + ':' + path);
        return pass_over();
    }

    /// The first of two files with one name stays.
    bool store(const std::string& path, std::string text) {
        if (kept_bytes_ + text.size() > kMaxKeptBytes) {
            complain(fmt::format("more than {} bytes of text, the rest is not read", kMaxKeptBytes), name_);
            return false;
        }
        kept_bytes_ += text.size();
        archive_.files.emplace(path, std::move(text));
        return true;
    }

    bool count(std::size_t bytes) {
        unpacked_ += bytes;
        if (unpacked_ <= kMaxUnpackedBytes) return true;
        complain(fmt::format("unpacks to more than {} bytes, the rest is not read", kMaxUnpackedBytes), name_);
        return false;
    }

    bool broken(const std::string& path) {
        complain("breaks off: " + reason(reader_), path.empty() ? name_ : name_ + ':' + path);
        return false;
    }

    archive* reader_;
    const std::string& name_;
    const std::function<bool(std::string_view)>& wanted_;
    Archive archive_{};
    std::size_t entries_ = 0;
    std::size_t kept_bytes_ = 0;
    std::uint64_t unpacked_ = 0;
};

std::expected<Archive, core::Error> unpack_opened(archive* reader, int opened, const std::string& name,
                                                  const std::function<bool(std::string_view)>& wanted) {
    if (opened < ARCHIVE_WARN) {
        return std::unexpected(core::Error{"is no tar archive: " + reason(reader), name,
                                           "name a directory, or a .tar, .tar.gz, .tar.xz or .tar.zst"});
    }
    return Unpacker(reader, name, wanted).unpack();
}

}  // namespace

std::expected<Archive, core::Error> read_archive(const std::string& path,
                                                 const std::function<bool(std::string_view)>& wanted) {
    // O_NONBLOCK so that a FIFO cannot stop us; it changes nothing for regular files.
    const FileCloser file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat status{};
    if (file.fd < 0 || ::fstat(file.fd, &status) != 0) {
        return std::unexpected(core::Error{std::generic_category().message(errno), path});
    }
    if (!S_ISREG(status.st_mode)) return std::unexpected(core::Error{"is no regular file", path, "name a file"});
    const auto reader = tar_reader();
    if (!reader) return std::unexpected(core::Error{"no memory", path});
    const int opened = ::archive_read_open_fd(reader.get(), file.fd, kBlockBytes);
    return unpack_opened(reader.get(), opened, path, wanted);
}

std::expected<Archive, core::Error> read_archive(std::span<const std::uint8_t> bytes, const std::string& name,
                                                 const std::function<bool(std::string_view)>& wanted) {
    const auto reader = tar_reader();
    if (!reader) return std::unexpected(core::Error{"no memory", name});
    const int opened = ::archive_read_open_memory(reader.get(), bytes.data(), bytes.size());
    return unpack_opened(reader.get(), opened, name, wanted);
}

}  // namespace synwhy::host
