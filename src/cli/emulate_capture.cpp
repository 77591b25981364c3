#include "cli/emulate_capture.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/catalogue.hpp"
#include "core/path.hpp"
#include "tun/descriptor.hpp"

namespace synwhy::cli {

class EmulateCapture::File final : public capture::ByteSink {
  public:
    File(tun::Descriptor descriptor, std::string path) : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

    std::expected<void, core::Error> write(std::span<const std::uint8_t> bytes) override {
        while (!bytes.empty()) {
            const ssize_t done = ::write(descriptor_.get(), bytes.data(), bytes.size());
            if (done >= 0) {
                bytes = bytes.subspan(static_cast<std::size_t>(done));
            } else if (errno != EINTR) {
                return std::unexpected(core::Error{std::string("write: ") + std::strerror(errno), path_, {}});
            }
        }
        return {};
    }

  private:
    tun::Descriptor descriptor_;
    std::string path_;
};

std::expected<std::unique_ptr<EmulateCapture>, core::Error> EmulateCapture::open(const std::string& path,
                                                                                 const std::string& device,
                                                                                 const std::string& comment,
                                                                                 std::uint64_t max_bytes) {
    tun::Descriptor descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!descriptor) return std::unexpected(core::Error{std::string("open: ") + std::strerror(errno), path, {}});
    std::unique_ptr<EmulateCapture> capture(
        new EmulateCapture(std::make_unique<File>(std::move(descriptor), path), max_bytes));
    const std::array comments{comment};
    capture->writer_.section(comments);
    capture->interface_ = capture->writer_.interface({.name = device, .link = core::LinkType::raw, .snap_length = 0});
    return capture;
}

EmulateCapture::EmulateCapture(std::unique_ptr<File> file, std::uint64_t max_bytes)
    : file_(std::move(file)), writer_(*file_), bytes_left_(max_bytes) {}

EmulateCapture::~EmulateCapture() = default;

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
