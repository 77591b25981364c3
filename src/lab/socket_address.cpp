// Socket addresses of both families; see socket_address.hpp.
#include "lab/socket_address.hpp"

#include <netinet/in.h>

#include <cstring>

namespace synwhy::lab {

SocketAddress to_system(const core::Endpoint& endpoint) {
    SocketAddress result;
    if (endpoint.address.family == core::Family::ipv6) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(endpoint.port);
        std::memcpy(&address.sin6_addr, endpoint.address.bytes.data(), 16);
        std::memcpy(&result.storage, &address, result.length = sizeof address);
    } else {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(endpoint.port);
        std::memcpy(&address.sin_addr, &endpoint.address.bytes[12], 4);
        std::memcpy(&result.storage, &address, result.length = sizeof address);
    }
    return result;
}

core::Endpoint from_system(const SocketAddress& from) {
    if (from.storage.ss_family != AF_INET6) {
        sockaddr_in address;
        std::memcpy(&address, &from.storage, sizeof address);
        const auto* octets = reinterpret_cast<const std::uint8_t*>(&address.sin_addr);
        return {core::Address::from_ipv4(octets), ntohs(address.sin_port)};
    }
    sockaddr_in6 address;
    std::memcpy(&address, &from.storage, sizeof address);
    const auto* octets = reinterpret_cast<const std::uint8_t*>(&address.sin6_addr);
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&address.sin6_addr);
    return {mapped ? core::Address::from_ipv4(octets + 12) : core::Address::from_ipv6(octets),
            ntohs(address.sin6_port)};
}

}  // namespace synwhy::lab
