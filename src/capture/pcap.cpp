// A 24-byte header, then records of 16 bytes (24 in the modified format) and the captured bytes.
#include "capture/pcap.hpp"

#include "core/bytes.hpp"

namespace synwhy::capture {
namespace {

constexpr std::size_t kFileHeader = 24;
constexpr std::uint32_t kMagicMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t kMagicNanoseconds = 0xa1b23c4d;
constexpr std::uint32_t kMagicModified = 0xa1b2cd34;  // interface, protocol and direction in each record

bool is_magic(std::uint32_t value) {
    return value == kMagicMicroseconds || value == kMagicNanoseconds || value == kMagicModified;
}

/// What is left is too little for a record: broken source, cut file, or a clean end.
std::expected<bool, core::Error> end_of_records(const Window& window, const FileFacts& facts, const char* what) {
    if (window.error()) {
        return std::unexpected(*window.error());
    }
    if (window.size() == 0) {
        return false;
    }
    return std::unexpected(core::Error{std::string("the file ends inside a packet record") + what,
                                       place(facts.name, window.offset()),
                                       "it was cut, or is still being written; all packets before were used"});
}

}  // namespace

bool PcapFormat::recognises(const std::uint8_t* head) {
    return is_magic(core::load_file<std::uint32_t>(head, false)) ||
           is_magic(core::load_file<std::uint32_t>(head, true));
}

std::expected<void, core::Error> PcapFormat::open(Window& window, FileFacts& facts) {
    if (!window.demand(kFileHeader)) {
        if (window.error()) {
            return std::unexpected(*window.error());
        }
        return std::unexpected(
            core::Error{"the file ends inside the pcap header", place(facts.name, window.size()), {}});
    }
    const std::uint8_t* header = window.bytes();
    swap_ = !is_magic(core::load_file<std::uint32_t>(header, false));
    const auto magic = core::load_file<std::uint32_t>(header, swap_);
    fraction_ns_ = magic == kMagicNanoseconds ? 1 : 1000;
    record_header_ = magic == kMagicModified ? 24 : 16;
    const auto major = core::load_file<std::uint16_t>(header + 4, swap_);
    if (major != 2) {
        return std::unexpected(core::Error{
            "pcap version " + std::to_string(major) + " is not known, only 2 is", place(facts.name, 4), {}});
    }
    // The upper bits say how many check-sequence bytes end each frame; decoding goes by the IP length anyway.
    link_ = static_cast<core::LinkType>(core::load_file<std::uint32_t>(header + 20, swap_) & 0xffffU);
    Interface interface;
    interface.link = link_;
    interface.snap_length = core::load_file<std::uint32_t>(header + 16, swap_);
    facts.interfaces.push_back(std::move(interface));
    window.consume(kFileHeader);
    return {};
}

std::expected<bool, core::Error> PcapFormat::next(Window& window, const FileFacts& facts, Packet& packet) const {
    if (!window.demand(record_header_)) {
        return end_of_records(window, facts, "'s header");
    }
    const std::uint32_t captured = captured_length(window.bytes());
    if (captured > kMaxPacketBytes) {
        return std::unexpected(core::Error{"a packet record claims " + std::to_string(captured) + " captured bytes",
                                           place(facts.name, window.offset()),
                                           "the file is corrupt from here on; all packets before were used"});
    }
    if (!window.demand(record_header_ + captured)) {
        return end_of_records(window, facts, "");
    }
    take(window, packet);
    return true;
}

}  // namespace synwhy::capture
