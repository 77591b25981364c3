// Which sockets listened, who held them, and who waited in SYN_RECV?
//
// From `ss` where it is there, else from /proc/net/tcp and tcp6, whose LISTEN rows lack the queue's limit; the owners
// from `ss -p` or from synwhy-collect's list. Left out: established connections.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "core/host_state.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxHalfOpenListed = 64;  ///< clients in HostState::half_open_clients
inline constexpr std::size_t kMaxOwnerRows = 65'536;   ///< of the list of owners
/// Lines of /proc/net/tcp that synwhy-collect keeps: a file of that length was cut, its requests are no full count.
inline constexpr std::size_t kProcTcpCut = 5000;

class BundleSockets {
  public:
    /// @return false when listeners are known already: ss_-ltn and ss_-ltnp show the same sockets twice
    bool add_listeners(std::string_view text);
    void add_proc_tcp(std::string_view text);
    void add_half_open(std::string_view text);
    void add_owners(std::string_view text);

    /// Fills listeners, facts.listeners and half_open_clients.
    void finish(core::HostState& state);
    /// Open descriptors by process.
    [[nodiscard]] const std::map<int, std::uint64_t>& open_descriptors() const { return open_; }

  private:
    using Requests = std::map<core::Endpoint, std::uint64_t>;  ///< by local address and port
    void add_request(Requests& requests, const core::Endpoint& local, const core::Address& client);

    std::vector<core::Listener> listeners_{};
    std::vector<core::Listener> from_proc_{};
    std::multimap<std::uint64_t, int> owners_{};  ///< inode -> process
    std::map<int, std::uint64_t> open_{};
    Requests requests_{};
    Requests proc_requests_{};
    bool requests_known_ = false;
    bool proc_requests_known_ = false;
    bool proc_cut_ = false;
    std::vector<core::Address> clients_{};
};

}  // namespace synwhy::host
