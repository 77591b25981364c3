// Reads a capture from memory to its end or its break, and decodes every packet: what the reader targets share.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <span>

#include "capture/reader.hpp"

namespace synwhy::fuzz {

/// Ends the program, saying where: an inlined check leaves no line in the trace.
inline void require(bool holds, std::source_location where = std::source_location::current()) {
    if (!holds) {
        std::fprintf(stderr, "%s:%u: does not hold\n", where.file_name(), static_cast<unsigned>(where.line()));
        std::abort();
    }
}

/// Compressed input can hold a thousand times its size; that many packets say nothing new.
inline constexpr std::uint64_t kMaxPackets = 100'000;

inline void read_to_the_end(std::span<const std::uint8_t> bytes) {
    auto reader = capture::Reader::from_memory(bytes, "fuzz");
    if (!reader) {
        require(!core::to_string(reader.error()).empty());
        return;
    }
    std::uint64_t count = 0;
    while (count < kMaxPackets) {
        const auto got = reader->next();
        if (!got || !*got) {
            require(got || !got.error().where.empty());
            break;
        }
        const capture::Packet& packet = **got;
        require(packet.ordinal == count++);
        require(packet.data.size() <= packet.wire_length);
        require(packet.interface < reader->facts().interfaces.size());
        core::decode(packet.link, packet.data, packet.wire_length);
    }
    require(reader->facts().packets == count);
    require(reader->facts().bytes_read <= bytes.size());
}

}  // namespace synwhy::fuzz
