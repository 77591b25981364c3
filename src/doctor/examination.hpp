// What came of looking for one cause on one host?
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/address.hpp"
#include "core/verdict.hpp"

namespace synwhy::doctor {

enum class Standing : std::uint8_t {
    found,           ///< it refuses SYNs now, or will refuse the next one
    past,            ///< it did since boot, but not while we watched
    ruled_out,       ///< `reading` shows that it does not
    not_examinable,  ///< `reading` says what is missing
};

/// The result for one cause at one listener, or for the whole host.
struct Examination {
    Standing standing = Standing::not_examinable;
    core::Confidence confidence = core::Confidence::unknown;
    std::vector<core::Endpoint> servers{};
    std::vector<core::Address> clients{};
    std::vector<std::string> processes{};  ///< "nginx (pid 812)"
    std::uint64_t syns = 0;                ///< refused while we watched, as far as counted
    std::string headline{};                ///< when found: the verdict as a sentence without the full stop
    std::vector<std::string> evidence{};
    std::vector<std::string> story{};   ///< why it is so: what the process does instead of accept()
    std::vector<std::string> fix{};     ///< for this very host, before the catalogue's general advice
    std::vector<core::Cause> rivals{};  ///< not excluded
    std::string reading{};              ///< when not found: the reading that says so, or what is missing
};

inline Examination ruled_out(std::string reading) {
    return {.standing = Standing::ruled_out, .reading = std::move(reading)};
}
inline Examination not_examinable(std::string reading) {
    return {.standing = Standing::not_examinable, .reading = std::move(reading)};
}
inline Examination past(std::string reading) { return {.standing = Standing::past, .reading = std::move(reading)}; }

}  // namespace synwhy::doctor
