#include "fix/netns.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>

#include "fix/system.hpp"
#include "host/text_file.hpp"

namespace synwhy::fix {

std::string namespace_file(const std::string& name) {
    return name.find('/') == std::string::npos ? "/run/netns/" + name : name;
}

std::string namespace_file(int pid) { return "/proc/" + std::to_string(pid) + "/ns/net"; }

std::expected<void, core::Error> enter_namespace(const std::string& file) {
    const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!descriptor) {
        const std::string remedy = errno == ENOENT
                                       ? "there is no such network namespace; `ip netns` lists those with a name"
                                       : "another namespace needs root";
        return std::unexpected(system_error("open", errno, file, remedy));
    }
    if (::setns(descriptor.get(), CLONE_NEWNET) != 0) {
        const std::string remedy = errno == EPERM ? "another namespace needs root" : "is it a network namespace?";
        return std::unexpected(system_error("setns", errno, file, remedy));
    }
    return {};
}

std::expected<std::uint64_t, core::Error> own_namespace() {
    constexpr const char* kOwn = "/proc/self/ns/net";
    struct stat status{};
    if (::stat(kOwn, &status) != 0) return std::unexpected(system_error("stat", errno, kOwn));
    return status.st_ino;
}

std::expected<std::string, core::Error> boot_id() {
    auto text = host::read_text_file("/proc/sys/kernel/random/boot_id");
    if (text && text->ends_with('\n')) text->pop_back();
    return text;
}

}  // namespace synwhy::fix
