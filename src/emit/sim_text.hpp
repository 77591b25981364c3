// How does a simulation's result read on a terminal? Who was refused, why, then queues, counters and clients.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sim/result.hpp"

namespace synwhy::emit {

struct SimTextOptions {
    std::size_t width = 80;
    bool colour = false;
    bool utf8 = true;
    bool verbose = false;  ///< all counters and clients
};

/// The row of the path that hindered most attempts; nullopt: none hindered any.
std::optional<sim::RowCount> worst_row(const sim::Result& result);

/// Did anything go wrong: an attempt refused or without a port, old data taken for new?
bool anything_wrong(const sim::Result& result);

/// The first line: "58 of 240 connection attempts were refused: Per-host PAWS (tcp_tw_recycle)".
std::string sim_verdict(const sim::Result& result);

/// What `netstat -s` says of a counter, its name where it says nothing: "312 SYNs to LISTEN sockets dropped".
std::string counter_sentence(const sim::CounterResult& counter);

/// Counters that say something about passive opens; the others are traffic.
bool is_telling(std::string_view counter);

/// The whole report, first the verdict.
std::string render_sim(const sim::Result& result, const SimTextOptions& options);

}  // namespace synwhy::emit
