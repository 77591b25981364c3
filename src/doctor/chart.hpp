// What can be said about a host from two looks at it?
//
// A read-only view over two core::HostState of the same namespace: how counters moved, which listener of the first
// look is which of the second, who owns it. Every question has "not known" as a possible answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/filter.hpp"
#include "core/host_state.hpp"
#include "core/watched.hpp"

namespace synwhy::doctor {

/// All that was seen. `after` is absent when there was one look only.
struct Inputs {
    core::HostState before{};
    std::optional<core::HostState> after{};
    core::Watched watched{};
    std::vector<core::FilterAnswer> filter{};          ///< for the watched groups and for those asked about
    std::vector<core::FilterMovement> filter_moves{};  ///< rules whose counters moved in between
    std::string filter_why_not{};                      ///< why no ruleset was read; empty when it was
    std::optional<std::uint16_t> port{};               ///< asked about
    std::optional<core::Address> from{};               ///< asked about
};

class Chart {
  public:
    explicit Chart(const Inputs& inputs) : inputs_(inputs) {}

    [[nodiscard]] const Inputs& inputs() const { return inputs_; }
    [[nodiscard]] const core::HostState& now() const { return inputs_.after ? *inputs_.after : inputs_.before; }
    [[nodiscard]] bool two_looks() const { return inputs_.after.has_value(); }
    /// "in 5.0 s", "between the two readings": how to speak of the time between the looks.
    [[nodiscard]] std::string span() const;
    [[nodiscard]] const core::Kernel* kernel() const { return now().facts.kernel ? &*now().facts.kernel : nullptr; }
    [[nodiscard]] std::optional<long> sysctl(const std::string& name) const { return now().facts.sysctl(name); }

    /// The counter's latest value; nullopt when it does not exist here or was not read.
    [[nodiscard]] std::optional<std::int64_t> total(const std::string& counter) const;
    /// How far it moved between the looks; nullopt without two readings of it.
    [[nodiscard]] std::optional<std::int64_t> moved(const std::string& counter) const;
    /// The sum of several, those that are not known counting as 0.
    [[nodiscard]] std::int64_t moved_sum(const std::vector<std::string>& counters) const;

    /// The same socket in the first look; nullptr without two looks or when it is new.
    [[nodiscard]] const core::Listener* earlier(const core::Listener& listener) const;
    /// SYNs and final ACKs this very socket refused between the looks; nullopt when not known.
    [[nodiscard]] std::optional<std::uint64_t> drops_moved(const core::Listener& listener) const;
    /// "nginx (pid 812)" of every owner that is known.
    [[nodiscard]] std::vector<std::string> owners(const core::Listener& listener) const;
    /// Listeners that a SYN to this endpoint could reach: same port, same or wildcard address.
    [[nodiscard]] std::vector<const core::Listener*> listeners_for(const core::Endpoint& server) const;
    /// Watched groups without an answer whose SYNs this listener would have got.
    [[nodiscard]] std::vector<const core::WatchedGroup*> unanswered_at(const core::Listener& listener) const;
    /// SYNs that got nothing back while we watched; nullopt when nobody watched or none came.
    [[nodiscard]] std::optional<std::uint64_t> unanswered() const;

  private:
    const Inputs& inputs_;
};

/// Does a SYN to `server` reach a listener bound to `local`?
bool reaches(const core::Listener& listener, const core::Endpoint& server);

/// "TcpExt.ListenDrops did not move in 5.0 s", or what is missing.
std::string stillness(const Chart& chart, const std::string& counter);

}  // namespace synwhy::doctor
