// Can any sequence of segments make the fold or the diagnosis contradict itself?
//
// The input is a small program: three bytes of choices, then five bytes a segment among four clients with two ports
// each and a server with two ports, in small sequence and timestamp spaces, so that collisions, TIME_WAITs and
// copies come about within a few steps. The segments go straight into Fold: no bytes are lost on checksums and
// headers (fuzz_packet has those). Checked: the report (report_checks.hpp), and that folding in two parts and
// merging, in either order, gives what one fold gives.
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "diagnose/diagnose.hpp"
#include "report_checks.hpp"

using namespace synwhy;
using fuzz::require;

namespace {

constexpr std::size_t kStepBytes = 5;
constexpr std::size_t kMaxSteps = 200;
constexpr std::uint8_t kAnalyse = 1;  ///< bits of the first byte: what to check
constexpr std::uint8_t kMerge = 2;
constexpr std::uint8_t kEvict = 4;      ///< a tiny limit; excludes kMerge, whose halves would evict differently
constexpr std::uint8_t kAnyRoles = 8;   ///< servers send SYNs, clients send SYN+ACKs; excludes kMerge as well:
                                        ///< whether a SYN+ACK is a reply depends on what was seen before it
constexpr std::uint8_t kWriteDown = 1;  ///< the upper four bits: print the report too. One value of sixteen: it costs
                                        ///< as much as everything else, and fuzz_analyse always does

bool merges(std::uint8_t mode) { return (mode & (kMerge | kEvict | kAnyRoles)) == kMerge; }

struct Step {
    capture::Packet packet{};
    core::Decoded decoded{};
};

core::Endpoint endpoint(std::uint8_t last, std::uint16_t port) {
    const std::array<std::uint8_t, 4> octets{10, 0, 0, last};
    return {core::Address::from_ipv4(octets.data()), port};
}

/// What kind of segment: the flags, or something that is no segment of its own.
enum class Act : std::uint8_t { syn, syn_ack, ack, data, fin, reset, icmp, broken };

void shape(Act act, core::Decoded& decoded) {
    using namespace core::tcp_flag;
    core::Segment& segment = decoded.segment;
    switch (act) {
        case Act::syn: segment.flags = syn; break;
        case Act::syn_ack: segment.flags = syn | ack; break;
        case Act::ack: segment.flags = ack; break;
        case Act::data:
            segment.flags = ack | psh;
            segment.payload_length = 5;
            break;
        case Act::fin: segment.flags = ack | fin; break;
        case Act::reset: segment.flags = rst; break;
        case Act::icmp:
            decoded.kind = core::FrameKind::icmp_error;
            decoded.icmp_type = 3;
            break;
        case Act::broken:
            decoded.kind = core::FrameKind::tcp_malformed;
            segment.flags = syn;
            break;
    }
}

void fill_options(std::uint8_t bits, core::Segment& segment) {
    core::TcpOptions& options = segment.options;
    options.has_timestamps = (bits & 1U) != 0;
    options.has_window_scale = (bits & 2U) != 0;
    options.has_sack_permitted = (bits & 2U) != 0;
    options.cut_by_snaplen = (bits & 0x7cU) == 0x7cU;
    if (options.has_timestamps) {
        // Within half the number space: the order of three numbers farther apart is a circle (RFC 1982).
        constexpr std::array<std::uint32_t, 4> kClocks = {1000, 5'000'000, 0x40000000, 0xfffffffe};
        options.ts_value = kClocks[(bits >> 2U) & 3U] + ((bits >> 4U) & 7U);
        options.ts_echo = (bits & 0x80U) != 0 ? options.ts_value : 0;
    }
    segment.window = (bits & 0x80U) != 0 ? 0 : 64240;
    segment.ttl = 60;
}

/// Sequence and acknowledgment. `few`: at most three ISNs a tuple, because Fold looks back a few handshakes only for
/// the one a repeated SYN belongs to, and what is farther back depends on where the traffic was cut.
void fill_numbers(std::uint8_t bits, bool few, Act act, core::Segment& segment) {
    constexpr std::array<std::uint32_t, 4> kIsns = {100, 0x01000100, 0x3fffffff, 0xfffffffe};
    const unsigned choices = few ? 3 : 4;
    segment.sequence = kIsns[(bits & 3U) % choices] + ((bits >> 2U) & 3U);
    segment.acknowledgment = kIsns[((bits >> 4U) & 3U) % choices] + ((bits >> 6U) & 3U);
    if (!few) return;
    if (act == Act::syn || act == Act::broken || act == Act::icmp) segment.sequence = kIsns[(bits & 3U) % choices];
    if (act == Act::syn_ack) segment.acknowledgment = kIsns[((bits >> 4U) & 3U) % choices] + 1;
}

/// Five bytes: who and what, numbers, options, IP id, time passed and port.
Step step_of(std::span<const std::uint8_t, kStepBytes> bytes, std::uint8_t mode, std::uint64_t ordinal,
             std::int64_t& now_ns) {
    constexpr std::array<std::int64_t, 16> kPauses_us = {
        0,         40,        1'000,      10'000,     200'000,     499'000, 500'000, 1'000'000,
        3'000'000, 7'000'000, 59'900'000, 60'100'000, 180'000'000, 2'000,   5'000,   -1'000'000};
    const auto act = static_cast<Act>((bytes[0] >> 4U) & 7U);
    const core::Endpoint client =
        endpoint(static_cast<std::uint8_t>(10 + (bytes[0] & 3U)), (bytes[0] & 4U) != 0 ? 40001 : 40002);
    const core::Endpoint server = endpoint(1, (bytes[4] & 0x10U) != 0 ? 443 : 80);
    bool by_client = (bytes[0] & 8U) == 0;
    const bool either_side = act == Act::ack || act == Act::data || act == Act::fin || act == Act::reset;
    if ((mode & kAnyRoles) == 0 && !either_side) by_client = act != Act::syn_ack;

    Step step;
    step.decoded.kind = core::FrameKind::tcp;
    core::Segment& segment = step.decoded.segment;
    segment.source = by_client ? client : server;
    segment.destination = by_client ? server : client;
    fill_numbers(bytes[1], merges(mode), act, segment);
    segment.ip_id = bytes[3];
    fill_options(bytes[2], segment);
    shape(act, step.decoded);

    now_ns += kPauses_us[bytes[4] & 15U] * 1000;
    step.packet.time_ns = now_ns;
    step.packet.ordinal = ordinal;
    step.packet.wire_length = 60;
    step.packet.link = core::LinkType::raw;
    return step;
}

std::vector<Step> program_of(std::span<const std::uint8_t> bytes, std::uint8_t mode) {
    std::vector<Step> steps;
    std::int64_t now_ns = 1'700'000'000'000'000'000;
    while (bytes.size() >= kStepBytes && steps.size() < kMaxSteps) {
        steps.push_back(step_of(bytes.first<kStepBytes>(), mode, steps.size(), now_ns));
        bytes = bytes.subspan(kStepBytes);
    }
    return steps;
}

capture::Fold fold_of(std::span<const Step> steps, capture::FoldLimits limits = {}) {
    capture::Fold fold(limits);
    for (const Step& step : steps) fold.add(step.packet, step.decoded);
    return fold;
}

/// What two ways of folding must agree on. Left out: what only an unbroken sequence tells, such as which of two
/// connections of a tuple a segment without SYN belongs to.
using Identity = std::tuple<core::FourTuple, std::uint32_t>;
std::vector<Identity> known_of(const capture::Fold& fold) {
    std::vector<Identity> known;
    for (const capture::Handshake& handshake : fold.handshakes()) {
        if (handshake.isn_known) known.emplace_back(handshake.tuple, handshake.isn);
    }
    std::ranges::sort(known);
    return known;
}

/// The order of merging must not show in anything.
using Everything = std::tuple<core::FourTuple, bool, std::uint32_t, std::uint32_t, std::int64_t, std::int64_t,
                              std::size_t, std::size_t, std::int64_t, std::uint32_t, std::int64_t, std::int64_t,
                              std::uint32_t, std::uint32_t, std::uint16_t, std::uint32_t, std::uint32_t>;
std::vector<Everything> all_of(const capture::Fold& fold) {
    std::vector<Everything> all;
    for (const capture::Handshake& h : fold.handshakes()) {
        all.emplace_back(h.tuple, h.isn_known, h.isn, h.server_isn, h.first_ns, h.last_ns, h.syns.size(),
                         h.replies.size(), h.final_ack_ns, h.final_ack, h.server_fin.time_ns, h.client_fin.time_ns,
                         h.client_next, h.server_next, h.server_window, h.client_ts, h.client_segments);
    }
    std::ranges::sort(all);
    return all;
}

/// Captured SYNs, mirrored ones included; nullopt when some fell off a list: of those only a number is left, in which
/// a mirrored copy cannot be told from a new one.
std::optional<std::uint64_t> sightings_of(const capture::Fold& fold) {
    std::uint64_t count = 0;
    for (const capture::Handshake& handshake : fold.handshakes()) {
        if (handshake.more_syns != 0) return std::nullopt;
        for (const capture::SynCopy& copy : handshake.syns) count += copy.sightings;
    }
    return count;
}

void check_merge(std::span<const Step> steps, std::size_t cut) {
    capture::Fold whole = fold_of(steps);
    const capture::Fold first = fold_of(steps.first(cut));
    const capture::Fold second = fold_of(steps.subspan(cut));
    capture::Fold forward = first;
    forward.merge(second);
    capture::Fold backward = second;
    backward.merge(first);
    for (capture::Fold* fold : {&whole, &forward, &backward}) fold->finish();

    require(known_of(forward) == known_of(whole));
    require(all_of(forward) == all_of(backward));
    require(forward.counts().packets == steps.size() && backward.counts().packets == steps.size());
    if (const auto sightings = sightings_of(whole)) {
        require(sightings_of(forward) == sightings && sightings_of(backward) == sightings);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3 + kStepBytes) return 0;
    const std::uint8_t mode = data[0];
    const std::vector<Step> steps = program_of({data + 3, size - 3}, mode);
    if (merges(mode)) check_merge(steps, data[2] % (steps.size() + 1));
    if ((mode & kAnalyse) == 0) return 0;
    capture::Fold fold = fold_of(steps, {.max_handshakes = (mode & kEvict) != 0 ? 6U : 1000U});
    fold.finish();
    const core::Report report = diagnose::analyse(fold, fuzz::facts_of(data[1]));
    fuzz::check_sums(fold, report);
    if (mode >> 4U == kWriteDown) fuzz::check_texts(report, data[2]);
    return 0;
}
