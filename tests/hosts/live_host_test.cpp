// Do the readers see what a real kernel has: queues, owners, options, half-open connections, ways back?
//
// In a network namespace that the test makes for itself; needs root, a TUN device and ip(8), and says so when they are
// missing. What ss(8) and the kernel itself say is the measure.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "core/packet_build.hpp"
#include "host/host_reader.hpp"
#include "host/netns.hpp"
#include "host/ss_text.hpp"

namespace synwhy::host {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::SizeIs;

/// What a fixed command prints.
std::string output_of(const char* command) {
    std::string output;
    FILE* pipe = ::popen(command, "r");
    if (pipe == nullptr) return output;
    char chunk[4096];
    while (const auto size = std::fread(chunk, 1, sizeof chunk, pipe)) output.append(chunk, size);
    ::pclose(pipe);
    return output;
}

bool run(const char* command) { return std::system(command) == 0; }

core::Address address(const char* text) { return *core::parse_address(text); }

class LiveHost : public testing::Test {
  protected:
    void SetUp() override {
        before_ = Descriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        if (::unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "a network namespace of its own needs root";
        if (!run("ip link set lo up")) GTEST_SKIP() << "needs ip(8) (Debian: iproute2)";
    }
    void TearDown() override {
        sockets_.clear();
        ASSERT_TRUE(!before_ || ::setns(before_.get(), CLONE_NEWNET) == 0);
    }

    /// A socket that lives as long as the test.
    int keep(int number) {
        EXPECT_GE(number, 0) << std::strerror(errno);
        sockets_.emplace_back(number);
        return number;
    }
    int listen_on(std::uint16_t port, int backlog, bool reuseport = false) {
        const int number = keep(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const int on = 1;
        if (reuseport) ::setsockopt(number, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        sockaddr_in local{};
        local.sin_family = AF_INET;
        local.sin_port = htons(port);
        EXPECT_EQ(::bind(number, reinterpret_cast<sockaddr*>(&local), sizeof local), 0) << std::strerror(errno);
        EXPECT_EQ(::listen(number, backlog), 0);
        return number;
    }
    void connect_to(std::uint16_t port) {
        const int number = keep(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        sockaddr_in server{};
        server.sin_family = AF_INET;
        server.sin_port = htons(port);
        server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::connect(number, reinterpret_cast<sockaddr*>(&server), sizeof server);
    }
    /// An interface behind which nobody answers: 10.9.0.1/24. @return -1 when there is no /dev/net/tun
    int open_wire() {
        Descriptor device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
        ifreq request{};
        request.ifr_flags = IFF_TUN | IFF_NO_PI;
        std::strcpy(request.ifr_name, "wire");
        if (!device || ::ioctl(device.get(), TUNSETIFF, &request) != 0) return -1;
        EXPECT_TRUE(run("ip addr add 10.9.0.1/24 dev wire && ip link set wire up"));
        sockets_.push_back(std::move(device));
        return sockets_.back().get();
    }
    static core::HostState read(std::vector<core::Address> clients = {}) {
        HostReaderOptions options;
        options.clients = std::move(clients);
        return read_host(options);
    }

  private:
    Descriptor before_{};
    std::vector<Descriptor> sockets_{};
};

core::Listener listener_on(const core::HostState& state, std::uint16_t port) {
    for (const auto& listener : state.listeners) {
        if (listener.local.port == port) return listener;
    }
    ADD_FAILURE() << "no listener on port " << port;
    return {};
}

TEST_F(LiveHost, FullAcceptQueueAsSsSaysIt) {
    listen_on(8080, 2);
    listen_on(8081, 64);
    for (int i = 0; i < 6; ++i) connect_to(8080);
    const auto state = read();
    const auto full = listener_on(state, 8080);
    EXPECT_EQ(full.accept_length, 3U) << "the limit and one more";
    EXPECT_EQ(full.backlog, 2U);
    EXPECT_EQ(full.drops, 3U) << "three SYNs found it full";
    EXPECT_EQ(full.half_open, 0U);
    EXPECT_THAT(full.pids, ElementsAre(::getpid()));
    EXPECT_EQ(full.min_ttl, 0);
    EXPECT_EQ(full.socket_filter, false);
    EXPECT_EQ(full.reuseport, false);
    EXPECT_GE(state.facts.counters.at("TcpExt.ListenOverflows"), 3) << "the namespace's own counters";
    EXPECT_GT(state.wall_ns, 0);

    const auto by_ss = parse_listeners(output_of("ss -ltnH"));
    ASSERT_EQ(by_ss.size(), state.facts.listeners.size());
    for (const auto& expected : by_ss) {
        EXPECT_THAT(state.facts.listeners,
                    Contains(AllOf(Field(&core::ListenerFacts::local, expected.local),
                                   Field(&core::ListenerFacts::accept_length, expected.accept_length),
                                   Field(&core::ListenerFacts::backlog, expected.backlog))));
    }
    const auto again = read_host_again({}, state);
    EXPECT_THAT(listener_on(again, 8080).pids, ElementsAre(::getpid()));
    EXPECT_EQ(listener_on(again, 8080).accept_length, 3U);
    EXPECT_THAT(again.processes, Contains(testing::Key(::getpid())));
}

TEST_F(LiveHost, EveryReuseportMemberForItself) {
    for (int i = 0; i < 3; ++i) listen_on(8080, 1 + i, true);
    const auto state = read();
    ASSERT_THAT(state.listeners, SizeIs(3));
    std::vector<std::uint32_t> backlogs;
    for (const auto& member : state.listeners) {
        backlogs.push_back(member.backlog);
        EXPECT_EQ(member.reuseport, true);
        EXPECT_NE(member.inode, 0U);
    }
    EXPECT_THAT(backlogs, testing::UnorderedElementsAre(1, 2, 3));
}

TEST_F(LiveHost, HalfOpenConnections) {
    const int wire = open_wire();
    if (wire < 0) GTEST_SKIP() << "needs /dev/net/tun";
    listen_on(8080, 64);
    listen_on(8081, 64);
    for (std::uint8_t i = 0; i < 5; ++i) {
        core::Segment syn;
        syn.source = {address("10.9.0.7"), static_cast<std::uint16_t>(2000 + i)};
        syn.destination = {address("10.9.0.1"), 8080};
        syn.flags = core::tcp_flag::syn;
        syn.window = 1000;
        std::vector<std::uint8_t> packet;
        core::append_packet(syn, {}, packet);
        ASSERT_EQ(::write(wire, packet.data(), packet.size()), static_cast<ssize_t>(packet.size()));
    }
    const auto state = read();
    EXPECT_EQ(listener_on(state, 8080).half_open, 5U);
    EXPECT_EQ(listener_on(state, 8081).half_open, 0U);
    EXPECT_THAT(state.half_open_clients, ElementsAre(address("10.9.0.7")));
    ASSERT_THAT(state.return_paths, SizeIs(1));
    EXPECT_TRUE(state.return_paths[0].routed);
    EXPECT_EQ(state.return_paths[0].interface, "wire");
    EXPECT_EQ(state.return_paths[0].source, "SYN_RECV");
    const auto ss = output_of("ss -tnH state syn-recv");
    EXPECT_EQ(std::ranges::count(ss, '\n'), 5);
}

TEST_F(LiveHost, OptionsThatNoDumpShows) {
    const int plain = listen_on(8080, 8);
    const int ttl = 200;
    const int defer_s = 3;
    ASSERT_EQ(::setsockopt(plain, IPPROTO_IP, IP_MINTTL, &ttl, sizeof ttl), 0);
    ASSERT_EQ(::setsockopt(plain, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer_s, sizeof defer_s), 0);
    sock_filter pass{BPF_RET | BPF_K, 0, 0, 0xffff};
    const sock_fprog filter{1, &pass};
    ASSERT_EQ(::setsockopt(plain, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter), 0);
    const auto listener = listener_on(read(), 8080);
    EXPECT_EQ(listener.min_ttl, 200);
    EXPECT_EQ(listener.socket_filter, true);
    EXPECT_GE(listener.defer_accept_s.value_or(0), 3);
}

TEST_F(LiveHost, FilterThatWasAttachedAsBpf) {
    const int listener = listen_on(8080, 8);
    const bpf_insn program[] = {{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, -1}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    bpf_attr load;
    std::memset(&load, 0, sizeof load);
    load.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    load.insns = reinterpret_cast<std::uintptr_t>(program);
    load.insn_cnt = 2;
    load.license = reinterpret_cast<std::uintptr_t>("GPL");
    const Descriptor loaded(static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load)));
    if (!loaded) GTEST_SKIP() << "this kernel loads no BPF program: " << std::strerror(errno);
    const int number = loaded.get();
    ASSERT_EQ(::setsockopt(listener, SOL_SOCKET, SO_ATTACH_BPF, &number, sizeof number), 0);
    EXPECT_EQ(listener_on(read(), 8080).socket_filter, true);
}

TEST_F(LiveHost, Md5Keys) {
    const int listener = listen_on(8080, 8);
    tcp_md5sig key{};
    auto* peer = reinterpret_cast<sockaddr_in*>(&key.tcpm_addr);
    peer->sin_family = AF_INET;
    peer->sin_addr.s_addr = htonl(0x0a090007);
    key.tcpm_keylen = 4;
    std::memcpy(key.tcpm_key, "test", 4);
    if (::setsockopt(listener, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof key) != 0) {
        GTEST_SKIP() << "this kernel has no TCP_MD5SIG: " << std::strerror(errno);
    }
    listen_on(8081, 8);
    const auto state = read();
    EXPECT_EQ(listener_on(state, 8080).md5_keys, 1U);
    EXPECT_THAT(listener_on(state, 8080).md5_peers, ElementsAre(address("10.9.0.7")));
    EXPECT_EQ(listener_on(state, 8081).md5_keys, 0U);
}

TEST_F(LiveHost, StoppedOwnerAndWaitingThread) {
    const int listener = listen_on(8080, 8);
    std::thread([listener] { ::close(::accept(listener, nullptr, nullptr)); }).detach();
    const int child = ::fork();
    if (child == 0) {
        ::raise(SIGSTOP);
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
    auto state = read();
    for (int i = 0; i < 100; ++i) {  // the thread needs a moment to get there
        const auto& threads = state.processes[::getpid()].threads;
        if (!threads.empty() && threads.front().state == 'S') break;
        ::usleep(20'000);
        state = read();
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    connect_to(8080);  // ends the thread

    EXPECT_THAT(listener_on(state, 8080).pids, testing::UnorderedElementsAre(::getpid(), child));
    EXPECT_EQ(state.processes.at(child).state, 'T');
    const auto& own = state.processes.at(::getpid());
    EXPECT_EQ(own.thread_count, 2U);
    ASSERT_FALSE(own.threads.empty());
    EXPECT_EQ(own.threads.front().state, 'S') << "the thread in accept() comes first";
#if defined(__x86_64__)
    EXPECT_THAT(own.threads.front().syscall, testing::AnyOf("accept", "accept4"));
#endif
    EXPECT_GE(own.descriptors.value_or(0), 4U);
    EXPECT_GE(own.descriptor_limit.value_or(0), *own.descriptors);
}

TEST_F(LiveHost, WaysBack) {
    if (open_wire() < 0) GTEST_SKIP() << "needs /dev/net/tun";
    ASSERT_TRUE(
        run("ip route add blackhole 192.0.2.0/25 && ip route add prohibit 198.51.100.0/24 && "
            "ip route add unreachable 203.0.113.0/24 && ip route add 192.0.2.128/25 via 10.9.0.9"));
    const auto state = read({address("192.0.2.1"), address("198.51.100.1"), address("203.0.113.1"),
                             address("192.0.2.200"), address("8.8.8.8"), address("2001:db8::1")});
    ASSERT_THAT(state.return_paths, SizeIs(6));
    EXPECT_EQ(state.return_paths[0].error, "blackhole route");
    EXPECT_EQ(state.return_paths[1].error, "prohibit route");
    EXPECT_EQ(state.return_paths[2].error, "unreachable route");
    EXPECT_TRUE(state.return_paths[3].routed);
    EXPECT_EQ(state.return_paths[3].interface, "wire");
    EXPECT_EQ(state.return_paths[3].gateway, address("10.9.0.9"));
    EXPECT_EQ(state.return_paths[4].error, "Network is unreachable");
    EXPECT_EQ(state.return_paths[5].error, "Network is unreachable");
    EXPECT_FALSE(state.return_paths[5].routed);
    const auto wire = std::ranges::find(state.interfaces, std::string("wire"), &core::InterfaceState::name);
    ASSERT_NE(wire, state.interfaces.end());
    EXPECT_TRUE(wire->up && wire->carrier);
    EXPECT_THAT(wire->addresses, Contains(address("10.9.0.1")));
}

TEST_F(LiveHost, NamespacesAreFoundAndEntered) {
    listen_on(8080, 8);
    const auto own = network_namespace_of(::getpid());
    ASSERT_TRUE(own);
    const auto listed = list_network_namespaces();
    ASSERT_FALSE(listed.namespaces.empty());
    EXPECT_TRUE(listed.namespaces[0].own);
    EXPECT_EQ(listed.namespaces[0].inode, own->inode);
    EXPECT_GE(listed.namespaces.size(), 2U) << "this one and the machine's";

    const int child = ::fork();  // it stays, this thread goes
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
    EXPECT_TRUE(read().listeners.empty());
    const auto left = network_namespace_of(child);
    EXPECT_TRUE(left && left->inode == own->inode && !left->own);
    if (left) {
        const auto inside = InsideNamespace::enter(*left);
        EXPECT_TRUE(inside);
        EXPECT_THAT(read().listeners, SizeIs(1));
    }
    EXPECT_TRUE(read().listeners.empty()) << "and back";
    int status = 0;
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);

    EXPECT_FALSE(find_network_namespace("no-such-name-here"));
    const auto not_one = find_network_namespace("/proc/self/ns/uts");
    ASSERT_TRUE(not_one);
    EXPECT_FALSE(InsideNamespace::enter(*not_one));
}

}  // namespace
}  // namespace synwhy::host
