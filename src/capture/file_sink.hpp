// How do bytes get into a file, whole, or with the error that stopped them?
//
// Left out: giving a finished file its name only at the end; annotate.cpp, whose input may be its output, does that.
#pragma once

#include <memory>
#include <string>

#include "capture/pcapng_writer.hpp"

namespace synwhy::capture {

/// Writes all of `bytes`, also across signals and short writes. @param name for the error
std::expected<void, core::Error> write_all(int descriptor, std::span<const std::uint8_t> bytes,
                                           const std::string& name);

/// A new or truncated file, or standard output for "-".
class FileSink final : public ByteSink {
  public:
    static std::expected<std::unique_ptr<FileSink>, core::Error> open(const std::string& path);
    ~FileSink() override;
    std::expected<void, core::Error> write(std::span<const std::uint8_t> bytes) override;

  private:
    FileSink(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}

    int descriptor_;
    std::string name_;
};

}  // namespace synwhy::capture
