// Can the files of a hostile host hurt us?
//
// The input becomes files of a bundle in memory: a byte chooses the name, what follows up to 0xff is the content.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/bundle.hpp"
#include "host/netstat_file.hpp"
#include "host/ss_text.hpp"

namespace {

constexpr std::array<const char*, 35> kNames{
    "uname-a",
    "sysctl-a",
    "nstat-az",
    "netstat_-s",
    "ss-ltn",
    "proc/version",
    "proc/net/snmp",
    "proc/net/netstat",
    "before/nstat-az",
    "after/nstat-az",
    "after/ss_-ltnp",
    "before/sysctl",
    "proc/sys/net/ipv4/tcp_tw_recycle",
    "sos_commands/kernel/uname_-a",
    "before/ss_-ltnmpe",
    "after/ss_syn-recv",
    "before/proc/net/tcp",
    "after/proc/net/tcp6",
    "proc/net/tcp",
    "owners.txt",
    "before/processes.txt",
    "processes.txt",
    "proc/812/task/815/stack",
    "ip_addr",
    "ip_-o_link",
    "after/proc/net/dev",
    "after/proc/net/softnet_stat",
    "before/proc/net/stat/arp_cache",
    "before/proc/net/sockstat",
    "ethtool_-S_eth0",
    "ethtool_-g_eth0",
    "after/proc/stat",
    "dmesg",
    "after/moment.txt",
    "refused.txt",
};
constexpr char kEndOfFile = '\xff';

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    synwhy::host::BundleFiles files{"fuzz/", {}, {}};
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    while (!rest.empty()) {
        const char* name = kNames[static_cast<unsigned char>(rest.front()) % kNames.size()];
        rest.remove_prefix(1);
        const auto content = rest.substr(0, rest.find(kEndOfFile));
        rest.remove_prefix(content.size() + (content.size() < rest.size() ? 1 : 0));
        files.texts.insert_or_assign(name, content);
    }
    if (const auto states = synwhy::host::bundle_states_of(files, "fuzz")) {
        if (states->complaints.size() > synwhy::host::kMaxComplaints) std::abort();
        if (states->first.listeners.size() > synwhy::host::kMaxListeners) std::abort();
    }
    return 0;
}
