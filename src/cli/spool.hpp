// How can standard input be read twice?
//
// It is copied into an unlinked temporary file ($TMPDIR, else /tmp), which is gone when the process is. Left out:
// standard input that is read once, which is never copied.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "core/error.hpp"

namespace synwhy::cli {

/// Largest standard input that is kept for a second reading, bytes.
inline constexpr std::uint64_t kMaxSpoolBytes = 16ULL << 30;

class Spool {
  public:
    /// Copies standard input until its end, or until ^C.
    static std::expected<Spool, core::Error> standard_input();

    Spool(Spool&& other) noexcept;
    Spool& operator=(Spool&&) = delete;
    ~Spool();

    /// A path under which this process can open the copy.
    [[nodiscard]] std::string path() const;

  private:
    explicit Spool(int descriptor) : descriptor_(descriptor) {}

    int descriptor_;
};

}  // namespace synwhy::cli
