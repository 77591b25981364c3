// Which two option lists does nearly every segment carry?
//
// They are recognised whole, without a loop, and inline because it happens once per packet. Private to packet.cpp and
// tcp_options.cpp; a test compares them with the general parser.
#pragma once

#include <cstdint>
#include <span>

#include "core/bytes.hpp"
#include "core/tcp_options.hpp"

namespace synwhy::core {

/// @param bytes the whole option area
/// @return false, with nothing changed, when it is none of the two
inline bool parse_usual_options(std::span<const std::uint8_t> bytes, TcpOptions& options) noexcept {
    const std::uint8_t* timestamps = nullptr;
    if (bytes.size() == 12 && load_be32(bytes.data()) == 0x0101080aU) {  // an open connection: NOP, NOP, timestamps
        timestamps = bytes.data() + 4;
    } else if (bytes.size() == 20 && load_be16(bytes.data()) == 0x0204 && load_be32(bytes.data() + 4) == 0x0402080aU &&
               (load_be32(bytes.data() + 16) & 0xffffff00U) == 0x01030300U) {
        // a SYN or SYN+ACK of Linux: MSS, SACK permitted, timestamps, NOP, window scale
        options.has_mss = options.has_sack_permitted = options.has_window_scale = true;
        options.mss = load_be16(bytes.data() + 2);
        options.window_scale = bytes[19];
        timestamps = bytes.data() + 8;
    } else {
        return false;
    }
    options.has_timestamps = true;
    options.ts_value = load_be32(timestamps);
    options.ts_echo = load_be32(timestamps + 4);
    return true;
}

}  // namespace synwhy::core
