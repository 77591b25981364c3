// What does the annotated capture say about each SYN?
//
// Sentences for packet comments (`frame.comment` in Wireshark), keyed by the SYN's place in its file. Left out: SYNs
// that were simply answered, and who writes the file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/verdict.hpp"

namespace synwhy::emit {

struct PacketComment {
    std::uint16_t file = 0;     ///< core::SynVerdict::file
    std::uint64_t ordinal = 0;  ///< core::SynVerdict::ordinal
    std::string text{};
};

/// "synwhy: not answered: per-host-paws (likely); rivals: syn-queue-full. TSval 1 is ..." for every SYN of every
/// handshake that was not simply answered.
std::vector<PacketComment> packet_comments(const core::Report& report);

}  // namespace synwhy::emit
