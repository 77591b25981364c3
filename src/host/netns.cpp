// Which network namespaces does this machine have, and how is one entered?
#include "host/netns.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <map>

#include "host/cgroup.hpp"
#include "host/owners.hpp"
#include "host/tree.hpp"

namespace synwhy::host {

namespace {

/// Where names of namespaces are kept: ip(8), and the engines. /var/run is /run on today's systems.
constexpr std::array<std::string_view, 4> kFolders{"run/netns", "var/run/netns", "run/docker/netns",
                                                   "var/run/docker/netns"};

std::string own_path() { return fmt::format("/proc/self/task/{}/ns/net", ::gettid()); }

std::uint64_t inode_of(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

std::string name_of(const Tree& tree, int pid) {
    const auto paths = parse_cgroups(tree.text(fmt::format("proc/{}/cgroup", pid)).value_or(""));
    const auto container = container_of(paths.best());
    // A unit or a session says little about its namespace; a container's or a pod's namespace is its own.
    const bool is_unit = container.ends_with(".service") || container.ends_with(".scope") ||
                         container.ends_with(".slice") || container.ends_with(".socket");
    if (!container.empty() && !is_unit) return container;
    return fmt::format("pid {} ({})", pid, tree.line(fmt::format("proc/{}/comm", pid)));
}

class Finder {
  public:
    void look_at_names() {
        for (const auto folder : kFolders) {
            for (const auto& name : tree_.names(folder, kMaxNamespaces)) {
                const auto path = fmt::format("/{}/{}", folder, name);
                add(inode_of(path), path, path);
            }
        }
    }

    void look_at_processes() {
        std::vector<int> pids;
        for (const auto& name : tree_.names("proc", kMaxProcessesSearched)) {
            int pid = 0;
            const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
            if (error == std::errc{} && end == name.data() + name.size()) pids.push_back(pid);
        }
        std::ranges::sort(pids);  // the oldest process of a container names it
        std::size_t refused = 0;
        for (const int pid : pids) {
            const auto path = fmt::format("/proc/{}/ns/net", pid);
            const auto inode = inode_of(path);
            if (inode == 0) {
                refused += errno == EACCES || errno == EPERM ? 1 : 0;
            } else if (!found_.contains(inode)) {
                add(inode, name_of(tree_, pid), path);
            }
        }
        if (refused > 0) {
            list_.missing.push_back(
                {"some network namespaces", fmt::format("no permission for {} processes; run as root", refused)});
        }
    }

    NamespaceList finish() {
        for (auto& [inode, found] : found_) list_.namespaces.push_back(std::move(found));
        std::ranges::sort(list_.namespaces, [](const NetworkNamespace& a, const NetworkNamespace& b) {
            return a.own != b.own ? a.own : std::tie(a.name, a.inode) < std::tie(b.name, b.inode);
        });
        return std::move(list_);
    }

  private:
    void add(std::uint64_t inode, std::string name, std::string path) {
        if (inode == 0 || found_.contains(inode)) return;
        if (found_.size() >= kMaxNamespaces) {
            ++list_.left_out;
            return;
        }
        found_.emplace(inode, NetworkNamespace{inode, std::move(name), std::move(path), inode == own_});
    }

    const Tree tree_{};
    const std::uint64_t own_ = inode_of(own_path());
    std::map<std::uint64_t, NetworkNamespace> found_{};
    NamespaceList list_{};
};

std::expected<NetworkNamespace, core::Error> namespace_at(const std::string& path, std::string name) {
    const auto inode = inode_of(path);
    if (inode == 0) return std::unexpected(core::Error{text_of_errno(errno), path});
    return NetworkNamespace{inode, std::move(name), path, inode == inode_of(own_path())};
}

}  // namespace

NamespaceList list_network_namespaces() {
    Finder finder;
    finder.look_at_names();
    finder.look_at_processes();
    return finder.finish();
}

std::expected<NetworkNamespace, core::Error> find_network_namespace(const std::string& name_or_path) {
    if (name_or_path.find('/') != std::string::npos) return namespace_at(name_or_path, name_or_path);
    for (const auto folder : kFolders) {
        const auto path = fmt::format("/{}/{}", folder, name_or_path);
        if (auto found = namespace_at(path, path)) return found;
    }
    return std::unexpected(core::Error{fmt::format("there is no network namespace '{}'", name_or_path), "",
                                       "`ip netns list` shows the names; a path or --pid works too"});
}

std::expected<NetworkNamespace, core::Error> network_namespace_of(int pid) {
    auto found = namespace_at(fmt::format("/proc/{}/ns/net", pid), name_of(Tree{}, pid));
    if (!found) found.error().remedy = errno == ENOENT ? "is the process running?" : "run as root";
    return found;
}

std::expected<InsideNamespace, core::Error> InsideNamespace::enter(const NetworkNamespace& other) {
    Descriptor before(::open(own_path().c_str(), O_RDONLY | O_CLOEXEC));
    const Descriptor target(::open(other.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!before || !target) return std::unexpected(core::Error{text_of_errno(errno), other.path});
    if (::setns(target.get(), CLONE_NEWNET) != 0) {
        const int error = errno;
        return std::unexpected(core::Error{error == EINVAL ? "is no network namespace" : text_of_errno(error),
                                           other.path, error == EPERM ? "run as root" : ""});
    }
    return InsideNamespace(std::move(before));
}

InsideNamespace::~InsideNamespace() {
    // What follows would look at the wrong host.
    if (before_ && ::setns(before_.get(), CLONE_NEWNET) != 0) std::abort();
}

}  // namespace synwhy::host
