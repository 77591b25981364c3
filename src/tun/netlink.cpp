#include "tun/netlink.hpp"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>

#include "tun/system_error.hpp"

extern "C" unsigned int if_nametoindex(const char*);  // <net/if.h> and <linux/if.h> exclude each other

namespace synwhy::tun {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr const char* kAddRoute = "add route";

Bytes bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

template <class T>
Bytes bytes_of_value(const T& value) {
    return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}

std::uint8_t family_of(const core::Address& address) {
    return address.family == core::Family::ipv6 ? AF_INET6 : AF_INET;
}

Bytes address_bytes(const core::Address& address) {
    const Bytes all(address.bytes);
    return address.family == core::Family::ipv6 ? all : all.last(4);
}

core::Address broadcast_of(const Prefix& prefix) {
    const std::uint32_t host = prefix.length >= 32 ? 0 : 0xffff'ffffU >> prefix.length;
    const std::uint32_t value = prefix.address.ipv4_value() | host;
    const std::array<std::uint8_t, 4> octets{static_cast<std::uint8_t>(value >> 24U),
                                             static_cast<std::uint8_t>(value >> 16U),
                                             static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value)};
    return core::Address::from_ipv4(octets.data());
}

/// The usual reasons. @param subject an address, a prefix or an interface
std::string remedy_for(std::string_view what, std::string_view subject, int error) {
    const bool off = error == EACCES || error == EOPNOTSUPP || error == EPERM;
    if (off && subject.contains(':')) {
        return "IPv6 is switched off in this network namespace (net.ipv6.conf.*.disable_ipv6)";
    }
    if (error == EEXIST && what == kAddRoute) return "this machine has a route to it already; choose another --address";
    return {};
}

int index_of(std::string_view interface) { return static_cast<int>(if_nametoindex(std::string(interface).c_str())); }

}  // namespace

/// One message under construction; lengths are filled in as it grows.
class Netlink::Request {
  public:
    template <class Header>
    Request(std::uint16_t type, std::uint16_t flags, const Header& header) {
        const nlmsghdr message{.nlmsg_len = 0,
                               .nlmsg_type = type,
                               .nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags),
                               .nlmsg_seq = 0,
                               .nlmsg_pid = 0};
        append(bytes_of_value(message));
        append(bytes_of_value(header));
    }

    void attribute(std::uint16_t type, Bytes value) {
        const auto at = open(type);
        append(value);
        close(at);
    }
    void text(std::uint16_t type, std::string_view value) { attribute(type, bytes_of(std::string(value) + '\0')); }

    /// Begins an attribute of attributes. @return what close() takes
    std::size_t open(std::uint16_t type) {
        const std::size_t at = size_;
        append(bytes_of_value(rtattr{.rta_len = 0, .rta_type = type}));
        return at;
    }
    void close(std::size_t at) {
        const auto length = static_cast<unsigned short>(size_ - at);
        std::memcpy(&buffer_[at], &length, sizeof length);
        size_ = (size_ + 3) / 4 * 4;
    }
    template <class T>
    void header(const T& value) {
        append(bytes_of_value(value));
    }

    Bytes finish(std::uint32_t sequence) {
        nlmsghdr message;
        std::memcpy(&message, buffer_.data(), sizeof message);
        message.nlmsg_len = static_cast<std::uint32_t>(size_);
        message.nlmsg_seq = sequence;
        std::memcpy(buffer_.data(), &message, sizeof message);
        return Bytes(buffer_).first(size_);
    }

  private:
    void append(Bytes bytes) {
        if (size_ + bytes.size() > buffer_.size()) throw std::length_error("rtnetlink request");  // no request is near
        std::memcpy(&buffer_[size_], bytes.data(), bytes.size());
        size_ += bytes.size();
    }

    std::array<std::uint8_t, 512> buffer_{};
    std::size_t size_ = 0;
};

std::expected<Netlink, core::Error> Netlink::open() {
    Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!socket) return std::unexpected(system_error("socket", errno, "NETLINK_ROUTE"));
    return Netlink(std::move(socket));
}

std::expected<void, core::Error> Netlink::talk(Request& request, const char* what, std::string subject) {
    const Bytes message = request.finish(++sequence_);
    alignas(nlmsghdr) std::array<std::uint8_t, 8192> buffer;
    if (::send(socket_.get(), message.data(), message.size(), 0) < 0) {
        return std::unexpected(system_error(what, errno, std::move(subject)));
    }
    const ssize_t length = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (length < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr)))) {
        return std::unexpected(system_error(what, length < 0 ? errno : EPROTO, std::move(subject)));
    }
    nlmsgerr answer;
    std::memcpy(&answer, buffer.data() + NLMSG_HDRLEN, sizeof answer);
    if (answer.error == 0) return {};
    return std::unexpected(system_error(what, -answer.error, subject, remedy_for(what, subject, -answer.error)));
}

std::expected<void, core::Error> Netlink::add_veth(std::string_view name, const Mac& mac, std::string_view peer,
                                                   const Mac& peer_mac, int peer_namespace) {
    const ifinfomsg header{.ifi_family = AF_UNSPEC,
                           .__ifi_pad = 0,
                           .ifi_type = 0,
                           .ifi_index = 0,
                           .ifi_flags = IFF_NOARP,
                           .ifi_change = IFF_NOARP};
    Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, header);
    request.text(IFLA_IFNAME, name);
    request.attribute(IFLA_ADDRESS, mac);
    const auto info = request.open(IFLA_LINKINFO);
    request.text(IFLA_INFO_KIND, "veth");
    const auto data = request.open(IFLA_INFO_DATA);
    const auto other = request.open(VETH_INFO_PEER);
    request.header(header);
    request.text(IFLA_IFNAME, peer);
    request.attribute(IFLA_ADDRESS, peer_mac);
    request.attribute(IFLA_NET_NS_FD, bytes_of_value(peer_namespace));
    request.close(other);
    request.close(data);
    request.close(info);
    return talk(request, "add veth", std::string(name));
}

std::expected<void, core::Error> Netlink::set_up(std::string_view interface) {
    const ifinfomsg header{.ifi_family = AF_UNSPEC,
                           .__ifi_pad = 0,
                           .ifi_type = 0,
                           .ifi_index = index_of(interface),
                           .ifi_flags = IFF_UP | IFF_NOARP,
                           .ifi_change = interface == "lo" ? static_cast<unsigned>(IFF_UP) : IFF_UP | IFF_NOARP};
    Request request(RTM_NEWLINK, 0, header);
    return talk(request, "set up", std::string(interface));
}

std::expected<void, core::Error> Netlink::add_address(std::string_view interface, const Prefix& prefix) {
    const bool ipv6 = prefix.address.family == core::Family::ipv6;
    const ifaddrmsg header{.ifa_family = family_of(prefix.address),
                           .ifa_prefixlen = prefix.length,
                           .ifa_flags = static_cast<std::uint8_t>(ipv6 ? IFA_F_NODAD : 0),
                           .ifa_scope = RT_SCOPE_UNIVERSE,
                           .ifa_index = static_cast<std::uint32_t>(index_of(interface))};
    Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, header);
    request.attribute(IFA_LOCAL, address_bytes(prefix.address));
    request.attribute(IFA_ADDRESS, address_bytes(prefix.address));
    if (!ipv6 && prefix.length < 31) {  // RFC 3021: shorter nets have none
        const core::Address broadcast = broadcast_of(prefix);
        request.attribute(IFA_BROADCAST, address_bytes(broadcast));
    }
    return talk(request, "add address", core::to_string(prefix.address));
}

std::expected<void, core::Error> Netlink::change_route(std::string_view interface, const Prefix& prefix, bool add,
                                                       const std::optional<core::Address>& source) {
    const bool ipv6 = prefix.address.family == core::Family::ipv6;
    const rtmsg header{.rtm_family = family_of(prefix.address),
                       .rtm_dst_len = prefix.length,
                       .rtm_src_len = 0,
                       .rtm_tos = 0,
                       .rtm_table = RT_TABLE_MAIN,
                       .rtm_protocol = RTPROT_STATIC,
                       .rtm_scope = static_cast<std::uint8_t>(ipv6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK),
                       .rtm_type = RTN_UNICAST,
                       .rtm_flags = 0};
    Request request(add ? RTM_NEWROUTE : RTM_DELROUTE, add ? NLM_F_CREATE | NLM_F_EXCL : 0, header);
    if (prefix.length != 0) request.attribute(RTA_DST, address_bytes(prefix.address));
    const std::uint32_t index = static_cast<std::uint32_t>(index_of(interface));
    request.attribute(RTA_OIF, bytes_of_value(index));
    if (source) request.attribute(RTA_PREFSRC, address_bytes(*source));
    return talk(request, add ? kAddRoute : "remove route",
                core::to_string(prefix.address) + '/' + std::to_string(prefix.length));
}

std::expected<void, core::Error> Netlink::add_route(std::string_view interface, const Prefix& prefix,
                                                    const std::optional<core::Address>& source) {
    return change_route(interface, prefix, true, source);
}

std::expected<void, core::Error> Netlink::remove_route(std::string_view interface, const Prefix& prefix) {
    return change_route(interface, prefix, false, {});
}

}  // namespace synwhy::tun
