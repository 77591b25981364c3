// Who closes a file descriptor, and how does a failed system call become an error? Private to fix/.
#pragma once

#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>

#include "core/error.hpp"

namespace synwhy::fix {

/// Owns one; -1 is none.
class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int get() const { return number_; }
    explicit operator bool() const { return number_ >= 0; }

  private:
    int number_;
};

/// "where: call: errno's text (remedy)"
inline core::Error system_error(const char* call, int error, std::string where, std::string remedy = {}) {
    return {std::string(call) + ": " + std::strerror(error), std::move(where), std::move(remedy)};
}

}  // namespace synwhy::fix
