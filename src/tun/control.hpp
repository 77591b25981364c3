// What does the emulated host say about itself, and what can be changed while it runs?
//
// One command line in, one text out. The first line of the answer is "ok" or "error REASON"; a table follows as a line
// of column names and one line per row, fields separated by tabs. Values only: how they are shown is the asker's
// business. Left out: the socket (control_socket.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tun/emulation.hpp"

namespace synwhy::tun {

/// Most rows of one table; a row "# N more" says what was left out.
inline constexpr std::size_t kMaxControlRows = 10'000;

/// Commands: "show queues|peers|counters|sockets|states|syns|application", "stall", "resume", "set NAME=VALUE",
/// "backlog N", "accept-rate N|off". Anything else is an error that names them.
std::string answer_control(Emulation& emulation, std::string_view command, std::int64_t now_ns);

/// The tables that can be shown, in the order of the answer above.
inline constexpr std::string_view kControlTables[] = {"queues", "peers", "counters",   "sockets",
                                                      "states", "syns",  "application"};

}  // namespace synwhy::tun
