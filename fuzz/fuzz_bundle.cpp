// Can a hostile directory hurt us?
//
// The input becomes files of a small tree: a byte chooses the name, what follows up to 0xff is the content.
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "host/bundle.hpp"
#include "host/netstat_file.hpp"
#include "host/ss_text.hpp"

namespace {

namespace fs = std::filesystem;

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

fs::path scratch() { return fs::temp_directory_path() / ("synwhy-fuzz-" + std::to_string(::getpid())); }

/// Removes the tree when the fuzzer ends normally.
struct Cleaner {
    ~Cleaner() {
        std::error_code ignored;
        fs::remove_all(scratch(), ignored);
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Cleaner cleaner;
    const fs::path root = scratch();
    fs::remove_all(root);
    fs::create_directories(root);
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    while (!rest.empty()) {
        const fs::path path = root / kNames[static_cast<unsigned char>(rest.front()) % kNames.size()];
        rest.remove_prefix(1);
        const auto content = rest.substr(0, rest.find(kEndOfFile));
        rest.remove_prefix(content.size() + (content.size() < rest.size() ? 1 : 0));
        fs::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
    }
    if (const auto states = synwhy::host::read_bundle_states(root.string())) {
        if (states->complaints.size() > synwhy::host::kMaxComplaints) std::abort();
        if (states->first.listeners.size() > synwhy::host::kMaxListeners) std::abort();
    }
    return 0;
}
