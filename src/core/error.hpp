// What a failed read says: what went wrong, where, and what to do about it.
#pragma once

#include <cstdint>
#include <string>

namespace synwhy::core {

/// A reading error. Deciding never fails, so only readers return this.
struct Error {
    std::string what;      ///< one line, no trailing newline
    std::string where;     ///< "file:offset 1234", "file:12", "recvmsg"; empty when there is no place
    std::string remedy{};  ///< what the user can do; may be empty
};

/// "where: what (remedy)"
std::string to_string(const Error& error);

}  // namespace synwhy::core
