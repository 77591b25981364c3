#include "sim/model_engine.hpp"

#include <algorithm>
#include <utility>

#include "core/packet_build.hpp"
#include "sim/crafted.hpp"

namespace synwhy::sim {
namespace {

/// The modelled host's clock when the script begins: long after anything that "just happened" at zero.
constexpr std::int64_t kScriptStart_ns = 100'000LL * 1'000'000'000;

model::ServerConfig loaded(model::ServerConfig config, const SysctlValues& sysctls) {
    model_calls::load(config, sysctls);
    return config;
}

}  // namespace

namespace model_calls {

void load(model::ServerConfig& config, const SysctlValues& sysctls) {
    for (const auto& [name, value] : sysctls) config.settings.set(name, value, config.kernel);
}

CounterValues counters(const model::Server& server) {
    CounterValues values;
    const model::Counters& counted = server.counters();
    for (std::size_t i = 0; i < model::kCounters; ++i) {
        const auto counter = static_cast<model::Counter>(i);
        if (!counted.has(counter)) continue;
        values.emplace(model::counter_name(counter), static_cast<std::int64_t>(counted[counter]));
    }
    return values;
}

Sockets sockets(const model::Server& server) {
    Sockets sockets;
    for (const model::ListenerId id : server.listeners()) {
        const model::ListenerView view = server.view_listener(id);
        sockets.accept_queues[view.local.port] = view.accept_length;
    }
    const auto counts = server.count_states();
    for (std::size_t i = 0; i < model::kStates; ++i) {
        const auto state = static_cast<model::State>(i);
        if (counts[i] != 0 && state != model::State::closed) sockets.states[model::to_string(state)] = counts[i];
    }
    return sockets;
}

std::string only_state(const model::Server& server) {
    const auto states = sockets(server).states;
    if (states.empty()) return "gone";
    return states.size() == 1 && states.begin()->second == 1 ? states.begin()->first : "unknown";
}

SysctlChange set_sysctl(model::Server& server, SysctlValues& known, std::string_view name, std::string_view value) {
    SysctlChange change;
    const auto old = known.find(std::string(name));
    if (old != known.end()) change.old_value = old->second;
    change.new_value = std::string(value);
    switch (server.settings().set(name, value, server.config().kernel)) {
        case model::Settings::SetResult::ok:
        case model::Settings::SetResult::not_modelled: known[std::string(name)] = change.new_value; break;
        case model::Settings::SetResult::absent:
            change = {.status = SysctlChange::Status::absent, .reason = "absent"};
            break;
    }
    return change;
}

}  // namespace model_calls

ModelEngine::ModelEngine(model::ServerConfig config, const SysctlValues& sysctls)
    : server_(loaded(std::move(config), sysctls)), sysctls_(sysctls) {}

void ModelEngine::take(const model::Outbox& out) {
    for (const model::Outgoing& outgoing : out) {
        Packet packet{.t_ns = now_ns_};
        core::append_packet(outgoing.segment, {}, packet.bytes);
        waiting_.push_back(std::move(packet));
    }
}

Result<void> ModelEngine::inject(std::span<const std::uint8_t> packet) {
    const auto arrived = read_arrival({packet.begin(), packet.end()});
    if (!arrived) return {};
    model::Outbox out;
    server_.receive(arrived->segment, arrived->arrival, kScriptStart_ns + now_ns_, out);
    take(out);
    return {};
}

std::int64_t ModelEngine::next_deadline_ns() const {
    const std::int64_t deadline_ns = server_.next_deadline_ns();
    return deadline_ns == INT64_MAX ? INT64_MAX : deadline_ns - kScriptStart_ns;
}

Result<void> ModelEngine::collect(std::int64_t until_ns, std::vector<Packet>& packets) {
    model::Outbox out;
    while (true) {
        const std::int64_t deadline_ns = next_deadline_ns();
        if (deadline_ns > std::max(until_ns, now_ns_)) break;
        now_ns_ = std::max(now_ns_, deadline_ns);
        out.clear();
        server_.advance(kScriptStart_ns + now_ns_, out);
        take(out);
    }
    now_ns_ = std::max(now_ns_, until_ns);
    std::ranges::move(waiting_, std::back_inserter(packets));
    waiting_.clear();
    return {};
}

Result<std::optional<Handle>> ModelEngine::listen(const ListenOptions& options) {
    return server_.listen(options, kScriptStart_ns + now_ns_);
}

Result<void> ModelEngine::relisten(Handle listener, int backlog) {
    server_.relisten(static_cast<model::ListenerId>(listener), backlog);
    return {};
}

Result<void> ModelEngine::close_listener(Handle listener) {
    model::Outbox out;
    server_.close_listener(static_cast<model::ListenerId>(listener), kScriptStart_ns + now_ns_, out);
    take(out);
    return {};
}

Result<std::optional<Accepted>> ModelEngine::accept(Handle listener) {
    const auto socket = server_.accept(static_cast<model::ListenerId>(listener), kScriptStart_ns + now_ns_);
    if (!socket) return std::nullopt;
    const auto view = server_.view(*socket);
    return Accepted{*socket, view ? view->tuple.client : core::Endpoint{}};
}

Result<void> ModelEngine::close(Handle socket) {
    model::Outbox out;
    server_.close(socket, kScriptStart_ns + now_ns_, out);
    take(out);
    return {};
}

Result<void> ModelEngine::reset(Handle socket) {
    model::Outbox out;
    server_.reset(socket, kScriptStart_ns + now_ns_, out);
    take(out);
    return {};
}

Result<void> ModelEngine::shutdown_write(Handle socket) {
    model::Outbox out;
    server_.shutdown_write(socket, kScriptStart_ns + now_ns_, out);
    take(out);
    return {};
}

Result<std::int64_t> ModelEngine::write(Handle socket, std::uint64_t bytes) {
    model::Outbox out;
    const auto taken = static_cast<std::int64_t>(server_.write(socket, bytes, kScriptStart_ns + now_ns_, out));
    take(out);
    return taken == 0 && bytes != 0 ? -1 : taken;
}

Result<std::int64_t> ModelEngine::read(Handle socket, std::uint64_t bytes) {
    const auto view = server_.view(socket);
    if (!view || view->reset) return -1;
    model::Outbox out;
    const auto taken = static_cast<std::int64_t>(server_.read(socket, bytes, kScriptStart_ns + now_ns_, out));
    take(out);
    return taken == 0 && !view->peer_closed ? -1 : taken;
}

Result<SysctlChange> ModelEngine::set_sysctl(std::string_view name, std::string_view value) {
    return model_calls::set_sysctl(server_, sysctls_, name, value);
}

Result<void> ModelEngine::set_default_route(bool present) {
    server_.network().set_default_route(present);
    return {};
}

CounterValues ModelEngine::counters() { return model_calls::counters(server_); }

Sockets ModelEngine::sockets() { return model_calls::sockets(server_); }

std::string ModelEngine::state_of(const core::FourTuple&) { return model_calls::only_state(server_); }

}  // namespace synwhy::sim
