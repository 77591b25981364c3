// A block is built in the buffer, then its length is filled in at both ends.
#include "capture/pcapng_writer.hpp"

#include <algorithm>
#include <cstring>

#include "capture/pcapng.hpp"

namespace synwhy::capture {
namespace {

constexpr std::size_t kFlushBytes = 256U * 1024U;
constexpr std::uint8_t kNanoseconds = 9;  // if_tsresol: 10^-9

std::span<const std::uint8_t> as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// At most `limit` bytes, without cutting a UTF-8 character in two.
std::string_view clip(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) {
        return text;
    }
    std::size_t end = limit;
    while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xc0U) == 0x80U) {
        --end;
    }
    return text.substr(0, end);
}

}  // namespace

template <typename Integer>
void PcapngWriter::put(Integer value) {
    const std::size_t at = buffer_.size();
    buffer_.resize(at + sizeof value);
    std::memcpy(buffer_.data() + at, &value, sizeof value);
}

void PcapngWriter::put_padded(std::span<const std::uint8_t> bytes) {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    buffer_.resize(buffer_.size() + (4 - bytes.size() % 4) % 4);
}

void PcapngWriter::put_option(std::uint16_t code, std::span<const std::uint8_t> value) {
    put(code);
    put(static_cast<std::uint16_t>(value.size()));
    put_padded(value);
}

void PcapngWriter::put_comment(std::string_view text) {
    put_option(pcapng::kOptionComment, as_bytes(clip(text, pcapng::kMaxOptionBytes)));
}

void PcapngWriter::put_time(std::int64_t time_ns) {
    const auto units = static_cast<std::uint64_t>(std::max<std::int64_t>(time_ns, 0));
    put(static_cast<std::uint32_t>(units >> 32U));
    put(static_cast<std::uint32_t>(units));
}

void PcapngWriter::begin_block(std::uint32_t type) {
    block_start_ = buffer_.size();
    put(type);
    put(std::uint32_t{0});
}

void PcapngWriter::end_block() {
    const auto length = static_cast<std::uint32_t>(buffer_.size() - block_start_ + 4);
    std::memcpy(buffer_.data() + block_start_ + 4, &length, sizeof length);
    put(length);
    if (buffer_.size() >= kFlushBytes) {
        flush();
    }
}

void PcapngWriter::flush() {
    if (!error_ && !buffer_.empty()) {
        if (auto written = sink_.write(buffer_); !written) {
            error_ = std::move(written).error();
        }
    }
    buffer_.clear();
}

void PcapngWriter::section(std::span<const std::string> comments) {
    begin_block(pcapng::kSectionHeader);
    put(pcapng::kByteOrderMagic);
    put(std::uint16_t{1});
    put(std::uint16_t{0});
    put(~std::uint64_t{0});  // section length: not told
    for (const std::string& comment : comments) {
        put_comment(comment);
    }
    put_option(pcapng::kUserApplication, as_bytes("synwhy"));
    put_option(pcapng::kOptionEnd, {});
    end_block();
    interfaces_ = 0;
}

std::uint32_t PcapngWriter::interface(const Interface& interface) {
    begin_block(pcapng::kInterfaceDescription);
    put(static_cast<std::uint16_t>(interface.link));
    put(std::uint16_t{0});
    put(interface.snap_length);
    if (!interface.name.empty()) {
        put_option(pcapng::kInterfaceName, as_bytes(clip(interface.name, pcapng::kMaxOptionBytes)));
    }
    put_option(pcapng::kTimeResolution, {&kNanoseconds, 1});
    put_option(pcapng::kOptionEnd, {});
    end_block();
    return interfaces_++;
}

void PcapngWriter::packet(std::uint32_t interface, const Packet& packet, std::span<const std::string_view> comments) {
    begin_block(pcapng::kEnhancedPacket);
    put(interface);
    put_time(packet.time_ns);
    put(static_cast<std::uint32_t>(packet.data.size()));
    put(packet.wire_length);
    put_padded(packet.data);
    for (const std::string_view comment : comments) {
        put_comment(comment);
    }
    if (!comments.empty()) {
        put_option(pcapng::kOptionEnd, {});
    }
    end_block();
}

void PcapngWriter::statistics(std::uint32_t interface, std::int64_t time_ns, std::uint64_t dropped) {
    begin_block(pcapng::kInterfaceStatistics);
    put(interface);
    put_time(time_ns);
    put(pcapng::kStatisticsInterfaceDrops);
    put(std::uint16_t{8});
    put(dropped);
    put_option(pcapng::kOptionEnd, {});
    end_block();
}

std::expected<void, core::Error> PcapngWriter::finish() {
    flush();
    if (error_) {
        return std::unexpected(*error_);
    }
    return {};
}

}  // namespace synwhy::capture
