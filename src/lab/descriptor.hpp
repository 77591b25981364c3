// Who closes a file descriptor of the lab, and what does a failed system call say?
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "core/error.hpp"
#include "tun/descriptor.hpp"

namespace synwhy::lab {

using tun::Descriptor;

/// The error of a failed system call, with errno's text. @param where file or call
inline core::Error system_error(std::string where, std::string remedy = {}) {
    return {std::strerror(errno), std::move(where), std::move(remedy)};
}

}  // namespace synwhy::lab
