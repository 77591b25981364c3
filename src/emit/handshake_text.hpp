// How is the fate of one handshake said in words?
//
// Shared by the detail table of the terminal and the comments in an annotated capture.
#pragma once

#include <string>
#include <string_view>

#include "core/verdict.hpp"

namespace synwhy::emit {

/// A SYN+ACK or cookie, with nothing to explain.
inline bool simply_answered(const core::HandshakeVerdict& handshake) {
    const bool answered = handshake.outcome == core::Outcome::synack || handshake.outcome == core::Outcome::cookie;
    return answered && !handshake.cause;
}

/// "SYN+ACK", "SYN cookie", "RST", "bare ACK", "ICMP error", "no answer"
std::string_view describe(core::Outcome outcome);

/// "a, b"; empty when there is none
std::string rival_slugs(const core::HandshakeVerdict& handshake);

}  // namespace synwhy::emit
