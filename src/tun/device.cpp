#include "tun/device.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "tun/netlink.hpp"
#include "tun/system_error.hpp"

namespace synwhy::tun {

using core::Address;
using core::Error;
using core::Family;

namespace {

constexpr const char* kDeviceFile = "/dev/net/tun";
constexpr const char* kNeedsPrivilege = "run as root or with CAP_NET_ADMIN in this network namespace";

Address stepped(Address address, int step) {
    for (std::size_t i = address.bytes.size(); i-- > 0;) {
        const int value = address.bytes[i] + step;
        address.bytes[i] = static_cast<std::uint8_t>(value);
        if (value >= 0 && value <= 255) break;
    }
    return address;
}

std::expected<Descriptor, Error> open_device_file() {
    Descriptor descriptor(::open(kDeviceFile, O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (descriptor) return descriptor;
    const int error = errno;
    const bool denied = error == EACCES || error == EPERM;
    return std::unexpected(system_error("open", error, kDeviceFile,
                                        denied ? kNeedsPrivilege
                                               : "load the module with `modprobe tun`; a container needs the device "
                                                 "file passed in"));
}

Error attach_error(int error, const std::string& name) {
    if (error == EPERM || error == EACCES) return system_error("TUNSETIFF", error, name, kNeedsPrivilege);
    if (error == EBUSY)
        return system_error("TUNSETIFF", error, name, "the device is in use; choose another --tun NAME");
    if (error == EINVAL || error == EEXIST) {
        return system_error("TUNSETIFF", error, name,
                            "a device of another kind has this name; choose another --tun NAME");
    }
    return system_error("TUNSETIFF", error, name);
}

ifreq request_for(std::string_view name) {
    ifreq request{};
    std::copy_n(name.begin(), std::min<std::size_t>(name.size(), IFNAMSIZ - 1), request.ifr_name);
    return request;
}

Address address_of(const sockaddr& from) {
    Address address;
    if (from.sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &from, sizeof v4);
        std::uint8_t octets[4];
        std::memcpy(octets, &v4.sin_addr, sizeof octets);
        address.set_ipv4(octets);
    } else {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &from, sizeof v6);
        address.set_ipv6(v6.sin6_addr.s6_addr);
    }
    return address;
}

/// What is this machine's own is delivered here before any route is asked: the emulated host would see nothing.
bool is_own_address(const Address& address) {
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return false;
    bool own = false;
    for (const ifaddrs* one = all; one != nullptr && !own; one = one->ifa_next) {
        const bool ip =
            one->ifa_addr != nullptr && (one->ifa_addr->sa_family == AF_INET || one->ifa_addr->sa_family == AF_INET6);
        own = ip && address_of(*one->ifa_addr) == address;
    }
    ::freeifaddrs(all);
    return own;
}

}  // namespace

std::expected<void, Error> bring_up(const std::string& name) {
    const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return std::unexpected(system_error("socket", errno, name));
    ifreq request = request_for(name);
    request.ifr_qlen = kDeviceQueuePackets;
    if (::ioctl(socket.get(), SIOCSIFTXQLEN, &request) != 0) {
        return std::unexpected(system_error("SIOCSIFTXQLEN", errno, name));
    }
    request = request_for(name);
    if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) {
        return std::unexpected(system_error("SIOCGIFFLAGS", errno, name));
    }
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) {
        return std::unexpected(system_error("SIOCSIFFLAGS", errno, name));
    }
    return {};
}

bool is_device_name(std::string_view name) {
    return !name.empty() && name.size() < IFNAMSIZ && name != "." && name != ".." &&
           std::ranges::none_of(name, [](char c) { return c == '/' || c == '%' || c == ':' || c <= ' ' || c > '~'; });
}

std::optional<Address> neighbour_of(const model::Interface& emulated) {
    const model::Network network({emulated});
    for (const int step : {1, -1}) {
        const Address candidate = stepped(emulated.address, step);
        const bool usable = network.on_link(candidate) && !network.is_subnet_broadcast(candidate, true) &&
                            !model::is_multicast(candidate);
        if (usable) return candidate;
    }
    return std::nullopt;
}

std::expected<Descriptor, Error> attach_device(std::string_view name) {
    auto file = open_device_file();
    if (!file) return file;
    ifreq request = request_for(name);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (::ioctl(file->get(), TUNSETIFF, &request) != 0) {
        return std::unexpected(attach_error(errno, std::string(name)));
    }
    return file;
}

std::expected<Device, Error> Device::open(const DeviceOptions& options) {
    for (const Link& link : options.links) {
        if (!is_own_address(link.emulated.address)) continue;
        return std::unexpected(Error{"is an address of this machine itself", core::to_string(link.emulated.address),
                                     "choose another --address"});
    }
    auto file = attach_device(options.name);
    if (!file) return std::unexpected(file.error());
    Device device(*std::move(file), options.name);
    if (const auto up = bring_up(device.name_); !up) return std::unexpected(up.error());
    auto netlink = Netlink::open();
    if (!netlink) return std::unexpected(netlink.error());
    for (const Link& link : options.links) {
        const auto whole = static_cast<std::uint8_t>(link.here.family == Family::ipv4 ? 32 : 128);
        if (const auto done = netlink->add_address(device.name_, {link.here, whole}); !done) {
            return std::unexpected(done.error());
        }
        if (const auto done = netlink->add_route(device.name_, {link.emulated.address, whole}, link.here); !done) {
            return std::unexpected(done.error());
        }
    }
    return device;
}

}  // namespace synwhy::tun
