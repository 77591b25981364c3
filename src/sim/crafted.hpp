// What bytes does a segment have that no honest host would send?
//
// A segment, and what is to be wrong with it. Ordinary ones are written by core::append_packet(); whatever is malformed
// is written here, field by field. Left out: segments that core can't describe but that are well-formed (SACK blocks).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/packet.hpp"
#include "model/server.hpp"

namespace synwhy::sim {

struct Crafted {
    core::Segment segment{};
    std::optional<std::vector<std::uint8_t>> options{};  ///< instead of the segment's, padded with zeros to words
    std::vector<std::uint8_t> more_options{};            ///< after the others
    std::vector<std::uint8_t> ip_options{};              ///< IPv4 only, padded to words
    std::optional<std::uint16_t> tcp_checksum{};         ///< as it stands in the packet
    bool tcp_checksum_bad = false;                       ///< off by some bits
    bool ip_checksum_bad = false;                        ///< IPv4 only
    std::optional<std::uint8_t> data_offset{};           ///< words
    std::uint8_t reserved = 0;                           ///< the four bits after the data offset
    std::uint16_t urgent = 0;
    std::uint8_t type_of_service = 0;
    std::uint8_t ttl = 64;  ///< 0 is written as 0
    std::uint8_t protocol = 6;
    std::optional<std::uint8_t> ip_version{};
    std::optional<std::uint8_t> ip_header_words{};
    std::optional<std::uint16_t> ip_total_length{};
    std::uint16_t fragment = 0x4000;           ///< flags and offset
    std::optional<std::size_t> truncate_to{};  ///< bytes of the whole packet
};

/// The raw IP packet. Payload bytes are 'x'.
std::vector<std::uint8_t> write_packet(const Crafted& crafted);

/// What a receiver's IP and TCP layers see in a raw IP packet; nullopt when it is no TCP (not even a
/// malformed one), or a fragment: reassembly is left out.
struct Arrived {
    core::Segment segment{};
    model::Arrival arrival{};
};
std::optional<Arrived> read_arrival(const std::vector<std::uint8_t>& packet);

}  // namespace synwhy::sim
