// How does a failed system call become an error? Private to fix/.
#pragma once

#include <cstring>
#include <string>
#include <utility>

#include "core/error.hpp"
#include "host/descriptor.hpp"

namespace synwhy::fix {

using host::Descriptor;

/// "where: call: errno's text (remedy)"
inline core::Error system_error(const char* call, int error, std::string where, std::string remedy = {}) {
    return {std::string(call) + ": " + std::strerror(error), std::move(where), std::move(remedy)};
}

}  // namespace synwhy::fix
