// Which sockets listened, who held them, and who waited in SYN_RECV?
#include "host/bundle_sockets.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <optional>

#include "core/bytes.hpp"
#include "host/lines.hpp"
#include "host/ss_text.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kMaxRequestEndpoints = 65'536;

/// "0100007F:1F90": words of four bytes as a little-endian machine prints them, net/ipv4/tcp_ipv4.c:get_tcp4_sock.
std::optional<core::Endpoint> hex_endpoint(std::string_view text) {
    constexpr std::size_t kWordDigits = 8;
    const auto colon = text.find(':');
    if (colon != kWordDigits && colon != 4 * kWordDigits) return std::nullopt;
    const auto port = hex_of(text.substr(colon + 1));
    if (!port || *port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
    std::array<std::uint8_t, 16> octets{};
    bool zero = true;
    for (std::size_t word = 0; word < colon / kWordDigits; ++word) {
        const auto value = hex_of(text.substr(word * kWordDigits, kWordDigits));
        if (!value) return std::nullopt;
        zero = zero && *value == 0;
        for (std::size_t i = 0; i < 4; ++i) octets[4 * word + i] = static_cast<std::uint8_t>(*value >> (8 * i));
    }
    core::Endpoint endpoint;
    endpoint.port = static_cast<std::uint16_t>(*port);
    if (!zero || colon != kWordDigits) {
        endpoint.address =
            colon == kWordDigits ? core::Address::from_ipv4(octets.data()) : core::Address::from_ipv6(octets.data());
    }
    return endpoint;
}

bool is_wildcard(const core::Address& address) {
    // Of IPv4 the last four bytes: 0.0.0.0 may be written with or without the bytes in front.
    const std::size_t first = address.family == core::Family::ipv4 ? 12 : 0;
    return std::all_of(address.bytes.begin() + static_cast<std::ptrdiff_t>(first), address.bytes.end(),
                       [](std::uint8_t byte) { return byte == 0; });
}

/// The listener that answers for `local`: the address itself before the wildcard. A v6 wildcard takes IPv4 too.
core::Listener* listener_for(std::vector<core::Listener>& listeners, const core::Endpoint& local) {
    core::Listener* wildcard = nullptr;
    for (auto& listener : listeners) {
        if (listener.local.port != local.port) continue;
        if (listener.local.address == local.address) return &listener;
        if (is_wildcard(listener.local.address) && wildcard == nullptr) wildcard = &listener;
    }
    return wildcard;
}

}  // namespace

bool BundleSockets::add_listeners(std::string_view text) {
    if (!listeners_.empty()) return false;
    listeners_ = parse_listener_details(text);
    return !listeners_.empty();
}

void BundleSockets::add_request(Requests& requests, const core::Endpoint& local, const core::Address& client) {
    if (requests.size() < kMaxRequestEndpoints || requests.contains(local)) ++requests[local];
    const bool known = std::ranges::find(clients_, client) != clients_.end();
    if (!known && clients_.size() < kMaxHalfOpenListed) clients_.push_back(client);
}

/// "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 2291736 1 ..."
void BundleSockets::add_proc_tcp(std::string_view text) {
    constexpr std::size_t kWords = 10;
    constexpr std::uint64_t kSynRecv = 3;  // include/net/tcp_states.h
    constexpr std::uint64_t kListen = 10;
    std::size_t lines = 0;
    while (const auto line = next_line(text)) {
        ++lines;
        const auto words = words_of(*line, kWords);
        if (words.size() < kWords) continue;
        const auto local = hex_endpoint(words[1]);
        const auto remote = hex_endpoint(words[2]);
        const auto state = hex_of(words[3]);
        if (!local || !remote || !state) continue;
        if (*state == kSynRecv) add_request(proc_requests_, *local, remote->address);
        if (*state != kListen || from_proc_.size() >= kMaxListeners) continue;
        core::Listener listener;
        listener.local = *local;
        const auto colon = words[4].find(':');
        const auto waiting = colon == std::string_view::npos ? std::nullopt : hex_of(words[4].substr(colon + 1));
        listener.accept_length = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(waiting.value_or(0), std::numeric_limits<std::uint32_t>::max()));
        listener.backlog_known = false;
        listener.uid = static_cast<std::uint32_t>(integer_of(words[7]).value_or(0));
        listener.inode = static_cast<std::uint64_t>(std::max<std::int64_t>(integer_of(words[9]).value_or(0), 0));
        from_proc_.push_back(std::move(listener));
    }
    proc_requests_known_ = true;
    proc_cut_ = proc_cut_ || lines >= kProcTcpCut;
}

void BundleSockets::add_half_open(std::string_view text) {
    requests_known_ = true;
    while (const auto line = next_line(text)) {
        const auto row = parse_stateless_row(*line);
        if (row) add_request(requests_, row->local, row->peer.address);
    }
}

/// "PID FD INODE" or "PID open COUNT"
void BundleSockets::add_owners(std::string_view text) {
    while (const auto line = next_line(text)) {
        const auto words = words_of(*line, 4);
        if (words.size() != 3) continue;
        const auto pid = integer_of(words[0]);
        const auto number = integer_of(words[2]);
        if (!pid || *pid <= 0 || *pid > std::numeric_limits<int>::max() || !number || *number < 0) continue;
        const auto value = static_cast<std::uint64_t>(*number);
        if (words[1] == "open") {
            if (open_.size() < kMaxOwnerRows) open_[static_cast<int>(*pid)] = value;
        } else if (owners_.size() < kMaxOwnerRows) {
            owners_.emplace(value, static_cast<int>(*pid));
        }
    }
}

void BundleSockets::finish(core::HostState& state) {
    state.listeners = std::move(listeners_.empty() ? from_proc_ : listeners_);
    for (auto& listener : state.listeners) {
        const auto [begin, end] = owners_.equal_range(listener.inode);
        for (auto owner = begin; listener.inode != 0 && owner != end; ++owner) {
            const auto place = std::ranges::lower_bound(listener.pids, owner->second);
            if (place == listener.pids.end() || *place != owner->second) listener.pids.insert(place, owner->second);
        }
        if (listener.backlog_known) {
            state.facts.listeners.push_back({listener.local, listener.accept_length, listener.backlog});
        }
    }
    const auto& requests = requests_known_ ? requests_ : proc_requests_;
    if (requests_known_ || (proc_requests_known_ && !proc_cut_)) {
        for (auto& listener : state.listeners) listener.half_open = 0;
        for (const auto& [local, count] : requests) {
            if (auto* listener = listener_for(state.listeners, local)) *listener->half_open += count;
        }
    }
    state.half_open_clients = std::move(clients_);
}

}  // namespace synwhy::host
