// How does an endpoint of ours look to the socket calls, and back?
#pragma once

#include <sys/socket.h>

#include "core/address.hpp"

namespace synwhy::lab {

/// A socket address of either family.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = sizeof(sockaddr_storage);

    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress to_system(const core::Endpoint& endpoint);
/// IPv4-mapped addresses come back as IPv4.
core::Endpoint from_system(const SocketAddress& from);

}  // namespace synwhy::lab
