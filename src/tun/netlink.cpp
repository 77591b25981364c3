#include "tun/netlink.hpp"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "tun/descriptor.hpp"
#include "tun/system_error.hpp"

namespace synwhy::tun::netlink {

using core::Address;
using core::Error;
using core::Family;

namespace {

/// A request: header, a fixed part, attributes.
class Message {
  public:
    template <typename Fixed>
    Message(std::uint16_t type, const Fixed& fixed) : bytes_(NLMSG_LENGTH(sizeof fixed)) {
        nlmsghdr header{};
        header.nlmsg_type = type;
        header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
        header.nlmsg_seq = 1;
        std::memcpy(bytes_.data(), &header, sizeof header);
        std::memcpy(bytes_.data() + NLMSG_HDRLEN, &fixed, sizeof fixed);
    }

    void add(std::uint16_t type, std::span<const std::uint8_t> value) {
        const std::size_t start = NLMSG_ALIGN(bytes_.size());
        bytes_.resize(start + RTA_LENGTH(value.size()));
        rtattr attribute{};
        attribute.rta_type = type;
        attribute.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(value.size()));
        std::memcpy(bytes_.data() + start, &attribute, sizeof attribute);
        std::memcpy(bytes_.data() + start + RTA_LENGTH(0), value.data(), value.size());
    }

    void add(std::uint16_t type, const Address& address) {
        const std::span<const std::uint8_t> all(address.bytes);
        add(type, address.family == Family::ipv4 ? all.last(4) : all);
    }

    void add(std::uint16_t type, std::uint32_t number) {
        std::uint8_t value[sizeof number];
        std::memcpy(value, &number, sizeof number);
        add(type, std::span<const std::uint8_t>(value));
    }

    /// Sends it and waits for the kernel's word. @return 0 or errno
    int talk() {
        const Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
        if (!socket) return errno;
        const auto length = static_cast<std::uint32_t>(bytes_.size());
        std::memcpy(bytes_.data(), &length, sizeof length);  // nlmsg_len is the first field
        if (::send(socket.get(), bytes_.data(), bytes_.size(), 0) < 0) return errno;
        std::uint8_t reply[4096];
        const ssize_t got = ::recv(socket.get(), reply, sizeof reply, 0);
        if (got < 0) return errno;
        nlmsghdr header{};
        nlmsgerr verdict{};
        if (static_cast<std::size_t>(got) < NLMSG_LENGTH(sizeof verdict)) return EPROTO;
        std::memcpy(&header, reply, sizeof header);
        if (header.nlmsg_type != NLMSG_ERROR) return EPROTO;
        std::memcpy(&verdict, reply + NLMSG_HDRLEN, sizeof verdict);
        return -verdict.error;
    }

  private:
    std::vector<std::uint8_t> bytes_;
};

std::uint8_t family_of(const Address& address) { return address.family == Family::ipv4 ? AF_INET : AF_INET6; }
std::uint8_t whole_length(const Address& address) { return address.family == Family::ipv4 ? 32 : 128; }

std::string remedy_for(const Address& address, int error) {
    const bool off = address.family == Family::ipv6 && (error == EACCES || error == EOPNOTSUPP || error == EPERM);
    return off ? "IPv6 is switched off in this network namespace (net.ipv6.conf.*.disable_ipv6)" : "";
}

}  // namespace

std::expected<void, Error> add_address(unsigned device, const Address& address) {
    ifaddrmsg fixed{};
    fixed.ifa_family = family_of(address);
    fixed.ifa_prefixlen = whole_length(address);
    fixed.ifa_flags = address.family == Family::ipv6 ? IFA_F_NODAD : 0;
    fixed.ifa_scope = RT_SCOPE_UNIVERSE;
    fixed.ifa_index = device;
    Message message(RTM_NEWADDR, fixed);
    message.add(IFA_LOCAL, address);
    message.add(IFA_ADDRESS, address);
    if (const int error = message.talk(); error != 0) {
        return std::unexpected(
            system_error("RTM_NEWADDR", error, core::to_string(address), remedy_for(address, error)));
    }
    return {};
}

std::expected<void, Error> add_route(unsigned device, const Address& destination, const Address& source) {
    rtmsg fixed{};
    fixed.rtm_family = family_of(destination);
    fixed.rtm_dst_len = whole_length(destination);
    fixed.rtm_table = RT_TABLE_MAIN;
    fixed.rtm_protocol = RTPROT_STATIC;
    fixed.rtm_scope = destination.family == Family::ipv4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    fixed.rtm_type = RTN_UNICAST;
    Message message(RTM_NEWROUTE, fixed);
    message.add(RTA_DST, destination);
    message.add(RTA_PREFSRC, source);
    message.add(RTA_OIF, static_cast<std::uint32_t>(device));
    if (const int error = message.talk(); error != 0) {
        const std::string remedy = error == EEXIST ? "this machine has a route to it already; choose another --address"
                                                   : remedy_for(destination, error);
        return std::unexpected(system_error("RTM_NEWROUTE", error, core::to_string(destination), remedy));
    }
    return {};
}

}  // namespace synwhy::tun::netlink
