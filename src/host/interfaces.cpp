// Which interfaces are there, and what do they lose or filter before TCP sees it?
#include "host/interfaces.hpp"

#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "host/bpf_programs.hpp"
#include "host/ethtool.hpp"
#include "host/lines.hpp"
#include "host/netlink.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kMaxAddresses = 256;  ///< of one interface

struct Statistic {
    std::string_view name;
    std::size_t offset;
};
constexpr std::array<Statistic, 16> kStatistics{{
    {"rx_packets", offsetof(rtnl_link_stats64, rx_packets)},
    {"tx_packets", offsetof(rtnl_link_stats64, tx_packets)},
    {"rx_bytes", offsetof(rtnl_link_stats64, rx_bytes)},
    {"tx_bytes", offsetof(rtnl_link_stats64, tx_bytes)},
    {"rx_errors", offsetof(rtnl_link_stats64, rx_errors)},
    {"tx_errors", offsetof(rtnl_link_stats64, tx_errors)},
    {"rx_dropped", offsetof(rtnl_link_stats64, rx_dropped)},
    {"tx_dropped", offsetof(rtnl_link_stats64, tx_dropped)},
    {"rx_length_errors", offsetof(rtnl_link_stats64, rx_length_errors)},
    {"rx_over_errors", offsetof(rtnl_link_stats64, rx_over_errors)},
    {"rx_crc_errors", offsetof(rtnl_link_stats64, rx_crc_errors)},
    {"rx_frame_errors", offsetof(rtnl_link_stats64, rx_frame_errors)},
    {"rx_fifo_errors", offsetof(rtnl_link_stats64, rx_fifo_errors)},
    {"rx_missed_errors", offsetof(rtnl_link_stats64, rx_missed_errors)},
    {"tx_carrier_errors", offsetof(rtnl_link_stats64, tx_carrier_errors)},
    {"rx_nohandler", offsetof(rtnl_link_stats64, rx_nohandler)},  // since 4.6
}};

/// Column of /proc/net/dev -> name. Its "drop" holds rx_missed_errors too: net/core/net-procfs.c:dev_seq_printf_stats
constexpr std::array<std::string_view, 16> kDevColumns{"rx_bytes",
                                                       "rx_packets",
                                                       "rx_errors",
                                                       "rx_dropped",
                                                       "rx_fifo_errors",
                                                       "rx_frame_errors",
                                                       "",
                                                       "",
                                                       "tx_bytes",
                                                       "tx_packets",
                                                       "tx_errors",
                                                       "tx_dropped",
                                                       "",
                                                       "",
                                                       "",
                                                       ""};

std::string xdp_of(Bytes nested) {
    constexpr std::array<std::string_view, 5> kModes{"", "driver", "generic", "offload", "several"};
    std::uint8_t mode = 0;
    std::uint32_t id = 0;
    each_attribute(nested, 0, [&](std::uint16_t type, Bytes value) {
        if (type == IFLA_XDP_ATTACHED) mode = number_of<std::uint8_t>(value);
        if (type == IFLA_XDP_PROG_ID) id = number_of<std::uint32_t>(value);
    });
    if (mode == 0 || mode >= kModes.size()) return {};
    return id == 0 ? std::string(kModes[mode]) : fmt::format("{}, id {}", kModes[mode], id);
}

core::InterfaceState interface_of(Bytes body) {
    const auto message = header_of<ifinfomsg>(body);
    core::InterfaceState interface;
    interface.index = message.ifi_index;
    interface.up = (message.ifi_flags & IFF_UP) != 0;
    interface.carrier = (message.ifi_flags & IFF_LOWER_UP) != 0;
    each_attribute(body, sizeof message, [&interface](std::uint16_t type, Bytes value) {
        if (type == IFLA_IFNAME) interface.name = text_of(value);
        if (type == IFLA_XDP) interface.xdp = xdp_of(value);
        if (type != IFLA_STATS64) return;
        for (const auto& [name, offset] : kStatistics) {
            if (offset + sizeof(std::uint64_t) > value.size()) continue;
            interface.counters.emplace(name, number_of<std::uint64_t>(value.subspan(offset)));
        }
    });
    return interface;
}

core::InterfaceState* find(core::HostState& state, int index) {
    const auto found = std::ranges::find(state.interfaces, index, &core::InterfaceState::index);
    return found == state.interfaces.end() ? nullptr : &*found;
}

/// @return errno
int read_links(Netlink& netlink, core::HostState& state) {
    std::size_t left_out = 0;
    const int error = netlink.ask({RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}}, [&](std::uint16_t type, Bytes body) {
        if (type != RTM_NEWLINK) return;
        if (state.interfaces.size() < kMaxInterfaces) {
            state.interfaces.push_back(interface_of(body));
        } else {
            ++left_out;
        }
    });
    if (left_out > 0) {
        miss(state, fmt::format("{} interfaces", left_out), fmt::format("only {} are read", kMaxInterfaces));
    }
    return error;
}

int read_addresses(Netlink& netlink, core::HostState& state) {
    return netlink.ask({RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}}, [&](std::uint16_t type, Bytes body) {
        if (type != RTM_NEWADDR) return;
        const auto message = header_of<ifaddrmsg>(body);
        auto* interface = find(state, static_cast<int>(message.ifa_index));
        if (interface == nullptr || interface->addresses.size() >= kMaxAddresses) return;
        std::optional<core::Address> address;
        each_attribute(body, sizeof message, [&](std::uint16_t attribute, Bytes value) {
            // IFA_ADDRESS is the other end's on a point-to-point link, where IFA_LOCAL is there as well.
            if (attribute == IFA_LOCAL || (attribute == IFA_ADDRESS && !address)) {
                address = address_of(message.ifa_family, value);
            }
        });
        if (address) interface->addresses.push_back(*address);
    });
}

/// u32 reports its hash tables like filters; every kind reports a head with handle 0.
bool is_filter(std::uint32_t handle, std::string_view kind) {
    constexpr std::uint32_t kU32Node = 0xfff;
    return kind == "u32" ? (handle & kU32Node) != 0 : handle != 0;
}

/// Filters at the ingress hook of each interface that has one: qdiscs "ingress" and "clsact", and since 6.6 programs
/// without a qdisc.
int read_ingress(Netlink& netlink, core::HostState& state) {
    std::vector<int> hooked;
    const int error = netlink.ask({RTM_GETQDISC, NLM_F_DUMP, tcmsg{}}, [&](std::uint16_t type, Bytes body) {
        const auto message = header_of<tcmsg>(body);
        if (type == RTM_NEWQDISC && message.tcm_parent == TC_H_INGRESS) hooked.push_back(message.tcm_ifindex);
    });
    if (error != 0) return error;
    std::size_t asked = 0;
    for (auto& interface : state.interfaces) {
        if (++asked > kMaxInterfacesAsked) break;
        auto count = static_cast<std::uint32_t>(attached_programs(interface.index, kBpfTcxIngress).size());
        if (std::ranges::find(hooked, interface.index) != hooked.end()) {
            tcmsg question{};
            question.tcm_ifindex = interface.index;
            question.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
            netlink.ask({RTM_GETTFILTER, NLM_F_DUMP, question}, [&](std::uint16_t type, Bytes body) {
                std::string kind;
                each_attribute(body, sizeof(tcmsg), [&kind](std::uint16_t attribute, Bytes value) {
                    if (attribute == TCA_KIND) kind = text_of(value);
                });
                if (type == RTM_NEWTFILTER && is_filter(header_of<tcmsg>(body).tcm_handle, kind)) ++count;
            });
        }
        interface.ingress_filters = count;
    }
    return 0;
}

/// The larger of "all" and the own value holds: include/linux/inetdevice.h:IN_DEV_RPFILTER
void add_rp_filter(core::HostState& state) {
    const auto all = state.facts.sysctl("net.ipv4.conf.all.rp_filter");
    for (auto& interface : state.interfaces) {
        std::string key = interface.name;
        std::ranges::replace(key, '.', '/');
        const auto own = state.facts.sysctl("net.ipv4.conf." + key + ".rp_filter");
        if (all && own) interface.rp_filter = static_cast<int>(std::clamp(std::max(*all, *own), 0L, 2L));
    }
}

void read_dev_file(const Tree& tree, core::HostState& state) {
    const auto read = tree.text(tree.net("dev"));
    if (!read) return miss(state, "interfaces", read.error().what);
    std::string_view text = *read;
    while (const auto line = next_line(text)) {
        auto interface = parse_dev_line(*line);
        if (!interface || state.interfaces.size() >= kMaxInterfaces) continue;
        const auto folder = "sys/class/net/" + interface->name;
        interface->index = static_cast<int>(integer_of(tree.line(folder + "/ifindex")).value_or(0));
        const auto flags = tree.line(folder + "/flags");
        if (flags.starts_with("0x")) interface->up = (hex_of(flags.substr(2)).value_or(0) & IFF_UP) != 0;
        interface->carrier = tree.line(folder + "/carrier") == "1";
        state.interfaces.push_back(std::move(*interface));
    }
}

}  // namespace

std::optional<core::InterfaceState> parse_dev_line(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto words = words_of(line.substr(colon + 1), kDevColumns.size());
    core::InterfaceState interface;
    interface.name = trimmed(line.substr(0, colon));
    // A slash would make the name a path elsewhere.
    if (words.size() < kDevColumns.size() || interface.name.empty() || interface.name.find('/') != std::string::npos) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto value = integer_of(words[i]);
        if (!value || *value < 0) return std::nullopt;
        if (!kDevColumns[i].empty()) interface.counters.emplace(kDevColumns[i], static_cast<std::uint64_t>(*value));
    }
    return interface;
}

void read_interfaces(const Tree& tree, core::HostState& state) {
    read_interface_counters(tree, state);
    add_rp_filter(state);
    if (!tree.live()) return;
    auto netlink = Netlink::open(NETLINK_ROUTE);
    if (!netlink) return;
    if (const int error = read_addresses(*netlink, state); error != 0) {
        miss(state, "addresses of the interfaces", text_of_errno(error));
    }
    if (const int error = read_ingress(*netlink, state); error != 0) {
        miss(state, "ingress filters of the interfaces", text_of_errno(error));
    }
    read_drivers(state);
}

void read_interface_counters(const Tree& tree, core::HostState& state) {
    if (!tree.live()) return read_dev_file(tree, state);
    auto netlink = Netlink::open(NETLINK_ROUTE);
    const int error = netlink ? read_links(*netlink, state) : EPROTONOSUPPORT;
    if (error == 0) return;
    miss(state, "state of the interfaces", text_of_errno(error));
    state.interfaces.clear();
    read_dev_file(tree, state);
}

}  // namespace synwhy::host
