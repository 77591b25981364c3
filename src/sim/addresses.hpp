// Which address has the n-th host of a group?
#pragma once

#include <cstdint>

#include "core/address.hpp"
#include "sim/scenario.hpp"

namespace synwhy::sim {

/// The address `offset` behind another one (in its last 64 bits).
core::Address advanced(core::Address address, std::uint64_t offset);
/// Of the client with this index in the group.
core::Address address_of(const ClientGroup& group, std::uint32_t index);

}  // namespace synwhy::sim
