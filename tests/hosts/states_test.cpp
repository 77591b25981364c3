// Does a bundle of two moments tell what the host looked like, also as a tarball, and is a hostile tarball harmless?
//
// Trees lie beside this test; archives are written by it.
#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <utility>
#include <vector>

#include "host/archive.hpp"
#include "host/bundle.hpp"
#include "host/netstat_file.hpp"
#include "host/text_file.hpp"

namespace synwhy::host {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const fs::path kHosts = SYNWHY_SOURCE_DIR "/tests/hosts";

struct Entry {
    std::string name{};
    std::string text{};
    int type = AE_IFREG;
    std::string link{};
    std::uint64_t said_size = 0;  ///< 0: that of the text
};

using Filter = std::function<int(archive*)>;

void write_archive(const fs::path& path, const std::vector<Entry>& entries,
                   const Filter& filter = ::archive_write_add_filter_none) {
    archive* writer = ::archive_write_new();
    ASSERT_EQ(filter(writer), ARCHIVE_OK);
    ASSERT_EQ(::archive_write_set_format_gnutar(writer), ARCHIVE_OK);
    ASSERT_EQ(::archive_write_open_filename(writer, path.c_str()), ARCHIVE_OK);
    for (const auto& entry : entries) {
        archive_entry* header = ::archive_entry_new();
        ::archive_entry_set_pathname(header, entry.name.c_str());
        ::archive_entry_set_filetype(header, static_cast<unsigned>(entry.type));
        ::archive_entry_set_perm(header, 0600);
        const auto size = entry.said_size != 0 ? entry.said_size : entry.text.size();
        ::archive_entry_set_size(header, static_cast<la_int64_t>(size));
        if (entry.type == AE_IFLNK) ::archive_entry_set_symlink(header, entry.link.c_str());
        if (entry.type == AE_IFREG && !entry.link.empty()) ::archive_entry_set_hardlink(header, entry.link.c_str());
        ASSERT_GE(::archive_write_header(writer, header), ARCHIVE_WARN);
        ::archive_write_data(writer, entry.text.data(), entry.text.size());
        ::archive_entry_free(header);
    }
    ASSERT_EQ(::archive_write_free(writer), ARCHIVE_OK);
}

std::vector<Entry> entries_of(const fs::path& tree, const std::string& top) {
    std::vector<Entry> entries{{.name = top, .type = AE_IFDIR}};
    for (const auto& item : fs::recursive_directory_iterator(tree)) {
        const auto name = top + '/' + item.path().lexically_relative(tree).string();
        if (item.is_directory()) entries.push_back({.name = name, .type = AE_IFDIR});
        if (item.is_regular_file())
            entries.push_back({.name = name, .text = read_text_file(item.path().string()).value()});
    }
    return entries;
}

BundleStates states(const std::string& path) {
    auto read = read_bundle_states(path);
    EXPECT_TRUE(read) << (read ? "" : core::to_string(read.error()));
    return read ? std::move(*read) : BundleStates{};
}

class Archives : public testing::Test {
  protected:
    Archives() : folder_(fs::temp_directory_path() / ("synwhy-states-" + std::to_string(::getpid()))) {
        fs::remove_all(folder_);
        fs::create_directories(folder_);
    }
    ~Archives() override { fs::remove_all(folder_); }
    [[nodiscard]] std::string in(const std::string& name) const { return (folder_ / name).string(); }

    fs::path folder_;
};

/// What is asked of the old host, however its files came.
void expect_old_host(const BundleStates& read) {
    ASSERT_TRUE(read.second);
    const auto& first = read.first;
    const auto& second = *read.second;
    ASSERT_TRUE(second.facts.kernel);
    EXPECT_EQ(second.facts.kernel->family, "el6");
    EXPECT_EQ(second.distribution, "CentOS release 6.10 (Final)");
    EXPECT_EQ(second.facts.sysctl("tcp_tw_recycle"), 1);
    EXPECT_EQ(first.facts.counters.at("TcpExt.PAWSPassive"), 1940);
    EXPECT_EQ(second.facts.counters.at("TcpExt.PAWSPassive"), 2181);
    EXPECT_EQ(second.facts.moved("TcpExt.PAWSPassive"), 241);
    EXPECT_EQ(second.facts.moved("TcpExt.ListenOverflows"), 0);
    EXPECT_EQ(second.facts.moved("arp.unresolved_discards"), 1);
    EXPECT_EQ(second.facts.moved("softnet.dropped"), 0);
    EXPECT_EQ(second.facts.counters.at("sockstat.TCP.tw"), 930);
    EXPECT_EQ(second.monotonic_ns - first.monotonic_ns, 30'500'000'000);

    ASSERT_THAT(second.listeners, SizeIs(2));
    EXPECT_EQ(second.listeners[0].local.port, 80);
    EXPECT_EQ(second.listeners[0].accept_length, 3U);
    EXPECT_FALSE(second.listeners[0].backlog_known);
    EXPECT_EQ(second.listeners[0].half_open, 1U);
    EXPECT_EQ(second.listeners[0].uid, 48U);
    EXPECT_EQ(core::to_string(second.listeners[1].local), "127.0.0.1:25");
    EXPECT_THAT(second.half_open_clients, ElementsAre(core::parse_address("198.51.100.7").value()));
    EXPECT_THAT(second.facts.listeners, IsEmpty()) << "their limits are not known";

    ASSERT_THAT(second.interfaces, SizeIs(2));
    EXPECT_EQ(second.interfaces[1].name, "eth0");
    EXPECT_TRUE(second.interfaces[1].up);
    EXPECT_EQ(second.interfaces[1].rp_filter, 1);
    EXPECT_EQ(second.interfaces[1].counters.at("rx_packets"), 9120744U);
    EXPECT_EQ(first.interfaces[1].counters.at("rx_packets"), 9120044U);
    EXPECT_EQ(second.load.cpus, 2U);
    EXPECT_EQ(second.load.busiest_softirq_ticks, 28U);
    EXPECT_EQ(second.load.memory_available_kb, std::nullopt);
    EXPECT_THAT(second.kernel_log, ElementsAre(Field(&core::KernelLogLine::text, HasSubstr("time wait bucket"))));
    EXPECT_THAT(second.missing, Contains(Field(&core::MissingReading::what, HasSubstr("limits of the accept queues"))));
    EXPECT_THAT(read.complaints, IsEmpty());
}

TEST(States, AnOldHostBeforeAndAfter) { expect_old_host(states(kHosts / "el6")); }

TEST_F(Archives, EveryPackingIsUnderstood) {
    const auto entries = entries_of(kHosts / "el6", "./case-17/web1.example");
    const std::vector<std::pair<std::string, Filter>> packings{
        {"a.tar", ::archive_write_add_filter_none},     {"a.tar.gz", ::archive_write_add_filter_gzip},
        {"a.tgz", ::archive_write_add_filter_gzip},     {"a.tar.xz", ::archive_write_add_filter_xz},
        {"a.tar.zst", ::archive_write_add_filter_zstd}, {"a.tar.bz2", ::archive_write_add_filter_bzip2}};
    for (const auto& [name, filter] : packings) {
        SCOPED_TRACE(name);
        write_archive(in(name), entries, filter);
        expect_old_host(states(in(name)));
    }
}

TEST_F(Archives, SosreportAsTarball) {
    write_archive(in("sos.tar.xz"), entries_of(kHosts / "sosreport", "sosreport-web1-2026"),
                  ::archive_write_add_filter_xz);
    const auto read = states(in("sos.tar.xz"));
    const auto directory = states(kHosts / "sosreport");
    EXPECT_FALSE(read.second);
    EXPECT_EQ(read.first.facts.counters, directory.first.facts.counters);
    EXPECT_EQ(read.first.facts.sysctls, directory.first.facts.sysctls);
    EXPECT_EQ(read.first.facts.counters.at("TcpExt.PAWSPassive"), 5120);
    ASSERT_THAT(read.first.listeners, SizeIs(3));
    EXPECT_EQ(read.first.listeners[1].drops, 512U);
    EXPECT_THAT(read.first.listeners[1].pids, ElementsAre(1300));
    EXPECT_EQ(read.first.listeners[0].interface, "lo");
}

TEST_F(Archives, TwoBundlesArePutInOrder) {
    for (const std::string moment : {"before", "after"}) {
        auto entries = entries_of(kHosts / "el6" / moment, moment + "-host");
        const auto uname = read_text_file((kHosts / "el6/uname-a").string()).value();
        entries.push_back({.name = moment + "-host/uname-a", .text = uname});
        write_archive(in(moment + ".tar.gz"), entries, ::archive_write_add_filter_gzip);
    }
    const auto later_first = in("after.tar.gz") + ',' + in("before.tar.gz");
    for (const auto& pair : {in("before.tar.gz") + ',' + in("after.tar.gz"), later_first}) {
        const auto read = states(pair);
        ASSERT_TRUE(read.second);
        EXPECT_EQ(read.second->facts.moved("TcpExt.PAWSPassive"), 241);
        EXPECT_EQ(read_bundle(pair)->facts.moved("TcpExt.PAWSPassive"), 241);
    }
}

TEST_F(Archives, BrokenLinesAreToldWithTheirPlace) {
    write_archive(in("b.tar"), {{"b/uname-r", "4.9.229\n"},
                                {"b/proc/net/netstat", "TcpExt: PAWSPassive ListenDrops\nTcpExt: 5\n"},
                                {"b/proc/net/softnet_stat", "zz zz\n\xff\xfe\n"}});
    const auto read = states(in("b.tar"));
    EXPECT_EQ(read.first.facts.counters.at("TcpExt.PAWSPassive"), 5);
    ASSERT_THAT(read.complaints, SizeIs(1));
    EXPECT_THAT(read.complaints[0].where, HasSubstr("b.tar:b/proc/net/netstat:2"));
}

TEST_F(Archives, NamesAndLinksLeadNowhere) {
    write_archive(in("h.tar"), {{"uname-r", "4.9.229\n"},
                                {"../sysctl", "net.ipv4.tcp_tw_recycle=1\n"},
                                {"/sysctl-a", "net.ipv4.tcp_tw_recycle=1\n"},
                                {"x/../../sysctl.txt", "net.ipv4.tcp_tw_recycle=1\n"},
                                {.name = "sysctl-b", .type = AE_IFLNK, .link = "/etc/passwd"},
                                {.name = "sysctl-c", .link = "/etc/passwd"},
                                {.name = "netstat-s", .type = AE_IFIFO},
                                {.name = "ss", .type = AE_IFCHR}});
    const auto read = states(in("h.tar"));
    EXPECT_EQ(read.first.facts.kernel->family, "4.9");
    EXPECT_THAT(read.first.facts.sysctls, IsEmpty());
    EXPECT_THAT(read.complaints, SizeIs(3));
    EXPECT_THAT(read.complaints, Each(Field(&core::Error::what, HasSubstr("out of the archive"))));
    EXPECT_THAT(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1) << "nothing is unpacked";
}

TEST_F(Archives, WhatBreaksOffKeepsWhatCameBefore) {
    auto entries = entries_of(kHosts / "el6", "host");
    entries.insert(entries.begin(), {.name = "host/uname-r", .text = "2.6.32-754.el6.x86_64\n"});
    write_archive(in("t.tar"), entries);
    const auto whole = fs::file_size(in("t.tar"));
    for (const auto part : {whole / 2 + 77, whole / 2 + 512, whole / 3}) {
        fs::copy_file(in("t.tar"), in("cut.tar"), fs::copy_options::overwrite_existing);
        fs::resize_file(in("cut.tar"), part);
        EXPECT_EQ(states(in("cut.tar")).first.facts.kernel->family, "el6");
    }
    write_archive(in("z.tar.gz"), {{"uname-r", "4.9.229\n"}, {"noise", std::string(300'000, 'x') + "end"}},
                  ::archive_write_add_filter_gzip);
    fs::resize_file(in("z.tar.gz"), fs::file_size(in("z.tar.gz")) - 100);
    const auto cut = states(in("z.tar.gz"));
    EXPECT_EQ(cut.first.facts.kernel->family, "4.9");
    EXPECT_THAT(cut.complaints, ElementsAre(Field(&core::Error::what, HasSubstr("breaks off"))));
}

TEST_F(Archives, ASizeThatIsALieBreaksOff) {
    std::ofstream out(in("lie.tar"), std::ios::binary);
    write_archive(in("one.tar"), {{"uname-r", "4.9.229\n"}});
    const auto good = read_text_file(in("one.tar")).value();
    auto header = good.substr(0, 512);
    header.replace(0, 8, "sysctl-a");
    header.replace(124, 12, std::string("77777777777\0", 12));  // 8 GiB
    header.replace(148, 8, "        ");
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    char digits[8];
    std::snprintf(digits, sizeof digits, "%06o", sum);
    header.replace(148, 7, std::string(digits, 7));
    out << good.substr(0, 1024) << header << "net.ipv4.tcp_tw_recycle=1\n";
    out.close();
    const auto read = states(in("lie.tar"));
    EXPECT_EQ(read.first.facts.kernel->family, "4.9");
    EXPECT_THAT(read.complaints, ElementsAre(Field(&core::Error::what, HasSubstr("breaks off"))));
}

TEST_F(Archives, GiantsAndBombsMeetTheLimits) {
    const std::string giant(kMaxTextBytes + 5, '\n');
    std::vector<Entry> entries{{"uname-r", "4.9.229\n"}, {"sysctl-a", giant}};
    // Many files of an allowed size: more text than is kept.
    const std::string large(kMaxTextBytes - 10, '\n');
    for (int i = 0; i < 20; ++i) entries.push_back({"nstat-" + std::to_string(i), large});
    write_archive(in("bomb.tar.gz"), entries, ::archive_write_add_filter_gzip);
    EXPECT_LT(fs::file_size(in("bomb.tar.gz")), 1U << 20U) << "a bomb is small";
    const auto read = states(in("bomb.tar.gz"));
    EXPECT_EQ(read.first.facts.kernel->family, "4.9");
    EXPECT_THAT(read.complaints, Contains(Field(&core::Error::what, HasSubstr("larger than"))));
    EXPECT_THAT(read.complaints, Contains(Field(&core::Error::what, HasSubstr("bytes of text"))));
}

TEST_F(Archives, WhatIsNoArchiveIsAnError) {
    std::ofstream(in("noise.tar")) << std::string(4000, 'q');
    EXPECT_FALSE(read_bundle_states(in("noise.tar")));
    write_archive(in("empty.tar"), {});
    const auto empty = read_bundle_states(in("empty.tar"));
    ASSERT_FALSE(empty);
    EXPECT_FALSE(empty.error().remedy.empty());
    EXPECT_FALSE(read_bundle_states(in("empty.tar") + ',' + in("missing.tar")));
}

}  // namespace
}  // namespace synwhy::host
