// How does a failed system call become an error?
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "core/error.hpp"

namespace synwhy::tun {

/// "where: call: errno's text (remedy)". @param error errno, so that it can be kept across other calls
inline core::Error system_error(const char* call, int error, std::string where, std::string remedy = {}) {
    return {std::string(call) + ": " + std::strerror(error), std::move(where), std::move(remedy)};
}

}  // namespace synwhy::tun
