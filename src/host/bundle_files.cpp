// Which recognised files does a bundle hold?
#include "host/bundle_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "host/archive.hpp"
#include "host/bundle_names.hpp"
#include "host/netstat_file.hpp"
#include "host/text_file.hpp"

namespace synwhy::host {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxSysctlFileBytes = 4096;
constexpr std::size_t kMaxProcesses = 1024;  ///< directories of processes looked into
constexpr std::array<std::string_view, 11> kFolders{"",
                                                    "proc",
                                                    "proc/net",
                                                    "proc/net/stat",
                                                    "proc/sys/kernel",
                                                    "commands",
                                                    "etc",
                                                    "usr/lib",
                                                    "sos_commands/kernel",
                                                    "sos_commands/networking",
                                                    "sos_commands/general"};

bool is_number(const std::string& text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

class DirectoryLoader {
  public:
    explicit DirectoryLoader(fs::path root) : root_(std::move(root)) { files_.root = root_.string() + '/'; }

    BundleFiles load() {
        std::error_code error;
        for (const std::string_view moment : {"", "before", "after"}) {
            const auto top = moment.empty() ? root_ : root_ / moment;
            if (!moment.empty() && !fs::is_directory(top, error)) continue;
            for (const auto folder : kFolders) read_folder(folder.empty() ? top : top / folder);
            walk(top / "proc/sys/net", 0);
            read_processes(top / "proc");
        }
        return std::move(files_);
    }

  private:
    void complain(core::Error error) {
        if (files_.complaints.size() < kMaxComplaints) files_.complaints.push_back(std::move(error));
    }

    /// The file's own path when it lies inside the bundle, wherever links lead; nullopt otherwise.
    std::optional<fs::path> inside(const fs::path& path) {
        std::error_code error;
        auto real = fs::canonical(path, error);
        if (error) return std::nullopt;
        const auto [end, ignored] = std::mismatch(root_.begin(), root_.end(), real.begin(), real.end());
        if (end != root_.end()) {
            complain({"a link leads out of the bundle", path.string()});
            return std::nullopt;
        }
        return real;
    }

    void read_file(const fs::path& path, std::size_t limit = kMaxTextBytes) {
        const auto real = inside(path);
        if (!real) return;
        auto text = read_text_file(real->string(), FileKind::regular, limit);
        if (!text) return complain(text.error());
        if (kept_bytes_ + text->size() > kMaxKeptBytes) {
            return complain({fmt::format("more than {} bytes of text, left out", kMaxKeptBytes), path.string()});
        }
        kept_bytes_ += text->size();
        files_.texts.emplace(path.lexically_relative(root_).string(), std::move(*text));
    }

    /// Entry names of a directory, sorted, within the budget of the whole bundle.
    std::vector<std::string> names_in(const fs::path& directory) {
        std::vector<std::string> names;
        std::error_code error;
        if (!fs::is_directory(directory, error)) return names;
        const auto real = inside(directory);
        if (!real) return names;
        for (fs::directory_iterator entry(*real, error), end; !error && entry != end; entry.increment(error)) {
            if (files_seen_ >= kMaxBundleFiles) {
                complain(
                    {fmt::format("more than {} files, the rest is not read", kMaxBundleFiles), directory.string()});
                break;
            }
            ++files_seen_;
            names.push_back(entry->path().filename().string());
        }
        std::ranges::sort(names);
        return names;
    }

    void read_folder(const fs::path& directory) {
        std::error_code error;
        for (const auto& name : names_in(directory)) {
            const auto path = directory / name;
            if (!bundle_kind(path.lexically_relative(root_).string()) || fs::is_directory(path, error)) continue;
            read_file(path);
        }
    }

    /// One file per sysctl.
    void walk(const fs::path& directory, std::size_t depth) {
        std::error_code error;
        if (depth > kMaxBundleDepth || !fs::is_directory(fs::symlink_status(directory, error))) return;
        for (const auto& name : names_in(directory)) {
            const auto path = directory / name;
            const auto status = fs::symlink_status(path, error);
            if (fs::is_directory(status)) {
                walk(path, depth + 1);
            } else if (fs::is_regular_file(status)) {
                read_file(path, kMaxSysctlFileBytes);
            }
        }
    }

    void read_processes(const fs::path& proc) {
        std::error_code error;
        if (!fs::is_directory(fs::symlink_status(proc, error))) return;
        std::size_t processes = 0;
        for (const auto& name : names_in(proc)) {
            if (!is_number(name) || ++processes > kMaxProcesses) continue;
            const auto process = proc / name;
            read_folder(process);
            read_folder(process / "attr");
            for (const auto& task : names_in(process / "task")) read_folder(process / "task" / task);
        }
    }

    fs::path root_;
    BundleFiles files_{};
    std::size_t files_seen_ = 0;
    std::size_t kept_bytes_ = 0;
};

/// A tar of a sosreport unpacks into one folder: step into it.
fs::path effective_root(const fs::path& root) {
    std::error_code error;
    std::optional<fs::path> only;
    std::size_t seen = 0;
    for (fs::directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
        if (++seen > 1) return root;
        if (fs::is_directory(entry->symlink_status(error))) only = entry->path();
    }
    return only && !is_bundle_folder(only->filename().string()) ? *only : root;
}

/// The folder that all paths begin with; empty when there is none.
std::string common_top(const std::map<std::string, std::string>& texts) {
    if (texts.empty()) return {};
    const auto& first = texts.begin()->first;
    const auto slash = first.find('/');
    if (slash == std::string::npos) return {};
    auto top = first.substr(0, slash + 1);
    if (is_bundle_folder(top.substr(0, slash))) return {};
    const bool shared = std::ranges::all_of(texts, [&](const auto& file) { return file.first.starts_with(top); });
    return shared ? top : std::string();
}

}  // namespace

void enter_top_folder(BundleFiles& files) {
    for (int depth = 0; depth < kMaxBundleTop; ++depth) {
        const auto top = common_top(files.texts);
        if (top.empty()) break;
        std::map<std::string, std::string> below;
        for (auto& [path, text] : files.texts) below.emplace(path.substr(top.size()), std::move(text));
        files.texts = std::move(below);
        files.root += top;
    }
    std::erase_if(files.texts, [](const auto& file) { return !bundle_kind(file.first); });
}

std::expected<BundleFiles, core::Error> load_bundle(const std::string& path) {
    std::error_code error;
    const auto given = fs::canonical(path, error);
    if (error) return std::unexpected(core::Error{error.message(), path, "name a directory or a tarball"});
    if (fs::is_directory(given, error)) return DirectoryLoader(effective_root(given)).load();

    auto archive = read_archive(given.string(), is_bundle_path_anywhere);
    if (!archive) return std::unexpected(archive.error());
    BundleFiles files{given.string() + ':', std::move(archive->files), std::move(archive->complaints)};
    enter_top_folder(files);
    return files;
}

}  // namespace synwhy::host
