#include "tun/emulation.hpp"

#include <algorithm>
#include <utility>

#include "core/packet_build.hpp"
#include "model/arrival.hpp"

namespace synwhy::tun {

namespace {

constexpr std::size_t kFates = static_cast<std::size_t>(model::Fate::processed) + 1;

/// By the lengths in the headers: the packet may be longer.
std::span<const std::uint8_t> payload_of(const core::Decoded& decoded, std::span<const std::uint8_t> packet) {
    if (decoded.kind != core::FrameKind::tcp) return {};
    const std::size_t start = decoded.tcp_offset + (packet[decoded.tcp_offset + 12U] >> 4U) * std::size_t{4};
    if (start >= packet.size()) return {};
    return packet.subspan(start, std::min<std::size_t>(decoded.segment.payload_length, packet.size() - start));
}

}  // namespace

Emulation::Emulation(EmulationOptions options)
    : server_(std::make_unique<model::Server>(std::move(options.server))),
      tallies_((core::path_rows().size() + 1) * kFates * 2, 0) {}

std::expected<Emulation, core::Error> Emulation::make(EmulationOptions options, std::int64_t now_ns) {
    const auto listeners = std::move(options.listeners);
    ApplicationOptions application = std::move(options.application);
    Emulation emulation(std::move(options));
    for (const model::ListenOptions& listener : listeners) {
        if (emulation.server_->listen(listener, now_ns)) continue;
        return std::unexpected(core::Error{"another listener has this port", core::to_string(listener.local), {}});
    }
    emulation.application_ = std::make_unique<Application>(std::move(application), *emulation.server_);
    return emulation;
}

std::uint64_t& Emulation::tally_of(bool syn, model::Fate fate, const core::Row* row) {
    const std::size_t place = row == nullptr ? 0 : static_cast<std::size_t>(row - core::path_rows().data()) + 1;
    return tallies_[(place * kFates + static_cast<std::size_t>(fate)) * 2 + (syn ? 0 : 1)];
}

std::vector<Tally> Emulation::tallies() const {
    std::vector<Tally> all;
    for (const bool syn : {true, false}) {
        for (std::size_t place = 0; place <= core::path_rows().size(); ++place) {
            for (std::size_t fate = 0; fate < kFates; ++fate) {
                const std::uint64_t segments = tallies_[(place * kFates + fate) * 2 + (syn ? 0 : 1)];
                if (segments == 0) continue;
                const core::Row* row = place == 0 ? nullptr : &core::path_rows()[place - 1];
                all.push_back({syn, static_cast<model::Fate>(fate), row, segments});
            }
        }
    }
    return all;
}

std::optional<model::Outcome> Emulation::receive(std::span<const std::uint8_t> packet, std::int64_t now_ns,
                                                 PacketBatch& out) {
    ++counts_.packets_in;
    counts_.bytes_in += packet.size();
    const core::Decoded decoded = core::decode(core::LinkType::raw, packet, static_cast<std::uint32_t>(packet.size()));
    if (decoded.kind == core::FrameKind::fragment || decoded.first_fragment) {
        ++counts_.fragments;
        return std::nullopt;
    }
    if (decoded.kind != core::FrameKind::tcp && decoded.kind != core::FrameKind::tcp_malformed) {
        ++counts_.not_tcp;
        return std::nullopt;
    }
    const model::Arrival arrival = model::arrival_of(decoded, packet);
    const model::Outcome outcome = server_->receive(decoded.segment, arrival, now_ns, outbox_);
    ++tally_of(decoded.segment.is_syn(), outcome.fate, outcome.row);
    application_->on_segment(outcome, payload_of(decoded, packet), now_ns, outbox_);
    send(out);
    if (outcome.socket != 0) application_->forget_if_gone(outcome.socket);
    return outcome;
}

void Emulation::advance(std::int64_t now_ns, PacketBatch& out) {
    server_->advance(now_ns, outbox_);
    application_->advance(now_ns, outbox_);
    send(out);
}

std::int64_t Emulation::next_deadline_ns() const {
    return std::min(server_->next_deadline_ns(), application_->next_deadline_ns());
}

void Emulation::send(PacketBatch& out) {
    for (const model::Outgoing& reply : outbox_) {
        payload_.resize(reply.segment.payload_length);
        const bool known = payload_.empty() || application_->fill(reply.socket, reply.stream_offset, payload_);
        if (!known) ++counts_.lost_bodies;
        const std::size_t before = out.bytes.size();
        core::append_packet(reply.segment, payload_, out.bytes);
        out.ends.push_back(out.bytes.size());
        ++counts_.packets_out;
        counts_.bytes_out += out.bytes.size() - before;
    }
    outbox_.clear();
}

}  // namespace synwhy::tun
