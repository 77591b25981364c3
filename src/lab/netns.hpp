// In which network namespace does a lab live, and who removes it?
//
// A namespace under a name below /run/netns, so that `ip netns exec NAME ss -tan` can look into a running lab. The name
// is synwhy-lab-PID-START-ROLE, START being the process's start time: what a killed process left behind is recognised
// by the next one and removed. Left out: user namespaces; a lab needs root.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/engine.hpp"
#include "tun/descriptor.hpp"

namespace synwhy::lab {

class NetworkNamespace {
  public:
    /// A fresh one, with nothing but a loopback that is down. @param role "server", "client"
    static sim::Result<NetworkNamespace> create(std::string_view role);
    NetworkNamespace(NetworkNamespace&&) noexcept = default;
    NetworkNamespace& operator=(NetworkNamespace&&) = delete;
    NetworkNamespace(const NetworkNamespace&) = delete;
    NetworkNamespace& operator=(const NetworkNamespace&) = delete;
    /// Forgets the name; the kernel removes the namespace with its last descriptor.
    ~NetworkNamespace();

    [[nodiscard]] int descriptor() const { return namespace_.get(); }
    [[nodiscard]] const std::string& name() const { return name_; }

  private:
    NetworkNamespace(std::string name, tun::Descriptor descriptor)
        : name_(std::move(name)), namespace_(std::move(descriptor)) {}

    std::string name_;
    tun::Descriptor namespace_;
};

/// While it lives, the calling thread is in the namespace.
class Inside {
  public:
    explicit Inside(const NetworkNamespace& other);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

  private:
    tun::Descriptor before_;
};

/// Removes the namespaces of labs whose process is gone. @return their names
std::vector<std::string> remove_leftovers();

}  // namespace synwhy::lab
