// What does a server look like now, or did when its files were copied?
//
// The readers of this folder, one after the other, into one core::HostState. They only look: nothing is sent, written
// or changed. What can't be read is named in `missing`, and the rest is read all the same. The namespace is that of the
// calling thread (netns.hpp enters another). Left out: what the state means; bundles of command output (bundle.hpp).
#pragma once

#include <string>
#include <vector>

#include "core/host_state.hpp"

namespace synwhy::host {

struct HostReaderOptions {
    std::string root{};                    ///< empty: the live system; otherwise a tree with proc/, sys/, etc/
    std::vector<core::Address> clients{};  ///< for whom return paths are asked besides those in SYN_RECV; live only
    bool processes = true;                 ///< owners of the listeners, their states and their sockets' options
    bool network = true;                   ///< interfaces, return paths, neighbours
    bool kernel_log = true;
    bool refusers = true;      ///< security modules and BPF programs
    std::string netns_name{};  ///< how the namespace is called, for HostState::netns
};

/// Never fails as a whole.
core::HostState read_host(const HostReaderOptions& options);

/// A cheap second look of the same host: counters, listeners, interface counters, return paths, load, and the states of
/// the processes that `first` found. Everything else is empty or, where it cannot change so soon, taken from `first`.
core::HostState read_host_again(const HostReaderOptions& options, const core::HostState& first);

}  // namespace synwhy::host
