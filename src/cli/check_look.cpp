// How is one network namespace looked at twice?
#include "cli/check_look.hpp"

#include <algorithm>
#include <utility>

#include "firewall/movement.hpp"
#include "firewall/packet.hpp"
#include "firewall/read_ruleset.hpp"
#include "firewall/walk.hpp"
#include "host/ruleset_reader.hpp"

namespace synwhy::cli {
namespace {

struct FilterReading {
    firewall::Ruleset ruleset{};
    std::string why_not{};
};

/// A reason is worth telling when a text is missing although there are rules.
FilterReading read_filter() {
    const core::FilterTexts texts = host::read_filter_texts();
    FilterReading reading{.ruleset = firewall::read_ruleset(texts)};
    if (!reading.ruleset.complaints.empty()) reading.why_not = reading.ruleset.complaints.front();
    return reading;
}

std::vector<core::Address> own_addresses(const core::HostState& state) {
    std::vector<core::Address> addresses;
    for (const core::InterfaceState& interface : state.interfaces) {
        addresses.insert(addresses.end(), interface.addresses.begin(), interface.addresses.end());
    }
    return addresses;
}

core::FilterAnswer walk_for(const core::WatchedGroup& group, const firewall::Ruleset& ruleset,
                            const std::vector<core::Address>& own) {
    firewall::Packet packet = firewall::syn({group.client, group.client_port}, group.server);
    if (group.client_port == 0) packet.source_port.reset();
    if (!group.interface.empty()) packet.in_interface = group.interface;
    if (group.syns > 0) packet.ttl = group.lowest_ttl;
    packet.local_addresses = own;
    const firewall::Walk way_in = firewall::walk(ruleset, packet);
    const firewall::Walk way_out = firewall::walk(ruleset, firewall::answer_to(way_in.after));
    return {.server = group.server, .client = group.client, .syn = way_in.verdict, .syn_ack = way_out.verdict};
}

}  // namespace

NamespaceLook::NamespaceLook(std::string name, LookWishes wishes) : wishes_(std::move(wishes)) {
    options_.netns_name = std::move(name);
    if (wishes_.from) options_.clients.push_back(*wishes_.from);
    inputs_.port = wishes_.port;
    inputs_.from = wishes_.from;
    inputs_.before = host::read_host(options_);
    FilterReading filter = read_filter();
    inputs_.filter_why_not = filter.why_not;
    if (!wishes_.watch) {
        inputs_.watched.why_not = "the SYNs themselves: nobody watched (--seconds N)";
        ask_filter(filter.ruleset);
        return;
    }
    filter_before_ = std::move(filter.ruleset);
    auto tap = host::SynTap::open();
    if (tap) {
        tap_.emplace(*std::move(tap));
    } else {
        inputs_.watched.why_not = core::to_string(tap.error());
    }
}

void NamespaceLook::look_again() {
    if (tap_) inputs_.watched = tap_->watched();
    tap_.reset();
    // What a router only forwards has its listener, and its answer, elsewhere.
    const std::vector<core::Address> own = own_addresses(inputs_.before);
    if (!own.empty()) {
        std::erase_if(inputs_.watched.groups, [&](const core::WatchedGroup& group) {
            return std::ranges::find(own, group.server.address) == own.end();
        });
    }
    for (const core::WatchedGroup& group : inputs_.watched.groups) {
        if (options_.clients.size() >= kMaxWalks) break;
        if (group.unanswered > 0) options_.clients.push_back(group.client);
    }
    inputs_.after = host::read_host_again(options_, inputs_.before);
    const FilterReading filter = read_filter();
    inputs_.filter_why_not = filter.why_not;
    if (filter_before_) inputs_.filter_moves = firewall::movements(*filter_before_, filter.ruleset);
    ask_filter(filter.ruleset);
}

/// The clients that got no SYN+ACK, and the one that the user asks about.
std::vector<core::WatchedGroup> NamespaceLook::questions() const {
    std::vector<core::WatchedGroup> asked;
    for (const core::WatchedGroup& group : inputs_.watched.groups) {
        if (group.unanswered + group.reset + group.icmp == 0 || asked.size() >= kMaxWalks) continue;
        if (wishes_.port && group.server.port != *wishes_.port) continue;
        if (wishes_.from && group.client != *wishes_.from) continue;
        asked.push_back(group);
    }
    if (!wishes_.from) return asked;
    const core::HostState& state = inputs_.after ? *inputs_.after : inputs_.before;
    for (const core::Listener& listener : state.listeners) {
        if (wishes_.port && listener.local.port != *wishes_.port) continue;
        if (!wishes_.port && asked.size() >= kMaxWalks) break;
        for (const core::Address& own : own_addresses(state)) {
            if (own.family != wishes_.from->family || !doctor::reaches(listener, {own, listener.local.port})) continue;
            const core::Endpoint server{own, listener.local.port};
            const bool known = std::ranges::any_of(asked, [&](const core::WatchedGroup& group) {
                return group.server == server && group.client == *wishes_.from;
            });
            if (!known) asked.push_back({.server = server, .client = *wishes_.from});
        }
    }
    return asked;
}

void NamespaceLook::ask_filter(const firewall::Ruleset& ruleset) {
    const core::HostState& state = inputs_.after ? *inputs_.after : inputs_.before;
    const std::vector<core::Address> own = own_addresses(state);
    for (const core::WatchedGroup& group : questions()) inputs_.filter.push_back(walk_for(group, ruleset, own));
}

}  // namespace synwhy::cli
