#include "cli/emulate_capture.hpp"

#include <array>
#include <utility>

#include "core/catalogue.hpp"
#include "core/path.hpp"

namespace synwhy::cli {

std::expected<std::unique_ptr<EmulateCapture>, core::Error> EmulateCapture::open(const std::string& path,
                                                                                 const std::string& device,
                                                                                 const std::string& comment,
                                                                                 std::uint64_t max_bytes) {
    auto file = capture::FileSink::open(path);
    if (!file) return std::unexpected(file.error());
    std::unique_ptr<EmulateCapture> capture(new EmulateCapture(*std::move(file), max_bytes));
    const std::array comments{comment};
    capture->writer_.section(comments);
    capture->interface_ = capture->writer_.interface({.name = device, .link = core::LinkType::raw, .snap_length = 0});
    return capture;
}

EmulateCapture::EmulateCapture(std::unique_ptr<capture::FileSink> file, std::uint64_t max_bytes)
    : file_(std::move(file)), writer_(*file_), bytes_left_(max_bytes) {}

void EmulateCapture::write(std::span<const std::uint8_t> packet, std::int64_t now_ns,
                           std::span<const std::string_view> comments) {
    if (packet.size() > bytes_left_) {
        bytes_left_ = 0;  // a gap in the middle would mislead more than an early end
        ++left_out_;
        return;
    }
    bytes_left_ -= packet.size();
    ++written_;
    capture::Packet record;
    record.time_ns = now_ns;
    record.data = packet;
    record.wire_length = static_cast<std::uint32_t>(packet.size());
    record.link = core::LinkType::raw;
    writer_.packet(interface_, record, comments);
}

void EmulateCapture::received(std::span<const std::uint8_t> packet, std::int64_t now_ns,
                              const std::optional<model::Outcome>& outcome) {
    if (!outcome || outcome->row == nullptr) return write(packet, now_ns, {});
    const std::string text = std::string(model::to_string(outcome->fate)) + ": " + std::string(outcome->row->id) +
                             " (" + std::string(core::slug(outcome->row->cause)) + ")";
    const std::array comments{std::string_view(text)};
    write(packet, now_ns, comments);
}

void EmulateCapture::sent(std::span<const std::uint8_t> packet, std::int64_t now_ns) { write(packet, now_ns, {}); }

std::expected<void, core::Error> EmulateCapture::finish() { return writer_.finish(); }

}  // namespace synwhy::cli
