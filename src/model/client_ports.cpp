// Which source port does connect() take, and when is there none left?
//
// net/ipv4/inet_hashtables.c:__inet_hash_connect, net/ipv4/tcp_ipv4.c:tcp_twsk_unique
#include <algorithm>

#include "core/version.hpp"
#include "model/client.hpp"

namespace synwhy::model {

using core::since;

namespace {

constexpr std::size_t kScanned = 8;  ///< up to so many entries a scan beats an index

FlowKey key_of(std::uint16_t server, std::uint16_t port) { return {server, port, 0}; }

}  // namespace

const FlowKey& ClientHost::KeyOf::operator()(std::uint32_t handle) const {
    return (handle & kWaitBit) != 0 ? self->wait_keys_[handle & ~kWaitBit] : self->connection_keys_[handle];
}

std::optional<std::uint16_t> ClientHost::find_server(const core::Endpoint& server) const {
    const auto found = std::ranges::find(servers_, server, &ServerUse::endpoint);
    if (found == servers_.end()) return std::nullopt;
    return static_cast<std::uint16_t>(found - servers_.begin());
}

std::uint16_t ClientHost::number_of(const core::Endpoint& server) {
    if (const auto known = find_server(server)) return *known;
    servers_.push_back({.endpoint = server});
    return static_cast<std::uint16_t>(servers_.size() - 1);
}

std::uint32_t ClientHost::find(std::uint16_t server, std::uint16_t port) const {
    const FlowKey key = key_of(server, port);
    if (flows_) return flows_->find(key);
    for (std::uint32_t i = 0; i < connections_.size(); ++i) {
        if (connections_[i].state != State::unused && connection_keys_[i] == key) return i;
    }
    for (std::uint32_t i = 0; i < waits_.size(); ++i) {
        if (waits_[i].used && wait_keys_[i] == key) return i | kWaitBit;
    }
    return FlowIndex<KeyOf>::kNone;
}

void ClientHost::mark(std::uint32_t handle, bool taken) {
    const FlowKey& key = KeyOf{this}(handle);
    auto& bits = servers_[key.peer].taken;
    if (bits.empty()) bits.resize(65536 / 64);
    const std::uint64_t bit = std::uint64_t{1} << (key.peer_port % 64U);
    if (taken) {
        bits[key.peer_port / 64U] |= bit;
        flows_->insert(handle);
    } else {
        bits[key.peer_port / 64U] &= ~bit;
        flows_->erase(handle);
    }
}

void ClientHost::index(std::uint32_t handle, std::uint16_t server, std::uint16_t port) {
    ++servers_[server].ports;
    auto& keys = (handle & kWaitBit) != 0 ? wait_keys_ : connection_keys_;
    keys[handle & ~kWaitBit] = key_of(server, port);
    if (flows_) return mark(handle, true);
    if (connections_.size() + waits_.size() <= kScanned) return;
    flows_ = std::make_unique<FlowIndex<KeyOf>>(mix64(secret_), KeyOf{this});
    for (std::uint32_t i = 0; i < connections_.size(); ++i) {
        if (connections_[i].state != State::unused) mark(i, true);
    }
    for (std::uint32_t i = 0; i < waits_.size(); ++i) {
        if (waits_[i].used) mark(i | kWaitBit, true);
    }
}

void ClientHost::unindex(std::uint32_t handle, std::uint16_t server) {
    --servers_[server].ports;
    if (flows_) mark(handle, false);
}

bool ClientHost::may_reuse(const Wait& wait, std::int64_t now_ns, bool bound) const {
    if (!wait.timestamps) return false;
    if (bound) return true;  // measured: whatever tcp_tw_reuse says
    const int reuse = shared_.settings.tw_reuse;
    if (reuse == 0) return false;
    if (!since(shared_.kernel, 4, 19)) return second_of(now_ns) - wait.ts_recent_s > 1;
    if (reuse == 2 && !(address_.family == core::Family::ipv4 && address_.bytes[12] == 127)) return false;
    if (since(shared_.kernel, 6, 14)) {
        return now_ns - wait.entered_ns > std::int64_t{shared_.settings.tw_reuse_delay_ms} * 1'000'000;
    }
    return second_of(now_ns) > wait.ts_recent_s;
}

bool ClientHost::port_usable(std::uint16_t server, std::uint16_t port, std::int64_t now_ns) const {
    if (const auto& bits = servers_[server].taken; !bits.empty()) {
        if ((bits[port / 64U] >> (port % 64U) & 1U) == 0) return true;
        if (shared_.settings.tw_reuse == 0) return false;
    }
    const std::uint32_t handle = find(server, port);
    if (handle == FlowIndex<KeyOf>::kNone) return true;
    return (handle & kWaitBit) != 0 && may_reuse(waits_[handle & ~kWaitBit], now_ns, false);
}

/// Where the search begins: a keyed hash of the addresses and the server's port.
std::uint32_t ClientHost::place_of(std::uint16_t server) const {
    const core::Endpoint& to = servers_[server].endpoint;
    std::uint64_t hash = secret_ ^ 0x9047U;
    for (std::size_t i = 0; i < to.address.bytes.size(); i += 4) {
        hash = mix64(hash ^ core::load_be32(&to.address.bytes[i]));
    }
    return static_cast<std::uint32_t>(mix64(hash ^ to.port));
}

std::expected<std::uint16_t, ConnectError> ClientHost::choose_port(std::uint16_t server, std::int64_t now_ns) {
    const int low = std::clamp(shared_.settings.local_port_low, 1, 65535);
    const int high = std::clamp(shared_.settings.local_port_high, low, 65535);
    auto range = static_cast<std::uint32_t>(high - low + 1);
    const bool all_taken = servers_[server].ports >= range;
    if (all_taken && (shared_.settings.tw_reuse == 0 || waiting_ == 0)) return std::unexpected(ConnectError::no_port);
    const auto port_at = [&](std::uint32_t offset) {
        return static_cast<std::uint16_t>(low + static_cast<int>(offset));
    };
    if (!since(shared_.kernel, 4, 2)) {
        for (std::uint32_t i = 1; i <= range; ++i) {
            const std::uint16_t port = port_at((i + place_of(server) + port_hint_) % range);
            if (!port_usable(server, port, now_ns)) continue;
            port_hint_ += i;
            return port;
        }
        return std::unexpected(ConnectError::no_port);
    }
    // From 4.2 on the ports of the low end's parity are tried first, the others are for bind().
    if (range > 1) range &= ~1U;
    const std::uint32_t start = (place_of(server) + port_hint_) % range & ~1U;
    for (std::uint32_t parity = 0; parity < std::min(2U, range); ++parity) {
        for (std::uint32_t i = 0; i < range; i += 2) {
            const std::uint16_t port = port_at((start + parity + i) % range);
            if (!port_usable(server, port, now_ns)) continue;
            port_hint_ += i + 2;
            return port;
        }
    }
    return std::unexpected(ConnectError::no_port);
}

}  // namespace synwhy::model
