// Is a directory copied from another host understood, and is a hostile one harmless?
//
// The bundles lie beside this test.
#include "host/bundle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "host/netstat_file.hpp"

namespace synwhy::host {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Bundle bundle(const std::string& name) {
    auto read = read_bundle(SYNWHY_SOURCE_DIR "/tests/hosts/" + name);
    EXPECT_TRUE(read) << (read ? "" : core::to_string(read.error()));
    return read.value_or(Bundle{});
}

TEST(Bundle, Sosreport) {
    const auto [facts, complaints] = bundle("sosreport");
    ASSERT_TRUE(facts.kernel);
    EXPECT_EQ(facts.kernel->family, "el7");
    EXPECT_EQ(facts.sysctl("tcp_tw_recycle"), 1);
    EXPECT_EQ(facts.sysctl("ipv4.conf.eth0/5.rp_filter"), 2);
    EXPECT_EQ(facts.counters.at("TcpExt.PAWSPassive"), 5120);
    EXPECT_EQ(facts.counters.at("TcpExt.ListenDrops"), 5162);
    EXPECT_EQ(facts.counters.at("IpExt.InNoRoutes"), 2);
    EXPECT_EQ(facts.moved("TcpExt.PAWSPassive"), std::nullopt) << "one reading";
    ASSERT_THAT(facts.listeners, SizeIs(3));
    EXPECT_EQ(facts.listeners[1].accept_length, 129U);
    EXPECT_THAT(facts.sources, Contains(EndsWith("sos_commands/networking/netstat_-s")));
    EXPECT_THAT(complaints, IsEmpty());
}

TEST(Bundle, FlatFolder) {
    const auto facts = bundle("flat").facts;
    ASSERT_TRUE(facts.kernel);
    EXPECT_EQ(facts.kernel->release.vendor, core::Release::Vendor::debian);
    EXPECT_EQ(facts.kernel->release.patch, 112);
    EXPECT_EQ(facts.sysctl("tcp_syncookies"), 0);
    EXPECT_EQ(facts.counters.at("TcpExt.TCPReqQFullDrop"), 12);
    ASSERT_THAT(facts.listeners, SizeIs(2));
    EXPECT_EQ(facts.listeners[1].local.port, 8080);
}

TEST(Bundle, CopiedProc) {
    const auto facts = bundle("tree").facts;
    ASSERT_TRUE(facts.kernel);
    EXPECT_EQ(facts.kernel->family, "4.9");
    EXPECT_EQ(facts.sysctl("tcp_tw_recycle"), 1);
    EXPECT_EQ(facts.sysctl("somaxconn"), 512);
    EXPECT_EQ(facts.sysctls.at("net.ipv4.conf.eth0/5.rp_filter"), "2");
    EXPECT_EQ(facts.sysctls.at("net.ipv4.tcp_rmem"), "4096\t87380\t6291456");
    EXPECT_EQ(facts.counters.at("TcpExt.PAWSPassive"), 254);
    EXPECT_EQ(facts.counters.at("Tcp.PassiveOpens"), 5000);
}

TEST(Bundle, BeforeAndAfter) {
    const auto facts = bundle("deltas").facts;
    ASSERT_TRUE(facts.kernel);
    EXPECT_EQ(facts.kernel->family, "el7");
    EXPECT_EQ(facts.moved("TcpExt.PAWSPassive"), 254);
    EXPECT_EQ(facts.moved("TcpExt.ListenDrops"), 254);
    EXPECT_EQ(facts.moved("TcpExt.ListenOverflows"), 0);
    EXPECT_EQ(facts.moved("Ip.OutNoRoutes"), 5);
    EXPECT_EQ(facts.moved("Tcp.OutRsts"), 0);
    EXPECT_EQ(facts.counters.at("TcpExt.PAWSPassive"), 354);
    EXPECT_EQ(facts.sysctl("tcp_tw_recycle"), 1);
}

TEST(Bundle, TheSingleFolderOfAnArchiveIsEntered) {
    const auto facts = bundle("top").facts;
    ASSERT_TRUE(facts.kernel);
    EXPECT_EQ(facts.counters.at("TcpExt.PAWSPassive"), 254);
}

TEST(Bundle, TwoReadingsInOneFile) {
    const auto file = read_counters(SYNWHY_SOURCE_DIR "/tests/hosts/two_readings.txt");
    ASSERT_TRUE(file);
    core::HostFacts facts;
    add_counters(facts, *file);
    EXPECT_EQ(facts.moved("TcpExt.PAWSPassive"), 15);
    EXPECT_EQ(facts.moved("TcpExt.ListenOverflows"), 0);
}

class HostileBundle : public testing::Test {
  protected:
    HostileBundle() : root_(fs::temp_directory_path() / ("synwhy-bundle-" + std::to_string(::getpid()))) {
        fs::remove_all(root_);
        fs::create_directories(root_ / "in/proc/sys/net/ipv4");
        fs::create_directories(root_ / "in/proc/net");
        fs::create_directories(root_ / "out");
    }
    ~HostileBundle() override { fs::remove_all(root_); }
    void write(const std::string& path, const std::string& text) const { std::ofstream(root_ / path) << text; }

    fs::path root_;
};

TEST_F(HostileBundle, LinksOutOfTheTreeAreNotFollowed) {
    write("out/secret", "net.ipv4.tcp_tw_recycle=1\n");
    write("out/tcp_tw_recycle", "1\n");
    write("in/uname-r", "4.9.229\n");
    fs::create_symlink(root_ / "out/secret", root_ / "in/sysctl.txt");
    fs::create_symlink("../../../../../out", root_ / "in/proc/sys/net/core");
    fs::create_symlink("../../../../../out/tcp_tw_recycle", root_ / "in/proc/sys/net/ipv4/tcp_tw_recycle");
    fs::create_symlink("loop", root_ / "in/loop");
    const auto read = read_bundle((root_ / "in").string());
    ASSERT_TRUE(read);
    EXPECT_THAT(read->facts.sysctls, IsEmpty());
    EXPECT_THAT(read->complaints, Contains(testing::Field(&core::Error::what, HasSubstr("out of the bundle"))));
}

TEST_F(HostileBundle, PipesDevicesAndGiantsDoNotStopIt) {
    write("in/uname-r", "4.9.229\n");
    ASSERT_EQ(::mkfifo((root_ / "in/netstat-s").c_str(), 0600), 0);
    ASSERT_EQ(::mkfifo((root_ / "in/proc/sys/net/ipv4/fifo").c_str(), 0600), 0);
    write("in/sysctl.txt", "");
    fs::resize_file(root_ / "in/sysctl.txt", 1U << 30);  // sparse
    const auto read = read_bundle((root_ / "in").string());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->facts.kernel->family, "4.9");
    EXPECT_THAT(read->complaints, SizeIs(2));
}

TEST_F(HostileBundle, DeepTreesEnd) {
    write("in/uname-r", "4.9.229\n");
    fs::path deep = root_ / "in/proc/sys/net";
    for (int i = 0; i < 40; ++i) deep /= "d";
    fs::create_directories(deep);
    std::ofstream(deep / "value") << "1\n";
    const auto read = read_bundle((root_ / "in").string());
    ASSERT_TRUE(read);
    EXPECT_THAT(read->facts.sysctls, IsEmpty());
}

TEST_F(HostileBundle, NothingUsefulIsAnError) {
    fs::create_directories(root_ / "empty");
    const auto empty = read_bundle((root_ / "empty").string());
    ASSERT_FALSE(empty);
    EXPECT_FALSE(empty.error().remedy.empty());
    EXPECT_FALSE(read_bundle((root_ / "missing").string()));
    write("file", "x");
    EXPECT_FALSE(read_bundle((root_ / "file").string()));
}

}  // namespace
}  // namespace synwhy::host
