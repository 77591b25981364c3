// What does socket diagnosis say about the TCP sockets of a namespace?
#include "host/sock_diag.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>

namespace synwhy::host {

namespace {

constexpr std::size_t kMaxMd5Peers = 16;

/// The wildcard is all zero, and a v4-mapped address of an IPv6 socket is the IPv4 address that is on the wire.
core::Address plain_address(int family, const std::uint32_t* words) {
    std::array<std::uint8_t, 16> octets;
    std::memcpy(octets.data(), words, octets.size());
    if (family == AF_INET) return words[0] == 0 ? core::Address{} : core::Address::from_ipv4(octets.data());
    const bool mapped = words[0] == 0 && words[1] == 0 && words[2] == htonl(0xffffU);
    return mapped ? core::Address::from_ipv4(&octets[12]) : core::Address::from_ipv6(octets.data());
}

/// A program of the kernel's filter for dumps that lets pass lowest <= local port <= highest. A jump to the end
/// accepts, one beyond it refuses. net/ipv4/inet_diag.c:inet_diag_bc_run
std::array<inet_diag_bc_op, 4> port_filter(const DiagSelection& selection) {
    constexpr auto kOp = sizeof(inet_diag_bc_op);
    return {{{INET_DIAG_BC_S_GE, 2 * kOp, 5 * kOp},
             {INET_DIAG_BC_NOP, kOp, selection.lowest_port},
             {INET_DIAG_BC_S_LE, 2 * kOp, 3 * kOp},
             {INET_DIAG_BC_NOP, kOp, selection.highest_port}}};
}

/// An array of struct tcp_diag_md5sig, readable with CAP_NET_ADMIN only; absent when there is no key.
void add_md5(Bytes value, core::Listener& listener) {
    listener.md5_keys = static_cast<std::uint32_t>(value.size() / sizeof(tcp_diag_md5sig));
    for (std::size_t i = 0; i < std::min<std::size_t>(*listener.md5_keys, kMaxMd5Peers); ++i) {
        const auto key = header_of<tcp_diag_md5sig>(value.subspan(i * sizeof(tcp_diag_md5sig)));
        listener.md5_peers.push_back(plain_address(key.tcpm_family, key.tcpm_addr));
    }
}

std::string interface_of(std::uint32_t index) {
    std::array<char, IF_NAMESIZE> name{};
    if (index == 0) return {};
    return ::if_indextoname(index, name.data()) != nullptr ? name.data() : "interface " + std::to_string(index);
}

}  // namespace

int dump_tcp(Netlink& netlink, const DiagSelection& selection, const std::function<void(const DiagSocket&)>& each) {
    inet_diag_req question{};  // the old request: both families in one walk, and Linux 2.6 knows it too
    question.idiag_states = selection.states;
    // MD5 keys have no bit of their own, they come with INET_DIAG_INFO: net/ipv4/inet_diag.c:inet_sk_diag_fill, v4.14
    if (selection.details) question.idiag_ext = 1U << (INET_DIAG_SKMEMINFO - 1) | 1U << (INET_DIAG_INFO - 1);
    NetlinkRequest request(TCPDIAG_GETSOCK, NLM_F_DUMP, question);
    if (selection.highest_port != 0) {
        const auto filter = port_filter(selection);
        request.attribute(INET_DIAG_REQ_BYTECODE,
                          {reinterpret_cast<const std::uint8_t*>(filter.data()), sizeof filter});
    }
    return netlink.ask(request, [&each](std::uint16_t type, Bytes body) {
        if (type != TCPDIAG_GETSOCK || body.size() < sizeof(inet_diag_msg)) return;
        const auto message = header_of<inet_diag_msg>(body);
        each({{plain_address(message.idiag_family, message.id.idiag_src), ntohs(message.id.idiag_sport)},
              {plain_address(message.idiag_family, message.id.idiag_dst), ntohs(message.id.idiag_dport)},
              message.idiag_state,
              body});
    });
}

core::Listener listener_of(const DiagSocket& socket) {
    const auto message = header_of<inet_diag_msg>(socket.body);
    core::Listener listener;
    listener.local = socket.local;
    listener.accept_length = message.idiag_rqueue;
    listener.backlog = message.idiag_wqueue;
    listener.inode = message.idiag_inode;
    listener.uid = message.idiag_uid;
    listener.interface = interface_of(message.id.idiag_if);
    each_attribute(socket.body, sizeof message, [&listener](std::uint16_t type, Bytes value) {
        constexpr std::size_t kDropsAt = SK_MEMINFO_DROPS * sizeof(std::uint32_t);
        if (type == INET_DIAG_SKMEMINFO && value.size() >= kDropsAt + sizeof(std::uint32_t)) {
            listener.drops = number_of<std::uint32_t>(value.subspan(kDropsAt));
        }
        if (type == INET_DIAG_SKV6ONLY) listener.ipv6_only = number_of<std::uint8_t>(value) != 0;
        if (type == INET_DIAG_MD5SIG) add_md5(value, listener);
    });
    return listener;
}

}  // namespace synwhy::host
