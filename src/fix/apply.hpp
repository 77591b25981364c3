// How is a plan carried out, and taken back?
//
// The order is the promise: lock, journal, change, verify. The journal is complete on the disk before the first change,
// so a kill at any moment leaves either nothing changed or everything that undo() needs. Undo puts back what the
// journal holds, and removes the journal last. Left out: who asked for it, and what is printed.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "fix/journal.hpp"
#include "fix/plan.hpp"

namespace synwhy::fix {

/// Where to work.
struct Place {
    std::string root{};   ///< holds proc/sys and etc/sysctl.d; "" for /
    std::string state{};  ///< folder of the journals
    std::string scope{};  ///< names the network namespace in the journal's name; empty: the one of the caller
    std::string boot{};   ///< this boot's id
    std::uint64_t name_space = 0;
};

/// "/etc/sysctl.d/90-synwhy-CAUSE.conf" below the root.
std::string drop_in_path(const Place& place, core::Cause cause);

struct Applied {
    std::vector<SysctlEntry> changed{};  ///< by this call
    bool drop_in_written = false;
    std::string drop_in{};  ///< path; empty without persist
    std::string journal{};  ///< path; empty when there was nothing to change, now or before
};

/// @param persist also keep the settings in a drop-in file
/// An error leaves everything as it was before the call; where even that failed, the error says so and the journal
/// stays.
std::expected<Applied, core::Error> apply(const Plan& plan, const Place& place, bool persist);

struct Undone {
    bool journal_found = false;
    std::vector<SysctlEntry> restored{};     ///< old_value is back
    std::vector<SysctlEntry> already_old{};  ///< held the old value
    std::vector<SysctlEntry> gone{};         ///< the sysctl does not exist any more: an interface, a module
    bool drop_in_restored = false;
    std::string drop_in{};  ///< path, when the journal speaks of one
};

/// @param force also where somebody else has changed the value since; without, that is an error and nothing is changed
std::expected<Undone, core::Error> undo(core::Cause cause, const Place& place, bool force);

}  // namespace synwhy::fix
