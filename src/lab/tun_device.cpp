#include "lab/tun_device.hpp"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace synwhy::lab {

sim::Result<TunDevice> TunDevice::open(std::string_view interface) {
    Descriptor device(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!device) return std::unexpected(system_error("/dev/net/tun", "needs root and the tun module"));
    ifreq request{};
    interface.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (::ioctl(device.get(), TUNSETIFF, &request) != 0) return std::unexpected(system_error("ioctl(TUNSETIFF)"));
    return TunDevice(std::move(device));
}

std::vector<std::uint8_t> TunDevice::read() {
    const ssize_t length = ::read(device_.get(), buffer_.data(), buffer_.size());
    if (length <= 0) return {};
    return {buffer_.begin(), buffer_.begin() + length};
}

sim::Result<bool> TunDevice::write(std::span<const std::uint8_t> packet) {
    if (::write(device_.get(), packet.data(), packet.size()) == static_cast<ssize_t>(packet.size())) return true;
    if (errno == EINVAL) return false;
    return std::unexpected(system_error("write to the TUN device"));
}

}  // namespace synwhy::lab
