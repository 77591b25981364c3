// How do captures become handshakes?
//
// The read loop: decode and fold every packet, show progress, stop at the first ^C. Left out: what it means.
#pragma once

#include <signal.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "capture/fold.hpp"
#include "capture/reader.hpp"
#include "core/address.hpp"
#include "core/error.hpp"

namespace synwhy::cli {

struct ReadingOptions {
    capture::FoldLimits limits{};
    std::optional<core::Address> server{};  ///< only TCP and ICMP of this host, and ARP
    bool progress = false;                  ///< a line on stderr
};

struct ReadingResult {
    capture::Fold fold;
    std::vector<capture::FileFacts> files{};
    std::vector<core::Error> errors{};  ///< broken inputs, in the order they were met
    bool interrupted = false;           ///< by ^C; what was read until then is valid
};

/// Reads all inputs as one time line; the fold is finished. An error only when no input could be opened.
std::expected<ReadingResult, core::Error> read_captures(const std::vector<std::string>& paths,
                                                        const ReadingOptions& options);

/// Whether ^C was pressed since the last StopOnInterrupt was made.
bool interrupted();

/// While it lives, the first ^C only sets a flag; the second ends the process. An ignored SIGINT stays ignored.
class StopOnInterrupt {
  public:
    StopOnInterrupt();
    StopOnInterrupt(const StopOnInterrupt&) = delete;
    StopOnInterrupt& operator=(const StopOnInterrupt&) = delete;
    ~StopOnInterrupt();

  private:
    struct sigaction before_{};
};

}  // namespace synwhy::cli
