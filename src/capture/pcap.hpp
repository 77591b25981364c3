// How is a classic pcap file read? (draft-ietf-opsawg-pcap)
//
// Both byte orders, microseconds and nanoseconds, and Alexey Kuznetzov's modified records of old Linux tcpdumps.
#pragma once

#include <algorithm>
#include <cstdint>
#include <expected>
#include <string>

#include "capture/input.hpp"
#include "capture/reader.hpp"
#include "core/bytes.hpp"

namespace synwhy::capture {

class PcapFormat {
  public:
    /// @param head the first four bytes of the file
    static bool recognises(const std::uint8_t* head);
    /// Reads the file header and describes the one interface in `facts`.
    std::expected<void, core::Error> open(Window& window, FileFacts& facts);
    /// Fills time, data, lengths, link and offset of `packet`. @return false at a clean end
    std::expected<bool, core::Error> next(Window& window, const FileFacts& facts, Packet& packet) const;

    /// The next record lies whole in memory and is sound, so take() needs no reading.
    [[nodiscard]] bool record_is_visible(const Window& window) const {
        if (window.size() < record_header_) {
            return false;
        }
        const auto captured = captured_length(window.bytes());
        return captured <= kMaxPacketBytes && window.size() - record_header_ >= captured;
    }
    /// The next record, which must be visible.
    void take(Window& window, Packet& packet) const {
        const std::uint8_t* record = window.bytes();
        const std::uint32_t captured = captured_length(record);
        packet.time_ns = std::int64_t{core::load_file<std::uint32_t>(record, swap_)} * 1'000'000'000 +
                         std::int64_t{core::load_file<std::uint32_t>(record + 4, swap_)} * fraction_ns_;
        packet.data = {record + record_header_, captured};
        packet.wire_length = std::max(captured, core::load_file<std::uint32_t>(record + 12, swap_));
        packet.link = link_;
        packet.offset = window.offset();
        window.consume(record_header_ + captured);
    }

  private:
    [[nodiscard]] std::uint32_t captured_length(const std::uint8_t* record) const {
        return core::load_file<std::uint32_t>(record + 8, swap_);
    }

    bool swap_ = false;
    std::uint32_t fraction_ns_ = 1000;  // what one unit of the second time field is worth
    std::size_t record_header_ = 16;
    core::LinkType link_ = core::LinkType::ethernet;
};

}  // namespace synwhy::capture
