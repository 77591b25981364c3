// Are facts about a host found, whoever printed them and however they were spelled?
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/host.hpp"
#include "host/netstat_file.hpp"
#include "host/netstat_sentences.hpp"
#include "host/ss_text.hpp"
#include "host/sysctl_text.hpp"
#include "host/text_file.hpp"

namespace synwhy {
namespace {

using core::HostFacts;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

host::CounterFile counters_of(std::string_view text) {
    auto file = host::parse_counters(text, "test");
    EXPECT_TRUE(file) << (file ? "" : core::to_string(file.error()));
    return file.value_or(host::CounterFile{});
}

HostFacts facts_of(std::string_view text) {
    HostFacts facts;
    host::add_counters(facts, counters_of(text));
    return facts;
}

TEST(HostFacts, SysctlBySeveralNames) {
    HostFacts facts;
    facts.sysctls = {
        {"net.ipv4.tcp_tw_recycle", "1"}, {"net.core.somaxconn", " 4096\t"}, {"net.ipv4.tcp_rmem", "4096 87380"}};
    EXPECT_EQ(facts.sysctl("tcp_tw_recycle"), 1);
    EXPECT_EQ(facts.sysctl("ipv4.tcp_tw_recycle"), 1);
    EXPECT_EQ(facts.sysctl("net.ipv4.tcp_tw_recycle"), 1);
    EXPECT_EQ(facts.sysctl("somaxconn"), 4096);
    EXPECT_EQ(facts.sysctl("core.somaxconn"), 4096);
    EXPECT_EQ(facts.sysctl("tcp_rmem"), std::nullopt) << "three numbers are no number";
    EXPECT_EQ(facts.sysctl("tcp_syncookies"), std::nullopt);
}

TEST(HostFacts, MovedNeedsTwoReadings) {
    HostFacts facts;
    facts.counters["TcpExt.ListenDrops"] = 5;
    EXPECT_EQ(facts.moved("TcpExt.ListenDrops"), std::nullopt);
    facts.counter_deltas["TcpExt.ListenDrops"] = 0;
    EXPECT_EQ(facts.moved("TcpExt.ListenDrops"), 0);
}

/// A reading as complete as /proc's: enough counters, zeros among them.
HostFacts complete_reading(std::string_view release) {
    HostFacts facts;
    facts.kernel = core::resolve_kernel(release);
    for (int i = 0; i < 60; ++i) facts.counters["TcpExt.Filler" + std::to_string(i)] = 0;
    for (const char* name : {"TCPReqQFullDrop", "IPReversePathFilter", "TCPMinTTLDrop", "TCPACKSkippedSynRecv"}) {
        facts.counters[std::string("TcpExt.") + name] = 0;
    }
    return facts;
}

TEST(HostFacts, CountersOverruleTheRelease) {
    auto facts = complete_reading("4.9.229");
    facts.counters["TcpExt.PAWSTimewait"] = 0;
    core::correct_kernel_by_facts(facts);
    EXPECT_TRUE(facts.kernel->behaviours.paws_timewait_counter);
    EXPECT_EQ(facts.kernel->behaviours.host_paws, core::HostPaws::none) << "no PAWSPassive in a complete reading";
    EXPECT_THAT(facts.kernel->open_questions, testing::Contains(HasSubstr("TcpExt.PAWSTimewait exists")));
    EXPECT_THAT(facts.kernel->open_questions, testing::Contains(HasSubstr("TcpExt.PAWSPassive does not exist")));
}

TEST(HostFacts, AbsenceInAnIncompleteReadingProvesNothing) {
    HostFacts facts;
    facts.kernel = core::resolve_kernel("4.9.229");
    facts.counters = {{"TcpExt.ListenDrops", 0}, {"TcpExt.ListenOverflows", 0}};  // nstat -az | grep Listen
    core::correct_kernel_by_facts(facts);
    EXPECT_EQ(facts.kernel->behaviours.host_paws, core::HostPaws::metrics_pair);
    EXPECT_THAT(facts.kernel->open_questions, IsEmpty());
}

TEST(HostFacts, ABackportedRecycleIsBelieved) {
    auto facts = complete_reading("4.14");
    facts.counters["TcpExt.PAWSPassive"] = 12;
    core::correct_kernel_by_facts(facts);
    EXPECT_EQ(facts.kernel->behaviours.host_paws, core::HostPaws::metrics_pair);
}

TEST(Counters, ProcFormat) {
    const auto facts = facts_of(
        "TcpExt: SyncookiesSent PAWSPassive ListenDrops\n"
        "TcpExt: 1 22 333\n"
        "IpExt: InNoRoutes\n"
        "IpExt: 4\n"
        "Tcp: RtoAlgorithm MaxConn OutRsts\n"
        "Tcp: 1 -1 55\n");
    EXPECT_THAT(facts.counters, testing::UnorderedElementsAre(
                                    Pair("TcpExt.SyncookiesSent", 1), Pair("TcpExt.PAWSPassive", 22),
                                    Pair("TcpExt.ListenDrops", 333), Pair("IpExt.InNoRoutes", 4),
                                    Pair("Tcp.RtoAlgorithm", 1), Pair("Tcp.MaxConn", -1), Pair("Tcp.OutRsts", 55)));
    EXPECT_THAT(facts.counter_deltas, IsEmpty());
}

TEST(Counters, NstatFormat) {
    const auto facts = facts_of(
        "#kernel\n"
        "IpOutNoRoutes                   7                  0.0\n"
        "Ip6InReceives                   8                  0.0\n"
        "TcpOutRsts                      3                  0.0\n"
        "TcpExtPAWSPassive               12                 1.5\n"
        "MPTcpExtMPCapableSYNRX          1                  0.0\n");
    EXPECT_EQ(facts.counters.at("Ip.OutNoRoutes"), 7);
    EXPECT_EQ(facts.counters.at("Ip6.InReceives"), 8);
    EXPECT_EQ(facts.counters.at("Tcp.OutRsts"), 3);
    EXPECT_EQ(facts.counters.at("TcpExt.PAWSPassive"), 12);
    EXPECT_EQ(facts.counters.at("MPTcpExt.MPCapableSYNRX"), 1);
    EXPECT_THAT(facts.counters, SizeIs(5));
}

TEST(Counters, NetstatSentencesOldAndNew) {
    for (const char* drops : {"SYNs to LISTEN sockets ignored", "SYNs to LISTEN sockets dropped"}) {
        EXPECT_EQ(host::counter_of_sentence("TcpExt", std::string("# ") + drops), "ListenDrops");
    }
    const auto facts = facts_of(
        "Ip:\n"
        "    12 dropped because of missing route\n"
        "Tcp:\n"
        "    5 bad segments received.\n"
        "    6 segments send out\n"
        "    7 segments retransmitted\n"
        "    InCsumErrors: 2\n"
        "TcpExt:\n"
        "    5120 passive connections rejected because of time stamp\n"
        "    17 packets rejects in established connections because of timestamp\n"
        "    42 times the listen queue of a socket overflowed\n"
        "    Quick ack mode was activated 1890 times\n"
        "    Detected reordering 3 times using SACK\n"
        "    TCPReqQFullDrop: 9\n");
    EXPECT_EQ(facts.counters.at("Ip.OutNoRoutes"), 12);
    EXPECT_EQ(facts.counters.at("Tcp.InErrs"), 5);
    EXPECT_EQ(facts.counters.at("Tcp.OutSegs"), 6);
    EXPECT_EQ(facts.counters.at("Tcp.RetransSegs"), 7);
    EXPECT_EQ(facts.counters.at("Tcp.InCsumErrors"), 2);
    EXPECT_EQ(facts.counters.at("TcpExt.PAWSPassive"), 5120);
    EXPECT_EQ(facts.counters.at("TcpExt.PAWSEstab"), 17);
    EXPECT_EQ(facts.counters.at("TcpExt.ListenOverflows"), 42);
    EXPECT_EQ(facts.counters.at("TcpExt.DelayedACKLost"), 1890);
    EXPECT_EQ(facts.counters.at("TcpExt.TCPReqQFullDrop"), 9);
}

TEST(Counters, TwoReadingsBecomeDeltas) {
    const auto facts = facts_of(
        "Tcp:\n    100 passive connection openings\nTcpExt:\n    10 SYNs to LISTEN sockets dropped\n"
        "Tcp:\n    160 passive connection openings\nTcpExt:\n    25 SYNs to LISTEN sockets dropped\n"
        "    15 passive connections rejected because of time stamp\n");
    EXPECT_EQ(facts.moved("Tcp.PassiveOpens"), 60);
    EXPECT_EQ(facts.moved("TcpExt.ListenDrops"), 15);
    EXPECT_EQ(facts.moved("TcpExt.PAWSPassive"), 15) << "netstat -s leaves zeros out, so the first reading was 0";
    EXPECT_EQ(facts.counters.at("Tcp.PassiveOpens"), 160);
}

TEST(Counters, OfThreeReadingsFirstAndLastCount) {
    const auto facts =
        facts_of("TcpExt: ListenDrops\nTcpExt: 1\nTcpExt: ListenDrops\nTcpExt: 50\nTcpExt: ListenDrops\nTcpExt: 7\n");
    EXPECT_EQ(facts.moved("TcpExt.ListenDrops"), 6);
}

TEST(Counters, BackwardsOrNewMeansNoDelta) {
    const auto facts = facts_of("TcpExt: ListenDrops\nTcpExt: 9\nTcpExt: ListenDrops PAWSPassive\nTcpExt: 3 4\n");
    EXPECT_EQ(facts.moved("TcpExt.ListenDrops"), std::nullopt) << "the host rebooted";
    EXPECT_EQ(facts.moved("TcpExt.PAWSPassive"), std::nullopt) << "/proc lists zeros, so this is another kernel";
}

TEST(Counters, MixedFormatsAreOneMoment) {
    const auto file = counters_of(
        "TcpExt:\n    10 SYNs to LISTEN sockets dropped\n"
        "TcpExt: PAWSPassive\nTcpExt: 3\n"
        "#kernel\nTcpExtListenOverflows 4 0.0\n");
    ASSERT_THAT(file.readings, SizeIs(1));
    EXPECT_THAT(file.readings[0], SizeIs(3));
}

TEST(Counters, BrokenInputIsNamedWithItsLine) {
    const auto file = counters_of("TcpExt: A B C\nTcpExt: 1 2\nIp: D\nnonsense\nTcp: E\nTcp: 5\n");
    ASSERT_THAT(file.complaints, SizeIs(2));
    EXPECT_EQ(file.complaints[0].where, "test:2");
    EXPECT_THAT(file.complaints[0].what, HasSubstr("3 names and 2 values"));
    EXPECT_EQ(file.complaints[1].where, "test:4");
    EXPECT_EQ(file.readings[0].at("Tcp.E"), 5);

    const auto nothing = host::parse_counters("hello\n\nworld 12\n", "test");
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().where, "test");
    EXPECT_FALSE(nothing.error().remedy.empty());
}

TEST(Counters, HugeNumbersAreNotCounters) {
    const auto file = counters_of("Tcp: A B\nTcp: 99999999999999999999999 1\n");
    EXPECT_THAT(file.readings[0], ElementsAre(Pair("Tcp.B", 1)));
}

class CounterFiles : public testing::Test {
  protected:
    CounterFiles() {
        folder_ = std::filesystem::temp_directory_path() / ("synwhy-test-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder_);
    }
    ~CounterFiles() override { std::filesystem::remove_all(folder_); }
    [[nodiscard]] std::string make(const std::string& name, const std::string& text) const {
        const auto path = folder_ / name;
        std::ofstream(path) << text;
        return path.string();
    }
    std::filesystem::path folder_;
};

TEST_F(CounterFiles, BeforeAndAfter) {
    const auto before = make("before", "TcpExt: ListenDrops\nTcpExt: 10\n");
    const auto after = make("after", "TcpExt: ListenDrops\nTcpExt: 17\n");
    const auto file = host::read_counters(before + "," + after);
    ASSERT_TRUE(file) << core::to_string(file.error());
    HostFacts facts;
    host::add_counters(facts, *file);
    EXPECT_EQ(facts.moved("TcpExt.ListenDrops"), 7);
    EXPECT_EQ(facts.counters.at("TcpExt.ListenDrops"), 17);
}

TEST_F(CounterFiles, ANameWithACommaIsOneFile) {
    const auto odd = make("a,b", "TcpExt: ListenDrops\nTcpExt: 10\n");
    EXPECT_TRUE(host::read_counters(odd));
}

TEST_F(CounterFiles, ErrorsNameTheFile) {
    const auto missing = host::read_counters((folder_ / "missing").string());
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().where, HasSubstr("missing"));
    EXPECT_FALSE(host::read_counters(folder_.string())) << "a directory";
    const auto big = make("big", std::string(1000, 'x'));
    EXPECT_FALSE(host::read_text_file(big, host::FileKind::any, 999));
    EXPECT_TRUE(host::read_text_file(big, host::FileKind::any, 1000));
}

TEST(Sysctls, NamesAreMadeFull) {
    EXPECT_EQ(host::full_sysctl_name("tcp_tw_recycle"), "net.ipv4.tcp_tw_recycle");
    EXPECT_EQ(host::full_sysctl_name("somaxconn"), "net.core.somaxconn");
    EXPECT_EQ(host::full_sysctl_name("nf_conntrack_max"), "net.netfilter.nf_conntrack_max");
    EXPECT_EQ(host::full_sysctl_name("ipv4.tcp_syncookies"), "net.ipv4.tcp_syncookies");
    EXPECT_EQ(host::full_sysctl_name("net/ipv4/conf/eth0.5/rp_filter"), "net.ipv4.conf.eth0/5.rp_filter");
    EXPECT_EQ(host::full_sysctl_name("net.ipv4.conf.eth0/5.rp_filter"), "net.ipv4.conf.eth0/5.rp_filter");
    EXPECT_EQ(host::full_sysctl_name("/proc/sys/net/core/somaxconn"), "net.core.somaxconn");
    EXPECT_EQ(host::full_sysctl_name("kernel.pid_max"), "kernel.pid_max");
}

TEST(Sysctls, TextWithEverythingInIt) {
    const auto sysctls = host::parse_sysctls(
        "# a comment = 1\n; another = 2\n\n"
        "net.ipv4.tcp_tw_recycle = 1\n"
        "net/core/somaxconn=128\n"
        "-net.ipv4.tcp_syncookies=0\n"
        "kernel.hostname = web\n"
        "sysctl: permission denied on key 'net.ipv4.route.flush'\n"
        "net.ipv4.tcp_rmem = 4096\t87380\t6291456\r\n"
        "net.ipv4.tcp_tw_recycle = 0\n",
        "test");
    ASSERT_TRUE(sysctls);
    EXPECT_THAT(*sysctls,
                ElementsAre(Pair("net.core.somaxconn", "128"), Pair("net.ipv4.tcp_rmem", "4096\t87380\t6291456"),
                            Pair("net.ipv4.tcp_syncookies", "0"), Pair("net.ipv4.tcp_tw_recycle", "0")));
    EXPECT_FALSE(host::parse_sysctls("nothing here\n", "test"));
}

TEST(Sysctls, OneAssignment) {
    const auto assignment = host::parse_sysctl_assignment("tcp_tw_recycle=1");
    ASSERT_TRUE(assignment);
    EXPECT_THAT(*assignment, Pair("net.ipv4.tcp_tw_recycle", "1"));
    for (const char* bad : {"", "tcp_tw_recycle", "=1", "two words=1"}) {
        EXPECT_FALSE(host::parse_sysctl_assignment(bad)) << bad;
    }
}

TEST(Listeners, FromSs) {
    const auto listeners = host::parse_listeners(
        "State  Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
        "LISTEN 0      128    0.0.0.0:22         0.0.0.0:*\n"
        "LISTEN 129    128    *:80               *:*       users:((\"httpd\",pid=1,fd=4))\n"
        "LISTEN 0      511    [2001:db8::1]:443  [::]:*\n"
        "tcp LISTEN 1  5      127.0.0.53%lo:53   0.0.0.0:*\n"
        "LISTEN 0      128    :::8080            :::*\n"
        "u_str LISTEN 0 128   /run/x 12345       * 0\n"
        "LISTEN 0      128    *:http             *:*\n"
        "LISTEN -1     128    *:81               *:*\n"
        "LISTEN 0      128    *:99999            *:*\n"
        "ESTAB  0      0      192.0.2.1:80       198.51.100.7:40001\n"
        "LISTEN\n");
    ASSERT_THAT(listeners, SizeIs(5));
    EXPECT_EQ(listeners[0].local, (core::Endpoint{{}, 22}));
    EXPECT_EQ(listeners[1].accept_length, 129U);
    EXPECT_EQ(listeners[1].backlog, 128U);
    EXPECT_EQ(core::to_string(listeners[2].local), "[2001:db8::1]:443");
    EXPECT_EQ(core::to_string(listeners[3].local), "127.0.0.53:53");
    EXPECT_EQ(listeners[4].local.address.bytes, core::Address{}.bytes);
}

}  // namespace
}  // namespace synwhy
