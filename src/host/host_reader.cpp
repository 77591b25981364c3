// What does a server look like now, or did when its files were copied?
#include "host/host_reader.hpp"

#include <algorithm>

#include <unordered_map>

#include "host/counter_files.hpp"
#include "host/interfaces.hpp"
#include "host/kernel_log.hpp"
#include "host/owners.hpp"
#include "host/process.hpp"
#include "host/refusers.hpp"
#include "host/routes.hpp"
#include "host/socket_options.hpp"
#include "host/sockets.hpp"
#include "host/sysctl_tree.hpp"
#include "host/system.hpp"
#include "host/tree.hpp"

namespace synwhy::host {

namespace {

core::HostState empty_state(const HostReaderOptions& options) {
    core::HostState state;
    state.netns = options.netns_name;
    return state;
}

/// What the socket of a listener was found to be stays true for as long as it has the same inode.
void inherit(core::Listener& listener, const core::Listener& before) {
    listener.pids = before.pids;
    listener.reuseport = before.reuseport;
    listener.socket_filter = before.socket_filter;
    listener.min_ttl = before.min_ttl;
    listener.defer_accept_s = before.defer_accept_s;
}

/// What does not move by itself within seconds.
void inherit(core::InterfaceState& interface, const std::vector<core::InterfaceState>& before) {
    const auto found = std::ranges::find(before, interface.name, &core::InterfaceState::name);
    if (found == before.end()) return;
    interface.addresses = found->addresses;
    interface.rp_filter = found->rp_filter;
    interface.xdp = found->xdp;
    interface.ingress_filters = found->ingress_filters;
    interface.rx_ring = found->rx_ring;
    interface.rx_ring_max = found->rx_ring_max;
}

}  // namespace

core::HostState read_host(const HostReaderOptions& options) {
    const Tree tree(options.root);
    auto state = empty_state(options);
    read_system(tree, state);
    read_sysctl_tree(tree, state);
    read_counter_files(tree, state);
    core::correct_kernel_by_facts(state.facts);
    const auto half_open = read_sockets(tree, state);
    if (options.processes) {
        const auto holders = read_owners(tree, state);
        read_processes(tree, state);
        read_socket_options(holders, state);
    }
    if (options.network) {
        read_interfaces(tree, state);
        if (tree.live()) read_return_paths(options.clients, half_open, state);
    }
    if (options.refusers) read_refusers(tree, state);
    if (options.kernel_log && tree.live()) read_kernel_log(state);
    read_load(tree, state);
    return state;
}

core::HostState read_host_again(const HostReaderOptions& options, const core::HostState& first) {
    const Tree tree(options.root);
    auto state = empty_state(options);
    state.facts.kernel = first.facts.kernel;
    state.facts.sysctls = first.facts.sysctls;
    state.distribution = first.distribution;
    read_counter_files(tree, state);
    const auto half_open = read_sockets(tree, state);
    std::unordered_map<std::uint64_t, const core::Listener*> before;
    for (const auto& listener : first.listeners) before.emplace(listener.inode, &listener);
    for (auto& listener : state.listeners) {
        const auto found = before.find(listener.inode);
        if (found != before.end() && listener.inode != 0) inherit(listener, *found->second);
    }
    if (options.processes) read_processes(tree, state);
    if (options.network) {
        read_interface_counters(tree, state);
        for (auto& interface : state.interfaces) inherit(interface, first.interfaces);
        if (tree.live()) read_return_paths(options.clients, half_open, state);
    }
    state.refusers = first.refusers;
    state.kernel_log = first.kernel_log;
    state.missing.insert(state.missing.end(), first.missing.begin(), first.missing.end());
    read_load(tree, state);
    return state;
}

}  // namespace synwhy::host
