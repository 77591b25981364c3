// How does a program see the SYNs that arrive, without changing anything?
#include "host/syn_tap.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>
#include <vector>

namespace synwhy::host {

namespace {

constexpr std::size_t kSnapBytes = 160;  // IPv6 header, TCP header with all options, and what an ICMP error quotes
constexpr int kBufferBytes = 8 * 1024 * 1024;
constexpr std::int64_t kStopLookNs = 100'000'000;

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

// Offsets are from the IP header (SOCK_DGRAM). Lets through: TCP with SYN or RST, first fragments only; ICMP and
// ICMPv6 destination unreachable. IPv6 extension headers are not followed.
constexpr std::array kFilter{
    sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),                //  0 version
    sock_filter BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),               //  1
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 10, 0),        //  2 IPv6 -> 13
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 15),        //  3 neither -> 19
    sock_filter BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),                //  4 fragment offset
    sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 13, 0),  //  5 -> 19
    sock_filter BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),               //  6 header length
    sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),                //  7 protocol
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 2, 0),         //  8 TCP -> 11
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 9),         //  9 not ICMP -> 19
    sock_filter BPF_JUMP(BPF_JMP | BPF_JA, 7, 0, 0),                  // 10 -> 19
    sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_IND, 13),               // 11 flags
    sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x06, 5, 6),     // 12 SYN or RST -> 18, else 19
    sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),                // 13 next header
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 1, 0),         // 14 TCP -> 16
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 58, 2, 3),        // 15 ICMPv6 -> 18, else 19
    sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 40 + 13),          // 16 flags
    sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x06, 0, 1),     // 17 SYN or RST -> 18, else 19
    sock_filter BPF_STMT(BPF_RET | BPF_K, 0xffff),                    // 18
    sock_filter BPF_STMT(BPF_RET | BPF_K, 0),                         // 19
};

core::Error error_of(const char* what) {
    return {.what = std::string(what) + ": " + std::generic_category().message(errno), .where = "packet socket"};
}

std::string name_of(int interface) {
    std::array<char, IF_NAMESIZE> name{};
    return ::if_indextoname(static_cast<unsigned>(interface), name.data()) == nullptr ? "" : name.data();
}

}  // namespace

SynTap::SynTap(int socket) : socket_(socket), start_ns_(now_ns()) {}
SynTap::SynTap(SynTap&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      start_ns_(other.start_ns_),
      taken_(other.taken_),
      table_(std::move(other.table_)) {}
SynTap::~SynTap() {
    if (socket_ >= 0) ::close(socket_);
}

std::expected<SynTap, core::Error> SynTap::open() {
    // Protocol 0: nothing arrives before the filter is in place.
    SynTap tap(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (tap.socket_ < 0) return std::unexpected(error_of("cannot watch the arriving SYNs"));
    const sock_fprog program{.len = kFilter.size(), .filter = const_cast<sock_filter*>(kFilter.data())};
    if (::setsockopt(tap.socket_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
        return std::unexpected(error_of("cannot filter the arriving packets"));
    }
    if (::setsockopt(tap.socket_, SOL_SOCKET, SO_RCVBUFFORCE, &kBufferBytes, sizeof kBufferBytes) != 0) {
        (void)::setsockopt(tap.socket_, SOL_SOCKET, SO_RCVBUF, &kBufferBytes, sizeof kBufferBytes);
    }
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    if (::bind(tap.socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return std::unexpected(error_of("cannot watch the arriving SYNs"));
    }
    return tap;
}

void SynTap::take_waiting() {
    std::array<std::uint8_t, kSnapBytes> bytes;
    while (taken_ < kMaxTapPackets) {
        sockaddr_ll from{};
        socklen_t from_length = sizeof from;
        const ssize_t length = ::recvfrom(socket_, bytes.data(), bytes.size(), MSG_TRUNC | MSG_DONTWAIT,
                                          reinterpret_cast<sockaddr*>(&from), &from_length);
        if (length < 0) {
            if (errno == EINTR) continue;
            return;
        }
        ++taken_;
        const auto captured = std::min(static_cast<std::size_t>(length), bytes.size());
        table_.add(now_ns(), std::span(bytes).first(captured), static_cast<std::uint32_t>(length), from.sll_ifindex,
                   from.sll_pkttype == PACKET_OUTGOING);
    }
}

core::Watched SynTap::watched() const {
    core::Watched result = table_.watched(start_ns_, now_ns(), name_of);
    tpacket_stats statistics{};
    socklen_t length = sizeof statistics;
    if (::getsockopt(socket_, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) == 0) {
        result.lost += statistics.tp_drops;
    }
    return result;
}

void watch(std::span<SynTap*> taps, std::int64_t length_ns, bool (*stop)()) {
    const std::int64_t end_ns = now_ns() + length_ns;
    std::vector<pollfd> ready;
    while (!stop()) {
        const std::int64_t left_ns = end_ns - now_ns();
        if (left_ns <= 0) break;
        ready.clear();
        for (const SynTap* tap : taps) {
            if (!tap->exhausted()) ready.push_back({.fd = tap->socket(), .events = POLLIN, .revents = 0});
        }
        const auto wait_ms = static_cast<int>(std::min(left_ns, kStopLookNs) / 1'000'000 + 1);
        ::poll(ready.data(), ready.size(), wait_ms);
        for (SynTap* tap : taps) tap->take_waiting();
    }
    for (SynTap* tap : taps) tap->take_waiting();
}

}  // namespace synwhy::host
