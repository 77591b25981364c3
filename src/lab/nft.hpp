// How does a namespace become a NAT gateway?
//
// A ruleset of our own numbers, given to `nft` on its standard input: the one child process of the lab, started with an
// argument vector and an empty environment. The table vanishes with its namespace. Left out: any other rule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/address.hpp"
#include "sim/engine.hpp"

namespace synwhy::lab {

struct Masquerade {
    core::Family family = core::Family::ipv4;
    std::string_view interface;  ///< what leaves through it gets its address; a name of the lab's own
    std::uint16_t port_low = 1024, port_high = 65535;
    bool random_ports = false;  ///< else the client's own port where it is free
};
std::string ruleset_of(const Masquerade& masquerade);

/// Path of nft; empty when there is none.
std::string find_nft();
/// Into the calling thread's namespace. The error holds the first line of what nft said.
sim::Result<void> load_ruleset(const std::string& ruleset);

}  // namespace synwhy::lab
