// Which connection attempts came in, and what went back to each?
#include "host/syn_table.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

namespace synwhy::host {

namespace {

std::uint64_t mixed(std::uint64_t value) noexcept {
    value ^= value >> 32;
    value *= 0x9E3779B97F4A7C15ULL;
    return value ^ (value >> 29);
}

}  // namespace

std::size_t SynTable::KeyHash::operator()(const Key& key) const noexcept {
    return mixed(core::hash_of(key.tuple.client) ^ mixed(core::hash_of(key.tuple.server) ^ key.isn));
}

void SynTable::add_syn(std::int64_t time_ns, const core::Segment& segment, int interface) {
    ++syns_;
    const Key key{{segment.source, segment.destination}, segment.sequence};
    auto found = attempts_.find(key);
    if (found == attempts_.end()) {
        if (attempts_.size() >= kMaxAttempts) {
            ++forgotten_;
            return;
        }
        found = attempts_.emplace(key, Attempt{.first_ns = time_ns}).first;
    }
    Attempt& attempt = found->second;
    ++attempt.syns;
    attempt.interface = interface;
    attempt.ttl = std::min(attempt.ttl, segment.ttl);
    attempt.has_md5 |= segment.options.has_md5;
    attempt.has_timestamps |= segment.options.has_timestamps;
}

void SynTable::add_reply(const core::Segment& segment, Fate fate) {
    // An ICMP error quotes the SYN itself; a segment acknowledges its sequence number plus one.
    const Key key = fate == Fate::icmp ? Key{{segment.source, segment.destination}, segment.sequence}
                                       : Key{{segment.destination, segment.source}, segment.acknowledgment - 1};
    const auto found = attempts_.find(key);
    if (found == attempts_.end() || found->second.fate == Fate::answered) return;
    found->second.fate = fate;
}

void SynTable::add(std::int64_t time_ns, std::span<const std::uint8_t> packet, std::uint32_t wire_length, int interface,
                   bool outgoing) {
    const core::Decoded decoded = core::decode(core::LinkType::raw, packet, wire_length);
    if (decoded.kind == core::FrameKind::icmp_error) {
        if (outgoing) add_reply(decoded.segment, Fate::icmp);
        return;
    }
    if (decoded.kind != core::FrameKind::tcp) return;
    const core::Segment& segment = decoded.segment;
    if (segment.is_syn() && (segment.flags & core::tcp_flag::rst) == 0) {
        if (!outgoing) add_syn(time_ns, segment, interface);
    } else if (outgoing && segment.is_syn_ack()) {
        add_reply(segment, Fate::answered);
    } else if (outgoing && (segment.flags & core::tcp_flag::rst) != 0) {
        add_reply(segment, Fate::reset);
    }
}

core::Watched SynTable::watched(std::int64_t start_ns, std::int64_t end_ns,
                                std::string (*name_of_interface)(int)) const {
    std::map<std::pair<core::Endpoint, core::Address>, core::WatchedGroup> groups;
    for (const auto& [key, attempt] : attempts_) {
        core::WatchedGroup& group = groups[{key.tuple.server, key.tuple.client.address}];
        group.server = key.tuple.server;
        group.client = key.tuple.client.address;
        group.syns += attempt.syns;
        ++group.attempts;
        const bool open = attempt.fate == Fate::none;
        const bool young = open && end_ns - attempt.first_ns < core::kAnswerTimeNs;
        group.answered += attempt.fate == Fate::answered ? 1 : 0;
        group.reset += attempt.fate == Fate::reset ? 1 : 0;
        group.icmp += attempt.fate == Fate::icmp ? 1 : 0;
        group.pending += young ? 1 : 0;
        group.unanswered += open && !young ? 1 : 0;
        if (attempt.fate != Fate::answered || group.client_port == 0) {
            group.client_port = std::max(group.client_port, key.tuple.client.port);  // the same in every order
            group.interface = name_of_interface(attempt.interface);
        }
        if (attempt.fate == Fate::answered) continue;
        group.lowest_ttl = std::min(group.lowest_ttl, attempt.ttl);
        group.has_md5 |= attempt.has_md5;
        group.has_timestamps &= attempt.has_timestamps;
    }
    core::Watched result{.available = true, .length_ns = end_ns - start_ns, .syns = syns_, .lost = forgotten_};
    for (auto& [key, group] : groups) result.groups.push_back(std::move(group));
    std::ranges::stable_sort(result.groups, std::greater{}, [](const core::WatchedGroup& group) {
        return std::pair(group.unanswered, group.reset + group.icmp);
    });
    if (result.groups.size() > core::kMaxWatchedGroups) {
        result.more_groups = result.groups.size() - core::kMaxWatchedGroups;
        result.groups.resize(core::kMaxWatchedGroups);
    }
    return result;
}

}  // namespace synwhy::host
