// How did the attempts of clients' programs end? The same counts in every engine. Left out: which row refused them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace synwhy::sim {

/// How an attempt of a client's program ended.
enum class Ending : std::uint8_t {
    served,      ///< the whole response came
    refused,     ///< RST to the SYN
    timed_out,   ///< ETIMEDOUT
    reset,       ///< RST after the handshake
    gave_up,     ///< the program's patience ended
    no_port,     ///< EADDRNOTAVAIL
    closed,      ///< the server closed before the response was complete
    unfinished,  ///< still open at the end of the run, handshake done
    pending,     ///< no SYN+ACK until the end of the run
};
inline constexpr std::size_t kEndings = 9;
const char* to_string(Ending ending);

struct Attempts {
    std::uint64_t total = 0;
    std::array<std::uint64_t, kEndings> by_ending{};
    std::uint64_t hindered = 0;        ///< at least one SYN was refused by the server
    std::uint64_t stopped = 0;         ///< a SYN, or the ACK that ends the handshake, was refused by the server
    std::uint64_t connected = 0;       ///< got a SYN+ACK
    std::uint64_t connected_late = 0;  ///< ... after at least one refusal
    std::uint64_t undecided = 0;       ///< pending at the end, and not refused so far
    std::int64_t longest_ns = 0;       ///< from connect() to the SYN+ACK
    std::int64_t sum_ns = 0;           ///< of all connected
    [[nodiscard]] std::uint64_t ended(Ending e) const { return by_ending[static_cast<std::size_t>(e)]; }
};

}  // namespace synwhy::sim
