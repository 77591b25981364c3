// What does a network driver say about the packets it lost, and about its receive ring?
#include "host/ethtool.hpp"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "host/interfaces.hpp"
#include "host/netlink.hpp"

namespace synwhy::host {

namespace {

constexpr std::uint32_t kMaxStatistics = 16'384;  ///< of one driver; those with hundreds of queues have thousands
constexpr std::size_t kMaxLossesKept = 512;       ///< of one driver

constexpr std::array<std::string_view, 11> kLossWords{"drop",  "discard", "miss",     "no_buf",  "nobuf",        "fifo",
                                                      "error", "_err",    "overflow", "overrun", "out_of_buffer"};

/// One request for one interface. @param block begins with the command
bool ask(const Descriptor& socket, const std::string& interface, void* block) {
    ifreq request{};
    if (interface.size() >= sizeof request.ifr_name) return false;
    std::memcpy(request.ifr_name, interface.data(), interface.size());
    request.ifr_data = static_cast<char*>(block);
    return ::ioctl(socket.get(), SIOCETHTOOL, &request) == 0;
}

void read_ring(const Descriptor& socket, core::InterfaceState& interface) {
    ethtool_ringparam ring{};
    ring.cmd = ETHTOOL_GRINGPARAM;
    if (!ask(socket, interface.name, &ring) || ring.rx_max_pending == 0) return;
    interface.rx_ring = ring.rx_pending;
    interface.rx_ring_max = ring.rx_max_pending;
}

/// Names and values are two calls; a driver that changes its number of queues between them makes both useless.
void read_statistics(const Descriptor& socket, core::InterfaceState& interface) {
    ethtool_drvinfo driver{};
    driver.cmd = ETHTOOL_GDRVINFO;
    if (!ask(socket, interface.name, &driver) || driver.n_stats == 0 || driver.n_stats > kMaxStatistics) return;
    const std::uint32_t count = driver.n_stats;

    // Room to spare: the kernel writes as many as the driver has by then, whatever was asked for.
    const std::size_t room = 2 * std::size_t{count} + 1024;
    const std::array<std::uint32_t, 3> ask_names{ETHTOOL_GSTRINGS, ETH_SS_STATS, count};
    std::vector<std::uint8_t> names(sizeof ask_names + room * ETH_GSTRING_LEN);
    std::memcpy(names.data(), ask_names.data(), sizeof ask_names);
    if (!ask(socket, interface.name, names.data()) || header_of<ethtool_gstrings>(names).len != count) return;

    const std::array<std::uint32_t, 2> ask_values{ETHTOOL_GSTATS, count};
    std::vector<std::uint8_t> values(sizeof ask_values + room * sizeof(std::uint64_t));
    std::memcpy(values.data(), ask_values.data(), sizeof ask_values);
    if (!ask(socket, interface.name, values.data()) || header_of<ethtool_stats>(values).n_stats != count) return;

    for (std::uint32_t i = 0; i < count && interface.nic_drops.size() < kMaxLossesKept; ++i) {
        const Bytes name = Bytes(names).subspan(sizeof ask_names + std::size_t{i} * ETH_GSTRING_LEN, ETH_GSTRING_LEN);
        const Bytes value = Bytes(values).subspan(sizeof ask_values + i * sizeof(std::uint64_t), sizeof(std::uint64_t));
        if (auto text = text_of(name); names_a_loss(text)) {
            interface.nic_drops.insert_or_assign(std::move(text), number_of<std::uint64_t>(value));
        }
    }
}

}  // namespace

bool names_a_loss(std::string_view statistic) {
    std::string lower(statistic);
    std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    const bool outgoing = lower.starts_with("tx") || lower.find("_tx_") != std::string::npos;
    return !outgoing && std::ranges::any_of(kLossWords, [&lower](std::string_view word) {
        return lower.find(word) != std::string::npos;
    });
}

void read_drivers(core::HostState& state) {
    const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return;
    for (std::size_t i = 0; i < std::min(state.interfaces.size(), kMaxInterfacesAsked); ++i) {
        read_ring(socket, state.interfaces[i]);
        read_statistics(socket, state.interfaces[i]);
    }
}

}  // namespace synwhy::host
