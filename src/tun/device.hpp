// How does the emulated host get a wire to this machine?
//
// A TUN device (raw IP, no offloads, so that every checksum is finished), its address on this machine's side, and a
// route to the emulated host's address. Everything goes away with the device when it is closed.
// Left out: several queues, IPv6 router advertisements, anything that outlives the process.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/address.hpp"
#include "core/error.hpp"
#include "model/network.hpp"
#include "tun/descriptor.hpp"

namespace synwhy::tun {

/// Packets that may wait in the device for being read; the kernel's default of 500 loses bursts.
inline constexpr int kDeviceQueuePackets = 10'000;

/// One address family of the link.
struct Link {
    model::Interface emulated{};  ///< the emulated host's address, and which prefix it thinks it is on
    core::Address here{};         ///< this machine's address on the device
};

struct DeviceOptions {
    std::string name = "synwhy0";
    std::vector<Link> links{};
};

/// Is this a name that a network device can have? 1 to 15 bytes, no '/', '%', blanks.
bool is_device_name(std::string_view name);

/// A neighbour of `emulated` in its prefix for this machine's side: the next address, or the one before.
/// nullopt when the prefix has no other usable address.
std::optional<core::Address> neighbour_of(const model::Interface& emulated);

/// Makes, or attaches to, the TUN device `name`: raw IP, non-blocking, gone when closed. In this thread's namespace.
/// @return its descriptor. Errors name what is missing: the device file, a privilege, a free name.
std::expected<Descriptor, core::Error> attach_device(std::string_view name);

/// Brings a TUN device up, with a queue of kDeviceQueuePackets. In this thread's namespace.
std::expected<void, core::Error> bring_up(const std::string& name);

class Device {
  public:
    /// Makes the device and brings it up. Errors name what is missing: the device file, a privilege, a free name.
    static std::expected<Device, core::Error> open(const DeviceOptions& options);

    /// Non-blocking; one read() or write() is one packet.
    [[nodiscard]] int descriptor() const { return descriptor_.get(); }
    [[nodiscard]] const std::string& name() const { return name_; }

  private:
    Device(Descriptor descriptor, std::string name) : descriptor_(std::move(descriptor)), name_(std::move(name)) {}

    Descriptor descriptor_;
    std::string name_;
};

}  // namespace synwhy::tun
