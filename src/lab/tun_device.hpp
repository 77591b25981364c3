// How does a process stand at the other end of an IP link?
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sim/engine.hpp"
#include "tun/descriptor.hpp"

namespace synwhy::lab {

inline constexpr std::size_t kMaxPacketBytes = 65'536;

/// A TUN interface without packet information: one raw IP packet per read and write.
class TunDevice {
  public:
    /// In the namespace of the calling thread; down and without addresses.
    static sim::Result<TunDevice> open(std::string_view interface);

    [[nodiscard]] int descriptor() const { return device_.get(); }
    /// The next packet that the kernel sent into the link; empty when there is none.
    std::vector<std::uint8_t> read();
    /// false: the device does not take it, as a wire would not (no IP version).
    sim::Result<bool> write(std::span<const std::uint8_t> packet);

  private:
    explicit TunDevice(tun::Descriptor device) : device_(std::move(device)), buffer_(kMaxPacketBytes) {}

    tun::Descriptor device_;
    std::vector<std::uint8_t> buffer_;
};

}  // namespace synwhy::lab
