// Which sockets listen, how full are their queues, and who waits in SYN_RECV?
#include "host/sockets.hpp"

#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "core/version.hpp"
#include "host/capability.hpp"
#include "host/lines.hpp"
#include "host/proc_tcp.hpp"
#include "host/sock_diag.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kMaxSocketTableBytes = 512U << 20;  ///< of /proc/net/tcp: three million sockets
constexpr std::size_t kMaxLocalEndpoints = 65'536;        ///< told apart among the requests
constexpr std::size_t kDestinationsKept = 10;

/// What one walk over the sockets collects, whichever way they are read.
struct Collection {
    std::vector<core::Listener> listeners{};
    std::uint64_t listeners_left_out = 0;
    std::map<core::Endpoint, std::uint64_t> requests{};
    std::vector<HalfOpen> sample{};
    std::set<core::Address> clients{};

    void add_listener(core::Listener listener) {
        if (listeners.size() < kMaxListeningSockets) {
            listeners.push_back(std::move(listener));
        } else {
            ++listeners_left_out;
        }
    }
    void add_request(const core::Endpoint& local, const core::Address& client) {
        if (requests.size() < kMaxLocalEndpoints || requests.contains(local)) ++requests[local];
        if (clients.size() < kMaxHalfOpenClients && clients.insert(client).second) sample.push_back({local, client});
    }
};

core::Listener listener_of(const ProcTcpLine& line) {
    core::Listener listener;
    listener.local = line.local;
    listener.accept_length = line.receive_queue;
    listener.backlog_known = false;
    listener.inode = line.inode;
    listener.uid = line.uid;
    return listener;
}

/// @param listeners false: only requests, for kernels whose dumps hide them
std::expected<void, core::Error> read_files(const Tree& tree, bool listeners, Collection& found) {
    std::expected<void, core::Error> result{};
    for (const std::string_view name : {"tcp", "tcp6"}) {
        auto read = tree.lines(tree.net(name), kMaxSocketTableBytes, [&](std::string_view text) {
            const auto line = parse_proc_tcp_line(text);
            if (!line) return;
            if (line->state == ProcTcpState::syn_recv) found.add_request(line->local, line->remote.address);
            if (line->state == ProcTcpState::listen && listeners) found.add_listener(listener_of(*line));
        });
        if (!read && name == "tcp") result = std::move(read);
    }
    return result;
}

/// @return errno
int read_diag(const core::HostState& state, Collection& found) {
    auto netlink = Netlink::open(NETLINK_SOCK_DIAG);
    if (!netlink) return EPROTONOSUPPORT;
    const bool drops_counted = !state.facts.kernel || state.facts.kernel->behaviours.sk_drops_counted;
    const bool sees_md5 =
        has_capability(CAP_NET_ADMIN) && state.facts.kernel && core::since(*state.facts.kernel, 4, 14);
    DiagSelection selection;
    selection.states = 1U << kTcpListen | 1U << kTcpSynRecv | 1U << kTcpNewSynRecv;
    selection.details = true;
    return dump_tcp(*netlink, selection, [&](const DiagSocket& socket) {
        if (socket.state != kTcpListen) return found.add_request(socket.local, socket.remote.address);
        auto listener = listener_of(socket);
        if (!drops_counted) listener.drops.reset();  // the field is there, but nothing ever moves it
        if (sees_md5 && !listener.md5_keys) listener.md5_keys = 0;
        found.add_listener(std::move(listener));
    });
}

std::int64_t counter(const core::HostFacts& facts, const std::string& name) {
    const auto at = facts.counters.find(name);
    return at == facts.counters.end() ? 0 : at->second;
}

/// net.ipv4.ip_local_port_range, "32768\t60999".
std::optional<std::pair<std::uint16_t, std::uint16_t>> local_ports(const core::HostFacts& facts) {
    const auto found = facts.sysctls.find("net.ipv4.ip_local_port_range");
    if (found == facts.sysctls.end()) return std::nullopt;
    const auto words = words_of(found->second, 2);
    if (words.size() != 2) return std::nullopt;
    const auto low = integer_of(words[0]);
    const auto high = integer_of(words[1]);
    if (!low || !high || *low < 1 || *high < *low || *high > 65535) return std::nullopt;
    return std::pair{static_cast<std::uint16_t>(*low), static_cast<std::uint16_t>(*high)};
}

struct HashEndpoint {
    std::size_t operator()(const core::Endpoint& endpoint) const { return core::hash_of(endpoint); }
};

/// Which destinations take the local ports? Only asked when more than half of them could be taken.
void read_destinations(core::HostState& state) {
    const auto ports = local_ports(state.facts);
    const auto& facts = state.facts;
    const std::int64_t taken = counter(facts, "sockstat.TCP.inuse") + counter(facts, "sockstat.TCP.tw");
    if (!ports || taken * 2 <= ports->second - ports->first + 1) return;
    auto netlink = Netlink::open(NETLINK_SOCK_DIAG);
    if (!netlink) return;
    DiagSelection selection;
    selection.states = ~(1U << kTcpListen | 1U << kTcpSynRecv | 1U << kTcpNewSynRecv);
    selection.lowest_port = ports->first;
    selection.highest_port = ports->second;
    std::unordered_map<core::Endpoint, core::DestinationUse, HashEndpoint> uses;
    std::uint64_t left_out = 0;
    const int error = dump_tcp(*netlink, selection, [&](const DiagSocket& socket) {
        if (uses.size() >= kMaxDestinations && !uses.contains(socket.remote)) {
            ++left_out;
            return;
        }
        auto& use = uses[socket.remote];
        use.destination = socket.remote;
        ++(socket.state == kTcpTimeWait ? use.time_wait : use.others);
    });
    if (error != 0) return miss(state, "destinations of the connections from here", text_of_errno(error));
    if (left_out > 0) {
        miss(state, fmt::format("destinations of {} connections", left_out),
             fmt::format("there are more than {} destinations", kMaxDestinations));
    }
    for (const auto& [endpoint, use] : uses) state.destinations.push_back(use);
    std::ranges::sort(state.destinations, [](const auto& a, const auto& b) {
        const auto total_a = a.time_wait + a.others;
        const auto total_b = b.time_wait + b.others;
        return total_a != total_b ? total_a > total_b : a.destination < b.destination;
    });
    if (state.destinations.size() > kDestinationsKept) state.destinations.resize(kDestinationsKept);
}

void collect(const Tree& tree, core::HostState& state, Collection& found) {
    const int error = tree.live() ? read_diag(state, found) : EPROTONOSUPPORT;
    if (error == 0) {
        const bool requests_hidden = state.facts.kernel && !state.facts.kernel->behaviours.request_in_ehash;
        if (!requests_hidden || !found.requests.empty()) return;
        if (const auto read = read_files(tree, false, found); !read) miss(state, "SYN_RECV", read.error().what);
        return;
    }
    found = {};
    if (const auto read = read_files(tree, true, found); !read) return miss(state, "listeners", read.error().what);
    miss(state, "limits of the accept queues, drops of the listeners",
         tree.live() ? "no socket diagnosis (" + text_of_errno(error) + "); /proc/net/tcp does not show them"
                     : "/proc/net/tcp does not show them");
}

}  // namespace

void share_half_open(const std::map<core::Endpoint, std::uint64_t>& requests, std::vector<core::Listener>& listeners) {
    core::Address any_ipv6;
    any_ipv6.family = core::Family::ipv6;
    std::map<core::Endpoint, std::uint64_t> shares;
    std::set<core::Endpoint> dual;  // [::]:port that answers IPv4 too
    for (const auto& listener : listeners) {
        shares[listener.local] = 0;
        if (listener.local.address == any_ipv6 && !listener.ipv6_only) dual.insert(listener.local);
    }
    for (const auto& [local, count] : requests) {
        const bool ipv4 = local.address.family == core::Family::ipv4;
        const core::Endpoint wildcard_v4{core::Address{}, local.port};
        const core::Endpoint wildcard_v6{any_ipv6, local.port};
        if (const auto own = shares.find(local); own != shares.end()) {
            own->second += count;
        } else if (const auto v4 = shares.find(wildcard_v4); ipv4 && v4 != shares.end()) {
            v4->second += count;
        } else if (const auto v6 = shares.find(wildcard_v6);
                   v6 != shares.end() && (!ipv4 || dual.contains(wildcard_v6))) {
            v6->second += count;
        }
    }
    for (auto& listener : listeners) listener.half_open = shares[listener.local];
}

std::vector<HalfOpen> read_sockets(const Tree& tree, core::HostState& state) {
    Collection found;
    collect(tree, state, found);
    share_half_open(found.requests, found.listeners);
    std::ranges::sort(found.listeners, [](const core::Listener& a, const core::Listener& b) {
        return std::tie(a.local, a.inode) < std::tie(b.local, b.inode);
    });
    if (found.listeners_left_out > 0) {
        miss(state, fmt::format("{} listeners", found.listeners_left_out),
             fmt::format("only {} are read", kMaxListeningSockets));
    }
    for (const auto& listener : found.listeners) {
        if (!listener.backlog_known) continue;  // a limit of 0 would look like a queue that is full
        state.facts.listeners.push_back({listener.local, listener.accept_length, listener.backlog});
    }
    for (const auto& request : found.sample) state.half_open_clients.push_back(request.client);
    state.listeners = std::move(found.listeners);
    if (tree.live()) read_destinations(state);
    return found.sample;
}

}  // namespace synwhy::host
