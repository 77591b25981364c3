// What do the readers of a live host make of a copied tree, of an old kernel's files, and of lines that are broken?
//
// The trees lie beside this test: `machine` was copied from a 6.18, `old` is what a 2.6.32 has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/cgroup.hpp"
#include "host/counter_files.hpp"
#include "host/ethtool.hpp"
#include "host/host_reader.hpp"
#include "host/interfaces.hpp"
#include "host/kernel_log.hpp"
#include "host/proc_tcp.hpp"
#include "host/process.hpp"
#include "host/sockets.hpp"
#include "host/system.hpp"

namespace synwhy::host {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

core::HostState read_tree(const std::string& name) {
    HostReaderOptions options;
    options.root = SYNWHY_SOURCE_DIR "/tests/hosts/trees/" + name;
    return read_host(options);
}

core::Endpoint endpoint(const char* address, std::uint16_t port) { return {*core::parse_address(address), port}; }

TEST(CopiedTree, Machine) {
    const auto state = read_tree("machine");
    ASSERT_TRUE(state.facts.kernel);
    EXPECT_EQ(state.facts.kernel->release.text, "6.18.44");
    EXPECT_EQ(state.distribution, "Debian GNU/Linux 12 (bookworm)") << "etc/os-release is a link inside the tree";
    EXPECT_EQ(state.wall_ns, 0) << "nobody knows when it was copied";
    EXPECT_EQ(state.facts.sysctl("tcp_syncookies"), 1);
    EXPECT_EQ(state.facts.sysctl("net.ipv4.conf.eth0.rp_filter"), 0);
    EXPECT_THAT(state.facts.counters, Contains(testing::Key("TcpExt.TCPReqQFullDrop")));
    EXPECT_THAT(state.facts.counters, Contains(testing::Key("Ip6.InReceives")));
    EXPECT_EQ(state.facts.counters.at("conntrack.max"), 262144);
    EXPECT_EQ(state.facts.counters.at("conntrack.insert_failed"), 0);
    EXPECT_EQ(state.facts.counters.at("arp.table_fulls"), 0);
    EXPECT_FALSE(state.facts.counters.contains("synproxy.syn_received")) << "a link out of the tree is not followed";
    EXPECT_EQ(state.load.cpus, 2U);
    EXPECT_EQ(state.load.busiest_softirq_ticks, state.load.softirq_ticks[1]);
    EXPECT_TRUE(state.processes.empty());
    EXPECT_TRUE(state.kernel_log.empty()) << "this machine's log is not the tree's";
    ASSERT_THAT(state.interfaces, SizeIs(4));
    EXPECT_EQ(state.interfaces[3].name, "eth0");
    EXPECT_EQ(state.interfaces[3].rp_filter, 0);
}

TEST(CopiedTree, ListenersOfProcNetTcp) {
    const auto state = read_tree("machine");
    ASSERT_THAT(state.listeners, SizeIs(3));
    const auto& web = state.listeners[0];
    EXPECT_EQ(core::to_string(web.local), "0.0.0.0:80");
    EXPECT_EQ(web.accept_length, 129U);
    EXPECT_FALSE(web.backlog_known);
    EXPECT_EQ(web.half_open, 2U) << "the requests for 192.0.2.2:80 are the wildcard's";
    EXPECT_EQ(web.uid, 33U);
    EXPECT_EQ(web.inode, 23456U);
    EXPECT_FALSE(web.drops);
    EXPECT_EQ(core::to_string(state.listeners[2].local), "127.0.0.1:8080");
    EXPECT_EQ(core::to_string(state.listeners[1].local), "[::]:443");
    EXPECT_EQ(state.listeners[1].half_open, 1U);
    EXPECT_THAT(state.facts.listeners, IsEmpty()) << "without a limit a queue cannot be judged";
    EXPECT_THAT(state.half_open_clients, SizeIs(3));
    EXPECT_THAT(state.half_open_clients, Contains(*core::parse_address("198.51.100.7")));
    EXPECT_THAT(state.missing, Contains(Field(&core::MissingReading::what, HasSubstr("limits of the accept queues"))));
}

TEST(CopiedTree, OldKernel) {
    const auto state = read_tree("old");
    ASSERT_TRUE(state.facts.kernel);
    EXPECT_EQ(state.facts.kernel->release.text, "2.6.32-5-amd64");
    EXPECT_EQ(state.facts.sysctl("tcp_tw_recycle"), 1);
    EXPECT_EQ(state.facts.counters.at("TcpExt.PAWSPassive"), 5120);
    EXPECT_FALSE(state.facts.counters.contains("TcpExt.TCPReqQFullDrop"));
    EXPECT_EQ(state.facts.counters.at("softnet.dropped"), 0x12);
    EXPECT_EQ(state.facts.counters.at("softnet.time_squeeze"), 3);
    EXPECT_FALSE(state.facts.counters.contains("softnet.flow_limit")) << "the column came with 3.11";
    EXPECT_EQ(state.facts.counters.at("sockstat.TCP.tw"), 211);
    EXPECT_EQ(state.load.busiest_softirq_ticks, 19U);
    EXPECT_EQ(state.load.memory_total_kb, 1017904U);
    EXPECT_FALSE(state.load.memory_available_kb) << "MemAvailable came with 3.14";
    ASSERT_THAT(state.interfaces, SizeIs(2));
    EXPECT_EQ(state.interfaces[1].counters.at("rx_dropped"), 31U);
    EXPECT_FALSE(state.interfaces[1].rp_filter);
    ASSERT_THAT(state.listeners, SizeIs(1));
    EXPECT_EQ(state.listeners[0].half_open, 0U);
}

TEST(CopiedTree, NothingThere) {
    const auto state = read_tree("no-such-tree");
    EXPECT_FALSE(state.facts.kernel);
    EXPECT_THAT(state.missing, Contains(Field(&core::MissingReading::what, "kernel release")));
    EXPECT_THAT(state.missing, Contains(Field(&core::MissingReading::what, "sysctls")));
    EXPECT_THAT(state.missing, Contains(Field(&core::MissingReading::what, "listeners")));
}

TEST(CopiedTree, SecondLookKeepsWhatWasFound) {
    HostReaderOptions options;
    options.root = SYNWHY_SOURCE_DIR "/tests/hosts/trees/machine";
    auto first = read_host(options);
    first.listeners[0].pids = {812};
    first.listeners[0].min_ttl = 5;
    const auto second = read_host_again(options, first);
    EXPECT_EQ(second.facts.counters, first.facts.counters);
    EXPECT_THAT(second.listeners[0].pids, ElementsAre(812));
    EXPECT_EQ(second.listeners[0].min_ttl, 5);
    EXPECT_TRUE(second.return_paths.empty());
}

TEST(ProcTcp, BrokenLines) {
    for (const char* line : {
             "",
             "  sl  local_address rem_address   st tx_queue rx_queue",
             "   0: 0000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1",
             "   0: 00000000:10050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1",
             "   0: 00000000:0050 00000000:0000 0A 00000000 00:00000000 00000000 0 0 1 1",
             "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 -1 1",
             "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0",
         }) {
        EXPECT_FALSE(parse_proc_tcp_line(line)) << line;
    }
}

TEST(Counters, BrokenTables) {
    Counters counters;
    add_sockstat("TCP: inuse x orphan 2 tw\nUDP\n: 1 2\n", counters);
    EXPECT_THAT(counters, ElementsAre(testing::Pair("sockstat.TCP.orphan", 2)));
    counters.clear();
    add_softnet("1 zz\n\nffffffffffffffff 7\n", counters);
    EXPECT_EQ(counters.at("softnet.dropped"), 7);
    EXPECT_EQ(counters.at("softnet.processed"), std::numeric_limits<std::int64_t>::max()) << "no sum overflows";
    counters.clear();
    add_cpu_table("entries drop\n2 1\n2 a\n2\n", "conntrack.", counters);
    EXPECT_THAT(counters, ElementsAre(testing::Pair("conntrack.drop", 11), testing::Pair("conntrack.entries", 2)));
}

TEST(HalfOpen, BelongsToTheClosestListener) {
    core::Listener own;
    own.local = endpoint("192.0.2.2", 80);
    core::Listener any;
    any.local.port = 80;
    core::Listener dual;
    dual.local = endpoint("::", 443);
    core::Listener only_v6;
    only_v6.local = endpoint("::", 8443);
    only_v6.ipv6_only = true;
    std::vector listeners{own, own, any, dual, only_v6};
    share_half_open({{endpoint("192.0.2.2", 80), 3},
                     {endpoint("192.0.2.3", 80), 5},
                     {endpoint("192.0.2.2", 443), 7},
                     {endpoint("2001:db8::1", 443), 1},
                     {endpoint("192.0.2.2", 8443), 9},
                     {endpoint("192.0.2.2", 9), 9}},
                    listeners);
    EXPECT_EQ(listeners[0].half_open, 3U);
    EXPECT_EQ(listeners[1].half_open, 3U) << "members of one SO_REUSEPORT group share an address and port";
    EXPECT_EQ(listeners[2].half_open, 5U);
    EXPECT_EQ(listeners[3].half_open, 8U);
    EXPECT_EQ(listeners[4].half_open, 0U) << "IPv4 never reaches an IPv6-only socket";
}

TEST(Process, StatLine) {
    const auto stat = parse_stat_line("812 (a ) b) T 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 33 0");
    EXPECT_EQ(stat.name, "a ) b");
    EXPECT_EQ(stat.state, 'T');
    EXPECT_EQ(stat.threads, 33U);
    for (const char* broken : {"", "812", "812 )x(", "812 (x", "812 (x)", "812 (x) TT"}) {
        EXPECT_EQ(parse_stat_line(broken).state, '?') << broken;
    }
}

TEST(Process, SystemCall) {
    EXPECT_EQ(syscall_of("288 0x3 0x0 0x0 0x0 0x0 0x0 0x7ffd89ff9dc8 0x7ff1df0532ad"), "accept4");
    EXPECT_EQ(syscall_of("running"), "");
    EXPECT_EQ(syscall_of("-1 0x7ffd89ff9dc8 0x7ff1df0532ad"), "") << "blocked, but in no system call";
    EXPECT_EQ(syscall_of("43 0x3 0x0 0x0 0x0 0x0 0x0 0xffd89dc8 0xf7f532ad"), "")
        << "a 32-bit process: times, not accept";
    EXPECT_EQ(syscall_of("9999 0x3 0x0 0x0 0x0 0x0 0x0 0x7ffd89ff9dc8 0x7ff1df0532ad"), "");
}

TEST(Process, KernelStack) {
    EXPECT_THAT(parse_kernel_stack("[<0>] inet_csk_accept+0x1b2/0x2f0\n[<ffffffff8100a>] sys_accept+0x1/0x2\n"
                                   "[<ffffffffffffffff>] 0xffffffffffffffff\n"),
                ElementsAre("inet_csk_accept", "sys_accept"));
}

TEST(Cgroup, Names) {
    const std::string id(64, 'a');
    const std::string short_id(12, 'a');
    EXPECT_EQ(container_of("/docker/" + id), "docker " + short_id);
    EXPECT_EQ(container_of("/system.slice/docker-" + id + ".scope"), "docker " + short_id);
    EXPECT_EQ(container_of("/machine.slice/libpod-" + id + ".scope/container"), "podman " + short_id);
    EXPECT_EQ(container_of("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1b2c_3d.slice/"
                           "cri-containerd-" +
                           id + ".scope"),
              "pod 1b2c_3d containerd " + short_id);
    EXPECT_EQ(container_of("/kubepods/besteffort/pod1b2c-3d/" + id), "pod 1b2c-3d container " + short_id);
    EXPECT_EQ(container_of("/kubepods.slice/kubepods-pod77.slice/crio-" + id + ".scope"), "pod 77 cri-o " + short_id);
    EXPECT_EQ(container_of("/lxc/web"), "lxc web");
    EXPECT_EQ(container_of("/lxc.payload.web/system.slice/nginx.service"), "lxc web");
    EXPECT_EQ(container_of("/system.slice/nginx.service"), "nginx.service");
    EXPECT_EQ(container_of("/user.slice/user-0.slice/session-3.scope"), "session-3.scope");
    EXPECT_EQ(container_of("/"), "");
    EXPECT_EQ(container_of(""), "");
}

TEST(Cgroup, BothHierarchies) {
    const auto paths = parse_cgroups("5:freezer:/a\n4:cpu,cpuacct:/b\n3:name=systemd:/c\n0::/\nbroken\n9:x\n:::\n");
    EXPECT_EQ(paths.freezer, "/a");
    EXPECT_EQ(paths.cpu, "/b");
    EXPECT_EQ(paths.best(), "/c") << "the root of the unified hierarchy says nothing";
    EXPECT_EQ(parse_cgroups("0::/system.slice/nginx.service\n").best(), "/system.slice/nginx.service");
}

TEST(KernelLog, Records) {
    const auto line =
        parse_log_record("6,383,19728599731,-;TCP: Possible SYN flooding on port 80.\x1b Dropping.\n SUBSYSTEM=x");
    ASSERT_TRUE(line);
    EXPECT_EQ(line->since_boot_us, 19'728'599'731);
    EXPECT_EQ(line->text, "TCP: Possible SYN flooding on port 80.  Dropping.");
    EXPECT_FALSE(parse_log_record("6,1,2,-;usb 1-1: new device"));
    for (const char* broken :
         {"", ";", "6;martian source", "6,1;martian source", "6,1,x,-;martian source", "6,1,-5,-;martian source"}) {
        EXPECT_FALSE(parse_log_record(broken)) << broken;
    }
    EXPECT_EQ(parse_log_record("6,1,2,-;martian source " + std::string(1000, 'x'))->text.size(), kMaxLogLineBytes);
}

TEST(Interfaces, DevLine) {
    EXPECT_FALSE(parse_dev_line(" face |bytes    packets errs drop"));
    EXPECT_FALSE(parse_dev_line("  ../x: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"));
    EXPECT_FALSE(parse_dev_line("  eth0: 1 2 3"));
    const auto alias = parse_dev_line("eth0.5:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16");
    ASSERT_TRUE(alias);
    EXPECT_EQ(alias->counters.at("tx_dropped"), 12U);
}

TEST(Ethtool, LossesAreKnownByTheirNames) {
    for (const char* name : {"rx_no_buffer_count", "rx_missed_errors", "rx_queue_0_drops", "rx_out_of_buffer",
                             "port.rx_dropped", "rx_fifo_errors", "rx0_discards"}) {
        EXPECT_TRUE(names_a_loss(name)) << name;
    }
    for (const char* name : {"rx_packets", "tx_dropped", "rx_queue_0_bytes", "port_tx_errors"}) {
        EXPECT_FALSE(names_a_loss(name)) << name;
    }
}

TEST(System, Texts) {
    EXPECT_EQ(pretty_name("ID=x\nPRETTY_NAME='A B'\n"), "A B");
    EXPECT_EQ(pretty_name("PRETTY_NAME=\"\n"), "\"");
    core::LoadState load;
    add_cpu_ticks("cpu 1 2\ncpu0 1 1 1 1 1 1\ncpu1 10 0 0 80 0 0 10 0 5\ncpu2 -4 x 0 0 0 0 9 0 0\n", load);
    EXPECT_THAT(load.total_ticks, ElementsAre(100, 9)) << "cpu0 is too short; guest time is not counted twice";
    EXPECT_EQ(load.busiest_softirq_ticks, 9U);
}

}  // namespace
}  // namespace synwhy::host
