#include "fix/state.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace synwhy::fix {
namespace {

constexpr std::uint32_t kModeBits = 07777;

/// In no folder of settings is a name read that does not end in ".conf".
std::string unfinished(const std::string& path) {
    const auto slash = path.rfind('/') + 1;
    return path.substr(0, slash) + '.' + path.substr(slash) + ".new";
}

std::string rights_remedy(int error) { return error == EACCES || error == EPERM ? "this needs root" : ""; }

std::expected<void, core::Error> sync_folder_of(const std::string& path) {
    const std::string folder = path.substr(0, path.rfind('/') + 1);
    const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!descriptor) return std::unexpected(system_error("open", errno, folder));
    if (::fsync(descriptor.get()) != 0) return std::unexpected(system_error("fsync", errno, folder));
    return {};
}

std::expected<void, core::Error> fill(int descriptor, std::string_view content, const FileRights& rights,
                                      const std::string& path) {
    while (!content.empty()) {
        const ssize_t put = ::write(descriptor, content.data(), content.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return std::unexpected(system_error("write", errno, path));
        content.remove_prefix(static_cast<std::size_t>(put));
    }
    if (rights.owner && ::fchown(descriptor, *rights.owner, rights.group.value_or(*rights.owner)) != 0) {
        return std::unexpected(system_error("chown", errno, path));
    }
    if (::fchmod(descriptor, rights.mode & kModeBits) != 0) return std::unexpected(system_error("chmod", errno, path));
    if (::fsync(descriptor) != 0) return std::unexpected(system_error("fsync", errno, path));
    return {};
}

std::expected<void, core::Error> remove_name(const std::string& path) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0 && errno == ENOENT) return {};  // also where nothing can be written
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
    return std::unexpected(system_error("unlink", errno, path, rights_remedy(errno)));
}

}  // namespace

std::expected<std::optional<WholeFile>, core::Error> read_whole_file(const std::string& path, std::size_t limit) {
    const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!descriptor && errno == ENOENT) return std::optional<WholeFile>();
    if (!descriptor && errno == ELOOP) return std::unexpected(core::Error{"is a symbolic link", path});
    if (!descriptor) return std::unexpected(system_error("open", errno, path, rights_remedy(errno)));
    struct stat status{};
    if (::fstat(descriptor.get(), &status) != 0) return std::unexpected(system_error("fstat", errno, path));
    if (!S_ISREG(status.st_mode)) return std::unexpected(core::Error{"is no regular file", path});
    WholeFile file{.mode = status.st_mode & kModeBits, .owner = status.st_uid, .group = status.st_gid};
    file.content.resize(limit + 1);
    std::size_t had = 0;
    while (had <= limit) {
        const ssize_t got = ::read(descriptor.get(), file.content.data() + had, file.content.size() - had);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(system_error("read", errno, path));
        if (got == 0) break;
        had += static_cast<std::size_t>(got);
    }
    if (had > limit) {
        return std::unexpected(
            core::Error{"is longer than the " + std::to_string(limit) + " bytes that are kept", path});
    }
    file.content.resize(had);
    return file;
}

std::expected<void, core::Error> write_whole_file(const std::string& path, std::string_view content,
                                                  const FileRights& rights) {
    const std::string temporary = unfinished(path);
    if (const auto removed = remove_name(temporary); !removed) return removed;
    {
        const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
        const Descriptor descriptor(::open(temporary.c_str(), flags, 0600));
        if (!descriptor) return std::unexpected(system_error("open", errno, temporary, rights_remedy(errno)));
        if (auto filled = fill(descriptor.get(), content, rights, temporary); !filled) {
            (void)::unlink(temporary.c_str());
            return filled;
        }
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        const int error = errno;
        (void)::unlink(temporary.c_str());
        return std::unexpected(system_error("rename", error, path));
    }
    return sync_folder_of(path);
}

std::expected<void, core::Error> remove_unfinished(const std::string& path) { return remove_name(unfinished(path)); }

std::expected<void, core::Error> remove_whole_file(const std::string& path) {
    if (const auto removed = remove_unfinished(path); !removed) return removed;
    if (const auto removed = remove_name(path); !removed) return removed;
    return sync_folder_of(path);
}

std::expected<StateFolder, core::Error> StateFolder::open(const std::string& path) {
    std::error_code failed;
    std::filesystem::create_directories(path, failed);
    if (failed) {
        return std::unexpected(
            core::Error{"cannot be made: " + failed.message(), path, "this needs root, or --state DIR"});
    }
    const std::string name = path + "/lock";
    Descriptor lock(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return std::unexpected(system_error("open", errno, name, rights_remedy(errno)));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return std::unexpected(system_error("flock", errno, name));
        return std::unexpected(core::Error{"another synwhy fix is at work", name, "wait for it"});
    }
    return StateFolder(path, std::move(lock));
}

std::string StateFolder::journal_path(std::string_view slug, std::string_view scope) const {
    std::string name = path_ + '/' + std::string(slug);
    if (!scope.empty()) name += '@' + std::string(scope);
    return name + ".journal";
}

}  // namespace synwhy::fix
