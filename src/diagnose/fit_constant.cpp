// Does something about the sender alone predict which SYNs were refused?
//
// A minimum TTL on the listener, a source prefix that one listener or the whole host refuses. Such causes are blind
// to load, time and timestamps: every SYN of the kind fails, no other does.
#include <algorithm>
#include <map>
#include <set>

#include "diagnose/mechanism.hpp"

namespace synwhy::diagnose {

namespace {

const capture::SynCopy& syn_of(const capture::Fold& fold, const Attempt& attempt) {
    return fold.handshakes()[attempt.handshake].syns[attempt.copy];
}

const core::Address& client_of(const capture::Fold& fold, const Attempt& attempt) {
    return fold.handshakes()[attempt.handshake].tuple.client.address;
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
    std::vector<std::size_t> silent;       ///< unexplained
    std::vector<std::int64_t> answered;    ///< times
    std::set<std::uint32_t> silent_on;     ///< listeners
    std::int64_t first_ns = INT64_MAX;
    std::int64_t last_ns = INT64_MIN;

    /// No answer between the first and the last silence.
    [[nodiscard]] bool constant() const {
        return !silent.empty() && std::none_of(answered.begin(), answered.end(), [&](std::int64_t t) { return t >= first_ns && t <= last_ns; });
    }
};

using Runs = std::map<core::Address, ClientRun>;

void collect(const HostView& view, const capture::Fold& fold, const std::vector<bool>& explained, std::size_t i, Runs& runs) {
    const Attempt& attempt = view.attempts[i];
    if (!judged(attempt) || (attempt.silent() && explained[i])) return;
    ClientRun& run = runs[client_of(fold, attempt)];
    if (attempt.answered()) {
        run.answered.push_back(attempt.time_ns);
        return;
    }
    run.silent.push_back(i);
    run.silent_on.insert(attempt.listener);
    run.first_ns = std::min(run.first_ns, attempt.time_ns);
    run.last_ns = std::max(run.last_ns, attempt.time_ns);
}

Runs collect_host_runs(const HostView& view, const capture::Fold& fold, const std::vector<bool>& explained) {
    Runs runs;
    for (std::size_t i = 0; i < view.attempts.size(); ++i) collect(view, fold, explained, i, runs);
    return runs;
}

Runs collect_listener_runs(const HostView& view, const capture::Fold& fold, const std::vector<bool>& explained, const ListenerView& listener) {
    Runs runs;
    const bool anything_open = std::any_of(listener.attempts.begin(), listener.attempts.end(), [&](std::uint32_t i) {
        return judged(view.attempts[i]) && view.attempts[i].silent() && !explained[i];
    });
    if (!anything_open) return runs;
    for (const std::uint32_t i : listener.attempts) collect(view, fold, explained, i, runs);
    return runs;
}

/// Most refused groups that are tried at a time.
constexpr std::size_t kMaxGroups = 64;

struct Group {
    std::vector<core::Address> members;
    std::size_t silent = 0;
    std::int64_t first_ns = INT64_MAX;
    std::int64_t last_ns = INT64_MIN;
};

core::Address first_of_prefix(core::Address address, unsigned bits) {
    const unsigned offset = address.family == core::Family::ipv4 ? 96 : 0;
    for (unsigned bit = bits + offset; bit < 128; ++bit) {
        address.bytes[bit / 8] = static_cast<std::uint8_t>(address.bytes[bit / 8] & ~(0x80U >> (bit % 8)));
    }
    return address;
}

bool answered_inside(const Runs& runs, const core::Address& about, unsigned bits, std::int64_t from, std::int64_t to) {
    for (auto run = runs.lower_bound(first_of_prefix(about, bits)); run != runs.end() && bit_prefix_equal(run->first, about, bits); ++run) {
        const auto& times = run->second.answered;
        const auto next = std::lower_bound(times.begin(), times.end(), from);
        if (next != times.end() && *next <= to) return true;
    }
    return false;
}

/// Joins neighbouring refused clients into the largest prefix (/16 or /32 at the widest) without an answered client.
std::vector<Group> group_clients(const Runs& runs) {
    std::vector<Group> groups;
    for (const auto& [address, run] : runs) {
        if (!run.constant()) continue;
        const unsigned widest = address.family == core::Family::ipv4 ? 16 : 32;
        if (!groups.empty()) {
            Group& last = groups.back();
            const unsigned bits = common_bits(last.members.front(), address);
            const std::int64_t from = std::min(last.first_ns, run.first_ns);
            const std::int64_t to = std::max(last.last_ns, run.last_ns);
            if (bits >= widest && !answered_inside(runs, address, bits, from, to)) {
                last.members.push_back(address);
                last.silent += run.silent.size();
                last.first_ns = from;
                last.last_ns = to;
                continue;
            }
        }
        groups.push_back({{address}, run.silent.size(), run.first_ns, run.last_ns});
    }
    std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.silent > b.silent; });
    if (groups.size() > kMaxGroups) groups.resize(kMaxGroups);
    return groups;
}

Mechanism mechanism_of(const HostView& view, const capture::Fold& fold, const Group& group, std::uint32_t listener) {
    Mechanism mechanism;
    mechanism.listener = listener;
    mechanism.cost = group.members.size() > 1 ? 0.8 : 1.5;
    mechanism.prefix = group.members.front();
    mechanism.prefix_length = static_cast<std::uint8_t>(common_bits(group.members.front(), group.members.back()));
    mechanism.from_ns = group.first_ns;
    mechanism.to_ns = group.last_ns;
    const auto consider = [&](std::size_t i) {
        const Attempt& attempt = view.attempts[i];
        const bool inside = attempt.time_ns >= group.first_ns && attempt.time_ns <= group.last_ns &&
                            bit_prefix_equal(client_of(fold, attempt), mechanism.prefix, mechanism.prefix_length);
        mechanism.predict(i, attempt, inside ? Prediction::refuse : Prediction::answer);
    };
    if (listener == kNone) {
        for (std::size_t i = 0; i < view.attempts.size(); ++i) consider(i);
    } else {
        for (const std::uint32_t i : view.listeners[listener].attempts) consider(i);
    }
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
        std::set<core::Address> clients;
        unsigned highest_refused = 0;
        for (const std::uint32_t i : view.listeners[l].attempts) {
            const Attempt& attempt = view.attempts[i];
            if (!judged(attempt) || !attempt.silent() || syn_of(fold, attempt).ttl >= lowest_answered) continue;
            clients.insert(client_of(fold, attempt));
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

std::vector<Mechanism> fit_prefixes(const HostView& view, const capture::Fold& fold, const Premises& premises,
                                    const std::vector<bool>& explained) {
    std::vector<Mechanism> fitted;
    const Runs host_runs = collect_host_runs(view, fold, explained);
    std::vector<bool> taken = explained;
    for (const Group& group : group_clients(host_runs)) {
        // Refused by the host: on several listeners, or there is only one to be refused by.
        std::set<std::uint32_t> listeners;
        for (const core::Address& member : group.members) {
            const ClientRun& run = host_runs.at(member);
            listeners.insert(run.silent_on.begin(), run.silent_on.end());
        }
        if (listeners.size() < 2 && view.listeners.size() > 1) continue;
        Mechanism mechanism = mechanism_of(view, fold, group, kNone);
        // Without a route back a strict or loose reverse path filter refuses first.
        const bool filter_first = premises.rp_filter.value_or(false);
        mechanism.cause = filter_first ? core::Cause::rp_filter : core::Cause::no_route_back;
        mechanism.siblings = {core::Cause::netfilter_drop, filter_first ? core::Cause::no_route_back : core::Cause::rp_filter, core::Cause::socket_filter};
        for (const std::uint32_t i : mechanism.refusals) taken[i] = true;
        fitted.push_back(std::move(mechanism));
    }
    for (std::uint32_t l = 0; l < view.listeners.size(); ++l) {
        for (const Group& group : group_clients(collect_listener_runs(view, fold, taken, view.listeners[l]))) {
            Mechanism mechanism = mechanism_of(view, fold, group, l);
            const bool filter = premises.netfilter_unlikely;
            mechanism.cause = filter ? core::Cause::socket_filter : core::Cause::netfilter_drop;
            mechanism.siblings = {filter ? core::Cause::netfilter_drop : core::Cause::socket_filter, core::Cause::no_route_back, core::Cause::min_ttl};
            fitted.push_back(std::move(mechanism));
        }
    }
    return fitted;
}

}  // namespace synwhy::diagnose
