// By which numbers does the model call addresses, and which listener owns a destination?
#include <algorithm>

#include "model/server_impl.hpp"

namespace synwhy::model {

using core::Address;
using core::Endpoint;
using core::Family;

namespace {

bool is_any(const Address& address) {
    const auto first = address.family == Family::ipv4 ? address.bytes.begin() + 12 : address.bytes.begin();
    return std::all_of(first, address.bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

/// How well a listener fits a destination; 0: not at all. net/ipv4/inet_hashtables.c:compute_score
int score(const ListenOptions& options, const Endpoint& destination) {
    if (options.local.port != destination.port) return 0;
    const bool any = is_any(options.local.address);
    if (options.local.address.family == destination.address.family) {
        if (any) return 2;
        return options.local.address == destination.address ? 3 : 0;
    }
    const bool dual_stack = options.local.address.family == Family::ipv6 && any && !options.v6_only;
    return dual_stack ? 1 : 0;
}

}  // namespace

const core::Row* row(std::string_view id) { return core::find_row(id); }

std::optional<std::uint16_t> Server::Impl::find_local(const Endpoint& endpoint) const {
    const auto found = local_numbers.find(endpoint);
    if (found == local_numbers.end()) return std::nullopt;
    return found->second;
}

std::uint16_t Server::Impl::make_local(const Endpoint& endpoint) {
    const auto [place, is_new] = local_numbers.try_emplace(endpoint, static_cast<std::uint16_t>(locals.size()));
    if (is_new) {
        const auto same = std::ranges::find(locals, endpoint.address, &Endpoint::address);
        local_addresses.push_back(static_cast<std::uint16_t>(same - locals.begin()));
        locals.push_back(endpoint);
        last_destination.valid = false;
    }
    return place->second;
}

std::optional<std::uint32_t> Server::Impl::find_ipv6_peer(const Address& address) const {
    const auto found = peer_numbers.find(address);
    if (found == peer_numbers.end()) return std::nullopt;
    return found->second;
}

std::uint32_t Server::Impl::make_peer(const Address& address) {
    if (address.family == Family::ipv4) return address.ipv4_value();
    const auto found = peer_numbers.find(address);
    if (found != peer_numbers.end()) {
        ++peer_uses[found->second];
        return found->second;
    }
    std::uint32_t number = static_cast<std::uint32_t>(peer_names.size());
    if (free_peers.empty()) {
        peer_names.push_back(address);
        peer_uses.push_back(1);
    } else {
        number = free_peers.back();
        free_peers.pop_back();
        peer_names[number] = address;
        peer_uses[number] = 1;
    }
    peer_numbers.emplace(address, number);
    return number;
}

void Server::Impl::release_peer(const FlowKey& key) {
    if (!is_ipv6(key) || --peer_uses[key.peer] != 0) return;
    peer_numbers.erase(peer_names[key.peer]);
    free_peers.push_back(key.peer);
}

Address Server::Impl::peer_address(const FlowKey& key) const {
    if (is_ipv6(key)) return peer_names[key.peer];
    const std::array<std::uint8_t, 4> octets{
        static_cast<std::uint8_t>(key.peer >> 24U), static_cast<std::uint8_t>(key.peer >> 16U),
        static_cast<std::uint8_t>(key.peer >> 8U), static_cast<std::uint8_t>(key.peer)};
    return Address::from_ipv4(octets.data());
}

core::FourTuple Server::Impl::tuple_of(const FlowKey& key) const {
    return {{peer_address(key), key.peer_port}, locals[key.local]};
}

std::optional<std::uint32_t> Server::Impl::find_listener(const Endpoint& destination) const {
    int best = 0;
    std::optional<std::uint32_t> found;
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        if (!listeners[i].open) continue;
        const int fit = score(listeners[i].options, destination);
        if (fit > best) {
            best = fit;
            found = static_cast<std::uint32_t>(i);
        }
    }
    return found;
}

/// Up to 3.13 the memory of a peer is one for all local addresses; later it is per address, not per port, and goes by
/// the first number that any port of this address got.
std::optional<std::uint16_t> Server::Impl::memory_local(const Address& local) const {
    if (remembers_by_peer) return std::uint16_t{0};
    const auto same = std::ranges::find(locals, local, &Endpoint::address);
    if (same == locals.end()) return std::nullopt;
    return static_cast<std::uint16_t>(same - locals.begin() + 1);
}

PeerKey Server::Impl::memory_key(const FlowKey& key) const {
    const auto local = static_cast<std::uint16_t>(remembers_by_peer ? 0 : local_addresses[key.local] + 1);
    return {key.peer, local, is_ipv6(key)};
}

std::optional<std::uint32_t> Server::Impl::index_of_socket(SocketId id) const {
    const auto number = static_cast<std::uint32_t>(id);
    if (number == 0 || number > sockets.size()) return std::nullopt;
    const Socket& socket = sockets[number - 1];
    if (!socket.alive || socket.generation != static_cast<std::uint32_t>(id >> 32U)) return std::nullopt;
    return number - 1;
}

}  // namespace synwhy::model
