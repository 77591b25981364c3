// Which network namespaces does this machine have, and how is one entered?
//
// Found by their inode through every process and the folders where names are kept: a container's namespace has
// processes, one made by `ip netns` has a name, either may have both. Left out: namespaces that only an open descriptor
// keeps alive.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/host_state.hpp"
#include "host/descriptor.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxNamespaces = 4096;

struct NetworkNamespace {
    std::uint64_t inode = 0;
    std::string name{};  ///< "/run/netns/blue", "docker 3f2a91c04b7e", "pid 812 (nginx)"
    std::string path{};  ///< to enter it: "/run/netns/blue", "/proc/812/ns/net"
    bool own = false;    ///< the calling thread is in it
};

struct NamespaceList {
    std::vector<NetworkNamespace> namespaces{};  ///< the own one first, the others by name
    std::uint64_t left_out = 0;                  ///< files and processes not looked at beyond kMaxNamespaces
    std::vector<core::MissingReading> missing{};
};
NamespaceList list_network_namespaces();

/// What the user named: "blue" (looked for where `ip netns` and container engines keep names) or a path.
std::expected<NetworkNamespace, core::Error> find_network_namespace(const std::string& name_or_path);
std::expected<NetworkNamespace, core::Error> network_namespace_of(int pid);

/// While it lives, the calling thread (no other one) is in the namespace.
class InsideNamespace {
  public:
    /// An error when the namespace is gone or entering it is not permitted (CAP_SYS_ADMIN).
    static std::expected<InsideNamespace, core::Error> enter(const NetworkNamespace& other);
    InsideNamespace(InsideNamespace&&) noexcept = default;
    InsideNamespace& operator=(InsideNamespace&&) = delete;
    InsideNamespace(const InsideNamespace&) = delete;
    InsideNamespace& operator=(const InsideNamespace&) = delete;
    ~InsideNamespace();

  private:
    explicit InsideNamespace(Descriptor before) : before_(std::move(before)) {}
    Descriptor before_;
};

}  // namespace synwhy::host
