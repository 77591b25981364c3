// Where do the files of a host lie, and may this one be read?
#include "host/tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>

#include "host/descriptor.hpp"
#include "host/lines.hpp"

namespace synwhy::host {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChunk = 64U << 10;
constexpr std::size_t kMaxLineBytes = 4096;

/// Of the calling thread: thread-self exists since 3.17.
std::string live_net() {
    if (::access("/proc/thread-self/net", F_OK) == 0) return "proc/thread-self/net/";
    return fmt::format("proc/self/task/{}/net/", ::gettid());
}

}  // namespace

Tree::Tree(std::string root) : root_(std::move(root)) {
    while (root_.ends_with('/')) root_.pop_back();
    net_ = root_.empty() ? live_net() : "proc/net/";
    std::error_code error;
    if (const auto real = fs::canonical(root_, error); !root_.empty() && !error) root_ = real.string();
}

std::expected<std::string, core::Error> Tree::resolved(std::string_view name) const {
    auto given = path(name);
    if (live()) return given;
    std::error_code error;
    const auto real = fs::canonical(given, error);
    if (error) return std::unexpected(core::Error{error.message(), given});
    if (!real.string().starts_with(root_ + '/')) {
        return std::unexpected(core::Error{"a link leads out of the tree", given});
    }
    return real.string();
}

std::expected<std::string, core::Error> Tree::text(std::string_view name, std::size_t limit) const {
    const auto file = resolved(name);
    if (!file) return std::unexpected(file.error());
    return read_text_file(*file, FileKind::regular, limit);
}

std::string Tree::line(std::string_view name) const {
    const auto read = text(name);
    if (!read) return {};
    return std::string(trimmed(std::string_view(*read).substr(0, read->find('\n'))));
}

std::expected<void, core::Error> Tree::lines(std::string_view name, std::size_t limit,
                                             const std::function<void(std::string_view)>& each) const {
    const auto file = resolved(name);
    if (!file) return std::unexpected(file.error());
    const Descriptor source(::open(file->c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status{};
    if (!source || ::fstat(source.get(), &status) != 0) {
        return std::unexpected(core::Error{text_of_errno(errno), *file});
    }
    if (!S_ISREG(status.st_mode)) return std::unexpected(core::Error{"is not a regular file", *file});

    std::vector<char> chunk(kChunk);
    std::string rest;  // the unfinished last line of the chunk before
    for (std::size_t total = 0; total < limit;) {
        const ssize_t got = ::read(source.get(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(core::Error{text_of_errno(errno), *file});
        if (got == 0) {
            if (!rest.empty()) each(rest);
            return {};
        }
        total += static_cast<std::size_t>(got);
        rest.append(chunk.data(), static_cast<std::size_t>(got));
        std::string_view ready = std::string_view(rest).substr(0, rest.rfind('\n') + 1);
        const std::size_t used = ready.size();
        while (const auto line = next_line(ready)) each(*line);
        rest.erase(0, used);
        if (rest.size() > kMaxLineBytes) rest.clear();  // no table of the kernel has such lines
    }
    return std::unexpected(core::Error{fmt::format("only the first {} bytes were read", limit), *file});
}

std::string Tree::link(std::string_view name) const {
    std::array<char, 4096> target;
    const ssize_t size = ::readlink(path(name).c_str(), target.data(), target.size());
    return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string();
}

std::vector<std::string> Tree::names(std::string_view name, std::size_t limit) const {
    std::vector<std::string> names;
    const auto folder = resolved(name);
    if (!folder) return names;
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(folder->c_str()), ::closedir);
    while (stream && names.size() < limit) {
        const dirent* entry = ::readdir(stream.get());
        if (entry == nullptr) break;
        const std::string_view entry_name = entry->d_name;
        if (entry_name != "." && entry_name != "..") names.emplace_back(entry_name);
    }
    std::ranges::sort(names);
    return names;
}

bool Tree::exists(std::string_view name) const {
    const auto file = resolved(name);
    return file && ::access(file->c_str(), F_OK) == 0;
}

void miss(core::HostState& state, std::string what, std::string why) {
    if (state.missing.size() < kMaxMissing) state.missing.push_back({std::move(what), std::move(why)});
}

}  // namespace synwhy::host
