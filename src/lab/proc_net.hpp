// What do the files below /proc/net say about the calling thread's namespace?
//
// Counters by their full name and sockets by state, as the measured data of the project names them.
// Left out: per-interface counters, and counters that the act of measuring moves.
#pragma once

#include <string>

#include "core/address.hpp"
#include "sim/engine.hpp"

namespace synwhy::lab {

/// "TcpExt.ListenDrops" -> value: netstat, snmp, and the inputs of snmp6.
sim::CounterValues read_counters();
sim::Sockets read_sockets();
/// "TIME_WAIT", "gone": the socket of this connection, a live one before one in TIME_WAIT.
std::string read_state(const core::FourTuple& tuple);

/// The whole file; empty when it can't be read.
std::string read_text(const std::string& path);

}  // namespace synwhy::lab
