// Is the lab's network up?
//
// Interfaces, addresses and queueing disciplines of a fresh namespace become usable some time after they were set up,
// IPv6 addresses in particular. Left out: anything that a script could notice; an ACK to a closed port leaves no state.
#pragma once

#include "sim/engine.hpp"

namespace synwhy::lab {

/// Sends ACKs of both families to a port where nobody listens until both are answered; an error after five seconds.
sim::Result<void> wait_until_answering(sim::Engine& engine);

}  // namespace synwhy::lab
