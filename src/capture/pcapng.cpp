// Blocks of (type, length, body, length again). A block whose two lengths differ, or that is no multiple of four
// bytes, ends the file: nothing after it can be trusted.
#include "capture/pcapng.hpp"

#include <algorithm>
#include <limits>

namespace synwhy::capture {
namespace {

constexpr std::size_t kBlockOverhead = 12;
constexpr std::uint32_t kMaxBlockBytes = kMaxPacketBytes + 1024U * 1024U;
constexpr std::size_t kMaxNameBytes = 255;
constexpr const char* kCorrupt = "the file is corrupt from here on; all packets before were used";

core::Error broken(const Window& window, const FileFacts& facts, std::string what) {
    return {std::move(what), place(facts.name, window.offset()), kCorrupt};
}

core::Error cut(const Window& window, const FileFacts& facts, const char* what) {
    if (window.error()) {
        return *window.error();
    }
    return {what, place(facts.name, window.offset()),
            "it was cut, or is still being written; all packets before were used"};
}

void keep_comment(std::vector<std::string>& comments, std::span<const std::uint8_t> text) {
    if (comments.size() < kMaxComments) {
        comments.emplace_back(reinterpret_cast<const char*>(text.data()), std::min(text.size(), kMaxCommentBytes));
    }
}

bool is_read(std::uint32_t type) {
    return type == pcapng::kSectionHeader || type == pcapng::kInterfaceDescription || type == pcapng::kEnhancedPacket ||
           type == pcapng::kSimplePacket || type == pcapng::kObsoletePacket || type == pcapng::kInterfaceStatistics;
}

bool is_packet(std::uint32_t type) {
    return type == pcapng::kEnhancedPacket || type == pcapng::kSimplePacket || type == pcapng::kObsoletePacket;
}

}  // namespace

bool PcapngFormat::recognises(const std::uint8_t* head) {
    return core::load_be32(head) == pcapng::kSectionHeader;  // the same in both byte orders
}

std::expected<void, core::Error> PcapngFormat::open(Window& window, FileFacts& facts) {
    Block block;
    const auto header = read_header(window, facts, block);
    if (!header) {
        return std::unexpected(header.error());
    }
    if (const auto body = read_body(window, facts, block); !body) {
        return body;
    }
    const auto taken = take_section(window, block, facts);
    if (!taken) {
        return std::unexpected(taken.error());
    }
    window.consume(block.length);
    return {};
}

std::expected<bool, core::Error> PcapngFormat::next(Window& window, FileFacts& facts, Packet& packet) {
    for (;;) {
        Block block;
        const auto header = read_header(window, facts, block);
        if (!header || !*header) {
            return header;
        }
        if (!is_read(block.type)) {
            if (const auto skipped = skip(window, facts, block); !skipped) {
                return std::unexpected(skipped.error());
            }
            continue;
        }
        if (const auto body = read_body(window, facts, block); !body) {
            return std::unexpected(body.error());
        }
        const auto taken = take(window, block, facts, packet);
        if (!taken) {
            return std::unexpected(taken.error());
        }
        window.consume(block.length);
        if (*taken == Outcome::packet) {
            return true;
        }
    }
}

/// Type and length of the next block, in the byte order of its section. @return false at a clean end
std::expected<bool, core::Error> PcapngFormat::read_header(Window& window, const FileFacts& facts, Block& block) {
    if (!window.demand(kBlockOverhead)) {
        if (!window.error() && window.size() == 0) {
            return false;
        }
        return std::unexpected(cut(window, facts, "the file ends inside a block header"));
    }
    const std::uint8_t* header = window.bytes();
    if (recognises(header)) {
        swap_ = core::load_file<std::uint32_t>(header + 8, false) != pcapng::kByteOrderMagic;
        if (core::load_file<std::uint32_t>(header + 8, swap_) != pcapng::kByteOrderMagic) {
            return std::unexpected(broken(window, facts, "a section header has no byte-order magic"));
        }
    }
    block.type = core::load_file<std::uint32_t>(header, swap_);
    block.length = core::load_file<std::uint32_t>(header + 4, swap_);
    if (block.length < kBlockOverhead || block.length % 4 != 0) {
        return std::unexpected(broken(window, facts, "a block claims a length of " + std::to_string(block.length)));
    }
    return true;
}

std::expected<void, core::Error> PcapngFormat::read_body(Window& window, const FileFacts& facts, Block& block) const {
    if (block.length > kMaxBlockBytes) {
        return std::unexpected(broken(window, facts, "a block claims a length of " + std::to_string(block.length)));
    }
    if (!window.demand(block.length)) {
        return std::unexpected(
            cut(window, facts,
                is_packet(block.type) ? "the file ends inside a packet record" : "the file ends inside a block"));
    }
    const std::uint8_t* bytes = window.bytes();
    if (core::load_file<std::uint32_t>(bytes + block.length - 4, swap_) != block.length) {
        return std::unexpected(broken(window, facts, "a block's two lengths differ"));
    }
    block.body = {bytes + 8, block.length - kBlockOverhead};
    return {};
}

std::expected<void, core::Error> PcapngFormat::skip(Window& window, const FileFacts& facts, const Block& block) const {
    if (!window.discard(block.length - 4) || !window.demand(4)) {
        return std::unexpected(cut(window, facts, "the file ends inside a block"));
    }
    if (core::load_file<std::uint32_t>(window.bytes(), swap_) != block.length) {
        return std::unexpected(broken(window, facts, "a block's two lengths differ"));
    }
    window.consume(4);
    return {};
}

PcapngFormat::Result PcapngFormat::take(const Window& window, const Block& block, FileFacts& facts, Packet& packet) {
    switch (block.type) {
        case pcapng::kEnhancedPacket:
        case pcapng::kObsoletePacket: return take_packet(window, block, facts, packet);
        case pcapng::kSimplePacket: return take_simple_packet(window, block, facts, packet);
        case pcapng::kInterfaceDescription: return take_interface(window, block, facts);
        case pcapng::kSectionHeader: return take_section(window, block, facts);
        default: take_statistics(block, facts); return Outcome::nothing;
    }
}

PcapngFormat::Result PcapngFormat::take_section(const Window& window, const Block& block, FileFacts& facts) {
    if (block.body.size() < 16) {
        return std::unexpected(broken(window, facts, "a section header is too short"));
    }
    const auto major = core::load_file<std::uint16_t>(block.body.data() + 4, swap_);
    if (major != 1) {
        return std::unexpected(
            broken(window, facts, "pcapng version " + std::to_string(major) + " is not known, only 1 is"));
    }
    section_first_ = clocks_.size();
    for_each_option(block.body.subspan(16), swap_, [&facts](std::uint16_t code, std::span<const std::uint8_t> value) {
        if (code == pcapng::kOptionComment) {
            keep_comment(facts.comments, value);
            keep_comment(facts.section_comments, value);
        }
    });
    return Outcome::nothing;
}

PcapngFormat::Result PcapngFormat::take_interface(const Window& window, const Block& block, FileFacts& facts) {
    if (block.body.size() < 8) {
        return std::unexpected(broken(window, facts, "an interface description is too short"));
    }
    if (clocks_.size() == kMaxInterfaces) {
        return std::unexpected(broken(window, facts, "more than " + std::to_string(kMaxInterfaces) + " interfaces"));
    }
    Interface interface;
    Clock clock;
    interface.link = static_cast<core::LinkType>(core::load_file<std::uint16_t>(block.body.data(), swap_));
    interface.snap_length = core::load_file<std::uint32_t>(block.body.data() + 4, swap_);
    for_each_option(block.body.subspan(8), swap_, [&](std::uint16_t code, std::span<const std::uint8_t> value) {
        if (code == pcapng::kInterfaceName) {
            interface.name.assign(reinterpret_cast<const char*>(value.data()), std::min(value.size(), kMaxNameBytes));
        } else if (code == pcapng::kTimeResolution && value.size() == 1) {
            clock.resolution = value[0];
        } else if (code == pcapng::kTimeOffset && value.size() == 8) {
            clock.offset_s = static_cast<std::int64_t>(core::load_file<std::uint64_t>(value.data(), swap_));
        } else if (code == pcapng::kOptionComment) {
            keep_comment(facts.comments, value);
        }
    });
    clock.unit_ns = clock.resolution <= 9 ? 1 : 0;
    for (unsigned digit = clock.resolution; digit < 9; ++digit) {
        clock.unit_ns *= 10;
    }
    clocks_.push_back(clock);
    facts.interfaces.push_back(std::move(interface));
    return Outcome::nothing;
}

void PcapngFormat::take_statistics(const Block& block, FileFacts& facts) const {
    if (block.body.size() < 12) {
        return;  // statistics decide nothing about the packets
    }
    const std::size_t index = section_first_ + core::load_file<std::uint32_t>(block.body.data(), swap_);
    if (index >= facts.interfaces.size()) {
        return;
    }
    std::uint64_t dropped = 0;
    bool known = false;
    for_each_option(block.body.subspan(12), swap_, [&](std::uint16_t code, std::span<const std::uint8_t> value) {
        if ((code == pcapng::kStatisticsInterfaceDrops || code == pcapng::kStatisticsSystemDrops) &&
            value.size() == 8) {
            dropped += core::load_file<std::uint64_t>(value.data(), swap_);
            known = true;
        }
    });
    if (known) {
        facts.interfaces[index].dropped = dropped;  // counts since the start, so the last block wins
        facts.interfaces[index].drop_count_known = true;
    }
}

PcapngFormat::Result PcapngFormat::take_packet(const Window& window, const Block& block, FileFacts& facts,
                                               Packet& packet) {
    const std::uint8_t* body = block.body.data();
    if (block.body.size() < 20) {
        return std::unexpected(broken(window, facts, "a packet block is too short"));
    }
    // The obsolete block has a 16-bit interface and a drop count where the enhanced one has a 32-bit interface.
    const std::size_t local = block.type == pcapng::kEnhancedPacket ? core::load_file<std::uint32_t>(body, swap_)
                                                                    : core::load_file<std::uint16_t>(body, swap_);
    const std::size_t described = clocks_.size() - section_first_;
    if (local >= described) {
        return std::unexpected(broken(window, facts,
                                      "a packet names interface " + std::to_string(local) + ", but " +
                                          std::to_string(described) + " were described"));
    }
    const auto captured = core::load_file<std::uint32_t>(body + 12, swap_);
    const std::size_t room = block.body.size() - 20;
    if (captured > room || captured > kMaxPacketBytes) {
        return std::unexpected(broken(window, facts,
                                      "a packet block claims " + std::to_string(captured) +
                                          " captured bytes and has room for " + std::to_string(room)));
    }
    const std::size_t index = section_first_ + local;
    const std::uint64_t units = std::uint64_t{core::load_file<std::uint32_t>(body + 4, swap_)} << 32U |
                                core::load_file<std::uint32_t>(body + 8, swap_);
    packet.time_ns = last_time_ns_ = to_ns(clocks_[index], units);
    packet.data = block.body.subspan(20, captured);
    packet.wire_length = std::max(captured, core::load_file<std::uint32_t>(body + 16, swap_));
    packet.link = facts.interfaces[index].link;
    packet.interface = static_cast<std::uint32_t>(index);
    packet.offset = window.offset();
    packet.options = block.body.subspan(std::min(20 + (captured + std::size_t{3}) / 4 * 4, block.body.size()));
    packet.options_swapped = swap_;
    if (!packet.options.empty()) {
        for_each_option(packet.options, swap_, [&facts](std::uint16_t code, std::span<const std::uint8_t> value) {
            if (code == pcapng::kOptionComment) {
                keep_comment(facts.comments, value);
            }
        });
    }
    return Outcome::packet;
}

PcapngFormat::Result PcapngFormat::take_simple_packet(const Window& window, const Block& block, FileFacts& facts,
                                                      Packet& packet) {
    if (block.body.size() < 4 || section_first_ == clocks_.size()) {
        return std::unexpected(broken(window, facts, "a simple packet block without length or interface"));
    }
    const Interface& interface = facts.interfaces[section_first_];
    const auto wire = core::load_file<std::uint32_t>(block.body.data(), swap_);
    std::size_t captured = std::min<std::size_t>(wire, block.body.size() - 4);
    if (interface.snap_length != 0) {
        captured = std::min<std::size_t>(captured, interface.snap_length);
    }
    packet.time_ns = last_time_ns_;
    packet.data = block.body.subspan(4, captured);
    packet.wire_length = wire;
    packet.link = interface.link;
    packet.interface = static_cast<std::uint32_t>(section_first_);
    packet.offset = window.offset();
    packet.options = {};
    return Outcome::packet;
}

/// Nanoseconds since 1970, saturating: a hostile resolution or offset gives a strange time, never an overflow.
std::int64_t PcapngFormat::to_ns(const Clock& clock, std::uint64_t units) const {
    __extension__ using Wide = __int128;
    constexpr Wide kSecond = 1'000'000'000;
    Wide ns = 0;
    if (clock.unit_ns != 0) {
        ns = static_cast<Wide>(units) * clock.unit_ns;
    } else if ((clock.resolution & 0x80U) == 0) {
        std::uint64_t divisor = 1;
        for (unsigned digit = 9; digit < std::min<unsigned>(clock.resolution, 9 + 19); ++digit) {
            divisor *= 10;
        }
        ns = clock.resolution > 9 + 19 ? 0 : units / divisor;
    } else if (const unsigned bits = clock.resolution & 0x7fU; bits < 64) {
        const std::uint64_t whole = units >> bits;
        const std::uint64_t part = units - (whole << bits);
        ns = static_cast<Wide>(whole) * kSecond + ((static_cast<Wide>(part) * kSecond) >> bits);
    }
    ns += static_cast<Wide>(clock.offset_s) * kSecond;
    constexpr Wide kLowest = std::numeric_limits<std::int64_t>::min();
    constexpr Wide kHighest = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::clamp(ns, kLowest, kHighest));
}

}  // namespace synwhy::capture
