#include "lab/proc_net.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

namespace synwhy::lab {
namespace {

using std::string_view;

constexpr std::string_view kFolder = "/proc/thread-self/net/";
constexpr std::size_t kListenState = 10;

/// include/net/tcp_states.h
constexpr auto kStates =
    std::to_array<string_view>({"?", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
                                "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV"});

string_view next_line(string_view& text) {
    const auto end = std::min(text.find('\n'), text.size());
    const string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

string_view next_word(string_view& line) {
    const auto first = std::min(line.find_first_not_of(" \t"), line.size());
    const auto end = std::min(line.find_first_of(" \t", first), line.size());
    const string_view word = line.substr(first, end - first);
    line.remove_prefix(end);
    return word;
}

template <class T>
std::optional<T> number(string_view text, int base = 10) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Two lines each: "TcpExt: NAME NAME", "TcpExt: 0 1".
void read_pairs(string_view file, sim::CounterValues& values) {
    const std::string text = read_text(std::string(kFolder) + std::string(file));
    string_view rest = text;
    while (!rest.empty()) {
        string_view names = next_line(rest);
        string_view numbers = next_line(rest);
        string_view prefix = next_word(names);
        next_word(numbers);
        if (prefix.ends_with(':')) prefix.remove_suffix(1);
        while (true) {
            const string_view name = next_word(names);
            const auto value = number<std::int64_t>(next_word(numbers));
            if (name.empty() || !value) break;
            values.emplace(std::string(prefix) + '.' + std::string(name), *value);
        }
    }
}

/// One a line: "Ip6InReceives 12".
void read_snmp6(sim::CounterValues& values) {
    const std::string text = read_text(std::string(kFolder) + "snmp6");
    string_view rest = text;
    while (!rest.empty()) {
        string_view line = next_line(rest);
        const string_view name = next_word(line);
        const auto value = number<std::int64_t>(next_word(line));
        if (value && (name.starts_with("Ip6In") || name.starts_with("Icmp6Out"))) {
            values.emplace("Snmp6." + std::string(name), *value);
        }
    }
}

/// Counters of bytes, of the control protocols of IPv6, and gauges: they tell nothing about a SYN.
bool is_noise(string_view name) {
    if (name.starts_with("IpExt.")) {
        return name != "IpExt.InTruncatedPkts" && name != "IpExt.InNoRoutes" && name != "IpExt.InCsumErrors";
    }
    if (name.starts_with("Snmp6.Ip6In")) {
        return name.contains("Octets") || name.contains("Pkts") || name.contains("Mcast");
    }
    return name == "Tcp.CurrEstab" || name.starts_with("Snmp6.Icmp6OutMLD") || name.starts_with("Snmp6.Icmp6OutType");
}

struct SocketLine {
    core::Endpoint local{};
    core::Endpoint remote{};
    std::size_t state = 0;
    std::uint64_t receive_queue = 0;
};

/// "0100000A:0050": words of the address in host order, then the port.
std::optional<core::Endpoint> read_endpoint(string_view text) {
    const auto colon = text.find(':');
    if (colon != 8 && colon != 32) return std::nullopt;
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t i = 0; i < colon / 8; ++i) {
        const auto word = number<std::uint32_t>(text.substr(8 * i, 8), 16);
        if (!word) return std::nullopt;
        std::memcpy(&bytes[4 * i], &*word, 4);
    }
    const auto port = number<std::uint16_t>(text.substr(colon + 1), 16);
    if (!port) return std::nullopt;
    if (colon == 8) return core::Endpoint{core::Address::from_ipv4(bytes.data()), *port};
    constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const bool mapped = std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
    return core::Endpoint{mapped ? core::Address::from_ipv4(&bytes[12]) : core::Address::from_ipv6(bytes.data()),
                          *port};
}

std::vector<SocketLine> read_lines() {
    std::vector<SocketLine> lines;
    for (const string_view file : {"tcp", "tcp6"}) {
        const std::string text = read_text(std::string(kFolder) + std::string(file));
        string_view rest = text;
        next_line(rest);
        while (!rest.empty()) {
            string_view line = next_line(rest);
            next_word(line);
            const auto local = read_endpoint(next_word(line));
            const auto remote = read_endpoint(next_word(line));
            const auto state = number<std::size_t>(next_word(line), 16);
            const string_view queues = next_word(line);
            if (!local || !remote || !state || queues.size() < 9 || *state >= kStates.size()) continue;
            lines.push_back({*local, *remote, *state, number<std::uint64_t>(queues.substr(9), 16).value_or(0)});
        }
    }
    return lines;
}

}  // namespace

std::string read_text(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

sim::CounterValues read_counters() {
    sim::CounterValues values;
    read_pairs("netstat", values);
    read_pairs("snmp", values);
    read_snmp6(values);
    std::erase_if(values, [](const auto& counter) { return is_noise(counter.first); });
    return values;
}

sim::Sockets read_sockets() {
    sim::Sockets sockets;
    for (const SocketLine& line : read_lines()) {
        if (line.state == kListenState) {
            sockets.accept_queues[line.local.port] = line.receive_queue;
        } else {
            ++sockets.states[std::string(kStates[line.state])];
        }
    }
    return sockets;
}

std::string read_state(const core::FourTuple& tuple) {
    std::string state = "gone";
    for (const SocketLine& line : read_lines()) {
        if (line.local != tuple.server || line.remote != tuple.client) continue;
        if (state == "gone" || state == "TIME_WAIT") state = kStates[line.state];
    }
    return state;
}

}  // namespace synwhy::lab
