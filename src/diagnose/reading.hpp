// What happened to each copy of a SYN, read from the packets alone?
//
// A handshake record holds raw observations; here they get their meaning: which reply belongs to which copy, whether
// the server must have answered although the capture lacks the SYN+ACK, whether the final ACK was refused, and when
// a pending request lived. No cause is named here.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "capture/fold.hpp"
#include "core/verdict.hpp"

namespace synwhy::diagnose {

/// What became of one copy.
struct CopyReading {
    core::Outcome outcome = core::Outcome::none;
    std::int64_t reply_ns = capture::kNever;
    std::uint32_t reply = UINT32_MAX;  ///< index into Handshake::replies
};

/// One handshake, interpreted.
struct Reading {
    std::vector<CopyReading> copies{};  ///< parallel to Handshake::syns
    core::Outcome outcome = core::Outcome::none;
    bool answer_inferred = false;                ///< no SYN+ACK in the capture, but later segments prove one
    std::int64_t answered_ns = capture::kNever;  ///< first SYN+ACK, or the time by which it must have existed
    std::vector<std::int64_t> synacks{};         ///< times of all SYN+ACKs
    std::uint32_t timer_synacks = 0;             ///< SYN+ACKs that answer no copy: the request's timer sent them
    std::uint32_t refused_final_acks = 0;        ///< SYN+ACKs repeated after the client's ACK
    std::int64_t first_refused_ack_ns = capture::kNever;
    std::int64_t last_refused_ack_ns = capture::kNever;
    std::int64_t aborted_ns = capture::kNever;  ///< RST that answers the final ACK
    /// The request's life in the SYN queue; request_end == request_start when there was none.
    std::int64_t request_start = capture::kNever;
    std::int64_t request_end = capture::kNever;
    std::int64_t request_end_late = capture::kNever;  ///< the same if its last timer is as late as timers get
    std::int64_t young_end = capture::kNever;         ///< its timer fired first (or it ended)
    std::int64_t young_end_late = capture::kNever;
    /// The child's time in the accept queue, as far as the server's first reaction tells.
    std::int64_t queued_ns = capture::kNever;  ///< final ACK taken; kNever = never
    std::int64_t served_ns = capture::kNever;  ///< first server payload or FIN: accepted before
};

/// What the whole capture shows of one server host, needed to read single handshakes.
struct HostTraits {
    bool replies_visible = false;  ///< at least one segment from the server was captured
    bool syns_visible = false;
    bool offers_window_scale = false;  ///< some SYN+ACK carried the option
    bool offers_sack = false;
    bool retransmits = false;                     ///< some SYN+ACK was repeated by its timer
    std::int64_t initial_rto_ns = 1'000'000'000;  ///< of SYN+ACKs
    bool initial_rto_known = false;
    std::int64_t capture_first_ns = 0;
    std::int64_t capture_last_ns = 0;
};

/// Reads a handshake. `traits` may still be incomplete on the first pass over a host.
Reading read_handshake(const capture::Handshake& handshake, const HostTraits& traits);

/// Collects traits from all handshakes of one host (indices into the fold).
/// @param initial_rto_ms of the kernel when it is known; otherwise read from repeated SYN+ACKs
HostTraits read_traits(const capture::Fold& fold, const std::vector<std::uint32_t>& handshakes,
                       std::optional<int> initial_rto_ms);

/// Marks the SYN+ACKs that were cookies: Outcome::synack becomes Outcome::cookie, and the request disappears.
/// @param order the host's handshakes of one listener, by time
void mark_cookies(const capture::Fold& fold, const std::vector<std::uint32_t>& order, const HostTraits& traits,
                  std::vector<Reading>& readings);

}  // namespace synwhy::diagnose
