#include "lab/netns.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tun/system_error.hpp"

namespace synwhy::lab {
namespace {

using tun::Descriptor;
using tun::system_error;

constexpr const char* kFolder = "/run/netns";
constexpr std::string_view kPrefix = "synwhy-lab-";
constexpr const char* kOwnNamespace = "/proc/thread-self/ns/net";

std::string path_of(std::string_view name) { return std::string(kFolder) + '/' + std::string(name); }

/// Field 22 of /proc/PID/stat, in clock ticks since boot; empty when there is no such process.
std::string start_time(std::string_view pid) {
    std::ifstream file("/proc/" + std::string(pid) + "/stat");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto after_name = text.rfind(')');  // the name may hold blanks and parentheses
    if (after_name == std::string::npos) return {};
    std::size_t at = after_name + 1;
    for (int field = 2; field < 22; ++field) {
        at = text.find(' ', at);
        if (at == std::string::npos) return {};
        if (field < 21) ++at;
    }
    const auto end = text.find(' ', at + 1);
    return text.substr(at + 1, end - at - 1);
}

/// PID and START of "synwhy-lab-PID-START-ROLE"; false when the name is not of this form.
bool parse_name(std::string_view name, std::string& pid, std::string& start) {
    if (!name.starts_with(kPrefix)) return false;
    name.remove_prefix(kPrefix.size());
    const auto first = name.find('-');
    const auto second = first == std::string_view::npos ? first : name.find('-', first + 1);
    if (second == std::string_view::npos) return false;
    pid = name.substr(0, first);
    start = name.substr(first + 1, second - first - 1);
    const auto digits = [](const std::string& text) {
        return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    };
    return digits(pid) && digits(start);
}

void remove_name(const std::string& name) {
    const std::string path = path_of(name);
    ::umount2(path.c_str(), MNT_DETACH);  // fails when the process died before the mount: then there is only the file
    ::unlink(path.c_str());
}

/// As `ip netns add` does: mounts below the folder are seen by every mount namespace that shares it.
sim::Result<void> prepare_folder() {
    if (::mkdir(kFolder, 0755) != 0 && errno != EEXIST) return std::unexpected(system_error("mkdir", errno, kFolder));
    if (::mount("", kFolder, "none", MS_SHARED | MS_REC, nullptr) == 0) return {};
    if (errno != EINVAL) return std::unexpected(system_error("mount", errno, kFolder, "root is needed"));
    if (::mount(kFolder, kFolder, "none", MS_BIND | MS_REC, nullptr) != 0 ||
        ::mount("", kFolder, "none", MS_SHARED | MS_REC, nullptr) != 0) {
        return std::unexpected(system_error("mount", errno, kFolder));
    }
    return {};
}

}  // namespace

sim::Result<NetworkNamespace> NetworkNamespace::create(std::string_view role) {
    if (auto done = prepare_folder(); !done) return std::unexpected(done.error());
    const std::string pid = std::to_string(::getpid());
    const std::string name = std::string(kPrefix) + pid + '-' + start_time(pid) + '-' + std::string(role);
    const std::string path = path_of(name);
    const Descriptor before(::open(kOwnNamespace, O_RDONLY | O_CLOEXEC));
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
    if (!before || !file) return std::unexpected(system_error("open", errno, path));
    if (::unshare(CLONE_NEWNET) != 0) {
        auto error = system_error("unshare", errno, "network namespace", "root is needed");
        ::unlink(path.c_str());
        return std::unexpected(std::move(error));
    }
    Descriptor fresh(::open(kOwnNamespace, O_RDONLY | O_CLOEXEC));
    const bool mounted = ::mount(kOwnNamespace, path.c_str(), "none", MS_BIND, nullptr) == 0;
    auto error = system_error("mount", errno, path);
    if (::setns(before.get(), CLONE_NEWNET) != 0) throw std::runtime_error("no way back into the own namespace");
    if (!mounted) {
        ::unlink(path.c_str());
        return std::unexpected(std::move(error));
    }
    return NetworkNamespace(name, std::move(fresh));
}

NetworkNamespace::~NetworkNamespace() {
    if (namespace_) remove_name(name_);
}

Inside::Inside(const NetworkNamespace& other) : before_(::open(kOwnNamespace, O_RDONLY | O_CLOEXEC)) {
    if (!before_ || ::setns(other.descriptor(), CLONE_NEWNET) != 0) {
        throw std::runtime_error("cannot enter network namespace " + other.name() + ": " + std::strerror(errno));
    }
}

Inside::~Inside() {
    // What follows would act on the wrong namespace.
    if (::setns(before_.get(), CLONE_NEWNET) != 0) std::abort();
}

std::vector<std::string> remove_leftovers() {
    std::vector<std::string> removed;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder, none)) {
        const std::string name = entry.path().filename();
        std::string pid;
        std::string start;
        if (!parse_name(name, pid, start) || start_time(pid) == start) continue;
        remove_name(name);
        removed.push_back(name);
    }
    return removed;
}

}  // namespace synwhy::lab
