// How is a running emulation asked?
//
// A Unix stream socket, readable by its owner only: one command line in, one answer out, then it is closed. Nothing
// blocks: a client that is slow is kept waiting in memory, within limits, and thrown out after a while.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <list>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "tun/descriptor.hpp"

namespace synwhy::tun {

inline constexpr std::size_t kMaxControlClients = 8;                 ///< at once; more are turned away
inline constexpr std::size_t kMaxCommandBytes = 512;                 ///< of one command line
inline constexpr std::size_t kMaxAnswerBytes = 16U * 1024U * 1024U;  ///< read by ask_control()
inline constexpr std::int64_t kControlPatience_ns = 10'000'000'000;  ///< for a whole exchange

/// "/run/synwhy/emulate-NAME.sock"
std::string default_control_path(std::string_view device_name);

class ControlSocket {
  public:
    using Answer = std::function<std::string(std::string_view command)>;

    /// Makes the socket, and /run/synwhy where that is its folder. A socket that nobody listens on any more is
    /// replaced, one that is alive is an error.
    static std::expected<ControlSocket, core::Error> open(const std::string& path);

    ControlSocket(ControlSocket&&) noexcept = default;
    ControlSocket& operator=(ControlSocket&&) = delete;
    ~ControlSocket();

    /// Readable when handle() has something to do.
    [[nodiscard]] int descriptor() const { return poll_.get(); }
    /// Takes new clients, reads commands, writes answers, as far as nothing blocks.
    void handle(const Answer& answer, std::int64_t now_ns);
    /// When a client's patience ends; INT64_MAX without clients.
    [[nodiscard]] std::int64_t next_deadline_ns() const;

  private:
    struct Client {
        Descriptor descriptor{};
        std::string command{};
        std::string answer{};
        std::size_t written = 0;
        std::int64_t due_ns = 0;
    };

    ControlSocket() = default;
    void accept_clients(std::int64_t now_ns);
    bool watch(int descriptor, std::uint32_t events, bool is_new);
    bool serve(Client& client, const Answer& answer);

    Descriptor poll_{};
    Descriptor listener_{};
    std::string path_{};  ///< to remove in the end
    std::list<Client> clients_{};
};

/// Sends a command to a running emulation. @return its answer behind the line "ok"; an error of the other side has no
/// place, one of the system names the socket
std::expected<std::string, core::Error> ask_control(const std::string& path, std::string_view command);

}  // namespace synwhy::tun
