// Can a running emulation be asked and changed, and does the answer read like the tool that people know?
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "cli/emulate_text.hpp"
#include "host/netstat_file.hpp"
#include "host/netstat_sentences.hpp"
#include "host/ss_text.hpp"
#include "tun/control.hpp"
#include "tun/control_socket.hpp"
#include "tun/device.hpp"
#include "tun/sysctl.hpp"

using namespace synwhy;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

constexpr std::int64_t kNow = 1'700'000'000'000'000'000;

tun::Emulation emulation_of(const std::string& kernel) {
    tun::EmulationOptions options;
    options.server.kernel = *core::resolve_kernel(kernel);
    options.server.settings = model::Settings::defaults_of(options.server.kernel);
    model::ListenOptions listener;
    listener.local = {*core::parse_address("0.0.0.0"), 80};
    options.listeners.push_back(listener);
    return *tun::Emulation::make(std::move(options), kNow);
}

TEST(control, changes_what_it_is_told) {
    tun::Emulation emulation = emulation_of("3.10");
    const auto told = [&emulation](const char* command) { return tun::answer_control(emulation, command, kNow); };
    EXPECT_EQ("ok\n", told("stall"));
    EXPECT_TRUE(emulation.application().stalled(kNow));
    EXPECT_EQ("ok\n", told("resume\n"));
    EXPECT_FALSE(emulation.application().stalled(kNow));
    EXPECT_EQ("ok\n", told("set net.ipv4.tcp_tw_recycle=1"));
    EXPECT_EQ(1, emulation.server().settings().tw_recycle);
    EXPECT_EQ("ok\n", told("backlog 7"));
    EXPECT_EQ(7U, emulation.server().view_listener(0).backlog);
    EXPECT_EQ("ok\n", told("accept-rate 2.5"));
    EXPECT_EQ(2.5, emulation.application().options().accepts_per_s);
    EXPECT_EQ("ok\n", told("accept-rate off"));
    EXPECT_FALSE(emulation.application().options().accepts_per_s);
}

TEST(control, refuses_the_rest_with_a_reason) {
    tun::Emulation emulation = emulation_of("4.12");
    const auto told = [&emulation](const std::string& command) {
        return tun::answer_control(emulation, command, kNow);
    };
    EXPECT_EQ("error net.ipv4.tcp_tw_recycle: kernel 4.12 has no such sysctl\n", told("set net.ipv4.tcp_tw_recycle=1"));
    EXPECT_EQ("error net.core.somaxconn: 'many' is no number\n", told("set net.core.somaxconn=many"));
    EXPECT_THAT(told("set net.core.somaxconn"), StartsWith("error set wants"));
    EXPECT_THAT(told("backlog x"), StartsWith("error backlog wants"));
    EXPECT_THAT(told("accept-rate -1"), StartsWith("error accept-rate wants"));
    EXPECT_THAT(told("accept-rate nan"), StartsWith("error accept-rate wants"));
    EXPECT_THAT(told("show nothing"), StartsWith("error nothing is called 'nothing'"));
    EXPECT_THAT(told(""), StartsWith("error unknown command ''"));
    EXPECT_THAT(told("shutdown"), StartsWith("error unknown command 'shutdown'"));
}

TEST(sysctl, takes_numbers_only) {
    const auto kernel = *core::resolve_kernel("4.9");
    model::Settings settings = model::Settings::defaults_of(kernel);
    EXPECT_TRUE(*tun::set_sysctl(settings, kernel, "net.ipv4.tcp_rmem", "4096 131072\t6291456"));
    EXPECT_EQ(6291456, settings.rmem_max_bytes);
    EXPECT_FALSE(*tun::set_sysctl(settings, kernel, "net.ipv4.tcp_congestion_control", "7"));
    EXPECT_FALSE(tun::set_sysctl(settings, kernel, "net.ipv4.tcp_syncookies", "").has_value());
    EXPECT_FALSE(tun::set_sysctl(settings, kernel, "net.ipv4.tcp_syncookies", "1x").has_value());
}

/// What we print as `ss -lnt` is what our own reader of `ss -lnt` reads.
TEST(show, queues_like_ss) {
    tun::Emulation emulation = emulation_of("3.10");
    const std::string text = tun::answer_control(emulation, "show queues", kNow).substr(3);
    const auto facts = host::parse_listeners(cli::table_as_tool(cli::parse_table("queues", text)));
    ASSERT_EQ(1U, facts.size());
    EXPECT_EQ("0.0.0.0:80", core::to_string(facts[0].local));
    EXPECT_EQ(128U, facts[0].backlog);
    EXPECT_EQ(0U, facts[0].accept_length);
}

/// The same for every counter and `netstat -s`, whatever its wording.
TEST(show, counters_like_netstat) {
    emit::ControlTable table{.name = "counters", .columns = {"counter", "value"}, .rows = {}};
    for (std::size_t i = 0; i < model::kCounters; ++i) {
        const auto name = model::counter_name(static_cast<model::Counter>(i));
        table.rows.push_back({std::string(name), std::to_string(i + 1)});
    }
    const auto read = host::parse_counters(cli::table_as_tool(table), "ours");
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->complaints.empty());
    ASSERT_EQ(1U, read->readings.size());
    for (std::size_t i = 0; i < model::kCounters; ++i) {
        const std::string name(model::counter_name(static_cast<model::Counter>(i)));
        if (name.starts_with("RtCache.")) continue;  // no line of netstat -s
        ASSERT_TRUE(read->readings[0].contains(name)) << name;
        EXPECT_EQ(static_cast<std::int64_t>(i + 1), read->readings[0].at(name)) << name;
    }
}

TEST(show, newest_wording_of_a_sentence) {
    EXPECT_EQ("# SYNs to LISTEN sockets dropped", host::sentence_of_counter("TcpExt", "ListenDrops"));
    EXPECT_EQ("# segments sent out", host::sentence_of_counter("Tcp", "OutSegs"));
    EXPECT_EQ("", host::sentence_of_counter("TcpExt", "TCPReqQFullDrop"));
}

TEST(show, peers_like_tcp_metrics) {
    const auto table = cli::parse_table("peers",
                                        "peer\tlocal\tts\tage_s\trtt_known\n"
                                        "203.0.113.9\t*\t4294944123\t12\t1\n"
                                        "fd00::2\tfd00::1\t-\t-\t0\n# 5 more\n");
    EXPECT_EQ(
        "203.0.113.9 tw_ts 4294944123/12sec ago rtt known\n"
        "fd00::2 source fd00::1\n"
        "... 5 more\n",
        cli::table_as_tool(table));
    EXPECT_THAT(emit::tables_json({table}), HasSubstr("\"ts\": 4294944123"));
    EXPECT_THAT(emit::tables_json({table}), HasSubstr("\"ts\": null"));
    EXPECT_THAT(emit::tables_json({table}), HasSubstr("\"peers_left_out\": 5"));
}

TEST(show, foreign_text_is_no_table) {
    EXPECT_TRUE(cli::parse_table("queues", "").rows.empty());
    const auto odd = cli::parse_table("queues", "a\tb\n1\t2\t3\n1\t2\n");
    ASSERT_EQ(1U, odd.rows.size()) << "a row of another length is dropped";
    EXPECT_EQ("a  b\n1  2\n", cli::table_as_tool(odd)) << "unknown columns are shown as they are";
}

// ------------------------------------------------------------------------------------------------------- the socket

struct Folder {
    std::string path = "/tmp/synwhy-control-XXXXXX";
    Folder() { EXPECT_NE(nullptr, ::mkdtemp(path.data())); }
    ~Folder() { ::rmdir(path.c_str()); }
};

TEST(control_socket, answers_and_cleans_up) {
    const Folder folder;
    const std::string path = folder.path + "/s";
    {
        auto socket = tun::ControlSocket::open(path);
        ASSERT_TRUE(socket) << core::to_string(socket.error());
        struct stat status{};
        ASSERT_EQ(0, ::stat(path.c_str(), &status));
        EXPECT_EQ(0600U, status.st_mode & 0777U);
        EXPECT_FALSE(tun::ControlSocket::open(path)) << "it is alive";

        const std::string large(3'000'000, 'x');
        std::expected<std::string, core::Error> answer = std::unexpected(core::Error{});
        std::expected<std::string, core::Error> refusal = std::unexpected(core::Error{});
        std::thread client([&] {
            answer = tun::ask_control(path, "large");
            refusal = tun::ask_control(path, "other");
        });
        int asked = 0;
        for (int i = 0; i < 100'000 && asked < 2; ++i) {
            socket->handle(
                [&](std::string_view command) {
                    ++asked;
                    return command == "large" ? "ok\n" + large : std::string("error no\n");
                },
                kNow);
            ::usleep(100);
        }
        client.join();
        EXPECT_EQ(large, answer.value_or(""));
        ASSERT_FALSE(refusal);
        EXPECT_EQ("no", core::to_string(refusal.error()));
        EXPECT_EQ(INT64_MAX, socket->next_deadline_ns());
    }
    EXPECT_NE(0, ::access(path.c_str(), F_OK));
}

TEST(control_socket, nobody_there) {
    const auto answer = tun::ask_control("/nonexistent/socket", "show queues");
    ASSERT_FALSE(answer);
    EXPECT_THAT(core::to_string(answer.error()), StartsWith("/nonexistent/socket: connect: "));
    EXPECT_FALSE(tun::ask_control(std::string(200, 'x'), "show queues"));
    EXPECT_FALSE(tun::ControlSocket::open("/nonexistent/socket"));
}

// ------------------------------------------------------------------------------------------------------- the device

TEST(device, names) {
    for (const char* good : {"synwhy0", "a", "tun-1.2_x", "fifteencharacte"})
        EXPECT_TRUE(tun::is_device_name(good)) << good;
    for (const char* bad : {"", ".", "..", "a b", "a/b", "tun%d", "a:b", "sixteencharacter", "a\n"}) {
        EXPECT_FALSE(tun::is_device_name(bad)) << bad;
    }
}

TEST(device, neighbours) {
    const auto neighbour = [](const char* address, int length) {
        const auto found = tun::neighbour_of({*core::parse_address(address), length});
        return found ? core::to_string(*found) : std::string("none");
    };
    EXPECT_EQ("10.0.0.2", neighbour("10.0.0.1", 24));
    EXPECT_EQ("10.0.0.253", neighbour("10.0.0.254", 24));
    EXPECT_EQ("10.0.1.0", neighbour("10.0.0.255", 16));
    EXPECT_EQ("192.0.2.1", neighbour("192.0.2.0", 31));
    EXPECT_EQ("192.0.2.2", neighbour("192.0.2.3", 31));
    EXPECT_EQ("none", neighbour("192.0.2.1", 32));
    EXPECT_EQ("fd00::2", neighbour("fd00::1", 64));
    EXPECT_EQ("fd00::fffe", neighbour("fd00::ffff", 112));
}

}  // namespace
