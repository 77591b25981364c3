// Which recorded packet answers which of the model's?
//
// The packets that a kernel sent, by connection and in time order; the model's are matched to them one by one. What is
// left over on either side is a difference. A repeated SYN+ACK is reserved when the model's timer comes due, so that
// the timer fires as late as the measured one did.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "model/server.hpp"
#include "truth/recording.hpp"

namespace synwhy::truth {

struct Recorded {
    const Sent* sent = nullptr;
    double t = 0;          ///< when it left, as its TSval tells: the harness may have read it later
    double unsure_s = 0;   ///< how much earlier it may have left, where no TSval tells
    std::size_t step = 0;  ///< position in Recording::steps
    bool taken = false;
    bool reserved = false;
    bool repeat = false;  ///< data or FIN that was sent before: the kernel's own loss recovery
    bool direct = false;  ///< the first answer to a SYN of the same connection in its step
};

/// "synack", "rst", "ack", "fin", "data" as the recordings name them.
const char* kind_of(const core::Segment& segment);

class Packets {
  public:
    /// @param ticks_per_s of the kernel's TSval clock
    Packets(const Recording& recording, double ticks_per_s);

    /// The first one of this kind that no one has taken, sent between two moments (seconds); it is taken.
    Recorded* take(const core::FourTuple& tuple, std::string_view kind, double from_s, double to_s);
    /// Reserves the repeated SYN+ACK that a timer due at `due_s` sent; when it was sent.
    std::optional<double> reserve(const core::FourTuple& tuple, double due_s, double latest_s);
    /// Takes what was reserved for the timer; nullptr when nothing was.
    Recorded* take_reserved(const core::FourTuple& tuple);

    [[nodiscard]] const std::map<core::FourTuple, std::vector<Recorded>>& all() const { return packets_; }

  private:
    std::map<core::FourTuple, std::vector<Recorded>> packets_{};
};

}  // namespace synwhy::truth
