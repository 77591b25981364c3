// What a segment itself forbids, and what already had its 4-tuple.
#include <algorithm>
#include <array>

#include "core/seq.hpp"
#include "diagnose/explain.hpp"

namespace synwhy::diagnose {

using core::Cause;
using core::Confidence;
using core::Outcome;

namespace {

bool is_ipv4_martian(const core::Address& source, const core::Address& server) {
    const std::uint32_t value = source.ipv4_value();
    const bool zero_net = (value >> 24) == 0;
    const bool loopback = (value >> 24) == 127;
    const bool multicast_or_broadcast = (value >> 28) == 0xe || value == 0xffffffffU;
    return zero_net || loopback || multicast_or_broadcast || source == server;
}

bool is_group_address(const core::Address& address) {
    if (address.family == core::Family::ipv6) return address.bytes[0] == 0xff;
    const std::uint32_t value = address.ipv4_value();
    return (value >> 28) == 0xe || value == 0xffffffffU;
}

bool is_martian(const core::Address& source, const core::Address& server) {
    if (source.family == core::Family::ipv4) return is_ipv4_martian(source, server);
    const bool unspecified =
        std::all_of(source.bytes.begin(), source.bytes.end(), [](std::uint8_t b) { return b == 0; });
    const bool loopback = source.bytes[15] == 1 && std::all_of(source.bytes.begin(), source.bytes.end() - 1,
                                                               [](std::uint8_t b) { return b == 0; });
    return is_group_address(source) || unspecified || loopback || source == server;
}

/// Checksums that are wrong although the server answered: the capture was taken before the card filled them in.
bool checksums_are_offloaded(const capture::Fold& fold, const HostView& view) {
    return std::any_of(view.attempts.begin(), view.attempts.end(), [&](const Attempt& attempt) {
        return attempt.answered() &&
               fold.handshakes()[attempt.handshake].syns[attempt.copy].tcp_checksum == core::Checksum::bad;
    });
}

struct PacketFault {
    Cause cause;
    Confidence confidence;
    const char* detail;
};

/// First or last address of the server's own /24, where masks are usual: its network or broadcast address.
bool edge_of_servers_net(const core::Address& source, const core::Address& server) {
    if (source.family != core::Family::ipv4 || (source.ipv4_value() >> 8) != (server.ipv4_value() >> 8)) return false;
    const std::uint32_t host = source.ipv4_value() & 0xff;
    return host == 0 || host == 0xff;
}

std::optional<PacketFault> packet_fault(const capture::SynCopy& syn, const core::FourTuple& tuple,
                                        const Premises& premises, bool offloaded) {
    if (syn.direction == core::LinkDirection::other_host)
        return PacketFault{Cause::wrong_mac, Confidence::likely, "the frame was addressed to another host"};
    if (syn.ip_header_bad)
        return PacketFault{Cause::bad_ip_header, Confidence::likely,
                           "IP version, header length or total length is wrong"};
    if (syn.ip_checksum == core::Checksum::bad)
        return PacketFault{Cause::bad_ip_checksum, Confidence::likely, "the IP header checksum is wrong"};
    if (syn.direction == core::LinkDirection::broadcast || is_group_address(tuple.server.address)) {
        return PacketFault{Cause::broadcast_destination, Confidence::likely,
                           "sent to a broadcast or multicast address"};
    }
    const bool land_martian = premises.any_kernel([](const core::Behaviours& b) { return b.land_is_martian; });
    if (tuple.client.address == tuple.server.address)
        return PacketFault{land_martian ? Cause::martian_source : Cause::capture_blind, Confidence::possible,
                           "source and destination are the same address"};
    if (is_martian(tuple.client.address, tuple.server.address))
        return PacketFault{Cause::martian_source, Confidence::likely, "the source address cannot be on the wire"};
    if (edge_of_servers_net(tuple.client.address, tuple.server.address) &&
        premises.any_kernel([](const core::Behaviours& b) { return b.subnet_broadcast_source_dropped; })) {
        return PacketFault{Cause::martian_source, Confidence::possible,
                           "the source looks like the broadcast address of the server's own network"};
    }
    if (syn.options.has_bad_auth &&
        premises.any_kernel([](const core::Behaviours& b) { return b.malformed_md5_dropped; })) {
        return PacketFault{Cause::bad_tcp_header, Confidence::possible, "a malformed MD5 or AO option"};
    }
    if (syn.tcp_header_bad)
        return PacketFault{Cause::bad_tcp_header, Confidence::likely, "the TCP data offset is wrong"};
    if (syn.tcp_checksum == core::Checksum::bad && !offloaded)
        return PacketFault{Cause::bad_tcp_checksum, Confidence::likely, "the TCP checksum is wrong"};
    if ((syn.flags & (core::tcp_flag::fin | core::tcp_flag::rst)) != 0)
        return PacketFault{Cause::bad_flags, Confidence::likely, "SYN together with FIN or RST"};
    if (syn.options.has_md5)
        return PacketFault{Cause::md5_unexpected, Confidence::possible, "the SYN carries an MD5 signature (RFC 2385)"};
    if (syn.options.has_ao)
        return PacketFault{Cause::ao_refused, Confidence::possible, "the SYN carries a TCP-AO option (RFC 5925)"};
    if (syn.fragmented) return PacketFault{Cause::fragment_lost, Confidence::possible, "the SYN came in IP fragments"};
    return std::nullopt;
}

/// What else could be behind the silence, given the fault.
std::vector<Cause> rivals_of(Cause fault) {
    switch (fault) {
        case Cause::md5_unexpected: return {Cause::md5_wrong, Cause::netfilter_drop};
        case Cause::ao_refused: return {Cause::bad_tcp_header, Cause::netfilter_drop};
        case Cause::bad_tcp_header: return {Cause::ao_refused, Cause::netfilter_drop};
        case Cause::capture_blind: return {Cause::martian_source, Cause::netfilter_drop};
        case Cause::martian_source: return {Cause::capture_blind, Cause::rp_filter, Cause::netfilter_drop};
        case Cause::broadcast_destination: return {Cause::not_local, Cause::netfilter_drop};
        default: return {Cause::netfilter_drop};
    }
}

core::ExistingReply as_reply(Outcome outcome) {
    switch (outcome) {
        case Outcome::synack:
        case Outcome::cookie: return core::ExistingReply::synack_again;
        case Outcome::rst: return core::ExistingReply::rst;
        case Outcome::ack: return core::ExistingReply::ack;
        case Outcome::icmp:
        case Outcome::none: break;
    }
    return core::ExistingReply::silence;
}

/// The name under which a state's refusal goes, whatever the reply was.
Cause cause_of_state(core::Existing state) {
    switch (state) {
        case core::Existing::request: return Cause::syn_recv_collision;
        case core::Existing::established:
        case core::Existing::closing: return Cause::established_collision;
        case core::Existing::fin_wait2_bucket:
        case core::Existing::time_wait:
        case core::Existing::none: break;
    }
    return Cause::time_wait_refused;
}

std::string describe_state(const Attempt& attempt) {
    return std::string("the 4-tuple is in ") + attempt.existing_name + " from an earlier connection";
}

/// The reply that some possible kernel would have sent, if it is the one observed.
std::optional<core::ExistingDecision> agreeing_kernel(const Attempt& attempt, const Premises& premises) {
    for (const core::Kernel& kernel : premises.kernels) {
        const core::ExistingDecision decision = core::decide_existing(kernel.behaviours, attempt.existing);
        if (decision.reply == as_reply(attempt.outcome)) return decision;
    }
    return std::nullopt;
}

bool all_kernels_reopen(const Attempt& attempt, const Premises& premises) {
    return std::all_of(premises.kernels.begin(), premises.kernels.end(), [&](const core::Kernel& kernel) {
        return core::decide_existing(kernel.behaviours, attempt.existing).reply == core::ExistingReply::listen;
    });
}

/// Its own earlier copy opened a request or a connection.
void settle_own_request(const Premises& premises, Attempt& attempt, AttemptCause& cause) {
    attempt.reaches_listen = false;
    if (attempt.answered()) return;
    const auto decision = agreeing_kernel(attempt, premises);
    if (!decision) return;  // answered on the way, or lost: nothing of the server's doing is visible
    cause.cause = decision->cause;
    cause.confidence = attempt.existing.state == core::Existing::request ? Confidence::likely : Confidence::possible;
    cause.rivals = {cause_of_state(attempt.existing.state), Cause::time_wait_refused, Cause::syn_ack_lost};
    cause.detail =
        "its own earlier copy had been answered; " + std::string(attempt.existing_name) + " holds the 4-tuple";
}

void settle_collision(const Premises& premises, Attempt& attempt, AttemptCause& cause) {
    if (all_kernels_reopen(attempt, premises)) {
        attempt.via_time_wait = true;
        return;
    }
    if (attempt.answered()) {
        // The bucket was gone (recycled early, or killed by a RST nobody captured): LISTEN answered.
        return;
    }
    const auto decision = agreeing_kernel(attempt, premises);
    const bool bucket = attempt.existing.state == core::Existing::time_wait ||
                        attempt.existing.state == core::Existing::fin_wait2_bucket;
    if (!decision && bucket && attempt.silent()) return;  // recycled buckets live for seconds only; LISTEN may judge
    attempt.reaches_listen = false;
    cause.cause = decision ? decision->cause : cause_of_state(attempt.existing.state);
    cause.confidence = decision ? Confidence::likely : Confidence::possible;
    cause.detail = describe_state(attempt);
    if (*cause.cause == Cause::ack_rate_limited) {
        cause.rivals = {cause_of_state(attempt.existing.state)};
        cause.detail += "; it was answered " + std::to_string(attempt.existing.since_last_reply_ms) +
                        " ms earlier (limit: one per 500 ms)";
    } else if (attempt.silent()) {
        cause.rivals = {Cause::ack_rate_limited, Cause::netfilter_drop};
        cause.confidence = attempt.existing.state == core::Existing::established && premises.kernel_given
                               ? Confidence::likely
                               : Confidence::possible;
    }
}

/// A reply other than a SYN+ACK, and nothing in the capture holds the 4-tuple.
void settle_by_reply(const capture::Fold& fold, const std::vector<Reading>& readings, Attempt& attempt,
                     AttemptCause& cause) {
    attempt.reaches_listen = false;
    cause.confidence = Confidence::possible;
    switch (attempt.outcome) {
        case Outcome::rst:
            cause.cause = Cause::no_listener;
            cause.rivals = {Cause::netfilter_reject, Cause::syn_recv_collision};
            cause.detail = "RST that acknowledges the SYN";
            return;
        case Outcome::icmp: {
            const Reading& reading = readings[attempt.handshake];
            const capture::Reply& reply =
                fold.handshakes()[attempt.handshake].replies[reading.copies[attempt.copy].reply];
            cause.cause = Cause::netfilter_reject;
            cause.rivals = {Cause::not_local};
            cause.detail = "ICMP type " + std::to_string(reply.icmp_type) + " code " + std::to_string(reply.icmp_code);
            return;
        }
        case Outcome::ack:
            cause.cause = Cause::time_wait_refused;
            cause.rivals = {Cause::established_collision, Cause::syn_recv_collision, Cause::ack_rate_limited};
            cause.detail = "bare ACK of a connection that began before the capture";
            return;
        case Outcome::synack:
        case Outcome::cookie:
        case Outcome::none: break;
    }
}

}  // namespace

void settle_before_listen(const capture::Fold& fold, const std::vector<Reading>& readings, const Premises& premises,
                          HostView& view, std::vector<AttemptCause>& causes) {
    const bool offloaded = checksums_are_offloaded(fold, view);
    for (std::size_t i = 0; i < view.attempts.size(); ++i) {
        Attempt& attempt = view.attempts[i];
        AttemptCause& cause = causes[i];
        const capture::Handshake& handshake = fold.handshakes()[attempt.handshake];
        if (!attempt.answered()) {
            if (const auto fault = packet_fault(handshake.syns[attempt.copy], handshake.tuple, premises, offloaded)) {
                attempt.reaches_listen = false;
                cause = {fault->cause, fault->confidence, rivals_of(fault->cause), kNone, fault->detail};
                continue;
            }
        }
        if (attempt.own_request) {
            settle_own_request(premises, attempt, cause);
        } else if (attempt.existing.state != core::Existing::none) {
            settle_collision(premises, attempt, cause);
        }
        if (attempt.reaches_listen && !attempt.answered() && !attempt.silent())
            settle_by_reply(fold, readings, attempt, cause);
    }
}

}  // namespace synwhy::diagnose
