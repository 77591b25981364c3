// How does the model play a script?
//
// model::Server in virtual time: the clock stands still between steps, and jumps from timer to timer while a step
// waits. Bytes go in and out, as with every engine, so that a malformed packet is malformed here too.
#pragma once

#include <map>

#include "model/server.hpp"
#include "sim/engine.hpp"

namespace synwhy::sim {

/// Names and values of sysctls as the modelled host has them before the first step.
using SysctlValues = std::map<std::string, std::string>;

class ModelEngine final : public Engine {
  public:
    /// @param sysctls override the kernel's defaults; names that the model does not know are left out
    ModelEngine(model::ServerConfig config, const SysctlValues& sysctls);

    [[nodiscard]] std::string_view name() const override { return "model"; }
    std::int64_t now_ns() override { return now_ns_; }
    Result<void> inject(std::span<const std::uint8_t> packet) override;
    Result<void> collect(std::int64_t until_ns, std::vector<Packet>& packets) override;
    Result<std::optional<Handle>> listen(const ListenOptions& options) override;
    Result<void> relisten(Handle listener, int backlog) override;
    Result<void> close_listener(Handle listener) override;
    Result<std::optional<Accepted>> accept(Handle listener) override;
    Result<void> close(Handle socket) override;
    Result<void> reset(Handle socket) override;
    Result<void> shutdown_write(Handle socket) override;
    Result<std::int64_t> write(Handle socket, std::uint64_t bytes) override;
    Result<std::int64_t> read(Handle socket, std::uint64_t bytes) override;
    Result<SysctlChange> set_sysctl(std::string_view name, std::string_view value) override;
    Result<void> set_default_route(bool present) override;
    CounterValues counters() override;
    Sockets sockets() override;
    std::string state_of(const core::FourTuple& tuple) override;

    /// When the next timer is due, since the start of the script; INT64_MAX when none is.
    [[nodiscard]] std::int64_t next_deadline_ns() const;

  private:
    void take(const model::Outbox& out);

    model::Server server_;
    SysctlValues sysctls_;
    std::vector<Packet> waiting_{};  ///< sent, not yet collected
    std::int64_t now_ns_ = 0;
};

/// Applications' calls on a model::Server, for engines whose server is the model.
namespace model_calls {
CounterValues counters(const model::Server& server);
Sockets sockets(const model::Server& server);
SysctlChange set_sysctl(model::Server& server, SysctlValues& known, std::string_view name, std::string_view value);
/// The state of the only connection, since the model can't be asked for a 4-tuple; "unknown" when there are several.
std::string only_state(const model::Server& server);
/// The model's settings from a host's sysctls.
void load(model::ServerConfig& config, const SysctlValues& sysctls);
}  // namespace model_calls

}  // namespace synwhy::sim
