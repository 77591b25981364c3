// What is remembered of one handshake and the connection it opened?
//
// A handshake is everything of one 4-tuple and one client ISN. The record holds raw observations only (times,
// sequence numbers, replies); what they mean is decided elsewhere, so that two records of the same handshake can be
// merged in any order. Lists are bounded; what falls off is counted.
#pragma once

#include <cstdint>
#include <vector>

#include "core/address.hpp"
#include "core/packet.hpp"

namespace synwhy::capture {

inline constexpr std::int64_t kNever = INT64_MIN;  ///< "has not been seen"
inline constexpr std::size_t kMaxSynCopies = 24;   ///< transmissions kept per handshake
inline constexpr std::size_t kMaxReplies = 32;     ///< server replies kept per handshake
inline constexpr std::uint32_t kNoHandshake = UINT32_MAX;
/// How far a sequence number may lie from a connection's last one and still belong to it. Larger than any window
/// seen in practice, far smaller than the distance between two random ISNs (RFC 6528).
inline constexpr std::int32_t kSameConnection = 1 << 24;
/// Identical packets this close together are one packet captured twice (mirror port, `-i any`): copies measured on
/// mirrored captures lie within 100 us, while no sender repeats a SYN faster than its timer tick.
inline constexpr std::int64_t kMirrorWindowNs = 300'000;
/// The same for two files: both ends of a link, up to a second of delay and clock difference.
inline constexpr std::int64_t kOtherEndWindowNs = 1'000'000'000;

/// One transmission of the SYN.
struct SynCopy {
    std::int64_t time_ns = 0;
    std::uint64_t ordinal = 0;   ///< packet position in its file
    std::uint32_t ts_value = 0;  ///< TSval, 0 without the option
    std::uint32_t ts_echo = 0;   ///< TSecr; non-zero: the client reused its own TIME_WAIT
    std::uint16_t file = 0;
    std::uint16_t ip_id = 0;
    std::uint16_t sightings = 1;  ///< how often this very packet was captured (mirror ports, both ends of a link)
    std::uint8_t ttl = 0;
    std::uint8_t flags = 0;  ///< core::tcp_flag bits
    core::Checksum ip_checksum = core::Checksum::not_checked;
    core::Checksum tcp_checksum = core::Checksum::not_checked;
    core::LinkDirection direction = core::LinkDirection::unknown;
    bool ip_header_bad = false;
    bool tcp_header_bad = false;  ///< data offset below 5 or past the end
    bool fragmented = false;
    core::TcpOptions options{};

    friend bool operator==(const SynCopy& a, const SynCopy& b) {
        return a.time_ns == b.time_ns && a.ordinal == b.ordinal && a.file == b.file;
    }
};

enum class ReplyKind : std::uint8_t { synack, rst, ack, icmp };

/// What the server (or, for ICMP, somebody) sent while the handshake was open.
struct Reply {
    std::int64_t time_ns = 0;
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgment = 0;
    std::uint32_t ts_value = 0;
    std::uint32_t ts_echo = 0;
    std::uint16_t mss = 0;
    std::uint16_t ip_id = 0;
    std::uint16_t file = 0;
    ReplyKind kind = ReplyKind::synack;
    std::uint8_t icmp_type = 0;
    std::uint8_t icmp_code = 0;
    std::uint8_t ttl = 0;
    bool has_ack = false;  ///< ACK flag: an application's RST carries it, the kernel's answer to an ACK does not
    bool has_timestamps = false;
    bool has_window_scale = false;
    bool has_sack_permitted = false;
    bool options_cut = false;
};

/// A FIN or the like: when, and the sequence number after it.
struct Mark {
    std::int64_t time_ns = kNever;
    std::uint32_t sequence = 0;
    std::uint32_t ts_value = 0;  ///< the client's newest TSval at that moment
    bool has_timestamps = false;

    [[nodiscard]] bool seen() const { return time_ns != kNever; }
};

struct Handshake {
    core::FourTuple tuple{};
    std::uint32_t isn = 0;         ///< client's, host order; unknown when !isn_known
    std::uint32_t server_isn = 0;  ///< of the last SYN+ACK
    std::int64_t first_ns = kNever;
    std::int64_t last_ns = kNever;
    std::uint32_t previous = kNoHandshake;  ///< the one before on the same 4-tuple, index into Fold
    bool isn_known = false;                 ///< a SYN or SYN+ACK was seen (or deduced)
    bool midstream = false;                 ///< began before the capture; only segments of the connection were seen
    bool server_isn_known = false;

    std::vector<SynCopy> syns{};   ///< by time
    std::vector<Reply> replies{};  ///< by time
    std::uint32_t more_syns = 0;   ///< copies that fell off the list
    std::uint32_t more_replies = 0;

    // What the client did after the SYN.
    std::int64_t final_ack_ns = kNever;    ///< first client ACK
    std::uint32_t final_ack = 0;           ///< its acknowledgment number
    std::int64_t client_data_ns = kNever;  ///< first client payload
    std::int64_t client_rst_ns = kNever;
    std::int64_t client_last_ns = kNever;  ///< last client segment other than a SYN
    // What the server did after the SYN+ACK.
    std::int64_t server_data_ns = kNever;  ///< first server payload: the application has accepted
    std::int64_t server_rst_ns = kNever;
    std::int64_t server_last_ns = kNever;
    Mark client_fin{};
    Mark server_fin{};
    Mark server_acked{};  ///< highest acknowledgment by the client, when first reached
    Mark client_acked{};  ///< highest acknowledgment by the server, when first reached

    std::uint32_t client_next = 0;  ///< highest client sequence number + 1 (server's rcv_nxt)
    std::uint32_t server_next = 0;  ///< highest server sequence number + 1 (server's snd_nxt)
    std::uint32_t client_ts = 0;    ///< newest TSval the server accepted: in-order segments, or the server's TSecr
    std::int64_t client_ts_ns = kNever;
    std::uint16_t server_window = 0;  ///< last advertised by the server, unscaled
    bool client_next_known = false;
    bool server_next_known = false;
    std::uint32_t client_segments = 0;  ///< other than SYNs
    std::uint32_t server_segments = 0;  ///< other than SYN+ACKs

    [[nodiscard]] bool has_synack() const;
    /// A SYN+ACK was seen, or the client's later segments prove that there was one.
    [[nodiscard]] bool answered() const;
    /// The client acknowledged the SYN+ACK.
    [[nodiscard]] bool client_established() const { return final_ack_ns != kNever; }
    /// The server sent the first FIN (as far as seen).
    [[nodiscard]] bool server_closed_first() const;
    /// A client ACK covers the server's FIN.
    [[nodiscard]] bool server_fin_acked() const;
    /// A server ACK covers the client's FIN.
    [[nodiscard]] bool client_fin_acked() const;
};

/// Are the two copies sightings of one packet?
bool same_packet(const SynCopy& a, const SynCopy& b);
/// Adds a reply unless it is another sighting of a known one (then false).
bool add_reply(Handshake& handshake, const Reply& reply);
/// Joins two records of one handshake (or a later fragment of its connection); order does not matter.
/// @return SYN copies that both records held: one packet, sighted again
std::size_t combine(Handshake& into, const Handshake& from);
/// Brings SYN copies and replies into the order of time.
void sort_lists(Handshake& handshake);
/// Can a segment with this sequence number belong to a connection that was last at `reference`?
bool same_connection(std::uint32_t sequence, std::uint32_t reference);

}  // namespace synwhy::capture
