// What time is it for the emulated host?
//
// CLOCK_MONOTONIC moved to the wall clock of the moment the emulation started: it never steps back, and captures carry
// times that people recognise. Slewing of the wall clock after that is not followed.
#pragma once

#include <cstdint>
#include <ctime>

namespace synwhy::tun {

class Clock {
  public:
    Clock() : offset_ns_(read(CLOCK_REALTIME) - read(CLOCK_MONOTONIC)) {}

    [[nodiscard]] std::int64_t now_ns() const { return read(CLOCK_MONOTONIC) + offset_ns_; }
    /// The same moment on CLOCK_MONOTONIC, for timers of this machine.
    [[nodiscard]] std::int64_t to_monotonic_ns(std::int64_t model_ns) const { return model_ns - offset_ns_; }
    /// When this machine booted: the emulated host is taken to be as old.
    [[nodiscard]] std::int64_t boot_ns() const { return now_ns() - read(CLOCK_BOOTTIME); }

  private:
    static std::int64_t read(clockid_t clock) {
        timespec time{};
        ::clock_gettime(clock, &time);
        return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
    }

    std::int64_t offset_ns_;
};

}  // namespace synwhy::tun
