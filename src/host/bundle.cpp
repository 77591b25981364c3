// What do files copied from another host tell about it?
#include "host/bundle.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "host/bundle_moment.hpp"
#include "host/bundle_names.hpp"
#include "host/netstat_file.hpp"

namespace synwhy::host {

namespace {

void append(std::vector<core::Error>& complaints, std::vector<core::Error> more) {
    for (auto& complaint : more) {
        if (complaints.size() < kMaxComplaints) complaints.push_back(std::move(complaint));
    }
}

/// What only the other moment tells is better than nothing; what moves is not taken over.
void fill_gaps(core::HostState& state, const core::HostState& other) {
    auto& facts = state.facts;
    const bool better_kernel = other.facts.kernel && facts.kernel &&
                               other.facts.kernel->open_questions.size() < facts.kernel->open_questions.size();
    if (!facts.kernel || better_kernel) facts.kernel = other.facts.kernel;
    facts.sysctls.insert(other.facts.sysctls.begin(), other.facts.sysctls.end());
    for (const auto& source : other.facts.sources) {
        if (std::ranges::find(facts.sources, source) == facts.sources.end()) facts.sources.push_back(source);
    }
    if (state.netns.empty()) state.netns = other.netns;
    if (state.distribution.empty()) state.distribution = other.distribution;
    if (facts.listeners.empty()) facts.listeners = other.facts.listeners;
    if (state.listeners.empty()) state.listeners = other.listeners;
}

/// The effective filter is the stricter of "all" and the interface's own: net/ipv4/fib_frontend.c:fib_validate_source.
void note_reverse_path_filters(core::HostState& state) {
    const auto all = state.facts.sysctl("net.ipv4.conf.all.rp_filter");
    for (auto& interface : state.interfaces) {
        std::string name = interface.name;
        std::ranges::replace(name, '.', '/');
        const auto own = state.facts.sysctl("net.ipv4.conf." + name + ".rp_filter");
        if (!all && !own) continue;
        interface.rp_filter = static_cast<int>(std::clamp(std::max(all.value_or(0), own.value_or(0)), 0L, 2L));
    }
}

/// `netstat -s` leaves out what is 0: put it in, so that whoever compares need not know.
void put_zeros(Counters& first, const Counters& second) {
    for (const auto& [name, value] : second) first.emplace(name, 0);
}

void finish(core::HostState& state) {
    note_reverse_path_filters(state);
    core::correct_kernel_by_facts(state.facts);
    note_missing(state);
}

void note_deltas(BundleStates& states) {
    if (!states.second || states.first.facts.counters.empty() || states.second->facts.counters.empty()) return;
    CounterFile both;
    both.readings = {states.first.facts.counters, states.second->facts.counters};
    add_counters(states.second->facts, both);
}

core::Error nothing_found(const std::string& name) {
    return {"holds neither uname, sysctl, netstat/nstat nor ss output", name,
            "expected for example proc/net/netstat, sos_commands/, or files like uname-a, sysctl-a, nstat-az, ss-ltn"};
}

/// One moment, or two readings of the counters in the same files.
BundleStates states_of_one(BundleMoment moment) {
    BundleStates states;
    append(states.complaints, std::move(moment.complaints));
    if (moment.earlier) {
        states.second = moment.state;
        states.first = std::move(moment.state);
        states.first.facts.counters = std::move(*moment.earlier);
        if (moment.zeros_omitted) put_zeros(states.first.facts.counters, states.second->facts.counters);
    } else {
        states.first = std::move(moment.state);
    }
    return states;
}

/// `before` and `after` in their order.
BundleStates states_of_two(BundleMoment before, BundleMoment after) {
    if (before.zeros_omitted || after.zeros_omitted) put_zeros(before.state.facts.counters, after.state.facts.counters);
    fill_gaps(after.state, before.state);
    fill_gaps(before.state, after.state);
    BundleStates states{std::move(before.state), std::move(after.state), std::move(before.complaints)};
    append(states.complaints, std::move(after.complaints));
    return states;
}

void finish(BundleStates& states) {
    finish(states.first);
    if (!states.second) return;
    finish(*states.second);
    note_deltas(states);
}

std::expected<BundleStates, core::Error> unfinished_states_of(const BundleFiles& files, const std::string& name) {
    const auto holds = [&](std::string_view moment) {
        return std::ranges::any_of(files.texts, [&](const auto& file) { return moment_of(file.first) == moment; });
    };
    const bool two_moments = holds("before") && holds("after");
    BundleStates states;
    bool found_anything = false;
    if (two_moments) {
        auto before = read_moment(files, "before");
        auto after = read_moment(files, "after");
        found_anything = before.found_anything || after.found_anything;
        states = states_of_two(std::move(before), std::move(after));
    } else {
        auto moment = read_moment(files, "");
        found_anything = moment.found_anything;
        states = states_of_one(std::move(moment));
    }
    if (!found_anything) return std::unexpected(nothing_found(name));
    auto complaints = files.complaints;
    append(complaints, std::move(states.complaints));
    states.complaints = std::move(complaints);
    return states;
}

std::expected<BundleStates, core::Error> unfinished_states(const std::string& path) {
    const auto files = load_bundle(path);
    if (!files) return std::unexpected(files.error());
    return unfinished_states_of(*files, path);
}

/// Is `a` later than `b`? By the clock, else by the time since boot; false where neither is known of both.
bool is_later(const core::HostState& a, const core::HostState& b) {
    if (a.wall_ns != 0 && b.wall_ns != 0) return a.wall_ns > b.wall_ns;
    return a.monotonic_ns != 0 && b.monotonic_ns != 0 && a.monotonic_ns > b.monotonic_ns;
}

/// Of bundles that hold two moments themselves: the first of the earlier one, the last of the later one.
std::expected<BundleStates, core::Error> pair_of(const std::string& one, const std::string& other) {
    auto first = unfinished_states(one);
    if (!first) return first;
    auto second = unfinished_states(other);
    if (!second) return second;
    if (is_later(first->first, second->first)) std::swap(first, second);
    BundleMoment before{.state = std::move(first->first), .complaints = std::move(first->complaints)};
    BundleMoment after{.state = second->second ? std::move(*second->second) : std::move(second->first),
                       .complaints = std::move(second->complaints)};
    return states_of_two(std::move(before), std::move(after));
}

}  // namespace

std::expected<BundleStates, core::Error> bundle_states_of(const BundleFiles& files, const std::string& name) {
    auto states = unfinished_states_of(files, name);
    if (states) finish(*states);
    return states;
}

std::expected<BundleStates, core::Error> read_bundle_states(const std::string& path_or_pair) {
    std::error_code ignored;
    const auto comma = path_or_pair.find(',');
    const bool one = comma == std::string::npos || std::filesystem::exists(path_or_pair, ignored);
    auto states =
        one ? unfinished_states(path_or_pair) : pair_of(path_or_pair.substr(0, comma), path_or_pair.substr(comma + 1));
    if (states) finish(*states);
    return states;
}

std::expected<Bundle, core::Error> read_bundle(const std::string& path_or_pair) {
    auto states = read_bundle_states(path_or_pair);
    if (!states) return std::unexpected(states.error());
    auto& last = states->second ? *states->second : states->first;
    return Bundle{std::move(last.facts), std::move(states->complaints)};
}

}  // namespace synwhy::host
