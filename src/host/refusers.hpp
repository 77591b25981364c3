// Which security modules and BPF programs could refuse a packet without any counter?
//
// Named, not judged: that a profile exists does not mean that it refuses anything. Left out: filters at interfaces
// (interfaces.hpp) and on sockets (socket_options.hpp), netfilter.
#pragma once

#include "host/tree.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxRefusers = 256;

/// Fills refusers. Wants processes.
void read_refusers(const Tree& tree, core::HostState& state);

}  // namespace synwhy::host
