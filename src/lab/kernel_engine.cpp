#include "lab/kernel_engine.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "lab/probe.hpp"
#include "lab/proc_net.hpp"
#include "lab/socket_address.hpp"
#include "lab/sysctl.hpp"
#include "tun/system_error.hpp"

namespace synwhy::lab {
namespace {

using sim::Result;
using tun::Descriptor;
using tun::Netlink;
using tun::Prefix;
using tun::system_error;

constexpr std::string_view kInterface = "tun0";
constexpr std::int64_t kLongestPoll_ns = 100'000'000;  // how late ^C may be noticed
constexpr int kMinHopCount = 73;  // IPV6_MINHOPCOUNT: <linux/in6.h> and <netinet/in.h> exclude each other
constexpr std::uint64_t kMaxTransfer = 65'536;

Prefix prefix(const char* address, std::uint8_t length) { return {*core::parse_address(address), length}; }
const Prefix kDefaultV4 = prefix("0.0.0.0", 0);
const Prefix kDefaultV6 = prefix("::", 0);

Result<void> set_number(int socket, int level, int option, int value, const char* what) {
    if (::setsockopt(socket, level, option, &value, sizeof value) == 0) return {};
    return std::unexpected(system_error("setsockopt", errno, what));
}

Result<void> set_md5_key(int socket, bool ipv6) {
    tcp_md5sig key{};
    key.tcpm_addr.ss_family = ipv6 ? AF_INET6 : AF_INET;
    key.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX;
    key.tcpm_keylen = 6;
    std::memcpy(key.tcpm_key, "synwhy", 6);
    if (::setsockopt(socket, IPPROTO_TCP, TCP_MD5SIG_EXT, &key, sizeof key) == 0) return {};
    return std::unexpected(system_error("setsockopt", errno, "TCP_MD5SIG_EXT"));
}

Result<void> apply(const sim::ListenOptions& options, int socket) {
    const bool ipv6 = options.local.address.family == core::Family::ipv6;
    struct Number {
        bool wanted;
        int level, option, value;
        const char* what;
    };
    const Number numbers[] = {
        {true, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"},
        {ipv6, IPPROTO_IPV6, IPV6_V6ONLY, options.v6_only, "IPV6_V6ONLY"},
        {options.defer_accept_s != 0, IPPROTO_TCP, TCP_DEFER_ACCEPT, options.defer_accept_s, "TCP_DEFER_ACCEPT"},
        {options.min_ttl != 0 && !ipv6, IPPROTO_IP, IP_MINTTL, options.min_ttl, "IP_MINTTL"},
        {options.min_ttl != 0 && ipv6, IPPROTO_IPV6, kMinHopCount, options.min_ttl, "IPV6_MINHOPCOUNT"},
        {options.synack_retries != 0, IPPROTO_TCP, TCP_SYNCNT, options.synack_retries, "TCP_SYNCNT"},
        {options.receive_buffer_bytes != 0, SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes, "SO_RCVBUF"},
        {options.fast_open_backlog != 0, IPPROTO_TCP, TCP_FASTOPEN, options.fast_open_backlog, "TCP_FASTOPEN"},
    };
    for (const Number& n : numbers) {
        if (!n.wanted) continue;
        if (auto done = set_number(socket, n.level, n.option, n.value, n.what); !done) return done;
    }
    if (options.filter_drops) {
        sock_filter drop{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
        const sock_fprog program{.len = 1, .filter = &drop};
        if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
            return std::unexpected(system_error("setsockopt", errno, "SO_ATTACH_FILTER"));
        }
    }
    return options.has_md5_key ? set_md5_key(socket, ipv6) : Result<void>{};
}

Result<void> configure(Netlink& netlink) {
    for (const std::string_view interface : {std::string_view("lo"), kInterface}) {
        if (auto done = netlink.set_up(interface); !done) return done;
    }
    for (const Prefix& own : {prefix("10.0.0.1", 24), prefix("fd00::1", 64)}) {
        if (auto done = netlink.add_address(kInterface, own); !done) return done;
    }
    for (const Prefix& everywhere : {kDefaultV4, kDefaultV6}) {
        if (auto done = netlink.add_route(kInterface, everywhere); !done) return done;
    }
    return {};
}

core::Error interrupted_error() { return {"interrupted", "lab"}; }

}  // namespace

KernelName running_kernel() {
    KernelName kernel;
    utsname name{};
    ::uname(&name);
    kernel.release = name.release;
    kernel.version = name.version;
    timespec tick{};  // the coarse clock moves once a tick
    if (::clock_getres(CLOCK_MONOTONIC_COARSE, &tick) == 0 && tick.tv_nsec > 0) {
        kernel.hz = static_cast<int>(1'000'000'000 / tick.tv_nsec);
    }
    const Descriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    tcp_md5sig none{};
    none.tcpm_addr.ss_family = AF_INET;
    // Removing a key that is not there fails with ENOENT where signatures exist.
    const bool removed = ::setsockopt(probe.get(), IPPROTO_TCP, TCP_MD5SIG, &none, sizeof none) == 0;
    kernel.has_md5 = removed || errno != ENOPROTOOPT;
    return kernel;
}

Result<std::unique_ptr<KernelEngine>> KernelEngine::create(Interrupted interrupted) {
    auto place = NetworkNamespace::create("server");
    if (!place) return std::unexpected(place.error());
    const Inside inside(*place);  // holds the way back only: moving the namespace away does no harm
    auto netlink = Netlink::open();
    if (!netlink) return std::unexpected(netlink.error());
    quieten_namespace();
    auto wire = TunDevice::open(kInterface);
    if (!wire) return std::unexpected(wire.error());
    if (auto done = configure(*netlink); !done) return std::unexpected(done.error());
    std::unique_ptr<KernelEngine> engine(
        new KernelEngine(std::move(*place), *std::move(wire), *std::move(netlink), std::move(interrupted)));
    if (auto done = wait_until_answering(*engine); !done) return std::unexpected(done.error());
    return engine;
}

std::int64_t KernelEngine::now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start_).count();
}

Result<void> KernelEngine::inject(std::span<const std::uint8_t> packet) {
    const auto written = wire_.write(packet);
    if (!written) return std::unexpected(written.error());
    return {};
}

Result<void> KernelEngine::collect(std::int64_t until_ns, std::vector<sim::Packet>& packets) {
    while (true) {
        for (auto packet = wire_.read(); !packet.empty(); packet = wire_.read()) {
            packets.push_back({now_ns(), std::move(packet)});
        }
        if (interrupted_ && interrupted_()) return std::unexpected(interrupted_error());
        const std::int64_t left_ns = until_ns - now_ns();
        if (left_ns <= 0) return {};
        pollfd wait{.fd = wire_.descriptor(), .events = POLLIN, .revents = 0};
        const std::int64_t pause_ns = std::min(left_ns, kLongestPoll_ns);
        const timespec pause{.tv_sec = 0, .tv_nsec = static_cast<long>(pause_ns)};
        ::ppoll(&wait, 1, &pause, nullptr);
    }
}

Result<std::optional<sim::Handle>> KernelEngine::listen(const sim::ListenOptions& options) {
    const Inside inside(place_);
    const bool ipv6 = options.local.address.family == core::Family::ipv6;
    Descriptor socket(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return std::unexpected(system_error("socket", errno, "TCP"));
    if (auto done = apply(options, socket.get()); !done) return std::unexpected(done.error());
    SocketAddress address = to_system(options.local);
    const bool listens =
        ::bind(socket.get(), address.get(), address.length) == 0 && ::listen(socket.get(), options.backlog) == 0;
    if (!listens && errno == EADDRINUSE) return std::nullopt;
    if (!listens) return std::unexpected(system_error("listen", errno, core::to_string(options.local)));
    sockets_.emplace(next_handle_, std::move(socket));
    return next_handle_++;
}

Result<void> KernelEngine::relisten(sim::Handle listener, int backlog) {
    if (::listen(sockets_.at(listener).get(), backlog) == 0) return {};
    return std::unexpected(system_error("listen", errno, "TCP"));
}

Result<void> KernelEngine::close_listener(sim::Handle listener) { return close(listener); }

Result<std::optional<sim::Accepted>> KernelEngine::accept(sim::Handle listener) {
    SocketAddress peer;
    Descriptor socket(::accept4(sockets_.at(listener).get(), peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket && errno == EAGAIN) return std::nullopt;
    if (!socket) return std::unexpected(system_error("accept", errno, "TCP"));
    sockets_.emplace(next_handle_, std::move(socket));
    return sim::Accepted{next_handle_++, from_system(peer)};
}

Result<void> KernelEngine::close(sim::Handle socket) {
    sockets_.erase(socket);
    return {};
}

Result<void> KernelEngine::reset(sim::Handle socket) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    if (::setsockopt(sockets_.at(socket).get(), SOL_SOCKET, SO_LINGER, &now, sizeof now) != 0) {
        return std::unexpected(system_error("setsockopt", errno, "SO_LINGER"));
    }
    return close(socket);
}

Result<void> KernelEngine::shutdown_write(sim::Handle socket) {
    if (::shutdown(sockets_.at(socket).get(), SHUT_WR) == 0 || errno == ENOTCONN) return {};
    return std::unexpected(system_error("shutdown", errno, "TCP"));
}

Result<std::int64_t> KernelEngine::write(sim::Handle socket, std::uint64_t bytes) {
    const std::string text(std::min(bytes, kMaxTransfer), 's');
    return ::send(sockets_.at(socket).get(), text.data(), text.size(), MSG_NOSIGNAL);
}

Result<std::int64_t> KernelEngine::read(sim::Handle socket, std::uint64_t bytes) {
    std::string text(std::min(bytes, kMaxTransfer), '\0');
    return ::recv(sockets_.at(socket).get(), text.data(), text.size(), 0);
}

Result<sim::SysctlChange> KernelEngine::set_sysctl(std::string_view name, std::string_view value) {
    const Inside inside(place_);
    sim::SysctlChange change{.old_value = read_sysctl(name)};
    if (!lab::has_sysctl(name)) {
        return sim::SysctlChange{.status = sim::SysctlChange::Status::absent, .reason = "absent"};
    }
    if (const int error = write_sysctl(name, value); error != 0) {
        change.status = sim::SysctlChange::Status::refused;
        change.reason = std::strerror(error);
    }
    change.new_value = read_sysctl(name);
    return change;
}

Result<void> KernelEngine::set_default_route(bool present) {
    const Inside inside(place_);  // where the interface has its number
    for (const Prefix& everywhere : {kDefaultV4, kDefaultV6}) {
        auto done =
            present ? netlink_.add_route(kInterface, everywhere) : netlink_.remove_route(kInterface, everywhere);
        if (!done) return done;
    }
    return {};
}

sim::CounterValues KernelEngine::counters() {
    const Inside inside(place_);
    return read_counters();
}

sim::Sockets KernelEngine::sockets() {
    const Inside inside(place_);
    return read_sockets();
}

std::string KernelEngine::state_of(const core::FourTuple& tuple) {
    const Inside inside(place_);
    return read_state(tuple);
}

sim::SysctlValues KernelEngine::sysctls() {
    const Inside inside(place_);
    return tcp_sysctls(kInterface);
}

bool KernelEngine::has_sysctl(std::string_view name) {
    const Inside inside(place_);
    return lab::has_sysctl(name);
}

}  // namespace synwhy::lab
