// What does the kernel answer to a netlink request?
//
// One request, its answers handed over message by message: enough for dumps of sockets, interfaces, routes and
// neighbours. Only questions are asked, nothing is changed. A Netlink speaks to the namespace in which it was opened.
// Left out: what the messages mean (sockets.cpp, interfaces.cpp, routes.cpp); changing anything.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <cstring>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.hpp"
#include "core/error.hpp"
#include "host/descriptor.hpp"

namespace synwhy::host {

using Bytes = std::span<const std::uint8_t>;

/// One message under construction.
class NetlinkRequest {
  public:
    /// @param header the fixed part of the message, a struct of linux/*.h
    template <class Header>
    NetlinkRequest(std::uint16_t type, std::uint16_t flags, const Header& header) : type_(type), flags_(flags) {
        append(&header, sizeof header);
    }
    void attribute(std::uint16_t type, Bytes value);
    [[nodiscard]] std::vector<std::uint8_t> finish(std::uint32_t sequence) const;

  private:
    void append(const void* from, std::size_t size);

    std::uint16_t type_;
    std::uint16_t flags_;
    std::vector<std::uint8_t> body_{};
};

/// @param type of the message. @param body what follows the netlink header
using OnMessage = std::function<void(std::uint16_t type, Bytes body)>;

class Netlink {
  public:
    /// In the namespace of the calling thread. @param protocol NETLINK_ROUTE, NETLINK_SOCK_DIAG
    static std::expected<Netlink, core::Error> open(int protocol);

    /// Sends the request and reads every answer. @return 0, or the errno that the kernel answered or a call failed with
    int ask(const NetlinkRequest& request, const OnMessage& on_message);

  private:
    explicit Netlink(Descriptor socket) : socket_(std::move(socket)), buffer_(kBufferBytes) {}
    static constexpr std::size_t kBufferBytes = 64U << 10;  // the kernel fills at most 32 KiB of a dump at once

    Descriptor socket_;
    std::vector<std::uint8_t> buffer_;
    std::uint32_t sequence_ = 0;
};

/// The fixed part of a message; zeros where it is shorter.
template <class Header>
Header header_of(Bytes body) {
    Header header{};
    std::memcpy(&header, body.data(), std::min(body.size(), sizeof header));
    return header;
}

/// Calls `each` with the attributes behind the first `skip` bytes; stops at one whose length is not possible.
void each_attribute(Bytes body, std::size_t skip, const std::function<void(std::uint16_t type, Bytes value)>& each);

/// A number of the value's first bytes; 0 where it is too short.
template <class Number>
Number number_of(Bytes value) {
    Number number{};
    if (value.size() >= sizeof number) std::memcpy(&number, value.data(), sizeof number);
    return number;
}
/// Text up to its first zero byte.
std::string text_of(Bytes value);
/// @param family AF_INET or AF_INET6. @return all zero when the value is too short
core::Address address_of(int family, Bytes value);
/// The bytes as they stand in a packet: 4 or 16.
Bytes bytes_of(const core::Address& address);
int family_of(const core::Address& address);

}  // namespace synwhy::host
