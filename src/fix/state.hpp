// How are files written so that a kill at any moment leaves the old or the new one, never a half?
//
// A file is written under a temporary name beside its own, brought to the disk, and renamed; the folder is brought to
// the disk too. The temporary name is fixed, so that what a killed process left there is overwritten or removed by the
// next one. Left out: what the files mean.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "fix/system.hpp"

namespace synwhy::fix {

struct FileRights {
    std::uint32_t mode = 0600;  ///< permission bits, whatever the umask
    std::optional<std::uint32_t> owner{};
    std::optional<std::uint32_t> group{};
};

struct WholeFile {
    std::string content{};
    std::uint32_t mode = 0;
    std::uint32_t owner = 0;
    std::uint32_t group = 0;
};

/// nullopt: there is none. A symbolic link, a device or a file longer than `limit` is an error.
std::expected<std::optional<WholeFile>, core::Error> read_whole_file(const std::string& path, std::size_t limit);
std::expected<void, core::Error> write_whole_file(const std::string& path, std::string_view content,
                                                  const FileRights& rights);
/// The file and what an interrupted write left beside it. That there is none is no error.
std::expected<void, core::Error> remove_whole_file(const std::string& path);
/// Only what an interrupted write left beside the file.
std::expected<void, core::Error> remove_unfinished(const std::string& path);

/// The folder with journals, locked while this lives: one process at a time changes the host.
class StateFolder {
  public:
    /// Makes the folder when it is missing. An error when another process holds the lock.
    static std::expected<StateFolder, core::Error> open(const std::string& path);
    /// Of a cause; `scope` keeps network namespaces apart, empty for the one the program was started in.
    [[nodiscard]] std::string journal_path(std::string_view slug, std::string_view scope) const;

  private:
    StateFolder(std::string path, Descriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {}

    std::string path_;
    Descriptor lock_;
};

}  // namespace synwhy::fix
