#include "tun/control_socket.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "tun/system_error.hpp"

namespace synwhy::tun {

using core::Error;

namespace {

constexpr std::string_view kFolder = "/run/synwhy";

std::expected<sockaddr_un, Error> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return std::unexpected(Error{"a socket's path has 1 to 107 bytes", path, {}});
    }
    std::ranges::copy(path, address.sun_path);
    return address;
}

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

/// Bound for its owner alone. @return 0 or errno
int bind_private(int socket, const sockaddr_un& address) {
    const mode_t before = ::umask(0177);
    const int error = ::bind(socket, generic(address), sizeof address) == 0 ? 0 : errno;
    ::umask(before);
    return error;
}

/// A socket file that refuses connections was left behind by a process that is gone.
bool is_abandoned(const sockaddr_un& address) {
    struct stat status{};
    if (::lstat(address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
    const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return socket && ::connect(socket.get(), generic(address), sizeof address) != 0 && errno == ECONNREFUSED;
}

bool write_all(int socket, std::string_view text) {
    while (!text.empty()) {
        const ssize_t done = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        if (done < 0) {
            if (errno == EINTR) continue;
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(done));
    }
    return true;
}

}  // namespace

std::string default_control_path(std::string_view device_name) {
    return std::string(kFolder) + "/emulate-" + std::string(device_name) + ".sock";
}

std::expected<ControlSocket, Error> ControlSocket::open(const std::string& path) {
    const auto address = address_of(path);
    if (!address) return std::unexpected(address.error());
    if (path.starts_with(std::string(kFolder) + '/')) ::mkdir(std::string(kFolder).c_str(), 0755);  // bind() complains
    ControlSocket control;
    control.poll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
    control.listener_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!control.poll_ || !control.listener_) return std::unexpected(system_error("socket", errno, path));
    int error = bind_private(control.listener_.get(), *address);
    if (error == EADDRINUSE && is_abandoned(*address)) {
        ::unlink(path.c_str());
        error = bind_private(control.listener_.get(), *address);
    }
    if (error != 0) {
        return std::unexpected(system_error("bind", error, path,
                                            error == EADDRINUSE
                                                ? "another emulation answers there; choose --control PATH"
                                                : "choose another --control PATH"));
    }
    control.path_ = path;
    if (::listen(control.listener_.get(), static_cast<int>(kMaxControlClients)) != 0 ||
        !control.watch(control.listener_.get(), EPOLLIN, true)) {
        return std::unexpected(system_error("listen", errno, path));
    }
    return control;
}

ControlSocket::~ControlSocket() {
    if (!path_.empty() && listener_) ::unlink(path_.c_str());
}

bool ControlSocket::watch(int descriptor, std::uint32_t events, bool is_new) {
    epoll_event event{};
    event.events = events;
    event.data.fd = descriptor;
    return ::epoll_ctl(poll_.get(), is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event) == 0;
}

void ControlSocket::accept_clients(std::int64_t now_ns) {
    while (true) {
        Descriptor taken(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!taken) return;
        if (clients_.size() >= kMaxControlClients || !watch(taken.get(), EPOLLIN, true)) continue;  // closes it
        clients_.push_back({std::move(taken), {}, {}, 0, now_ns + kControlPatience_ns});
    }
}

/// @return false when the exchange is over
bool ControlSocket::serve(Client& client, const Answer& answer) {
    while (client.answer.empty()) {
        std::array<char, kMaxCommandBytes> piece;
        const ssize_t got = ::recv(client.descriptor.get(), piece.data(), piece.size(), 0);
        if (got < 0) return errno == EAGAIN || errno == EINTR;
        if (got == 0) return false;
        client.command.append(piece.data(), static_cast<std::size_t>(got));
        const auto end = client.command.find('\n');
        if (end != std::string::npos && end <= kMaxCommandBytes) {
            client.answer = answer(std::string_view(client.command).substr(0, end));
        } else if (client.command.size() > kMaxCommandBytes) {
            client.answer = "error a command has at most 512 bytes\n";
        }
    }
    while (client.written < client.answer.size()) {
        const auto rest = std::string_view(client.answer).substr(client.written);
        const ssize_t done = ::send(client.descriptor.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (done < 0 && errno == EAGAIN) return watch(client.descriptor.get(), EPOLLOUT, false);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return false;
        client.written += static_cast<std::size_t>(done);
    }
    return false;
}

void ControlSocket::handle(const Answer& answer, std::int64_t now_ns) {
    accept_clients(now_ns);
    std::erase_if(clients_, [&](Client& client) { return now_ns >= client.due_ns || !serve(client, answer); });
}

std::int64_t ControlSocket::next_deadline_ns() const {
    std::int64_t due = INT64_MAX;
    for (const Client& client : clients_) due = std::min(due, client.due_ns);
    return due;
}

std::expected<std::string, Error> ask_control(const std::string& path, std::string_view command) {
    const auto address = address_of(path);
    if (!address) return std::unexpected(address.error());
    const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return std::unexpected(system_error("socket", errno, path));
    const timeval patience{kControlPatience_ns / 1'000'000'000, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(socket.get(), generic(*address), sizeof *address) != 0) {
        return std::unexpected(
            system_error("connect", errno, path, "is `synwhy emulate` running, with this --tun or --control?"));
    }
    if (!write_all(socket.get(), std::string(command) + '\n')) {
        return std::unexpected(system_error("send", errno, path));
    }
    std::string answer;
    std::array<char, 16384> piece;
    while (true) {
        const ssize_t got = ::recv(socket.get(), piece.data(), piece.size(), 0);
        if (got == 0) break;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(system_error("recv", errno, path));
        answer.append(piece.data(), static_cast<std::size_t>(got));
        if (answer.size() > kMaxAnswerBytes) return std::unexpected(Error{"the answer does not end", path, {}});
    }
    if (answer.starts_with("ok\n")) return answer.substr(3);
    if (answer.starts_with("error ")) return std::unexpected(Error{answer.substr(6, answer.find('\n') - 6), {}, {}});
    return std::unexpected(Error{"the other side is no emulation", path, {}});
}

}  // namespace synwhy::tun
