// What did one server host look like at the moment of each SYN?
//
// Replays everything the capture holds of one server address in time order through the model's state (peer memory,
// TIME_WAIT, pending requests, accept queue) and notes that state beside every copy of every SYN. The state follows
// what was *observed*, so each SYN is predicted from a true past, whatever happened to the SYNs before it.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "capture/fold.hpp"
#include "core/existing.hpp"
#include "core/host.hpp"
#include "diagnose/reading.hpp"

namespace synwhy::diagnose {

inline constexpr std::uint32_t kNone = UINT32_MAX;

/// One copy of one SYN and what it met.
struct Attempt {
    std::uint32_t handshake = 0;  ///< index into the fold
    std::uint16_t copy = 0;       ///< index into Handshake::syns
    std::uint32_t listener = 0;   ///< index into HostView::listeners
    std::uint32_t client = 0;     ///< index into HostView::clients
    std::int64_t time_ns = 0;
    core::Outcome outcome = core::Outcome::none;
    bool own_request = false;    ///< an earlier copy was answered: this one meets its own request or connection
    bool reaches_listen = true;  ///< nothing else has the 4-tuple (or a TIME_WAIT gives way)
    bool via_time_wait = false;
    core::ExistingFacts existing{};  ///< what has the 4-tuple; state none if nothing
    const char* existing_name = "";
    std::uint32_t existing_handshake = kNone;
    // per-host memory
    bool has_timestamps = false;
    bool timestamps_unreadable = false;  ///< options cut by the capture
    std::uint32_t ts = 0;
    bool stamp_exists = false;
    std::uint32_t stamp_ts = 0;
    std::int64_t stamp_age_s = 0;
    std::uint32_t stamp_writer = kNone;  ///< handshake whose close left the stamp
    bool blind_stamp = false;            ///< a fresh close by the server whose timestamps cannot be read
    // queues of the listener
    std::uint32_t requests = 0;       ///< pending requests, those surely alive
    std::uint32_t requests_high = 0;  ///< with those whose last timer may be late
    std::uint32_t young = 0;          ///< requests whose timer has not fired yet, surely
    std::uint32_t young_high = 0;
    std::uint32_t unserved = 0;  ///< completed connections the application has not visibly touched
    bool proven_peer = false;    ///< this client completed a handshake with this host before

    [[nodiscard]] bool answered() const { return outcome == core::Outcome::synack || outcome == core::Outcome::cookie; }
    [[nodiscard]] bool silent() const { return outcome == core::Outcome::none; }
};

struct ListenerView {
    core::Endpoint endpoint{};
    std::vector<std::uint32_t> handshakes{};  ///< by time, indices into the fold
    std::vector<std::uint32_t> attempts{};    ///< by time, indices into HostView::attempts
    std::vector<std::int64_t> full_signs{};   ///< times at which a final ACK was refused or aborted
    std::uint64_t answered = 0;               ///< attempts
    std::uint64_t silent = 0;
};

struct HostView {
    core::Address address{};
    HostTraits traits{};
    std::vector<std::uint32_t> handshakes{};
    std::vector<ListenerView> listeners{};
    std::vector<core::Address> clients{};  ///< ascending
    std::vector<Attempt> attempts{};       ///< by time
    bool address_silent = false;           ///< this address never sent anything, although others on its side did
    std::uint64_t stamps_written = 0;      ///< closes that would leave a per-host stamp

    [[nodiscard]] std::uint64_t silent_at_listen() const;
    [[nodiscard]] std::uint64_t answered_at_listen() const;
};

/// The handshakes of one server address.
struct HostShare {
    core::Address address{};
    std::vector<std::uint32_t> handshakes{};  ///< by time, indices into the fold
    bool replies_visible = false;             ///< it sent at least one segment
};

/// All server hosts of the capture, by address.
std::vector<HostShare> share_out(const capture::Fold& fold);

/// Replays one host. Fills its part of `readings` (parallel to the fold's handshakes).
/// @param facts only the kernel's initial RTO is used
/// @param any_replies some host of the capture sent something
HostView build_host_view(const capture::Fold& fold, const core::HostFacts& facts, const HostShare& share,
                         bool any_replies, std::vector<Reading>& readings);

}  // namespace synwhy::diagnose
