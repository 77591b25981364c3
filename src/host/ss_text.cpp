// Which sockets listen, and how full are their accept queues?
#include "host/ss_text.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "host/lines.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kColumns = 5;  ///< State Recv-Q Send-Q Local Peer
constexpr std::size_t kMaxDetails = 256;
constexpr std::size_t kMaxPids = 1024;  ///< of one listener
constexpr std::size_t kMaxInterfaceName = 32;

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

/// "127.0.0.53%lo:53" -> "lo"
std::string interface_of(std::string_view text) {
    const auto begin = text.find('%');
    const auto end = text.rfind(':');
    if (begin == std::string_view::npos || end == std::string_view::npos || end <= begin) return {};
    auto name = text.substr(begin + 1, end - begin - 1);
    if (name.ends_with(']')) name.remove_suffix(1);
    return std::string(name.substr(0, kMaxInterfaceName));
}

/// The digits at the beginning.
std::optional<std::uint64_t> number_at(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end == text.data()) return std::nullopt;
    return value;
}

void add_pid(core::Listener& listener, std::string_view digits) {
    const auto pid = number_at(digits);
    if (!pid || *pid == 0 || *pid > std::numeric_limits<int>::max()) return;
    const int value = static_cast<int>(*pid);
    const auto place = std::ranges::lower_bound(listener.pids, value);
    if (place != listener.pids.end() && *place == value) return;
    if (listener.pids.size() < kMaxPids) listener.pids.insert(place, value);
}

/// users:(("nginx",pid=812,fd=6),("nginx",pid=813,fd=6)), in old versions users:(("sshd",1274,3)). Names may hold
/// anything.
void add_users(core::Listener& listener, std::string_view text) {
    while (true) {
        const auto quote = text.find("\",");
        if (quote == std::string_view::npos) return;
        text.remove_prefix(quote + 2);
        auto digits = text;
        if (digits.starts_with("pid=")) digits.remove_prefix(4);
        add_pid(listener, digits);
    }
}

/// What -m, -p and -e print, on the row itself or on the indented line below it.
void add_details(core::Listener& listener, std::string_view text) {
    for (const auto word : words_of(text, kMaxDetails)) {
        if (word.starts_with("users:")) {
            add_users(listener, text.substr(static_cast<std::size_t>(word.data() - text.data())));
        } else if (word.starts_with("ino:")) {
            listener.inode = number_at(word.substr(4)).value_or(0);
        } else if (word.starts_with("uid:")) {
            listener.uid = static_cast<std::uint32_t>(number_at(word.substr(4)).value_or(0));
        } else if (word.starts_with("v6only:")) {
            listener.ipv6_only = word == "v6only:1";
        } else if (word.starts_with("skmem:(")) {
            const auto drops = word.rfind(",d");  // since kernel 4.9
            if (drops != std::string_view::npos) listener.drops = number_at(word.substr(drops + 2));
        }
    }
}

/// The row of a listening socket; nullopt for any other line.
std::optional<core::Listener> listener_of(std::string_view line) {
    const auto words = words_of(line, 2 * kColumns);
    const auto state = std::ranges::find(words, std::string_view("LISTEN"));
    // The first column, or the second behind "tcp" (`ss -ltun`, `ss` of all families).
    if (state - words.begin() > 1 || words.end() - state < static_cast<std::ptrdiff_t>(kColumns) - 1) {
        return std::nullopt;
    }
    const auto accept_length = queue_of(state[1]);
    const auto backlog = queue_of(state[2]);
    const auto local = local_of(state[3]);
    if (!accept_length || !backlog || !local) return std::nullopt;
    core::Listener listener;
    listener.local = *local;
    listener.accept_length = *accept_length;
    listener.backlog = *backlog;
    listener.interface = interface_of(state[3]);
    return listener;
}

}  // namespace

std::vector<core::Listener> parse_listener_details(std::string_view text) {
    std::vector<core::Listener> listeners;
    bool below = false;  // lines that follow belong to the last listener
    while (const auto line = next_line(text)) {
        if (!line->empty() && is_blank(line->front()) && below) {
            add_details(listeners.back(), *line);
            continue;
        }
        auto listener = listener_of(*line);
        below = listener.has_value();
        if (!listener) continue;
        if (listeners.size() >= kMaxListeners) break;
        add_details(*listener, *line);
        listeners.push_back(std::move(*listener));
    }
    return listeners;
}

std::vector<core::ListenerFacts> parse_listeners(std::string_view text) {
    std::vector<core::ListenerFacts> facts;
    for (const auto& listener : parse_listener_details(text)) {
        facts.push_back({listener.local, listener.accept_length, listener.backlog});
    }
    return facts;
}

std::optional<SocketRow> parse_stateless_row(std::string_view line) {
    const auto words = words_of(line, kColumns);
    if (words.size() < kColumns - 1 || !queue_of(words[0]) || !queue_of(words[1])) return std::nullopt;
    const auto local = local_of(words[2]);
    const auto peer = local_of(words[3]);
    if (!local || !peer) return std::nullopt;
    return SocketRow{*local, *peer};
}

}  // namespace synwhy::host
