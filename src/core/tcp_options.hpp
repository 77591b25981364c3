// What do the options of a TCP header say?
//
// Only what can decide the fate of a SYN or identify its sender is kept. Malformed lists are parsed up to the
// malformed option, as Linux does (net/ipv4/tcp_input.c:tcp_parse_options): what came before stays valid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace synwhy::core {

struct TcpOptions {
    std::uint32_t ts_value = 0;       ///< TSval, kind 8 (RFC 7323), host order
    std::uint32_t ts_echo = 0;        ///< TSecr
    std::uint16_t mss = 0;            ///< kind 2, bytes
    std::uint8_t window_scale = 0;    ///< kind 3, shift count as sent
    bool has_timestamps : 1 = false;  ///< kind 8 with length 10
    bool has_mss : 1 = false;
    bool has_window_scale : 1 = false;
    bool has_sack_permitted : 1 = false;
    std::uint8_t fast_open_cookie_length = 0;  ///< bytes of the Fast Open cookie; 0: one is asked for
    bool has_fast_open : 1 = false;            ///< kind 34, or experimental 254 with magic 0xF989
    bool fast_open_registered : 1 = false;     ///< it was kind 34
    bool has_md5 : 1 = false;                  ///< kind 19 (RFC 2385)
    bool has_ao : 1 = false;                   ///< kind 29 (RFC 5925)
    bool has_bad_auth : 1 = false;             ///< kind 19 or 29 with an impossible length
    bool malformed : 1 = false;                ///< a length below 2 or past the end stopped the parse
    bool cut_by_snaplen : 1 = false;           ///< header says more option bytes than were captured
};

/// @param bytes the option area (data offset * 4 - 20 bytes, or fewer when the capture was cut short)
/// @param declared_length option bytes that the header announces
TcpOptions parse_tcp_options(std::span<const std::uint8_t> bytes, std::size_t declared_length) noexcept;
/// The same in place, for the one caller that does it per packet. @param options default-constructed
void parse_tcp_options(std::span<const std::uint8_t> bytes, std::size_t declared_length, TcpOptions& options) noexcept;

}  // namespace synwhy::core
