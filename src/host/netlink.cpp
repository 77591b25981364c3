// What does the kernel answer to a netlink request?
#include "host/netlink.hpp"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace synwhy::host {

namespace {

constexpr int kPatience_s = 5;
constexpr std::size_t kAlign = 4;

std::size_t aligned(std::size_t size) { return (size + kAlign - 1) / kAlign * kAlign; }

}  // namespace

void NetlinkRequest::append(const void* from, std::size_t size) {
    const std::size_t at = body_.size();
    body_.resize(aligned(at + size));
    if (size > 0) std::memcpy(&body_[at], from, size);
}

void NetlinkRequest::attribute(std::uint16_t type, Bytes value) {
    const nlattr header{static_cast<std::uint16_t>(sizeof(nlattr) + value.size()), type};
    append(&header, sizeof header);
    append(value.data(), value.size());
}

std::vector<std::uint8_t> NetlinkRequest::finish(std::uint32_t sequence) const {
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + body_.size());
    header.nlmsg_type = type_;
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags_);
    header.nlmsg_seq = sequence;
    std::vector<std::uint8_t> message(header.nlmsg_len);
    std::memcpy(message.data(), &header, sizeof header);
    std::memcpy(message.data() + sizeof header, body_.data(), body_.size());
    return message;
}

std::expected<Netlink, core::Error> Netlink::open(int protocol) {
    Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (!socket) return std::unexpected(core::Error{text_of_errno(errno), "netlink socket"});
    const timeval patience{kPatience_s, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return Netlink(std::move(socket));
}

int Netlink::ask(const NetlinkRequest& request, const OnMessage& on_message) {
    const auto message = request.finish(++sequence_);
    const bool dump = (header_of<nlmsghdr>(message).nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    if (::send(socket_.get(), message.data(), message.size(), 0) < 0) return errno;
    while (true) {
        const ssize_t got = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        Bytes rest(buffer_.data(), static_cast<std::size_t>(got));
        while (rest.size() >= sizeof(nlmsghdr)) {
            const auto header = header_of<nlmsghdr>(rest);
            if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size()) return EPROTO;
            const Bytes body = rest.subspan(sizeof header, header.nlmsg_len - sizeof header);
            rest = rest.subspan(std::min(aligned(header.nlmsg_len), rest.size()));
            if (header.nlmsg_seq != sequence_) continue;  // a late answer to a request that was given up
            if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) return -number_of<int>(body);
            on_message(header.nlmsg_type, body);
            if (!dump) return 0;
        }
    }
}

void each_attribute(Bytes body, std::size_t skip, const std::function<void(std::uint16_t type, Bytes value)>& each) {
    body = body.subspan(std::min(aligned(skip), body.size()));
    while (body.size() >= sizeof(nlattr)) {
        const auto header = header_of<nlattr>(body);
        if (header.nla_len < sizeof header || header.nla_len > body.size()) return;
        each(static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK),
             body.subspan(sizeof header, header.nla_len - sizeof header));
        body = body.subspan(std::min(aligned(header.nla_len), body.size()));
    }
}

std::string text_of(Bytes value) { return {value.begin(), std::ranges::find(value, std::uint8_t{0})}; }

core::Address address_of(int family, Bytes value) {
    if (family == AF_INET6 && value.size() >= 16) return core::Address::from_ipv6(value.data());
    if (family == AF_INET && value.size() >= 4) return core::Address::from_ipv4(value.data());
    return {};
}

Bytes bytes_of(const core::Address& address) {
    const Bytes all(address.bytes);
    return address.family == core::Family::ipv6 ? all : all.last(4);
}

int family_of(const core::Address& address) { return address.family == core::Family::ipv6 ? AF_INET6 : AF_INET; }

}  // namespace synwhy::host
