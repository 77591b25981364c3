// Where do the files of a host lie, and may this one be read?
//
// The live system, or a copied tree with proc/, sys/ and etc/ below a folder; every reader gets one and names files
// without a leading slash. In a copied tree no link leads out of it and only regular files are read. Of the live system
// /proc/net is that of the calling thread, because a thread may have entered another network namespace.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/host_state.hpp"
#include "host/text_file.hpp"

namespace synwhy::host {

class Tree {
  public:
    /// @param root empty: the live system
    explicit Tree(std::string root = {});

    [[nodiscard]] bool live() const { return root_.empty(); }
    /// The file's name for system calls and for messages.
    [[nodiscard]] std::string path(std::string_view name) const { return root_ + '/' + std::string(name); }
    /// "proc/thread-self/net/NAME", or "proc/net/NAME" of a copied tree.
    [[nodiscard]] std::string net(std::string_view name) const { return net_ + std::string(name); }

    /// The whole file. @param name "proc/loadavg"
    [[nodiscard]] std::expected<std::string, core::Error> text(std::string_view name,
                                                               std::size_t limit = kMaxTextBytes) const;
    /// The first line without blanks around it; empty when it can't be read.
    [[nodiscard]] std::string line(std::string_view name) const;
    /// Calls `each` with every line, at most `limit` bytes of the file; for files too long to keep.
    /// @return an error when it can't be opened or was cut at the limit
    std::expected<void, core::Error> lines(std::string_view name, std::size_t limit,
                                           const std::function<void(std::string_view)>& each) const;
    /// Where a symbolic link points to; empty when it is none or can't be read.
    [[nodiscard]] std::string link(std::string_view name) const;
    /// Entries of a directory, sorted, at most `limit`; none when it can't be read.
    [[nodiscard]] std::vector<std::string> names(std::string_view name, std::size_t limit) const;
    [[nodiscard]] bool exists(std::string_view name) const;

  private:
    /// The path to open: in a copied tree what links resolve to, an error when that lies outside.
    [[nodiscard]] std::expected<std::string, core::Error> resolved(std::string_view name) const;

    std::string root_;
    std::string net_;
};

inline constexpr std::size_t kMaxMissing = 64;  ///< entries of HostState::missing; more repeat what is known

/// Notes that a reading is not there.
void miss(core::HostState& state, std::string what, std::string why);

}  // namespace synwhy::host
