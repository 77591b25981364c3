#include "size/client.hpp"

#include <algorithm>

#include "core/version.hpp"
#include "model/settings.hpp"
#include "sim/world.hpp"

namespace synwhy::size {
namespace {

constexpr double kSecond_ns = 1e9;
constexpr double kCycles = 4;    ///< TIME_WAITs that a run lasts
constexpr double kBeyond = 1.5;  ///< times the ceiling, for the saturated run
constexpr double kShortest_s = 20;

struct ReuseRule {
    double blocked_s;
    std::string text;
};

/// net/ipv4/tcp_ipv4.c:tcp_twsk_unique @ 2.6.32, 4.19, 6.14
ReuseRule reuse_rule(const core::Kernel& kernel) {
    if (core::since(kernel, 6, 14)) {
        const int delay_ms = model::Settings::defaults_of(kernel).tw_reuse_delay_ms;
        return {delay_ms / 1000.0, "after net.ipv4.tcp_tw_reuse_delay (" + std::to_string(delay_ms) + " ms)"};
    }
    if (core::since(kernel, 4, 19)) return {1, "from the next whole second on"};
    return {2, "after more than one whole second, 2 s at most"};
}

core::Address ipv4(std::uint8_t last) {
    const std::uint8_t bytes[4] = {10, 0, 0, last};
    return core::Address::from_ipv4(bytes);
}

ClientTrial simulate(const ClientQuestion& question, double rate, double blocked_s) {
    ClientTrial trial{.rate = rate};
    const double wanted_s = std::max(kShortest_s, kCycles * blocked_s);
    trial.seconds = std::min(wanted_s, static_cast<double>(question.connections) / rate);
    trial.steady = trial.seconds > blocked_s;
    sim::Scenario scenario;
    scenario.name = "size";
    scenario.seed = question.seed;
    scenario.duration_ns = static_cast<std::int64_t>(trial.seconds * kSecond_ns);
    sim::ServerPlan server{.kernel = question.kernel.release.text, .address = ipv4(1)};
    server.sysctls.push_back({"net.core.somaxconn", "65535"});
    sim::ListenerPlan listener{.backlog = 65535};
    listener.application.request_bytes = {.low = 100};
    listener.application.response_bytes = {.low = 100};
    listener.application.service_time = {.low = question.hold_ns};
    listener.application.closer = question.closer;
    server.listeners.push_back(listener);
    scenario.servers.push_back(std::move(server));

    sim::ClientGroup client{.kernel = question.kernel.release.text, .addresses = {ipv4(2)}};
    client.sysctls = question.sysctls;
    client.sysctls.push_back(
        {"net.ipv4.ip_local_port_range", std::to_string(question.port_low) + ' ' + std::to_string(question.port_high)});
    client.sysctls.push_back({"net.ipv4.tcp_tw_reuse", question.tw_reuse ? "1" : "0"});
    client.arrivals_of_group = true;
    client.arrival_interval = {.kind = sim::Distribution::Kind::exponential,
                               .low = std::max<std::int64_t>(1, static_cast<std::int64_t>(kSecond_ns / rate))};
    client.closer = question.closer;
    client.closer_given = true;
    scenario.clients.push_back(std::move(client));
    scenario.links.push_back({.delay_ns = question.rtt_ns / 2});

    const sim::Result result = sim::run(scenario);
    trial.attempts = result.attempts.total;
    trial.no_port = result.attempts.ended(sim::Ending::no_port);
    trial.reused = result.ports_reused;
    for (const sim::ClientSample& sample : result.client_samples) {
        trial.most_waiting = std::max(trial.most_waiting, sample.waiting);
    }
    return trial;
}

}  // namespace

double ClientAnswer::measured_ceiling(std::uint32_t destinations) const {
    if (!saturated || saturated->seconds <= 0) return 0;
    return static_cast<double>(saturated->attempts - saturated->no_port) / saturated->seconds * destinations;
}

ClientAnswer size_client(const ClientQuestion& question) {
    ClientAnswer answer;
    const ReuseRule rule = reuse_rule(question.kernel);
    const bool client_closes = question.closer == sim::Closer::client;
    answer.ports = question.port_high - question.port_low + 1;
    answer.reuse_rule = rule.text;
    answer.blocked_s = !client_closes ? 0 : question.tw_reuse ? rule.blocked_s : kTimeWait_s;
    // SYN to SYN+ACK, request to response, FIN to FIN.
    answer.open_s = static_cast<double>(question.hold_ns + (client_closes ? 3 : 2) * question.rtt_ns) / kSecond_ns;
    const double cycle_s = std::max(1e-6, answer.blocked_s + answer.open_s);
    answer.ceiling = answer.ports / cycle_s * question.destinations;
    const double rate = question.rate / question.destinations;
    answer.ports_needed = rate * cycle_s;
    answer.time_wait = client_closes ? std::min(question.rate, answer.ceiling) * kTimeWait_s : 0;
    if (question.tw_reuse) {
        answer.time_wait = std::min(answer.time_wait, static_cast<double>(answer.ports) * question.destinations);
    }
    answer.max_tw_buckets = model::Settings::defaults_of(question.kernel).max_tw_buckets;
    answer.asked = simulate(question, rate, answer.blocked_s);
    if (answer.blocked_s >= kTimeWait_s) {
        answer.saturated = simulate(question, kBeyond * answer.ceiling / question.destinations, answer.blocked_s);
    }
    answer.enough = answer.ceiling >= question.rate && answer.asked.no_port == 0;
    return answer;
}

}  // namespace synwhy::size
