// How is a pcapng file read? (draft-ietf-opsawg-pcapng)
//
// Sections in either byte order, interfaces with any time resolution and offset, enhanced, simple and obsolete packet
// blocks, interface statistics, comments. All other blocks (names, secrets, custom, unknown) are skipped unread.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "capture/input.hpp"
#include "capture/reader.hpp"
#include "core/bytes.hpp"

namespace synwhy::capture {

namespace pcapng {
inline constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a, kInterfaceDescription = 1, kObsoletePacket = 2,
                               kSimplePacket = 3, kInterfaceStatistics = 5, kEnhancedPacket = 6;
inline constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
inline constexpr std::uint16_t kOptionEnd = 0, kOptionComment = 1, kInterfaceName = 2, kTimeResolution = 9,
                               kTimeOffset = 14, kStatisticsInterfaceDrops = 5, kStatisticsSystemDrops = 7,
                               kUserApplication = 4;
inline constexpr std::size_t kMaxOptionBytes = 65535;  // its length field has 16 bits
}  // namespace pcapng

/// Calls `use(code, value)` for each option; a broken list ends silently where it breaks.
template <typename Use>
void for_each_option(std::span<const std::uint8_t> list, bool swap, Use&& use) {
    while (list.size() >= 4) {
        const auto code = core::load_file<std::uint16_t>(list.data(), swap);
        const std::size_t length = core::load_file<std::uint16_t>(list.data() + 2, swap);
        if (code == pcapng::kOptionEnd || length > list.size() - 4) {
            return;
        }
        use(code, list.subspan(4, length));
        const std::size_t padded = 4 + (length + 3) / 4 * 4;
        if (padded > list.size()) {
            return;
        }
        list = list.subspan(padded);
    }
}

class PcapngFormat {
  public:
    /// @param head the first four bytes of the file
    static bool recognises(const std::uint8_t* head);
    /// Reads the first section header.
    std::expected<void, core::Error> open(Window& window, FileFacts& facts);
    /// Fills time, data, lengths, link, interface, options and offset of `packet`. @return false at a clean end
    std::expected<bool, core::Error> next(Window& window, FileFacts& facts, Packet& packet);
    /// The next block is an enhanced packet and lies whole in memory, so next() will not read.
    [[nodiscard]] bool packet_is_visible(const Window& window) const {
        return window.size() >= 12 &&
               core::load_file<std::uint32_t>(window.bytes(), swap_) == pcapng::kEnhancedPacket &&
               core::load_file<std::uint32_t>(window.bytes() + 4, swap_) <= window.size();
    }

  private:
    /// How an interface counts time.
    struct Clock {
        std::uint8_t resolution = 6;   ///< if_tsresol: 10^-n, or 2^-n with the top bit
        std::uint32_t unit_ns = 1000;  ///< nanoseconds per unit where that is a whole number, else 0
        std::int64_t offset_s = 0;
    };
    struct Block {
        std::uint32_t type = 0;
        std::uint32_t length = 0;
        std::span<const std::uint8_t> body{};  ///< without the two lengths and the type
    };
    enum class Outcome : std::uint8_t { packet, nothing };
    using Result = std::expected<Outcome, core::Error>;

    std::expected<bool, core::Error> read_header(Window& window, const FileFacts& facts, Block& block);
    std::expected<void, core::Error> read_body(Window& window, const FileFacts& facts, Block& block) const;
    std::expected<void, core::Error> skip(Window& window, const FileFacts& facts, const Block& block) const;
    Result take(const Window& window, const Block& block, FileFacts& facts, Packet& packet);
    Result take_section(const Window& window, const Block& block, FileFacts& facts);
    Result take_interface(const Window& window, const Block& block, FileFacts& facts);
    void take_statistics(const Block& block, FileFacts& facts) const;
    Result take_packet(const Window& window, const Block& block, FileFacts& facts, Packet& packet);
    Result take_simple_packet(const Window& window, const Block& block, FileFacts& facts, Packet& packet);

    [[nodiscard]] std::int64_t to_ns(const Clock& clock, std::uint64_t units) const;

    bool swap_ = false;
    std::vector<Clock> clocks_{};    // of all interfaces of the file
    std::size_t section_first_ = 0;  // index of the current section's first interface
    std::int64_t last_time_ns_ = 0;  // simple packets have no time of their own
};

}  // namespace synwhy::capture
