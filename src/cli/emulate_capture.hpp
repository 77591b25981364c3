// How is what crossed the device kept, with the model's word on every SYN?
//
// A pcapng of raw IP packets; segments that met a row of the path carry it as a comment. Ends at a size limit, which
// is told. Left out: reading it back.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "capture/file_sink.hpp"
#include "capture/pcapng_writer.hpp"
#include "core/error.hpp"
#include "tun/loop.hpp"

namespace synwhy::cli {

class EmulateCapture final : public tun::Observer {
  public:
    /// @param device name of the interface in the file
    /// @param comment of the section
    /// @param max_bytes of packets; what comes later is counted
    static std::expected<std::unique_ptr<EmulateCapture>, core::Error> open(const std::string& path,
                                                                            const std::string& device,
                                                                            const std::string& comment,
                                                                            std::uint64_t max_bytes);

    void received(std::span<const std::uint8_t> packet, std::int64_t now_ns,
                  const std::optional<model::Outcome>& outcome) override;
    void sent(std::span<const std::uint8_t> packet, std::int64_t now_ns) override;

    /// Writes what is held back. @return the first error of all writes
    std::expected<void, core::Error> finish();
    [[nodiscard]] std::uint64_t written() const { return written_; }
    [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

  private:
    EmulateCapture(std::unique_ptr<capture::FileSink> file, std::uint64_t max_bytes);
    void write(std::span<const std::uint8_t> packet, std::int64_t now_ns, std::span<const std::string_view> comments);

    std::unique_ptr<capture::FileSink> file_;
    capture::PcapngWriter writer_;
    std::uint32_t interface_ = 0;
    std::uint64_t bytes_left_;
    std::uint64_t written_ = 0;
    std::uint64_t left_out_ = 0;
};

}  // namespace synwhy::cli
