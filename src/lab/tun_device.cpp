#include "lab/tun_device.hpp"

#include <unistd.h>

#include "tun/device.hpp"
#include "tun/system_error.hpp"

namespace synwhy::lab {

sim::Result<TunDevice> TunDevice::open(std::string_view interface) {
    auto device = tun::attach_device(interface);
    if (!device) return std::unexpected(device.error());
    return TunDevice(*std::move(device));
}

std::vector<std::uint8_t> TunDevice::read() {
    const ssize_t length = ::read(device_.get(), buffer_.data(), buffer_.size());
    if (length <= 0) return {};
    return {buffer_.begin(), buffer_.begin() + length};
}

sim::Result<bool> TunDevice::write(std::span<const std::uint8_t> packet) {
    if (::write(device_.get(), packet.data(), packet.size()) == static_cast<ssize_t>(packet.size())) return true;
    if (errno == EINVAL) return false;
    return std::unexpected(tun::system_error("write", errno, "TUN device"));
}

}  // namespace synwhy::lab
