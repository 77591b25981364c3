// Which processes hold the listening sockets?
#include "host/owners.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <unordered_map>

#include "host/descriptor.hpp"
#include "host/lines.hpp"

namespace synwhy::host {

namespace {

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;

/// "socket:[12345]", what the links of sockets are called; 0 for everything else.
std::uint64_t inode_of(std::string_view target) {
    constexpr std::string_view kPrefix = "socket:[";
    if (!target.starts_with(kPrefix)) return 0;
    std::uint64_t inode = 0;
    std::from_chars(target.data() + kPrefix.size(), target.data() + target.size(), inode);
    return inode;
}

std::optional<int> number_of_name(std::string_view name) {
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size() || number < 0) return std::nullopt;
    return number;
}

class Search {
  public:
    explicit Search(const core::HostState& state) {
        for (const auto& listener : state.listeners) {
            if (listener.inode != 0) pids_[listener.inode];
        }
    }

    [[nodiscard]] bool nothing_to_find() const { return pids_.empty(); }

    [[nodiscard]] bool all_found() const {
        return std::ranges::none_of(pids_, [](const auto& socket) { return socket.second.empty(); });
    }

    /// Looks at the descriptors from the one with the index `first` on, at most `limit`; they come in ascending order.
    /// @return errno when the process may not be looked at
    int look_at(const std::string& folder_path, int pid, std::size_t first, std::size_t limit) {
        const Folder folder(::opendir(folder_path.c_str()), ::closedir);
        if (!folder) return errno;
        const int directory = ::dirfd(folder.get());
        std::array<char, 64> target;
        for (std::size_t index = 0; index < limit && descriptors_ < kMaxDescriptorsSearched;) {
            const dirent* entry = ::readdir(folder.get());
            if (entry == nullptr) break;
            if (entry->d_type != DT_LNK || index++ < first) continue;
            ++descriptors_;
            const ssize_t size = ::readlinkat(directory, entry->d_name, target.data(), target.size());
            const auto inode = size > 0 ? inode_of({target.data(), static_cast<std::size_t>(size)}) : 0;
            if (inode == 0) continue;
            const auto found = pids_.find(inode);
            if (found != pids_.end()) remember(*found, pid, number_of_name(entry->d_name).value_or(-1));
        }
        return 0;
    }

    void finish(core::HostState& state) {
        for (auto& listener : state.listeners) {
            const auto found = pids_.find(listener.inode);
            if (found != pids_.end()) listener.pids = found->second;
        }
        if (owners_left_out_ > 0) {
            miss(state, fmt::format("{} owners of listeners", owners_left_out_),
                 fmt::format("at most {} are kept for a socket", kMaxOwnersPerListener));
        }
        if (descriptors_ >= kMaxDescriptorsSearched) {
            miss(state, "some owners of listeners",
                 fmt::format("the processes have more than {} descriptors", kMaxDescriptorsSearched));
        }
    }

    std::map<std::uint64_t, Holder> holders{};

  private:
    void remember(std::pair<const std::uint64_t, std::vector<int>>& socket, int pid, int descriptor) {
        auto& pids = socket.second;
        if (!pids.empty() && pids.back() == pid) return;  // several descriptors of one socket
        if (pids.size() >= kMaxOwnersPerListener) {
            ++owners_left_out_;
            return;
        }
        pids.push_back(pid);
        if (descriptor >= 0) holders.try_emplace(socket.first, Holder{pid, descriptor});
    }

    std::unordered_map<std::uint64_t, std::vector<int>> pids_{};
    std::size_t descriptors_ = 0;
    std::uint64_t owners_left_out_ = 0;
};

}  // namespace

std::map<std::uint64_t, Holder> read_owners(const Tree& tree, core::HostState& state) {
    Search search(state);
    if (!tree.live() || search.nothing_to_find()) return {};  // a copy has no links to sockets
    std::vector<int> pids;
    for (const auto& name : tree.names("proc", kMaxProcessesSearched)) {
        if (const auto pid = number_of_name(name)) pids.push_back(*pid);
    }
    std::ranges::sort(pids);
    std::size_t refused = 0;
    const auto folder_of = [&tree](int pid) { return tree.path(fmt::format("proc/{}/fd", pid)); };
    for (const int pid : pids) {
        const int error = search.look_at(folder_of(pid), pid, 0, kFirstDescriptors);
        if (error == EACCES || error == EPERM) ++refused;
    }
    for (const int pid : pids) {
        if (search.all_found()) break;
        search.look_at(folder_of(pid), pid, kFirstDescriptors, kMaxDescriptorsSearched);
    }
    search.finish(state);
    if (refused > 0) {
        miss(state, "owners of some listeners",
             fmt::format("no permission for the descriptors of {} processes; run as root", refused));
    }
    return std::move(search.holders);
}

}  // namespace synwhy::host
