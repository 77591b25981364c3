// Which options does a listening socket have that no dump shows?
#include "host/socket_options.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "host/descriptor.hpp"

namespace synwhy::host {

namespace {

constexpr int kIpv6MinHopCount = 73;  // linux/in6.h, which cannot stand beside netinet/in.h

std::optional<int> option(const Descriptor& socket, int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    if (::getsockopt(socket.get(), level, name, &value, &size) != 0) return std::nullopt;
    return value;
}

/// The kernel answers with the filter's length in instructions; a program that was attached as BPF has no text to give
/// out and is EACCES. net/core/filter.c:sk_get_filter
std::optional<bool> has_filter(const Descriptor& socket) {
    socklen_t length = 0;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_GET_FILTER, nullptr, &length) == 0) return length > 0;
    if (errno == EACCES) return true;
    return std::nullopt;
}

/// @return errno
int read_one(const Holder& holder, core::Listener& listener) {
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, holder.pid, 0)));
    if (!process) return errno;
    const Descriptor socket(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), holder.descriptor, 0)));
    if (!socket) return errno;
    if (const auto set = option(socket, SOL_SOCKET, SO_REUSEPORT)) listener.reuseport = *set != 0;
    listener.socket_filter = has_filter(socket);
    listener.defer_accept_s = option(socket, IPPROTO_TCP, TCP_DEFER_ACCEPT);
    const auto ttl = option(socket, IPPROTO_IP, IP_MINTTL);
    const auto hops = listener.local.address.family == core::Family::ipv6
                          ? option(socket, IPPROTO_IPV6, kIpv6MinHopCount)
                          : std::nullopt;
    if (ttl || hops) listener.min_ttl = std::max(ttl.value_or(0), hops.value_or(0));
    return 0;
}

std::string reason_of(int error) {
    if (error == ENOSYS) return "needs Linux 5.6 or later";
    if (error == EPERM) return "no permission to look into the owners; run as root";
    return text_of_errno(error);
}

}  // namespace

void read_socket_options(const std::map<std::uint64_t, Holder>& holders, core::HostState& state) {
    std::set<int> errors;
    std::size_t asked = 0;
    for (auto& listener : state.listeners) {
        const auto holder = holders.find(listener.inode);
        if (holder == holders.end()) continue;
        if (++asked > kMaxSocketsAsked) continue;
        const int error = read_one(holder->second, listener);
        const bool vanished = error == ESRCH || error == EBADF;  // closed since it was found
        if (error != 0 && !vanished) errors.insert(error);
    }
    for (const int error : errors) {
        miss(state, "socket filters, minimum TTL and other options of some listeners", reason_of(error));
    }
    if (asked > kMaxSocketsAsked) {
        miss(state, fmt::format("options of {} listeners", asked - kMaxSocketsAsked),
             fmt::format("only {} sockets are asked", kMaxSocketsAsked));
    }
}

}  // namespace synwhy::host
