// Addresses of a group; see addresses.hpp.
#include "sim/addresses.hpp"

#include "core/bytes.hpp"

namespace synwhy::sim {

core::Address advanced(core::Address address, std::uint64_t offset) {
    const bool ipv4 = address.family == core::Family::ipv4;
    std::uint64_t value = (ipv4 ? core::load_be32(&address.bytes[12]) : core::load_be64(&address.bytes[8])) + offset;
    for (std::size_t i = 0; i < (ipv4 ? 4U : 8U); ++i, value >>= 8U) {
        address.bytes[15 - i] = static_cast<std::uint8_t>(value);
    }
    return address;
}

core::Address address_of(const ClientGroup& group, std::uint32_t index) {
    return group.addresses.size() == 1 ? advanced(group.addresses.front(), index) : group.addresses[index];
}

}  // namespace synwhy::sim
