// Does the walk say of a SYN what the running kernel does with it?
//
// Each row loads a ruleset into a fresh network namespace, reads it back with the product's own reader, walks the SYN
// and its SYN+ACK, then sends one real SYN through a veth pair. Kernel and walk must agree, the rule named must be the
// one whose counter moves, and the row says whether the walk has to be sure.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>

#include <arpa/inet.h>

#include "firewall/movement.hpp"
#include "firewall/read_ruleset.hpp"
#include "firewall/walk.hpp"
#include "host/ruleset_reader.hpp"
#include "kernel_rows.hpp"
#include "lab/netns.hpp"

namespace synwhy::firewall {
namespace {

using core::FilterOutcome;

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> all;
    std::istringstream in{std::string(text)};
    for (std::string word; in >> word;) all.push_back(word);
    return all;
}

/// Runs a command; its error text, empty when it went well.
std::string run(const std::vector<std::string>& command) {
    const auto path = host::find_tool(command[0]);
    if (!path) return command[0] + " is not installed";
    const auto done = host::run_tool(*path, {command.begin() + 1, command.end()});
    return done ? std::string{} : core::to_string(done.error());
}

sockaddr_in6 socket_address(const core::Endpoint& endpoint) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(endpoint.port);
    std::memcpy(&address.sin6_addr, endpoint.address.bytes.data(), 16);  // IPv4 is kept as v4-mapped
    return address;
}

core::Endpoint endpoint(std::string_view address, std::uint16_t port) { return {*core::parse_address(address), port}; }

/// Two namespaces, a veth pair, and a listener on port 80 and 81 of the server.
class Stage {
  public:
    /// @return what is missing; empty when everything stands
    std::string build() {
        for (const auto* role : {"server", "client"}) {
            auto made = lab::NetworkNamespace::create(role);
            if (!made) return core::to_string(made.error());
            spaces_.push_back(std::make_unique<lab::NetworkNamespace>(std::move(*made)));
        }
        const lab::Inside inside(server());
        const std::string client_name = spaces_[1]->name();
        std::string wrong;
        const std::vector<std::string> commands{
            "ip link set lo up",
            "ip link add sv0 type veth peer name cl0 netns " + client_name,
            "ip addr add 10.99.0.1/24 dev sv0",
            "ip addr add fd00:99::1/64 dev sv0 nodad",
            "ip link set sv0 up",
            "ip -n " + client_name + " addr add 10.99.0.2/24 dev cl0",
            "ip -n " + client_name + " addr add fd00:99::2/64 dev cl0 nodad",
            "ip -n " + client_name + " link set cl0 up",
        };
        for (const std::string& command : commands) {
            if (wrong.empty()) wrong = run(words(command));
        }
        listen_at(80);
        listen_at(81);
        return wrong;
    }

    [[nodiscard]] const lab::NetworkNamespace& server() const { return *spaces_[0]; }

    /// One SYN, and what comes of it.
    [[nodiscard]] Seen connect_once(const core::Endpoint& from, const core::Endpoint& to) const {
        const lab::Inside inside(*spaces_[1]);
        const tun::Descriptor socket(::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        const auto own = socket_address(from);
        const auto other = socket_address(to);
        EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0) << std::strerror(errno);
        if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&other), sizeof other) == 0) return Seen::answer;
        pollfd wait{socket.get(), POLLOUT, 0};
        if (::poll(&wait, 1, kPatience_ms) == 0) return Seen::silence;
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        return error == 0 ? Seen::answer : Seen::refusal;
    }

  private:
    void listen_at(std::uint16_t port) {
        listeners_.emplace_back(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in6 any{};
        any.sin6_family = AF_INET6;
        any.sin6_port = htons(port);
        EXPECT_EQ(::bind(listeners_.back().get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
        EXPECT_EQ(::listen(listeners_.back().get(), 16), 0);
    }

    std::vector<std::unique_ptr<lab::NetworkNamespace>> spaces_;
    std::vector<tun::Descriptor> listeners_;
};

/// Why no row can be played here; empty when they can.
const std::string& obstacle() {
    static const std::string kWhy = [] {
        if (::geteuid() != 0) return std::string("not root");
        for (const char* tool : {"ip", "nft"}) {
            if (!host::find_tool(tool)) return std::string(tool) + " is not installed";
        }
        Stage stage;
        return stage.build();
    }();
    return kWhy;
}

/// The walk of a SYN and, when it gets through, of its answer.
core::FilterVerdict predict(const Ruleset& ruleset, const core::Endpoint& from, const core::Endpoint& to) {
    Packet packet = syn(from, to);
    packet.in_interface = "sv0";
    packet.local_addresses = {to.address};
    Walk in = walk(ruleset, packet);
    if (in.verdict.outcome != FilterOutcome::passes && in.verdict.outcome != FilterOutcome::may_be_dropped)
        return in.verdict;
    if (!in.verdict.suspects.empty()) return in.verdict;
    Packet answer = answer_to(in.after);
    answer.out_interface = "sv0";
    return walk(ruleset, answer).verdict;
}

Seen what_the_client_sees(FilterOutcome outcome) {
    switch (outcome) {
        case FilterOutcome::passes:
        case FilterOutcome::answered_by_proxy: return Seen::answer;
        case FilterOutcome::rejected: return Seen::refusal;
        case FilterOutcome::dropped:
        case FilterOutcome::sent_elsewhere:
        case FilterOutcome::may_be_dropped:
        case FilterOutcome::undecided: return Seen::silence;
    }
    return Seen::silence;
}

class Kernel : public testing::TestWithParam<Row> {};

TEST_P(Kernel, DoesWhatTheWalkSays) {
    const Row& row = GetParam();
    if (!obstacle().empty()) {
        std::cout << "SKIP: " << obstacle() << "\n";
        GTEST_SKIP();
    }
    Stage stage;
    ASSERT_EQ(stage.build(), "");
    const lab::Inside inside(stage.server());
    std::vector<std::vector<std::string>> commands;
    if (!row.nft.empty()) commands.push_back({"nft", std::string(row.nft)});
    for (const std::string_view command : row.commands) commands.push_back(words(command));
    for (const auto& command : commands) {
        if (const std::string wrong = run(command); !wrong.empty())
            GTEST_SKIP() << "this kernel cannot load it: " << wrong;
    }

    const auto from = endpoint(row.ipv6 ? kClient6 : kClient4, kClientPort);
    const auto to = endpoint(row.ipv6 ? kServer6 : kServer4, row.port);
    const Ruleset before = read_ruleset(host::read_filter_texts());
    EXPECT_TRUE(before.complaints.empty()) << before.complaints[0];
    const core::FilterVerdict verdict = predict(before, from, to);
    const Seen seen = stage.connect_once(from, to);
    const Ruleset after = read_ruleset(host::read_filter_texts());

    EXPECT_EQ(seen, row.seen) << "the kernel";
    EXPECT_TRUE(verdict.complete);
    if (row.sure) {
        EXPECT_NE(verdict.outcome, FilterOutcome::may_be_dropped);
        EXPECT_EQ(what_the_client_sees(verdict.outcome), seen);
    } else {
        EXPECT_EQ(verdict.outcome, FilterOutcome::may_be_dropped);
    }
    if (row.rule.empty()) {
        EXPECT_TRUE(verdict.suspects.empty()) << verdict.suspects[0].rule.text;
        return;
    }
    ASSERT_EQ(verdict.suspects.size(), 1U);
    const core::FilterSuspect& suspect = verdict.suspects[0];
    EXPECT_NE(suspect.rule.text.find(row.rule), std::string::npos) << suspect.rule.text;
    EXPECT_EQ(suspect.surely, row.sure);
    EXPECT_EQ(suspect.why.empty(), row.sure) << suspect.why;

    const auto moved = movements(before, after);
    if (seen == Seen::answer || !row.counted || suspect.rule.action == core::FilterAction::translate) {
        EXPECT_TRUE(moved.empty() || row.seen != Seen::answer) << moved[0].rule.text;
        return;
    }
    ASSERT_EQ(moved.size(), 1U);
    EXPECT_EQ(moved[0].rule.text, suspect.rule.text);
    EXPECT_EQ(moved[0].rule.handle, suspect.rule.handle);
    EXPECT_EQ(moved[0].packets, 1U);
}

std::string test_name(const testing::TestParamInfo<Row>& info) {
    std::string name;
    for (const char letter : info.param.name)
        name += std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '_';
    return name;
}

INSTANTIATE_TEST_SUITE_P(Rulesets, Kernel, testing::ValuesIn(rows()), test_name);

}  // namespace
}  // namespace synwhy::firewall
