// How does a verdict get into Wireshark? As a comment on the packet it is about (`frame.comment`).
//
// The inputs are read a second time, merged by time, and written as one pcapng: same bytes, same times, same
// interfaces, their own comments kept, ours added. Other packet options (flags, hashes) and blocks are not carried
// over.
#pragma once

#include <compare>
#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace synwhy::capture {

/// Names one packet: Packet::file and Packet::ordinal.
struct PacketId {
    std::uint16_t file = 0;
    std::uint64_t ordinal = 0;

    friend auto operator<=>(const PacketId&, const PacketId&) = default;
};

/// What to say about which packet, UTF-8; clipped to 64 KiB each.
using CommentMap = std::map<PacketId, std::string>;

struct AnnotateCounts {
    std::uint64_t packets = 0;                ///< written
    std::uint64_t comments = 0;               ///< ours, written
    std::uint64_t kept_comments = 0;          ///< packet comments that the inputs already had
    std::vector<core::Error> input_errors{};  ///< broken inputs; what came before the broken place was written
};

/// @param inputs files, in the order that PacketId::file counts; standard input cannot be read twice and is refused
/// @param output "-" for standard output. A regular file appears complete or not at all: it is written under a
///        temporary name in the same folder and renamed. An input is never overwritten.
std::expected<AnnotateCounts, core::Error> annotate(const std::vector<std::string>& inputs, const std::string& output,
                                                    const CommentMap& comments);

}  // namespace synwhy::capture
