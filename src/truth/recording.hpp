// What does a recorded experiment say?
//
// The format of tests/truth: one JSON document per scenario, with every step's line, what was injected, everything
// the kernel sent, the counters that moved and the queues. Left out: the capture beside it, which says the same.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.hpp"
#include "core/error.hpp"
#include "core/packet.hpp"

namespace synwhy::truth {

/// A packet the kernel sent.
struct Sent {
    double t = 0;      ///< seconds since the scenario's start
    std::string kind;  ///< "synack", "rst", "ack", "fin", "data", "syn", "icmp(3,1)", ...
    bool is_tcp = false;
    core::Segment segment{};  ///< valid for TCP
};

struct Step {
    int number = 0;
    double t = 0;
    std::string line;
    std::string op;
    std::vector<std::string> words;           ///< the line split at blanks
    std::map<std::string, std::string> keys;  ///< its key=value words
    std::optional<core::Segment> injected{};  ///< as the harness decoded it
    double t_injected = 0;
    bool write_failed = false;
    std::vector<Sent> received{};
    std::string verdict;
    std::optional<std::map<std::string, std::int64_t>> counters{};
    std::optional<std::map<std::string, std::int64_t>> sockets{};
    std::string result;    ///< "ok", "absent", "accepted 198.51.100.7:40000"
    std::string text;      ///< what `cat` showed
    double gone_at = -1;   ///< `watch`: when the socket was gone
    double watched_s = 0;  ///< `watch`: for how long it looked

    [[nodiscard]] bool has_word(std::string_view word) const;
    [[nodiscard]] std::string_view key(const std::string& name) const;  ///< empty when absent
};

struct Recording {
    std::string scenario;
    std::string kernel;
    std::string kernel_version;
    int hz = 1000;
    double wall_start_s = 0;
    double duration_s = 0;
    std::map<std::string, std::string> sysctls{};
    std::vector<Step> steps{};
};

/// @param name of the file, for errors
std::expected<Recording, core::Error> parse_recording(std::string_view json, const std::string& name);

}  // namespace synwhy::truth
