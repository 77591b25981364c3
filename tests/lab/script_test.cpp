// The language of scripts: what is accepted, what is refused with which place, and what the steps do in the model.
#include "sim/script.hpp"

#include <gtest/gtest.h>

#include "core/packet.hpp"
#include "lab/record.hpp"
#include "lab/scripts.hpp"
#include "sim/crafted.hpp"
#include "sim/model_engine.hpp"

namespace {

using namespace synwhy;

std::vector<sim::ScriptStep> lines(std::initializer_list<const char*> texts) {
    std::vector<sim::ScriptStep> steps;
    for (const char* text : texts) steps.push_back({text, static_cast<int>(steps.size()) + 1, 1});
    return steps;
}

std::string error_of(std::initializer_list<const char*> texts) {
    const auto steps = sim::parse_script(lines(texts), "x.toml");
    return steps ? "no error" : to_string(steps.error());
}

std::vector<sim::StepResult> play(std::string_view release, std::initializer_list<const char*> texts) {
    const auto steps = sim::parse_script(lines(texts), "x.toml");
    if (!steps) throw std::runtime_error(to_string(steps.error()));
    model::ServerConfig config;
    config.kernel = *core::resolve_kernel(release);
    config.settings = model::Settings::defaults_of(config.kernel);
    sim::ModelEngine engine(config, {});
    auto results = sim::run_script(*steps, "x.toml", engine, {});
    if (!results) throw std::runtime_error(to_string(results.error()));
    return *std::move(results);
}

std::string verdicts(const std::vector<sim::StepResult>& results) {
    std::string text;
    for (const auto& result : results) {
        if (!result.verdict.empty()) text += (text.empty() ? "" : " ") + result.verdict;
    }
    return text;
}

TEST(Script, LoopsAndExpressions) {
    const auto steps = sim::parse_script(
        lines({"repeat i 1 2", "repeat j 0 1", "syn A{i*10+j} sport={40000+i}", "end", "end  # both", "  "}), "x");
    ASSERT_TRUE(steps);
    ASSERT_EQ(steps->size(), 4U);
    EXPECT_EQ(steps->at(3).text, "syn A21 sport=40002");
    EXPECT_EQ(steps->at(3).line, 3U);
}

TEST(Script, ErrorsNameThePlace) {
    EXPECT_EQ(error_of({"listen L", "sin A"}), "x.toml:2:1: unknown step 'sin'");
    EXPECT_EQ(error_of({"syn A sport=70000"}), "x.toml:1:13: 'sport=70000': must be a number from 0 to 65535");
    EXPECT_EQ(error_of({"syn A speed=1"}), "x.toml:1:7: 'syn' does not know 'speed='");
    EXPECT_EQ(error_of({"syn A src=1.2.3"}), "x.toml:1:11: 'src=1.2.3': must be an IPv4 or IPv6 address");
    EXPECT_EQ(error_of({"syn A opts=0"}), "x.toml:1:12: 'opts=0': must be an even number of hex digits");
    EXPECT_EQ(error_of({"syn A ts=1 ts=2"}), "x.toml:1:12: 'ts=' is given twice");
    EXPECT_EQ(error_of({"wait -1"}), "x.toml:1:6: '-1': milliseconds from 0 to 300000");
    EXPECT_EQ(error_of({"repeat i 1 2", "syn A"}), "x.toml:1:1: repeat without end");
    EXPECT_EQ(error_of({"syn A{k}"}), "x.toml:1:6: 'k' is no value");
    EXPECT_EQ(error_of({"syn A{4/0}"}), "x.toml:1:6: division by zero");
    EXPECT_EQ(error_of({"set kernel.panic 1"}), "x.toml:1:5: 'kernel.panic' is no sysctl of the network (net....)");
    EXPECT_EQ(error_of({"set net.ipv4/../../kernel 1"}),
              "x.toml:1:5: 'net.ipv4/../../kernel' is no sysctl of the network (net....)");
    EXPECT_EQ(error_of({"accept"}), "x.toml:1:1: 'accept' needs 1 name(s)");
}

TEST(Script, LoopsAreBounded) {
    EXPECT_EQ(error_of({"repeat i 1 30000", "syn A", "end"}), "x.toml:1:12: more than 20000 rounds");
    EXPECT_EQ(error_of({"repeat i 1 1000", "repeat j 1 1000", "end", "end"}),
              "x.toml:2:1: more than 100000 rounds in all");
    EXPECT_EQ(error_of({"repeat i 1 200", "repeat j 1 200", "wait 0", "end", "end"}),
              "x.toml:3: more than 20000 steps");
}

TEST(Script, AnAcceptQueueFills) {
    const auto results = play("6.18.44", {"set net.ipv4.tcp_syncookies 0", "listen L backlog=0", "syn A src=192.0.2.1",
                                          "ack A", "syn B src=192.0.2.2", "accept L as=C", "syn B src=192.0.2.2"});
    EXPECT_EQ(verdicts(results), "synack none none synack");
    EXPECT_EQ(results[3].sockets.accept_queues.at(80), 1U);
    EXPECT_EQ(results[4].counters.at("TcpExt.ListenDrops"), 1);
    EXPECT_EQ(results[5].result, "accepted 192.0.2.1:40000");
}

TEST(Script, RecycleRefusesAnOlderTimestampUntil411) {
    const auto steps = {"set net.ipv4.tcp_tw_recycle 1",
                        "listen L",
                        "syn A ts=1000000000",
                        "ack A",
                        "accept L as=C",
                        "close C",
                        "ack A",
                        "fin A",
                        "syn B sport=40001 ts=5000"};
    EXPECT_TRUE(verdicts(play("3.10.105", steps)).ends_with(" none"));
    EXPECT_TRUE(verdicts(play("6.1", steps)).ends_with(" synack"));
}

TEST(Script, SequenceNumbersFollowTheConnection) {
    const auto results = play("6.1", {"listen L", "syn A isn=1000", "ack A", "accept L as=C", "data A len=10", "read C",
                                      "write C len=7", "ack A", "seg A flags=A seq=@5 ack=@1", "close C"});
    ASSERT_EQ(results[4].verdict, "ack");
    EXPECT_EQ(results[4].replies[0].ack_isn, 11);
    EXPECT_EQ(results[5].result, "10");
    ASSERT_EQ(results[6].replies.size(), 1U);
    EXPECT_EQ(results[6].replies[0].seq_iss, 1);
    const auto sent = core::decode(core::LinkType::raw, results[8].sent, 60).segment;
    EXPECT_EQ(sent.sequence, 1005U);
    ASSERT_EQ(results[9].replies.size(), 1U);
    EXPECT_EQ(results[9].replies[0].kind, sim::ReplyKind::fin);
}

TEST(Script, TheIpv6TwinIsAnIpv6Script) {
    const auto steps = sim::parse_script(lines({"listen L", "syn A src=198.51.100.1", "syn B"}), "x");
    ASSERT_TRUE(steps);
    const auto twin = sim::ipv6_twin(*steps);
    EXPECT_EQ(twin[0].text, "listen L v6");
    EXPECT_EQ(twin[1].text, "syn A src=2001:db8::c633:6401");
    EXPECT_EQ(twin[2].text, "syn B src=2001:db8::c633:6407");
    EXPECT_EQ(core::to_string(sim::ipv6_twin(*core::parse_address("10.0.0.77"))), "fd00::4d");
}

TEST(Script, DifferencesAreFound) {
    const auto old_kernel =
        play("3.10.105", {"listen L", "syn A", "ack A", "accept L as=C", "like N A", "syn N isn=9"});
    const auto new_kernel = play("6.1", {"listen L", "syn A", "ack A", "accept L as=C", "like N A", "syn N isn=9"});
    const sim::CounterValues counted{{"TcpExt.TCPChallengeACK", 0}};
    EXPECT_TRUE(sim::compare_results(new_kernel, counted, new_kernel, counted).empty());
    const auto differences = sim::compare_results(new_kernel, counted, old_kernel, counted);
    ASSERT_FALSE(differences.empty());
    const auto& verdict = differences.front();
    EXPECT_EQ(verdict.field + ' ' + verdict.expected + ' ' + verdict.got, "verdict ack none");
    EXPECT_EQ(verdict.number, 6U);
}

TEST(Crafted, FaultsAreSeenByTheReceiver) {
    sim::Crafted syn;
    syn.segment.source = {*core::parse_address("192.0.2.1"), 4000};
    syn.segment.destination = {*core::parse_address("10.0.0.1"), 80};
    syn.segment.flags = core::tcp_flag::syn;
    const auto seen = [](const sim::Crafted& crafted) { return sim::read_arrival(sim::write_packet(crafted)); };
    const auto plain = seen(syn);
    ASSERT_TRUE(plain);
    EXPECT_FALSE(plain->arrival.tcp_checksum_bad || plain->arrival.ip_checksum_bad || plain->arrival.tcp_header_bad);

    const auto with = [&](auto change) {
        sim::Crafted crafted = syn;
        change(crafted);
        return seen(crafted).value_or(sim::Arrived{}).arrival;
    };
    EXPECT_TRUE(with([](auto& c) { c.tcp_checksum_bad = true; }).tcp_checksum_bad);
    EXPECT_TRUE(with([](auto& c) { c.ip_checksum_bad = true; }).ip_checksum_bad);
    EXPECT_TRUE(with([](auto& c) { c.data_offset = 4; }).tcp_header_bad);
    EXPECT_TRUE(with([](auto& c) { c.data_offset = 15; }).tcp_header_beyond);
    EXPECT_TRUE(with([](auto& c) { c.ip_header_words = 4; }).ip_header_bad);
    EXPECT_TRUE(with([](auto& c) { c.truncate_to = 30; }).ip_truncated);
    EXPECT_TRUE(with([](auto& c) { c.ip_options = {131, 7, 4, 198, 51, 100, 1}; }).ip_source_route);
    sim::Crafted fragment = syn;
    fragment.fragment = 0x2000;
    EXPECT_FALSE(seen(fragment));
}

TEST(Library, EveryScriptParsesAndRunsInTheModel) {
    const auto scripts = lab::library_scripts();
    ASSERT_TRUE(scripts) << to_string(scripts.error());
    EXPECT_GT(scripts->size(), 80U);
    model::ServerConfig config;
    config.kernel = *core::resolve_kernel("6.18.44");
    config.settings = model::Settings::defaults_of(config.kernel);
    for (const lab::Script& script : *scripts) {
        sim::ModelEngine engine(config, {});
        const auto results = sim::run_script(script.steps, script.name, engine, {});
        ASSERT_TRUE(results) << script.name << ": " << to_string(results.error());
        EXPECT_EQ(results->size(), script.steps.size());
        EXPECT_FALSE(script.title.empty()) << script.name;
        EXPECT_LT(script.demands.duration_ms, 15'000) << script.name;
    }
}

}  // namespace
