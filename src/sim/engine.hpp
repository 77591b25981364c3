// What can a script be played against?
//
// The edge of the world: a server behind a wire, be it the model in virtual time, the model behind a TUN device, or the
// running kernel in a network namespace. A script only knows this interface, so that the same text runs in all of them.
// Packets are raw IP in both directions. Left out: what the bytes mean, which is script_run.cpp's business.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.hpp"
#include "core/error.hpp"
#include "model/server.hpp"
#include "sim/counter_values.hpp"

namespace synwhy::sim {

template <class T>
using Result = std::expected<T, core::Error>;
using ListenOptions = model::ListenOptions;
/// A socket of the engine's application. Never used twice in one run.
using Handle = std::uint64_t;

/// A packet that came out of the server.
struct Packet {
    std::int64_t t_ns = 0;  ///< since the start of the script
    std::vector<std::uint8_t> bytes{};
};

struct Accepted {
    Handle socket = 0;
    core::Endpoint peer{};
};

struct SysctlChange {
    enum class Status : std::uint8_t {
        ok,
        absent,  ///< this kernel has no such sysctl
        refused  ///< it exists, and the value was not taken; `reason` says why
    } status = Status::ok;
    std::string reason{};
    std::string old_value{};
    std::string new_value{};
};

/// What /proc/net/tcp shows.
struct Sockets {
    std::map<std::uint16_t, std::uint64_t> accept_queues{};  ///< port -> length
    std::map<std::string, std::uint64_t> states{};           ///< "TIME_WAIT" -> how many; no listeners
};

/// A server to play against. Errors mean that the engine itself failed, never that the server refused something.
class Engine {
  public:
    Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    virtual ~Engine() = default;

    [[nodiscard]] virtual std::string_view name() const = 0;
    /// Nanoseconds since the start of the script.
    virtual std::int64_t now_ns() = 0;

    /// Puts one raw IP packet on the wire towards the server, now.
    virtual Result<void> inject(std::span<const std::uint8_t> packet) = 0;
    /// Waits until `until_ns` and appends what the server sent meanwhile, oldest first. A time that has passed takes
    /// what is there already.
    virtual Result<void> collect(std::int64_t until_ns, std::vector<Packet>& packets) = 0;

    /// nullopt: the address is in use.
    virtual Result<std::optional<Handle>> listen(const ListenOptions& options) = 0;
    virtual Result<void> relisten(Handle listener, int backlog) = 0;
    virtual Result<void> close_listener(Handle listener) = 0;
    /// nullopt: nothing is queued.
    virtual Result<std::optional<Accepted>> accept(Handle listener) = 0;
    virtual Result<void> close(Handle socket) = 0;
    /// close() with SO_LINGER 0.
    virtual Result<void> reset(Handle socket) = 0;
    virtual Result<void> shutdown_write(Handle socket) = 0;
    /// How many bytes were taken; -1 when the socket can't send any more.
    virtual Result<std::int64_t> write(Handle socket, std::uint64_t bytes) = 0;
    /// How many bytes were there; 0 at the end of the stream, -1 when there is nothing yet or the connection is dead.
    virtual Result<std::int64_t> read(Handle socket, std::uint64_t bytes) = 0;

    virtual Result<SysctlChange> set_sysctl(std::string_view name, std::string_view value) = 0;
    /// The default route of both families.
    virtual Result<void> set_default_route(bool present) = 0;

    /// How many injected packets came as far as the server; nullopt when nobody can tell.
    virtual std::optional<std::uint64_t> arrived() const { return std::nullopt; }
    /// Everything counted so far; empty when the engine has no counters.
    virtual CounterValues counters() = 0;
    virtual Sockets sockets() = 0;
    /// "TIME_WAIT" and so on; "gone" when there is no such socket, "unknown" when the engine can't tell.
    virtual std::string state_of(const core::FourTuple& tuple) = 0;
};

}  // namespace synwhy::sim
