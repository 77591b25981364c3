// What does a server look like at one moment?
//
// One network namespace of one machine, read once: plain values that the readers of host/ fill, from a live system or
// from a copied tree, and that diagnose/ compares with a second reading. Everything that could not be read is absent
// and named in `missing`; nothing is ever assumed. Rates come from the difference of two readings.
// Left out: how it is read (host/), what it means (diagnose/).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/address.hpp"
#include "core/host.hpp"

namespace synwhy::core {

/// A reading that is not there: what, why, and what would make it readable.
struct MissingReading {
    std::string what{};  ///< "owners of the listeners"
    std::string why{};   ///< "no permission for /proc/812/fd; run as root"
};

/// One thread as /proc/PID/task/TID shows it.
struct ThreadState {
    int tid = 0;
    std::string name{};
    char state = '?';                             ///< R S D T t Z I, /proc/PID/stat field 3
    std::string wait_channel{};                   ///< kernel function it sleeps in; empty: running or not readable
    std::string syscall{};                        ///< name of the system call it is in ("accept4"); empty: not known
    std::vector<std::string> kernel_stack{};      ///< innermost first, at most kMaxStackFrames; needs CAP_SYS_ADMIN
    std::optional<std::uint64_t> cpu_ns{};        ///< time on a CPU, /proc/.../schedstat field 1
    std::optional<std::uint64_t> run_delay_ns{};  ///< time runnable but waiting for a CPU, schedstat field 2
};
inline constexpr std::size_t kMaxStackFrames = 32;
inline constexpr std::size_t kMaxThreadsListed = 64;  ///< per process; more are counted only

struct ProcessState {
    int pid = 0;         ///< as seen from the reader's PID namespace
    std::string name{};  ///< comm
    char state = '?';
    std::vector<ThreadState> threads{};  ///< at most kMaxThreadsListed, those that sleep in accept or poll first
    std::uint64_t thread_count = 0;
    std::optional<std::uint64_t> descriptors{};       ///< open now
    std::optional<std::uint64_t> descriptor_limit{};  ///< soft RLIMIT_NOFILE
    std::string cgroup{};                             ///< path below the cgroup root
    std::string container{};                          ///< pod or container or unit, where the cgroup path names one
    std::optional<bool> frozen{};                     ///< its cgroup is frozen
    std::optional<std::uint64_t> throttled_us{};      ///< cpu.stat throttled_usec of its cgroup
};

/// A listening socket. `drops` and the queues are this very socket's, also among SO_REUSEPORT members.
struct Listener {
    Endpoint local{};  ///< wildcard addresses are all zero
    bool ipv6_only = false;
    std::uint32_t accept_length = 0;           ///< connections that wait for accept(): Recv-Q
    std::uint32_t backlog = 0;                 ///< limit of the queue: Send-Q
    bool backlog_known = true;                 ///< false: read from /proc/net/tcp, which does not show the limit
    std::optional<std::uint64_t> half_open{};  ///< requests in SYN_RECV that belong to this address and port
    std::optional<std::uint64_t> drops{};      ///< sk_drops, kernel 4.9 and later
    std::uint64_t inode = 0;                   ///< 0: not known
    std::uint32_t uid = 0;
    std::string interface{};  ///< SO_BINDTODEVICE; empty: any
    std::vector<int> pids{};  ///< processes that hold it, ascending; empty: not known
    std::optional<bool> reuseport{};
    std::optional<bool> socket_filter{};      ///< SO_ATTACH_FILTER or SO_ATTACH_BPF is set
    std::optional<int> min_ttl{};             ///< IP_MINTTL or IPV6_MINHOPCOUNT, 0 when not set
    std::optional<std::uint32_t> md5_keys{};  ///< number of TCP_MD5SIG keys
    std::vector<Address> md5_peers{};         ///< their addresses, at most 16
    std::optional<int> defer_accept_s{};
};

struct InterfaceState {
    std::string name{};
    int index = 0;
    bool up = false;       ///< IFF_UP
    bool carrier = false;  ///< IFF_LOWER_UP
    std::vector<Address> addresses{};
    std::optional<int> rp_filter{};  ///< the effective one: maximum of "all" and the interface's own
    std::map<std::string, std::uint64_t>
        counters{};  ///< "rx_packets", "rx_dropped", ... of /proc/net/dev or IFLA_STATS64
    std::map<std::string, std::uint64_t> nic_drops{};  ///< statistics of the driver (ethtool -S) that count losses
    std::optional<std::uint32_t> rx_ring{};            ///< entries, ethtool -g
    std::optional<std::uint32_t> rx_ring_max{};
    std::string xdp{};                               ///< attached program: "generic, id 12"; empty: none
    std::optional<std::uint32_t> ingress_filters{};  ///< tc programs or filters at ingress
};

/// What the kernel would do with a packet to a client: the SYN+ACK's way out.
struct ReturnPath {
    Address client{};
    std::string source{};  ///< why it was asked: "SYN_RECV", "--from"
    bool routed = false;
    std::string error{};      ///< "Network is unreachable", "blackhole route", ...; empty when routed
    std::string interface{};  ///< outgoing
    std::optional<Address> gateway{};
    std::string neighbour{};  ///< NUD state of the next hop: "REACHABLE", "FAILED", "INCOMPLETE", "" when none is known
};

/// Connections from this host to one destination: what uses up its local ports.
struct DestinationUse {
    Endpoint destination{};
    std::uint64_t time_wait = 0;
    std::uint64_t others = 0;  ///< in any other state
};

/// How loaded is the machine? Totals since boot, in ticks of 1/100 s.
struct LoadState {
    std::optional<double> load_1min{};
    std::uint32_t cpus = 0;
    std::uint64_t busiest_softirq_ticks = 0;     ///< of the CPU with the largest share
    std::vector<std::uint64_t> softirq_ticks{};  ///< per CPU, /proc/stat
    std::vector<std::uint64_t> total_ticks{};    ///< per CPU, all states
    std::optional<std::uint64_t> memory_available_kb{};
    std::optional<std::uint64_t> memory_total_kb{};
};

struct KernelLogLine {
    std::int64_t since_boot_us = 0;
    std::string text{};  ///< without control characters, at most 300 bytes
};

/// A program or module that may refuse a packet without any counter.
struct Refuser {
    std::string kind{};  ///< "selinux", "apparmor", "bpf-lsm", "cgroup-skb", ...
    std::string what{};  ///< mode, profile or program name
    int pid = 0;         ///< the listener's process it holds for; 0: the whole host
};

struct HostState {
    std::int64_t wall_ns = 0;       ///< CLOCK_REALTIME when the counters were read; 0: not known (copied tree)
    std::int64_t monotonic_ns = 0;  ///< CLOCK_MONOTONIC at the same moment; 0: not known
    std::string netns{};            ///< how to name the namespace: "", "/run/netns/blue", "pid 812 (nginx)"
    HostFacts facts{};  ///< kernel, sysctls, counters (TcpExt., IpExt., Ip., Tcp., Ip6., conntrack., softnet., arp.)
    std::string distribution{};  ///< PRETTY_NAME of os-release
    std::vector<Listener> listeners{};
    std::map<int, ProcessState> processes{};  ///< owners of the listeners, by pid
    std::vector<InterfaceState> interfaces{};
    std::vector<ReturnPath> return_paths{};
    std::vector<DestinationUse> destinations{};  ///< the ten most used; empty unless ports are short
    std::vector<Address> half_open_clients{};    ///< some clients in SYN_RECV, at most 64
    LoadState load{};
    std::vector<KernelLogLine>
        kernel_log{};  ///< lines that speak about refused or lost SYNs, oldest first, at most 100
    std::vector<Refuser> refusers{};
    std::vector<MissingReading> missing{};
};

}  // namespace synwhy::core
