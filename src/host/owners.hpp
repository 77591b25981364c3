// Which processes hold the listening sockets?
//
// By inode: every descriptor of every process is looked at, as `ss -p` does. Processes come and go meanwhile, which is
// no error. A process's first descriptors are looked at, where servers keep their listeners; the others only while a
// socket is without owner, since a server with a hundred thousand connections has as many. Left out: what the processes
// do (process.hpp); sockets that only a queue of a UNIX socket holds.
#pragma once

#include <cstdint>
#include <map>

#include "host/tree.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxProcessesSearched = 65'536;
inline constexpr std::size_t kMaxDescriptorsSearched = 4'000'000;  ///< of all processes together
inline constexpr std::size_t kFirstDescriptors = 512;              ///< of each process that are always looked at
inline constexpr std::size_t kMaxOwnersPerListener = 256;

/// One descriptor of a listener, for asking its options.
struct Holder {
    int pid = 0;
    int descriptor = 0;
};

/// Fills Listener::pids. @return a holder of each socket by inode, the one with the lowest pid
std::map<std::uint64_t, Holder> read_owners(const Tree& tree, core::HostState& state);

}  // namespace synwhy::host
