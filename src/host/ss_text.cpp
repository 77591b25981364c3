// Which sockets listen, and how full are their accept queues?
#include "host/ss_text.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "host/lines.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kColumns = 5;  ///< State Recv-Q Send-Q Local Peer

std::optional<std::uint32_t> queue_of(std::string_view text) {
    const auto value = integer_of(text);
    if (!value || *value < 0 || *value > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    return static_cast<std::uint32_t>(*value);
}

/// "192.0.2.1:80", "*:80", "[::]:80", ":::80", "127.0.0.53%lo:53"
std::optional<core::Endpoint> local_of(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto port = integer_of(text.substr(colon + 1));
    if (!port || *port < 0 || *port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;

    auto host = text.substr(0, colon);
    host = host.substr(0, host.find('%'));
    if (host.starts_with('[')) host.remove_prefix(1);
    if (host.ends_with(']')) host.remove_suffix(1);

    core::Endpoint local;
    local.port = static_cast<std::uint16_t>(*port);
    if (host == "*" || host == "0.0.0.0") return local;
    const auto address = core::parse_address(host);
    if (!address) return std::nullopt;
    local.address = *address;
    return local;
}

}  // namespace

std::vector<core::ListenerFacts> parse_listeners(std::string_view text) {
    std::vector<core::ListenerFacts> listeners;
    while (listeners.size() < kMaxListeners) {
        const auto line = next_line(text);
        if (!line) break;
        const auto words = words_of(*line, 2 * kColumns);
        const auto state = std::ranges::find(words, std::string_view("LISTEN"));
        // The first column, or the second behind "tcp" (`ss -ltun`, `ss` of all families).
        if (state - words.begin() > 1 || words.end() - state < static_cast<std::ptrdiff_t>(kColumns) - 1) continue;
        const auto accept_length = queue_of(state[1]);
        const auto backlog = queue_of(state[2]);
        const auto local = local_of(state[3]);
        if (!accept_length || !backlog || !local) continue;
        listeners.push_back({*local, *accept_length, *backlog});
    }
    return listeners;
}

}  // namespace synwhy::host
