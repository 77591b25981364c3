// Does something about the sender alone predict which SYNs were refused?
//
// A minimum TTL on the listener, a source prefix that one listener or the whole host refuses. Such causes are blind
// to load, time and timestamps: every SYN of the kind fails, no other does.
#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "diagnose/mechanism.hpp"

namespace synwhy::diagnose {

namespace {

const capture::SynCopy& syn_of(const capture::Fold& fold, const Attempt& attempt) {
    return fold.handshakes()[attempt.handshake].syns[attempt.copy];
}

bool bit_prefix_equal(const core::Address& a, const core::Address& b, unsigned bits) {
    if (a.family != b.family) return false;
    const std::size_t offset = a.family == core::Family::ipv4 ? 12 : 0;
    for (unsigned i = 0; i < bits; ++i) {
        const std::size_t byte = offset + i / 8;
        const auto mask = static_cast<std::uint8_t>(0x80U >> (i % 8));
        if (((a.bytes[byte] ^ b.bytes[byte]) & mask) != 0) return false;
    }
    return true;
}

unsigned common_bits(const core::Address& a, const core::Address& b) {
    const unsigned width = a.family == core::Family::ipv4 ? 32 : 128;
    unsigned bits = 0;
    while (bits < width && bit_prefix_equal(a, b, bits + 1)) ++bits;
    return bits;
}

/// How one client fared on one scope (a listener, or the host).
struct ClientRun {
    std::vector<std::size_t> silent;     ///< unexplained
    std::vector<std::int64_t> answered;  ///< times
    std::set<std::uint32_t> silent_on;   ///< listeners
    std::int64_t first_ns = INT64_MAX;
    std::int64_t last_ns = INT64_MIN;

    /// No answer between the first and the last silence.
    [[nodiscard]] bool constant() const {
        return !silent.empty() && std::none_of(answered.begin(), answered.end(),
                                               [&](std::int64_t t) { return t >= first_ns && t <= last_ns; });
    }
};

/// Runs by client number, of those clients only that tried the scope: a scan meets thousands of listeners.
using Runs = std::map<std::uint32_t, ClientRun>;

void collect(const HostView& view, const std::vector<bool>& explained, std::uint32_t i, Runs& runs) {
    const Attempt& attempt = view.attempts[i];
    if (!judged(attempt) || (attempt.silent() && explained[i])) return;
    ClientRun& run = runs[attempt.client];
    if (attempt.answered()) {
        run.answered.push_back(attempt.time_ns);
        return;
    }
    run.silent.push_back(i);
    run.silent_on.insert(attempt.listener);
    run.first_ns = std::min(run.first_ns, attempt.time_ns);
    run.last_ns = std::max(run.last_ns, attempt.time_ns);
}

bool anything_open(const HostView& view, const std::vector<bool>& explained,
                   const std::vector<std::uint32_t>& attempts) {
    return std::any_of(attempts.begin(), attempts.end(), [&](std::uint32_t i) {
        return judged(view.attempts[i]) && view.attempts[i].silent() && !explained[i];
    });
}

/// The range of client numbers inside a prefix.
std::pair<std::size_t, std::size_t> clients_inside(const HostView& view, const core::Address& about, unsigned bits) {
    const auto first = std::partition_point(view.clients.begin(), view.clients.end(), [&](const core::Address& client) {
        return client < about && !bit_prefix_equal(client, about, bits);
    });
    const auto last = std::partition_point(
        first, view.clients.end(), [&](const core::Address& client) { return bit_prefix_equal(client, about, bits); });
    return {static_cast<std::size_t>(first - view.clients.begin()),
            static_cast<std::size_t>(last - view.clients.begin())};
}

/// Most refused groups that are tried at a time.
constexpr std::size_t kMaxGroups = 64;

/// Neighbouring clients that were refused alike.
struct Group {
    std::vector<std::uint32_t> members;  ///< client numbers, ascending
    std::size_t silent = 0;
    std::int64_t first_ns = INT64_MAX;
    std::int64_t last_ns = INT64_MIN;
};

bool answered_inside(const HostView& view, const Runs& runs, const core::Address& about, unsigned bits,
                     std::int64_t from, std::int64_t to) {
    const auto [first, last] = clients_inside(view, about, bits);
    for (auto run = runs.lower_bound(static_cast<std::uint32_t>(first)); run != runs.end() && run->first < last;
         ++run) {
        const auto& times = run->second.answered;
        const auto next = std::lower_bound(times.begin(), times.end(), from);
        if (next != times.end() && *next <= to) return true;
    }
    return false;
}

/// Joins neighbouring refused clients into the largest prefix (/16 or /32 at the widest) without an answered client.
std::vector<Group> group_clients(const HostView& view, const Runs& runs) {
    std::vector<Group> groups;
    for (const auto& [client, run] : runs) {
        if (!run.constant()) continue;
        const core::Address& address = view.clients[client];
        const unsigned widest = address.family == core::Family::ipv4 ? 16 : 32;
        if (!groups.empty()) {
            Group& last = groups.back();
            const unsigned bits = common_bits(view.clients[last.members.front()], address);
            const std::int64_t from = std::min(last.first_ns, run.first_ns);
            const std::int64_t to = std::max(last.last_ns, run.last_ns);
            if (bits >= widest && !answered_inside(view, runs, address, bits, from, to)) {
                last.members.push_back(client);
                last.silent += run.silent.size();
                last.first_ns = from;
                last.last_ns = to;
                continue;
            }
        }
        groups.push_back({{client}, run.silent.size(), run.first_ns, run.last_ns});
    }
    std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.silent > b.silent; });
    if (groups.size() > kMaxGroups) groups.resize(kMaxGroups);
    return groups;
}

/// The attempts of every client, by client number.
std::vector<std::vector<std::uint32_t>> attempts_by_client(const HostView& view) {
    std::vector<std::vector<std::uint32_t>> by_client(view.clients.size());
    for (std::uint32_t i = 0; i < view.attempts.size(); ++i) by_client[view.attempts[i].client].push_back(i);
    return by_client;
}

Mechanism mechanism_of(const HostView& view, const std::vector<std::vector<std::uint32_t>>& by_client,
                       const Group& group, std::uint32_t listener) {
    Mechanism mechanism;
    mechanism.listener = listener;
    mechanism.cost = group.members.size() > 1 ? 0.8 : 1.5;
    mechanism.prefix = view.clients[group.members.front()];
    mechanism.prefix_length =
        static_cast<std::uint8_t>(common_bits(mechanism.prefix, view.clients[group.members.back()]));
    mechanism.from_ns = group.first_ns;
    mechanism.to_ns = group.last_ns;
    std::vector<std::uint32_t> inside;
    const auto [first, last] = clients_inside(view, mechanism.prefix, mechanism.prefix_length);
    for (std::size_t client = first; client < last; ++client) {
        for (const std::uint32_t i : by_client[client]) {
            const Attempt& attempt = view.attempts[i];
            const bool in_scope = listener == kNone || attempt.listener == listener;
            if (in_scope && attempt.time_ns >= group.first_ns && attempt.time_ns <= group.last_ns) inside.push_back(i);
        }
    }
    std::sort(inside.begin(), inside.end());
    for (const std::uint32_t i : inside) mechanism.predict(i, view.attempts[i], Prediction::refuse);
    return mechanism;
}

}  // namespace

std::vector<Mechanism> fit_min_ttl(const HostView& view, const capture::Fold& fold, const Premises& premises) {
    std::vector<Mechanism> fitted;
    if (!premises.any_kernel([](const core::Behaviours& b) { return b.min_ttl_exists; })) return fitted;
    for (std::uint32_t l = 0; l < view.listeners.size(); ++l) {
        unsigned lowest_answered = 256;
        std::uint64_t answered = 0;
        for (const std::uint32_t i : view.listeners[l].attempts) {
            const Attempt& attempt = view.attempts[i];
            if (!judged(attempt) || !attempt.answered()) continue;
            lowest_answered = std::min<unsigned>(lowest_answered, syn_of(fold, attempt).ttl);
            ++answered;
        }
        std::set<std::uint32_t> clients;
        unsigned highest_refused = 0;
        for (const std::uint32_t i : view.listeners[l].attempts) {
            const Attempt& attempt = view.attempts[i];
            if (!judged(attempt) || !attempt.silent() || syn_of(fold, attempt).ttl >= lowest_answered) continue;
            clients.insert(attempt.client);
            highest_refused = std::max<unsigned>(highest_refused, syn_of(fold, attempt).ttl);
        }
        // One client with a low TTL is a client that is refused; it takes several to show a limit.
        if (clients.size() < 2 || answered == 0) continue;
        Mechanism mechanism;
        mechanism.cause = core::Cause::min_ttl;
        mechanism.listener = l;
        mechanism.cost = 1.5;
        mechanism.threshold = highest_refused + 1;
        for (const std::uint32_t i : view.listeners[l].attempts) {
            const bool low = syn_of(fold, view.attempts[i]).ttl <= highest_refused;
            mechanism.predict(i, view.attempts[i], low ? Prediction::refuse : Prediction::answer);
        }
        if (mechanism.support > 0) fitted.push_back(std::move(mechanism));
    }
    return fitted;
}

std::vector<Mechanism> fit_prefixes(const HostView& view, const Premises& premises,
                                    const std::vector<bool>& explained) {
    std::vector<Mechanism> fitted;
    std::vector<std::uint32_t> everything(view.attempts.size());
    std::iota(everything.begin(), everything.end(), 0U);
    if (!anything_open(view, explained, everything)) return fitted;
    const auto by_client = attempts_by_client(view);
    Runs host_runs;
    for (const std::uint32_t i : everything) collect(view, explained, i, host_runs);
    std::vector<bool> taken = explained;
    for (const Group& group : group_clients(view, host_runs)) {
        // Refused by the host: on several listeners, or there is only one to be refused by.
        std::set<std::uint32_t> listeners;
        for (const std::uint32_t member : group.members) {
            const ClientRun& run = host_runs.at(member);
            listeners.insert(run.silent_on.begin(), run.silent_on.end());
        }
        if (listeners.size() < 2 && view.listeners.size() > 1) continue;
        Mechanism mechanism = mechanism_of(view, by_client, group, kNone);
        // Without a route back a strict or loose reverse path filter refuses first.
        const bool filter_first = premises.rp_filter.value_or(false);
        mechanism.cause = filter_first ? core::Cause::rp_filter : core::Cause::no_route_back;
        mechanism.siblings = {core::Cause::netfilter_drop,
                              filter_first ? core::Cause::no_route_back : core::Cause::rp_filter,
                              core::Cause::socket_filter};
        for (const std::uint32_t i : mechanism.refusals) taken[i] = true;
        fitted.push_back(std::move(mechanism));
    }
    for (std::uint32_t l = 0; l < view.listeners.size(); ++l) {
        if (!anything_open(view, taken, view.listeners[l].attempts)) continue;
        Runs runs;
        for (const std::uint32_t i : view.listeners[l].attempts) collect(view, taken, i, runs);
        for (const Group& group : group_clients(view, runs)) {
            Mechanism mechanism = mechanism_of(view, by_client, group, l);
            const bool filter = premises.netfilter_unlikely;
            mechanism.cause = filter ? core::Cause::socket_filter : core::Cause::netfilter_drop;
            mechanism.siblings = {filter ? core::Cause::netfilter_drop : core::Cause::socket_filter,
                                  core::Cause::no_route_back, core::Cause::min_ttl};
            fitted.push_back(std::move(mechanism));
        }
    }
    return fitted;
}

}  // namespace synwhy::diagnose
