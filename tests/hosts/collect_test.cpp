// Does synwhy-collect run under every old shell, see what happens in its namespace, and is its bundle understood?
//
// A child makes a network namespace of its own, where a listener's accept queue overflows while the script waits
// between its two readings. Skipped where namespaces are forbidden or the shell is not installed.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "host/bundle.hpp"
#include "host/text_file.hpp"

namespace synwhy::host {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;

constexpr const char* kScript = SYNWHY_SOURCE_DIR "/collect/synwhy-collect";
constexpr std::uint16_t kPort = 8080;
constexpr int kBacklog = 1;
constexpr int kNoNamespace = 77;

std::string program_in_path(const std::string& name) {
    std::string rest = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "/usr/bin:/bin";
    while (!rest.empty()) {
        const auto folder = rest.substr(0, rest.find(':'));
        rest.erase(0, folder.size() + 1);
        if (::access((folder + '/' + name).c_str(), X_OK) == 0) return folder + '/' + name;
    }
    return {};
}

/// Runs it with stdout and stderr in `log`, as a child of this process.
pid_t start(const std::vector<std::string>& command, const std::string& log) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    const int out = ::open(log.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    std::vector<char*> arguments;
    for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
}

int finish(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool loopback_up() {
    const int control = ::socket(AF_INET, SOCK_DGRAM, 0);
    ifreq request{};
    std::snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    const bool up = ::ioctl(control, SIOCSIFFLAGS, &request) == 0;
    ::close(control);
    return up;
}

sockaddr_in server_address() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(kPort);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

void connect_without_waiting() {
    const auto address = server_address();
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

/// In the child: a namespace with a listener that nobody accepts from. @return what waitpid() shall see
int scene(const std::vector<std::string>& command, const std::string& log, const std::string& begun) {
    const int flags = CLONE_NEWNET | (::geteuid() == 0 ? 0 : CLONE_NEWUSER);
    if (::unshare(flags) != 0 || !loopback_up()) return kNoNamespace;
    const int server = ::socket(AF_INET, SOCK_STREAM, 0);
    const auto address = server_address();
    if (::bind(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return kNoNamespace;
    if (::listen(server, kBacklog) != 0) return kNoNamespace;
    for (int i = 0; i <= kBacklog; ++i) connect_without_waiting();

    const pid_t collector = start(command, log);
    // The queue is full; from its first reading on, every SYN overflows it.
    while (!fs::exists(begun) && ::waitpid(collector, nullptr, WNOHANG) == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    for (int i = 0; i < 3; ++i) connect_without_waiting();
    return finish(collector);
}

class Collect : public testing::TestWithParam<std::vector<std::string>> {
  protected:
    Collect() : folder_(fs::temp_directory_path() / ("synwhy collect " + std::to_string(::getpid()))) {
        fs::remove_all(folder_);
        fs::create_directories(folder_);
    }
    ~Collect() override { fs::remove_all(folder_); }
    [[nodiscard]] std::string in(const std::string& name) const { return (folder_ / name).string(); }
    [[nodiscard]] std::string log() const { return read_text_file(in("log")).value_or(""); }

    /// The shell's command and the options; empty when the shell is not installed.
    static std::vector<std::string> command(std::vector<std::string> shell, const std::vector<std::string>& options) {
        shell[0] = program_in_path(shell[0]);
        if (shell[0].empty()) return {};
        shell.emplace_back(kScript);
        shell.insert(shell.end(), options.begin(), options.end());
        return shell;
    }

    fs::path folder_;
};

TEST_P(Collect, SeesAnOverflowBetweenItsReadings) {
    const auto call = command(GetParam(), {"--seconds", "3", "--output", in("a bundle")});
    if (call.empty()) GTEST_SKIP() << GetParam()[0] << " is not installed";
    const pid_t child = ::fork();
    if (child == 0) ::_exit(scene(call, in("log"), in("a bundle/owners.txt")));
    const int status = finish(child);
    if (status == kNoNamespace) GTEST_SKIP() << "network namespaces are forbidden here";
    ASSERT_EQ(status, 0) << log();
    EXPECT_THAT(log(), HasSubstr("synwhy check --bundle"));
    EXPECT_EQ(fs::status(in("a bundle")).permissions() & fs::perms::others_all, fs::perms::none);

    const auto read = read_bundle_states(in("a bundle"));
    ASSERT_TRUE(read) << core::to_string(read.error());
    ASSERT_TRUE(read->second);
    const auto& second = *read->second;
    EXPECT_TRUE(second.facts.kernel);
    EXPECT_TRUE(second.facts.sysctl("net.ipv4.tcp_syncookies"));
    EXPECT_GE(second.facts.moved("TcpExt.ListenOverflows").value_or(0), 1);
    EXPECT_GE(second.monotonic_ns - read->first.monotonic_ns, 2'000'000'000);
    ASSERT_EQ(second.listeners.size(), 1U);
    const auto& listener = second.listeners[0];
    EXPECT_EQ(core::to_string(listener.local), "127.0.0.1:8080");
    EXPECT_EQ(listener.accept_length, kBacklog + 1U);
    // Without --modules ss is left out where it would load one: then the limit is not known, and says so.
    EXPECT_EQ(listener.backlog, listener.backlog_known ? static_cast<unsigned>(kBacklog) : 0U);
    EXPECT_THAT(listener.pids, Contains(child));
    ASSERT_TRUE(second.processes.contains(child)) << log();
    EXPECT_GE(second.processes.at(child).descriptors.value_or(0), 3U);
    EXPECT_TRUE(second.processes.at(child).descriptor_limit);
    EXPECT_THAT(second.interfaces, Contains(Field(&core::InterfaceState::name, "lo")));
}

TEST_P(Collect, PacksATarballAndLeavesNothingElse) {
    const auto call = command(GetParam(), {"--seconds=0", "--output=" + in("b.tar.gz")});
    if (call.empty()) GTEST_SKIP() << GetParam()[0] << " is not installed";
    ::setenv("TMPDIR", folder_.c_str(), 1);
    ASSERT_EQ(finish(start(call, in("log"))), 0) << log();
    ::unsetenv("TMPDIR");
    const auto read = read_bundle_states(in("b.tar.gz"));
    ASSERT_TRUE(read) << core::to_string(read.error());
    EXPECT_TRUE(read->second);
    EXPECT_TRUE(read->first.facts.kernel);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 2) << "the tarball and our log";

    EXPECT_EQ(finish(start(call, in("log"))), 3) << "never over a file that is there";
    EXPECT_THAT(log(), HasSubstr("exists already"));
}

TEST_P(Collect, RefusesWhatItDoesNotKnow) {
    for (const std::vector<std::string>& options :
         {std::vector<std::string>{"--second", "3"}, {"--seconds"}, {"--seconds", "3;reboot"}, {"--pid", "-1"}}) {
        const auto call = command(GetParam(), options);
        if (call.empty()) GTEST_SKIP() << GetParam()[0] << " is not installed";
        EXPECT_EQ(finish(start(call, in("log"))), 2) << log();
    }
    EXPECT_EQ(finish(start(command(GetParam(), {"--netns", "no such one"}), in("log"))), 3);
    EXPECT_EQ(finish(start(command(GetParam(), {"--help"}), in("log"))), 0);
}

/// A program that hangs is ended, what comes after it is still read.
TEST_P(Collect, DoesNotWaitForAProgramThatHangs) {
    fs::create_directories(folder_ / "bin");
    std::ofstream(in("bin/uname")) << "#!/bin/sh\n[ \"$1\" != -a ] || exec sleep 1000\nexec /bin/uname \"$@\"\n";
    fs::permissions(in("bin/uname"), fs::perms::owner_all);
    const auto call = command(GetParam(), {"--seconds", "0", "--output", in("c")});
    if (call.empty()) GTEST_SKIP() << GetParam()[0] << " is not installed";
    const std::string path = std::getenv("PATH");
    ::setenv("PATH", (in("bin") + ':' + path).c_str(), 1);
    EXPECT_EQ(finish(start(call, in("log"))), 0) << log();
    ::setenv("PATH", path.c_str(), 1);
    EXPECT_THAT(read_text_file(in("c/refused.txt")).value_or(""), HasSubstr("uname_-a: ended after"));
    EXPECT_TRUE(fs::exists(in("c/after/proc/net/netstat")));
}

const std::vector<std::vector<std::string>> kShells{{"busybox", "sh"}, {"dash"}, {"bash"}};
INSTANTIATE_TEST_SUITE_P(Shells, Collect, testing::ValuesIn(kShells), [](const auto& shell) { return shell.param[0]; });

}  // namespace
}  // namespace synwhy::host
