// Which values do the files below /proc/sys have?
#include "host/sysctl_tree.hpp"

#include <fmt/format.h>

#include <array>

#include "host/lines.hpp"
#include "host/sysctl_text.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kMaxEntries = 4096;  ///< of one folder
constexpr std::size_t kMaxValueBytes = 4096;

/// Folders whose files are all read; what lies deeper is not.
constexpr std::array<std::string_view, 7> kFolders{"net/core",       "net/ipv4",       "net/ipv6",     "net/netfilter",
                                                   "net/ipv6/route", "net/ipv4/route", "net/ipv6/icmp"};

constexpr std::array<std::string_view, 9> kSingle{"net/ipv4/neigh/default/gc_thresh1",
                                                  "net/ipv4/neigh/default/gc_thresh2",
                                                  "net/ipv4/neigh/default/gc_thresh3",
                                                  "net/ipv6/neigh/default/gc_thresh1",
                                                  "net/ipv6/neigh/default/gc_thresh2",
                                                  "net/ipv6/neigh/default/gc_thresh3",
                                                  "fs/file-max",
                                                  "fs/file-nr",
                                                  "fs/nr_open"};

/// Below net/ipv4/conf/INTERFACE and net/ipv6/conf/INTERFACE.
constexpr std::array<std::string_view, 11> kPerInterface{
    "rp_filter",  "accept_local", "route_localnet", "forwarding", "log_martians", "src_valid_mark",
    "arp_ignore", "arp_announce", "disable_ipv6",   "accept_ra",  "disable_xfrm"};

class Walk {
  public:
    Walk(const Tree& tree, core::HostState& state) : tree_(tree), state_(state) {}

    void folder(const std::string& folder) {
        for (const auto& name : tree_.names("proc/sys/" + folder, kMaxEntries))
            file(fmt::format("{}/{}", folder, name));
    }

    void interfaces(const std::string& conf) {
        const auto names = tree_.names("proc/sys/" + conf, kMaxSysctlInterfaces + 1);
        if (names.size() > kMaxSysctlInterfaces) {
            miss(state_, "settings of some interfaces",
                 fmt::format("{} has more than {} interfaces", conf, kMaxSysctlInterfaces));
        }
        for (const auto& name : names) {
            for (const auto setting : kPerInterface) file(fmt::format("{}/{}/{}", conf, name, setting));
        }
    }

    /// Folders, files without permission and those that only take writes are passed over.
    void file(const std::string& name) {
        if (state_.facts.sysctls.size() >= kMaxSysctls) return;
        const auto text = tree_.text("proc/sys/" + name, kMaxValueBytes);
        if (!text) return;
        const auto value = trimmed(std::string_view(*text).substr(0, text->find('\n')));
        state_.facts.sysctls.emplace(full_sysctl_name(name), std::string(value));
    }

  private:
    const Tree& tree_;
    core::HostState& state_;
};

}  // namespace

void read_sysctl_tree(const Tree& tree, core::HostState& state) {
    Walk walk(tree, state);
    for (const auto folder : kFolders) walk.folder(std::string(folder));
    for (const auto name : kSingle) walk.file(std::string(name));
    for (const std::string_view conf : {"net/ipv4/conf", "net/ipv6/conf"}) walk.interfaces(std::string(conf));
    if (state.facts.sysctls.empty()) return miss(state, "sysctls", tree.path("proc/sys/net") + " can't be read");
    state.facts.sources.push_back(tree.path("proc/sys"));
}

}  // namespace synwhy::host
