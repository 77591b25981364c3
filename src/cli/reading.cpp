// The read loop; see reading.hpp.
#include "cli/reading.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <span>
#include <utility>

#include "cli/talk.hpp"
#include "core/packet.hpp"
#include "emit/progress.hpp"

namespace synwhy::cli {
namespace {

constexpr std::size_t kBatch = 32;               // packets handed out at once
constexpr std::uint64_t kPacketsPerLook = 4096;  // between two looks at the clock

volatile std::sig_atomic_t stop_requested = 0;

extern "C" void on_interrupt(int) {
    stop_requested = 1;
    capture::end_interrupted_reads(true);
}

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

/// Does the frame belong to the only host that is asked for?
bool concerns(const core::Address& server, const core::Decoded& decoded) {
    switch (decoded.kind) {
        case core::FrameKind::tcp:
        case core::FrameKind::tcp_malformed:
        case core::FrameKind::tcp_cut:
        case core::FrameKind::fragment:
        case core::FrameKind::icmp_error:
            return decoded.segment.source.address == server || decoded.segment.destination.address == server;
        case core::FrameKind::arp: return true;
        case core::FrameKind::other:
        case core::FrameKind::cut:
        case core::FrameKind::unsupported_link: return false;
    }
    return false;
}

void add_batch(capture::Fold& fold, std::span<const capture::Packet> batch,
               const std::optional<core::Address>& server) {
    for (const capture::Packet& packet : batch) {
        const core::Decoded decoded = core::decode(packet.link, packet.data, packet.wire_length);
        if (server && !concerns(*server, decoded)) continue;
        fold.add(packet, decoded);
    }
}

}  // namespace

bool interrupted() { return stop_requested != 0; }

StopOnInterrupt::StopOnInterrupt() {
    stop_requested = 0;
    capture::end_interrupted_reads(false);
    struct sigaction action{};
    action.sa_handler = on_interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND);  // without SA_RESTART: a read that waits is interrupted
    ::sigaction(SIGINT, nullptr, &before_);
    if (before_.sa_handler != SIG_IGN) ::sigaction(SIGINT, &action, nullptr);
}

StopOnInterrupt::~StopOnInterrupt() {
    ::sigaction(SIGINT, &before_, nullptr);
    capture::end_interrupted_reads(false);
}

std::expected<ReadingResult, core::Error> read_captures(const std::vector<std::string>& paths,
                                                        const ReadingOptions& options) {
    const StopOnInterrupt stop;
    auto timeline = capture::TimeLine::open(paths);
    if (!timeline) return std::unexpected(timeline.error());
    ReadingResult result{.fold = capture::Fold(options.limits)};
    emit::Progress progress(now_ns(), terminal_width(STDERR_FILENO), locale_is_utf8());
    std::array<capture::Packet, kBatch> batch;
    std::uint64_t packets = 0;
    std::uint64_t next_look = kPacketsPerLook;
    while (!interrupted()) {
        const std::size_t count = timeline->next(batch);
        if (count == 0) break;
        add_batch(result.fold, std::span(batch).first(count), options.server);
        packets += count;
        if (options.progress && packets >= next_look) {
            next_look = packets + kPacketsPerLook;
            if (const std::string text = progress.update(now_ns(), timeline->progress(), packets); !text.empty())
                talk(text);
        }
    }
    if (const std::string text = progress.erase(); !text.empty()) talk(text);
    result.interrupted = interrupted();
    result.fold.finish();
    result.files = timeline->facts();
    if (!result.interrupted) result.errors = timeline->errors();  // else the cut is ours
    return result;
}

}  // namespace synwhy::cli
