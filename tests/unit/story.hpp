// What did clients and a server say to each other, step by step?
//
// A small scenario language for tests: a Story holds the packets of a capture, a Talk writes one connection into it
// and keeps its sequence numbers and clock. A story prints itself, so that a failed test shows the whole exchange:
//     Story story;
//     Talk talk(story, "192.0.2.1", 40000, 1000);
//     talk.syn().synack().ack();
//     SCOPED_TRACE(story);
// Left out: bytes. Packets are made as decode() would give them; checksums are unverifiable, as in a cut capture.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "capture/fold.hpp"
#include "core/catalogue.hpp"
#include "core/packet.hpp"
#include "core/verdict.hpp"
#include "diagnose/diagnose.hpp"

namespace synwhy::test {

inline constexpr std::int64_t kStoryStart = 1'700'000'000'000'000'000;  ///< second 0 of every story, ns
inline constexpr std::int64_t kMillisecond = 1'000'000;
inline constexpr std::int64_t kSecond = 1'000'000'000;

/// The moment `seconds` into a story, ns since the epoch.
inline std::int64_t moment(double seconds) { return kStoryStart + std::llround(seconds * 1e9); }

inline core::Endpoint endpoint(const std::string& address, std::uint16_t port) {
    return {core::parse_address(address).value(), port};
}

/// One packet of a story.
struct Step {
    capture::Packet packet{};
    core::Decoded decoded{};
    std::string text{};
};

class Story {
  public:
    /// The next packet is captured `seconds` into the story.
    Story& at(double seconds) {
        clock_ns_ = moment(seconds);
        return *this;
    }
    Story& wait(double seconds) {
        clock_ns_ += std::llround(seconds * 1e9);
        return *this;
    }
    /// Following packets come from this file of the time line.
    Story& in_file(std::uint16_t file) {
        file_ = file;
        return *this;
    }
    [[nodiscard]] double now() const { return static_cast<double>(clock_ns_ - kStoryStart) / 1e9; }

    /// Adds a packet and lets a millisecond pass. TCP segments get an IP id of their own.
    void add(core::Decoded decoded, std::string text) {
        if (decoded.kind == core::FrameKind::tcp && decoded.segment.ip_id == 0) decoded.segment.ip_id = ++last_ip_id_;
        Step step;
        step.packet.time_ns = clock_ns_;
        step.packet.file = file_;
        step.packet.ordinal = steps_.size();
        step.packet.wire_length = 60;
        step.decoded = decoded;
        step.text = std::move(text);
        steps_.push_back(std::move(step));
        clock_ns_ += kMillisecond;
    }
    /// The last packet is captured once more: a mirror port, or the other end of the link.
    void sighted_again(double seconds_later) {
        Step again = steps_.back();
        again.packet.time_ns += std::llround(seconds_later * 1e9);
        again.packet.file = file_;
        again.packet.ordinal = steps_.size();
        again.text += " (seen again)";
        steps_.push_back(std::move(again));
    }
    void arp(const std::string& target, bool request) {
        core::Decoded decoded;
        decoded.kind = core::FrameKind::arp;
        decoded.arp_request = request;
        (request ? decoded.arp_target : decoded.arp_sender) = core::parse_address(target).value();
        add(decoded, fmt::format("arp {} {}", request ? "who-has" : "is-at", target));
    }

    [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
    /// The steps in the order of their times, as a time line hands them out.
    [[nodiscard]] std::vector<Step> by_time() const {
        std::vector<Step> sorted = steps_;
        std::stable_sort(sorted.begin(), sorted.end(),
                         [](const Step& a, const Step& b) { return a.packet.time_ns < b.packet.time_ns; });
        return sorted;
    }
    /// Everything folded, finished.
    [[nodiscard]] capture::Fold fold(capture::FoldLimits limits = {}) const {
        capture::Fold fold(limits);
        for (const Step& step : by_time()) fold.add(step.packet, step.decoded);
        fold.finish();
        return fold;
    }
    [[nodiscard]] core::Report analyse(const core::HostFacts& facts = {}) const {
        return diagnose::analyse(fold(), facts);
    }

    friend std::ostream& operator<<(std::ostream& out, const Story& story) {
        constexpr std::size_t kShown = 80;
        out << "the story:\n";
        const std::vector<Step> steps = story.by_time();
        for (std::size_t i = 0; i < steps.size() && i < kShown; ++i) {
            const double seconds = static_cast<double>(steps[i].packet.time_ns - kStoryStart) / 1e9;
            out << fmt::format("  {:10.6f}  {}\n", seconds, steps[i].text);
        }
        if (steps.size() > kShown) out << "  ... and " << steps.size() - kShown << " more\n";
        return out;
    }

  private:
    std::vector<Step> steps_;
    std::int64_t clock_ns_ = kStoryStart;
    std::uint16_t file_ = 0;
    std::uint16_t last_ip_id_ = 0;
};

enum class Side : std::uint8_t { client, server };

/// One connection (or the attempt), as both ends see it. Every step returns the talk, so that steps read in a row.
class Talk {
  public:
    Talk(Story& story, const std::string& client, std::uint16_t client_port, std::uint32_t isn,
         core::Endpoint server = endpoint("10.0.0.1", 80))
        : story_(&story), client_(endpoint(client, client_port)), server_(server), isn_(isn), client_next_(isn + 1) {}

    /// The client's TSval from now on; without it the client sends no timestamps.
    Talk& clock(std::uint32_t ts) {
        client_ts_ = ts;
        return *this;
    }
    Talk& ttl(std::uint8_t ttl) {
        ttl_ = ttl;
        return *this;
    }
    Talk& server_isn(std::uint32_t isn) {
        server_isn_ = isn;
        server_next_ = isn + 1;
        return *this;
    }
    Talk& at(double seconds) { return story_->at(seconds), *this; }
    Talk& wait(double seconds) { return story_->wait(seconds), *this; }

    Talk& syn() {
        core::Segment segment = from_client(core::tcp_flag::syn);
        segment.sequence = isn_;
        segment.acknowledgment = 0;
        segment.options.has_mss = segment.options.has_window_scale = segment.options.has_sack_permitted = true;
        segment.options.mss = 1460;
        segment.options.window_scale = 7;
        return send(segment);
    }
    Talk& synack() {
        core::Segment segment = from_server(core::tcp_flag::syn | core::tcp_flag::ack);
        segment.sequence = server_isn_;
        segment.acknowledgment = isn_ + 1;
        segment.options.has_mss = segment.options.has_window_scale = segment.options.has_sack_permitted = true;
        segment.options.mss = 1460;
        segment.options.window_scale = 7;
        return send(segment);
    }
    Talk& ack() { return send(from_client(core::tcp_flag::ack)); }
    Talk& server_ack() { return send(from_server(core::tcp_flag::ack)); }
    Talk& data(std::uint32_t bytes) { return payload(Side::client, bytes); }
    Talk& server_data(std::uint32_t bytes) { return payload(Side::server, bytes); }
    Talk& fin() { return close(Side::client); }
    Talk& server_fin() { return close(Side::server); }
    Talk& rst() { return send(from_client(core::tcp_flag::rst)); }
    Talk& server_rst() { return send(from_server(core::tcp_flag::rst | core::tcp_flag::ack)); }
    /// RST,ACK of a closed port: sequence 0, acknowledging the SYN.
    Talk& refuse() {
        core::Segment segment = from_server(core::tcp_flag::rst | core::tcp_flag::ack);
        segment.sequence = 0;
        segment.acknowledgment = isn_ + 1;
        segment.options = {};
        return send(segment);
    }
    /// RST without ACK, numbered by the client's acknowledgment: the answer to an ACK that found no socket.
    Talk& abort() {
        core::Segment segment = from_server(core::tcp_flag::rst);
        segment.acknowledgment = 0;
        segment.options = {};
        return send(segment);
    }
    /// ICMP destination unreachable that quotes the SYN.
    Talk& unreachable(std::uint8_t code) {
        core::Decoded decoded;
        decoded.kind = core::FrameKind::icmp_error;
        decoded.icmp_type = 3;
        decoded.icmp_code = code;
        decoded.icmp_sender = server_.address;
        decoded.segment.source = client_;
        decoded.segment.destination = server_;
        decoded.segment.sequence = isn_;
        story_->add(decoded, fmt::format("icmp unreachable code {} quotes {} > {} seq {}", code,
                                         core::to_string(client_), core::to_string(server_), isn_));
        return *this;
    }
    /// SYN, SYN+ACK, ACK, one request, one response.
    Talk& served() { return syn().synack().ack().data(100).server_data(200).ack(); }
    /// The whole close, begun by one side, every FIN acknowledged.
    Talk& closed_by(Side first) {
        if (first == Side::server) return server_fin().ack().fin().server_ack();
        return fin().server_ack().server_fin().ack();
    }

    /// Any segment of this connection; `segment` comes from from_client() or from_server().
    Talk& send(const core::Segment& segment) {
        core::Decoded decoded;
        decoded.kind = core::FrameKind::tcp;
        decoded.segment = segment;
        story_->add(decoded, describe(segment));
        return *this;
    }
    [[nodiscard]] core::Segment from_client(unsigned flags) const {
        core::Segment segment = make(client_, server_, flags);
        segment.sequence = client_next_;
        segment.acknowledgment = (flags & core::tcp_flag::ack) != 0 ? server_next_ : 0;
        segment.ttl = ttl_;
        segment.options.has_timestamps = client_ts_.has_value();
        segment.options.ts_value = client_ts_.value_or(0);
        return segment;
    }
    [[nodiscard]] core::Segment from_server(unsigned flags) const {
        core::Segment segment = make(server_, client_, flags);
        segment.sequence = server_next_;
        segment.acknowledgment = (flags & core::tcp_flag::ack) != 0 ? client_next_ : 0;
        segment.ttl = 64;
        segment.options.has_timestamps = client_ts_.has_value();
        segment.options.ts_value = 77'000;
        segment.options.ts_echo = client_ts_.value_or(0);
        return segment;
    }
    [[nodiscard]] core::FourTuple tuple() const { return {client_, server_}; }
    [[nodiscard]] std::uint32_t isn() const { return isn_; }
    [[nodiscard]] std::uint32_t client_next() const { return client_next_; }
    [[nodiscard]] std::uint32_t server_next() const { return server_next_; }

  private:
    static core::Segment make(const core::Endpoint& source, const core::Endpoint& destination, unsigned flags) {
        core::Segment segment;
        segment.source = source;
        segment.destination = destination;
        segment.flags = static_cast<std::uint8_t>(flags);
        segment.window = 29200;
        return segment;
    }
    Talk& payload(Side side, std::uint32_t bytes) {
        const unsigned flags = core::tcp_flag::ack | core::tcp_flag::psh;
        core::Segment segment = side == Side::client ? from_client(flags) : from_server(flags);
        segment.payload_length = bytes;
        (side == Side::client ? client_next_ : server_next_) += bytes;
        return send(segment);
    }
    Talk& close(Side side) {
        const unsigned flags = core::tcp_flag::ack | core::tcp_flag::fin;
        const core::Segment segment = side == Side::client ? from_client(flags) : from_server(flags);
        (side == Side::client ? client_next_ : server_next_) += 1;
        return send(segment);
    }
    [[nodiscard]] std::string describe(const core::Segment& segment) const {
        std::string flags;
        for (const auto& [bit, letter] : {std::pair{core::tcp_flag::syn, 'S'},
                                          {core::tcp_flag::fin, 'F'},
                                          {core::tcp_flag::rst, 'R'},
                                          {core::tcp_flag::psh, 'P'},
                                          {core::tcp_flag::ack, '.'}}) {
            if ((segment.flags & bit) != 0) flags += letter;
        }
        std::string text =
            fmt::format("{} > {} [{}] seq {} ack {}", core::to_string(segment.source),
                        core::to_string(segment.destination), flags, segment.sequence, segment.acknowledgment);
        if (segment.options.has_timestamps) text += fmt::format(" TSval {}", segment.options.ts_value);
        if (segment.payload_length > 0) text += fmt::format(" length {}", segment.payload_length);
        return text;
    }

    Story* story_;
    core::Endpoint client_;
    core::Endpoint server_;
    std::uint32_t isn_;
    std::uint32_t server_isn_ = 5'000'000;
    std::uint32_t client_next_;
    std::uint32_t server_next_ = 5'000'001;
    std::optional<std::uint32_t> client_ts_{};
    std::uint8_t ttl_ = 60;
};

/// The finding of a cause, nullptr when the report has none.
inline const core::Finding* finding_of(const core::Report& report, core::Cause cause) {
    const auto found = std::find_if(report.findings.begin(), report.findings.end(),
                                    [&](const core::Finding& f) { return f.cause == cause; });
    return found == report.findings.end() ? nullptr : &*found;
}

/// The verdict on a talk's handshake, nullptr when the report has none.
inline const core::HandshakeVerdict* verdict_of(const core::Report& report, const Talk& talk) {
    const auto found =
        std::find_if(report.handshakes.begin(), report.handshakes.end(),
                     [&](const core::HandshakeVerdict& h) { return h.tuple == talk.tuple() && h.isn == talk.isn(); });
    return found == report.handshakes.end() ? nullptr : &*found;
}

/// What was found, for the trace of a failed test.
inline std::string told(const core::Report& report) {
    std::string text = "the report:\n";
    for (const core::Finding& finding : report.findings) {
        text += fmt::format("  {} ({}), {} SYNs, {} handshakes\n", core::slug(finding.cause),
                            core::to_string(finding.confidence), finding.syns, finding.handshakes);
        for (const std::string& line : finding.evidence) text += fmt::format("    evidence: {}\n", line);
        for (const std::string& line : finding.story) text += fmt::format("    story: {}\n", line);
    }
    for (const std::string& line : report.unknown) text += fmt::format("  unknown: {}\n", line);
    return text;
}

}  // namespace synwhy::test
