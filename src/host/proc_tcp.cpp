// Which sockets do /proc/net/tcp and tcp6 list?
#include "host/proc_tcp.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "host/lines.hpp"

namespace synwhy::host {

namespace {

/// Columns of v2.6.32 to v6.18, net/ipv4/tcp_ipv4.c:get_tcp4_sock: sl, local, remote, state, tx:rx, tr:when, retrnsmt,
/// uid, timeout, inode.
enum Column : std::uint8_t { kLocal = 1, kRemote = 2, kState = 3, kQueues = 4, kUid = 7, kInode = 9, kColumns = 10 };

constexpr std::size_t kWordDigits = 8;

/// "0100007F:1F90" or 32 digits: each word of the address in the byte order of the host, i386's being assumed.
std::optional<core::Endpoint> endpoint_of(std::string_view text) {
    const auto colon = text.find(':');
    if (colon != kWordDigits && colon != 4 * kWordDigits) return std::nullopt;
    const auto port = hex_of(text.substr(colon + 1));
    if (!port || *port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
    std::array<std::uint8_t, 16> octets{};
    for (std::size_t word = 0; word < colon / kWordDigits; ++word) {
        const auto value = hex_of(text.substr(word * kWordDigits, kWordDigits));
        if (!value) return std::nullopt;
        for (std::size_t i = 0; i < 4; ++i) octets[word * 4 + i] = static_cast<std::uint8_t>(*value >> (8 * i));
    }
    core::Endpoint endpoint;
    endpoint.port = static_cast<std::uint16_t>(*port);
    const bool zero = std::ranges::all_of(octets, [](std::uint8_t octet) { return octet == 0; });
    if (colon != kWordDigits) {
        endpoint.address.set_ipv6(octets.data());
    } else if (!zero) {
        endpoint.address.set_ipv4(octets.data());
    }
    return endpoint;
}

ProcTcpState state_of(std::uint64_t code) {
    switch (code) {
        case 3: return ProcTcpState::syn_recv;
        case 6: return ProcTcpState::time_wait;
        case 10: return ProcTcpState::listen;
    }
    return ProcTcpState::other;
}

}  // namespace

std::optional<ProcTcpLine> parse_proc_tcp_line(std::string_view line) {
    const auto words = words_of(line, kColumns);
    if (words.size() < kColumns || !words[0].ends_with(':')) return std::nullopt;
    const auto local = endpoint_of(words[kLocal]);
    const auto remote = endpoint_of(words[kRemote]);
    const auto state = hex_of(words[kState]);
    const auto colon = words[kQueues].find(':');
    if (!local || !remote || !state || colon == std::string_view::npos) return std::nullopt;
    const auto queue = hex_of(words[kQueues].substr(colon + 1));
    const auto uid = integer_of(words[kUid]);
    const auto inode = integer_of(words[kInode]);
    if (!queue || !uid || *uid < 0 || !inode || *inode < 0) return std::nullopt;
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
    return ProcTcpLine{*local,
                       *remote,
                       state_of(*state),
                       static_cast<std::uint32_t>(std::min(*queue, kMost)),
                       static_cast<std::uint32_t>(std::min(static_cast<std::uint64_t>(*uid), kMost)),
                       static_cast<std::uint64_t>(*inode)};
}

}  // namespace synwhy::host
