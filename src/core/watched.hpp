// Which SYNs came in while somebody watched, and what went back?
//
// Values only: what a packet tap at the top of the driver saw in one network namespace for a few seconds. A SYN that
// the tap shows was neither lost in the NIC nor dropped by XDP; an answer that it shows left the IP layer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/address.hpp"
#include "core/filter.hpp"

namespace synwhy::core {

/// The attempts of one client address at one server endpoint. An attempt is a 4-tuple and an initial sequence number.
struct WatchedGroup {
    Endpoint server{};
    Address client{};
    std::uint16_t client_port = 0;  ///< of one attempt that got no answer, else of any
    std::string interface{};        ///< where its last SYN came in; empty: not known
    std::uint64_t syns = 0;         ///< transmissions
    std::uint64_t attempts = 0;     ///< the four below and `pending` add up to it
    std::uint64_t answered = 0;     ///< with a SYN+ACK
    std::uint64_t reset = 0;        ///< with a RST
    std::uint64_t icmp = 0;         ///< with an ICMP error
    std::uint64_t unanswered = 0;   ///< with nothing for at least kAnswerTimeNs
    std::uint64_t pending = 0;      ///< too young to tell
    std::uint8_t lowest_ttl = 255;  ///< of the SYNs that were not answered
    bool has_md5 = false;           ///< a SYN that was not answered carried the MD5 option (RFC 2385)
    bool has_timestamps = true;     ///< all SYNs that were not answered carried timestamps
};

/// A kernel that answers does so within the SYN's own softirq run; this is for a busy machine.
inline constexpr std::int64_t kAnswerTimeNs = 200'000'000;

struct Watched {
    bool available = false;
    std::string why_not{};  ///< when not available, one sentence
    std::int64_t length_ns = 0;
    std::uint64_t syns = 0;
    std::uint64_t lost = 0;              ///< packets the tap itself lost, or beyond its limit of attempts
    std::vector<WatchedGroup> groups{};  ///< most unanswered first, at most kMaxWatchedGroups
    std::uint64_t more_groups = 0;
};
inline constexpr std::size_t kMaxWatchedGroups = 1024;

/// What the packet filter would do with a SYN of this client to this server, and with its answer.
struct FilterAnswer {
    Endpoint server{};
    Address client{};
    FilterVerdict syn{};
    FilterVerdict syn_ack{};
};

}  // namespace synwhy::core
