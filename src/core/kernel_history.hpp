// What does the mainline history of the passive open consist of?
//
// The types of kernel_history.cpp's list of changes. Private to kernel*.cpp.
#pragma once

#include <compare>
#include <limits>
#include <span>
#include <string_view>

#include "core/kernel.hpp"

namespace synwhy::core::history {

struct Version {
    int major = 0;
    int minor = 0;
    int patch = 0;

    friend constexpr auto operator<=>(const Version&, const Version&) = default;
};

constexpr int kNever = std::numeric_limits<int>::max();

/// The change inside one stable branch, by patch level; kNever where nobody knows.
struct Backport {
    int major;
    int minor;
    int last_without;  ///< read or measured without the change; -1 when no tree of the branch was read
    int assumed;
    int first_with;  ///< read or measured with it
};

struct Change {
    Version last_without;   ///< newest tree read or measured before the change
    Version assumed;        ///< where mainline is taken to have it
    Version first_with;     ///< oldest tree read or measured with it
    std::string_view what;  ///< for the open question
    void (*apply)(Behaviours&);
    std::span<const Backport> backports{};
};

/// Where the history starts: 2.6.32.
Behaviours oldest_behaviours();

/// All changes, oldest first.
std::span<const Change> changes();

}  // namespace synwhy::core::history
