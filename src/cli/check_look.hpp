// How is one network namespace looked at twice?
//
// A look before, a tap on the SYNs that arrive, a look after, and the packet filter walked for those that got no
// answer. Only reads. Left out: what it means (doctor/), and how it is told (check.cpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "doctor/chart.hpp"
#include "firewall/ruleset.hpp"
#include "host/host_reader.hpp"
#include "host/netns.hpp"
#include "host/syn_tap.hpp"

namespace synwhy::cli {

/// Unanswered clients for whom the ruleset is walked and the route asked.
inline constexpr std::size_t kMaxWalks = 64;

struct LookWishes {
    bool watch = true;  ///< take a second look later
    std::optional<std::uint16_t> port{};
    std::optional<core::Address> from{};
};

class NamespaceLook {
  public:
    /// The first look; the calling thread is inside the namespace. @param name empty for the own one
    NamespaceLook(std::string name, LookWishes wishes);
    /// The tap of the watch; nullptr when there is none.
    host::SynTap* tap() { return tap_ ? &*tap_ : nullptr; }
    /// The second look, inside the namespace again.
    void look_again();
    [[nodiscard]] const doctor::Inputs& inputs() const { return inputs_; }

  private:
    void ask_filter(const firewall::Ruleset& ruleset);
    [[nodiscard]] std::vector<core::WatchedGroup> questions() const;

    host::HostReaderOptions options_;
    LookWishes wishes_;
    doctor::Inputs inputs_;
    std::optional<firewall::Ruleset> filter_before_;
    std::optional<host::SynTap> tap_;
};

}  // namespace synwhy::cli
