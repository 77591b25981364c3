// What does the running kernel do with a script?
//
// A fresh network namespace with one TUN interface: the process is the wire, real listening sockets of the running
// kernel are the server. Writing a packet to the device runs it through the whole receive path before write() returns.
// Left out: other kernels than the running one, and settings that are not per namespace.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>

#include "lab/netns.hpp"
#include "lab/tun_device.hpp"
#include "sim/engine.hpp"
#include "sim/model_engine.hpp"
#include "tun/netlink.hpp"

namespace synwhy::lab {

/// The running kernel by name.
struct KernelName {
    std::string release{};  ///< uname -r
    std::string version{};  ///< uname -v
    int hz = 0;             ///< of its timer tick
    bool has_md5 = false;   ///< CONFIG_TCP_MD5SIG
};
KernelName running_kernel();

/// Asked while waiting: true ends the run with an error ("interrupted").
using Interrupted = std::function<bool()>;

class KernelEngine final : public sim::Engine {
  public:
    /// Creates namespace, interface, addresses (10.0.0.1/24, fd00::1/64) and default routes.
    static sim::Result<std::unique_ptr<KernelEngine>> create(Interrupted interrupted);

    [[nodiscard]] std::string_view name() const override { return "kernel"; }
    std::int64_t now_ns() override;
    sim::Result<void> inject(std::span<const std::uint8_t> packet) override;
    sim::Result<void> collect(std::int64_t until_ns, std::vector<sim::Packet>& packets) override;
    sim::Result<std::optional<sim::Handle>> listen(const sim::ListenOptions& options) override;
    sim::Result<void> relisten(sim::Handle listener, int backlog) override;
    sim::Result<void> close_listener(sim::Handle listener) override;
    sim::Result<std::optional<sim::Accepted>> accept(sim::Handle listener) override;
    sim::Result<void> close(sim::Handle socket) override;
    sim::Result<void> reset(sim::Handle socket) override;
    sim::Result<void> shutdown_write(sim::Handle socket) override;
    sim::Result<std::int64_t> write(sim::Handle socket, std::uint64_t bytes) override;
    sim::Result<std::int64_t> read(sim::Handle socket, std::uint64_t bytes) override;
    sim::Result<sim::SysctlChange> set_sysctl(std::string_view name, std::string_view value) override;
    sim::Result<void> set_default_route(bool present) override;
    sim::CounterValues counters() override;
    sim::Sockets sockets() override;
    std::string state_of(const core::FourTuple& tuple) override;

    /// Every sysctl of the namespace that TCP looks at, by name.
    sim::SysctlValues sysctls();
    bool has_sysctl(std::string_view name);

  private:
    KernelEngine(NetworkNamespace place, TunDevice wire, tun::Netlink netlink, Interrupted interrupted)
        : place_(std::move(place)),
          wire_(std::move(wire)),
          netlink_(std::move(netlink)),
          interrupted_(std::move(interrupted)) {}

    NetworkNamespace place_;
    TunDevice wire_;
    tun::Netlink netlink_;
    Interrupted interrupted_;
    std::map<sim::Handle, tun::Descriptor> sockets_{};
    sim::Handle next_handle_ = 1;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace synwhy::lab
