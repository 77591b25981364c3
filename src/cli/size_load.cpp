#include "cli/size_load.hpp"
#include "cli/number.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "cli/reading.hpp"
#include "cli/talk.hpp"
#include "core/sysctl_history.hpp"
#include "emit/text.hpp"
#include "host/sysctl_text.hpp"
#include "host/text_file.hpp"
#include "model/settings.hpp"
#include "sim/fields.hpp"
#include "size/arrivals.hpp"

namespace synwhy::cli {
namespace {

constexpr std::size_t kMaxArrivalBytes = 512U << 20U;
constexpr std::int64_t kMaxPause_ns = 3'600'000'000'000;
constexpr std::int64_t kMaxRtt_ns = 60'000'000'000;
constexpr std::size_t kMaxRtts = 100'000;  ///< of a capture, the first ones

std::unexpected<Refusal> refuse(const std::string& what) {
    complain("size: " + what);
    return std::unexpected(ExitCode::usage);
}

std::unexpected<Refusal> fail(const core::Error& error) {
    complain(core::to_string(error));
    return std::unexpected(ExitCode::could_not_look);
}

std::expected<sim::Distribution, Refusal> distribution(const char* option, const std::string& text) {
    if (text.empty()) return sim::Distribution{};
    const auto parsed = parse_distribution(text);
    if (parsed && std::max(parsed->low, parsed->high) <= kMaxPause_ns) return *parsed;
    return refuse(std::string(option) + ": '" + text +
                  "' is no time up to an hour like \"50ms\", \"exp:50ms\", \"20ms-80ms\"");
}

std::expected<std::int64_t, Refusal> duration(const char* option, const std::string& text, std::int64_t fallback_ns) {
    if (text.empty()) return fallback_ns;
    const auto parsed = sim::parse_duration(text);
    if (parsed && *parsed >= 0 && *parsed <= kMaxRtt_ns) return *parsed;
    return refuse(std::string(option) + ": '" + text + "' is no time up to 60 s, for example \"30ms\"");
}

std::expected<std::vector<sim::SysctlSetting>, Refusal> sysctls_of(const SizeCommand& options,
                                                                   const core::Kernel& kernel) {
    std::vector<sim::SysctlSetting> settings;
    for (const std::string& assignment : options.sysctls) {
        const auto parsed = host::parse_sysctl_assignment(assignment);
        if (!parsed) return refuse("--sysctl: " + core::to_string(parsed.error()));
        model::Settings probe = model::Settings::defaults_of(kernel);
        switch (probe.set(parsed->first, parsed->second, kernel)) {
            case model::Settings::SetResult::ok: break;
            case model::Settings::SetResult::absent: return refuse("this kernel has no " + parsed->first);
            case model::Settings::SetResult::not_modelled: return refuse(parsed->first + " changes nothing here");
        }
        settings.push_back({parsed->first, parsed->second});
    }
    return settings;
}

/// The server endpoint that is asked for, or the one with most attempts.
std::expected<core::Endpoint, Refusal> endpoint_of(const SizeCommand& options, const capture::Fold& fold) {
    std::map<core::Endpoint, std::size_t> attempts;
    for (const capture::Handshake& handshake : fold.handshakes()) {
        if (!handshake.syns.empty()) ++attempts[handshake.tuple.server];
    }
    if (attempts.empty()) {
        complain(options.capture + ": holds no SYN");
        return std::unexpected(ExitCode::could_not_look);
    }
    if (options.server.empty()) {
        return std::ranges::max_element(attempts, {}, [](const auto& entry) { return entry.second; })->first;
    }
    for (const auto& [endpoint, count] : attempts) {
        if (core::to_string(endpoint) == options.server) return endpoint;
    }
    complain("--server: '" + options.server + "' is no server ADDRESS:PORT of " + options.capture);
    return std::unexpected(ExitCode::usage);
}

struct Measured {
    std::vector<std::int64_t> arrivals_ns{};
    std::vector<std::int64_t> rtts_ns{};  ///< SYN+ACK to ACK, as the server sees it
};

void measure(const capture::Handshake& handshake, Measured& measured) {
    measured.arrivals_ns.push_back(handshake.syns.front().time_ns);
    const auto synack = std::ranges::find(handshake.replies, capture::ReplyKind::synack, &capture::Reply::kind);
    const bool once = std::ranges::count(handshake.replies, capture::ReplyKind::synack, &capture::Reply::kind) == 1;
    if (!once || !handshake.client_established() || measured.rtts_ns.size() >= kMaxRtts) return;
    const std::int64_t rtt_ns = handshake.final_ack_ns - synack->time_ns;
    if (rtt_ns >= 0 && rtt_ns <= kMaxRtt_ns) measured.rtts_ns.push_back(rtt_ns);
}

std::expected<void, Refusal> read_capture(const SizeCommand& options, ListenerLoad& load) {
    auto reading = read_captures({options.capture}, {});
    if (!reading) return fail(reading.error());
    for (const core::Error& error : reading->errors) complain(core::to_string(error));
    const auto endpoint = endpoint_of(options, reading->fold);
    if (!endpoint) return std::unexpected(endpoint.error());
    Measured measured;
    for (const capture::Handshake& handshake : reading->fold.handshakes()) {
        if (handshake.tuple.server == *endpoint && !handshake.syns.empty()) measure(handshake, measured);
    }
    const std::string name = options.capture + ", " + core::to_string(*endpoint);
    load.sources.push_back(name + ": " + emit::counted(measured.arrivals_ns.size(), "connection attempt"));
    auto arrivals = size::from_first(std::move(measured.arrivals_ns), name);
    if (!arrivals) return fail(arrivals.error());
    load.question.arrivals_ns = *std::move(arrivals);
    if (!options.rtt.empty() || measured.rtts_ns.empty()) return {};
    const auto middle = measured.rtts_ns.begin() + static_cast<std::ptrdiff_t>(measured.rtts_ns.size() / 2);
    std::ranges::nth_element(measured.rtts_ns, middle);
    load.question.rtt_ns = *middle;
    load.sources.push_back("round trip " + std::to_string(*middle / 1000) + " us, median from SYN+ACK to ACK");
    return {};
}

std::expected<void, Refusal> read_arrivals(const SizeCommand& options, ListenerLoad& load) {
    const std::string path = options.arrivals == "-" ? "/dev/stdin" : options.arrivals;
    const auto text = host::read_text_file(path, host::FileKind::any, kMaxArrivalBytes);
    if (!text) return fail(text.error());
    auto arrivals = size::parse_arrivals(*text, options.arrivals);
    if (!arrivals) return fail(arrivals.error());
    load.question.arrivals_ns = *std::move(arrivals);
    load.sources.push_back(options.arrivals + ": " + emit::counted(load.question.arrivals_ns.size(), "arrival"));
    return {};
}

}  // namespace

std::optional<sim::Distribution> parse_distribution(std::string_view text) {
    constexpr std::string_view kMean = "exp:";
    using Kind = sim::Distribution::Kind;
    if (text.starts_with(kMean)) {
        const auto mean = sim::parse_duration(text.substr(kMean.size()));
        if (!mean) return std::nullopt;
        return sim::Distribution{.kind = Kind::exponential, .low = *mean};
    }
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) {
        const auto value = sim::parse_duration(text);
        if (!value) return std::nullopt;
        return sim::Distribution{.kind = Kind::constant, .low = *value};
    }
    const auto low = sim::parse_duration(text.substr(0, dash));
    const auto high = sim::parse_duration(text.substr(dash + 1));
    if (!low || !high || *low > *high) return std::nullopt;
    return sim::Distribution{.kind = Kind::uniform, .low = *low, .high = *high};
}

std::expected<ListenerLoad, Refusal> listener_question(const SizeCommand& options, core::Kernel kernel) {
    ListenerLoad load;
    size::ListenerQuestion& question = load.question;
    auto sysctls = sysctls_of(options, kernel);
    if (!sysctls) return std::unexpected(sysctls.error());
    question.sysctls = *std::move(sysctls);
    question.kernel = std::move(kernel);
    question.target = options.target;
    question.seed = options.seed;
    question.connections = options.connections;
    question.backlog_now = options.backlog;
    const auto accept = distribution("--accept-time", options.accept_time);
    const auto gap = distribution("--accept-gap", options.accept_gap);
    const auto every = distribution("--gap-every", options.gap_every);
    if (!accept || !gap || !every) return std::unexpected(ExitCode::usage);
    question.application.accept_interval = *accept;
    if (!options.accept_gap.empty()) {
        if (every->low <= 0) return refuse("--gap-every must be more than nothing");
        question.application.stall_length = *gap;
        question.application.stall_every = *every;
    }
    const auto rtt = duration("--rtt", options.rtt, question.rtt_ns);
    if (!rtt) return std::unexpected(rtt.error());
    question.rtt_ns = *rtt;
    if (options.rate) question.rate = *options.rate;
    std::expected<void, Refusal> read;
    if (!options.capture.empty()) read = read_capture(options, load);
    if (!options.arrivals.empty()) read = read_arrivals(options, load);
    if (!read) return std::unexpected(read.error());
    return load;
}

std::expected<size::ClientQuestion, Refusal> client_question(const SizeCommand& options, core::Kernel kernel) {
    size::ClientQuestion question;
    auto sysctls = sysctls_of(options, kernel);
    if (!sysctls) return std::unexpected(sysctls.error());
    question.sysctls = *std::move(sysctls);
    const model::Settings defaults = model::Settings::defaults_of(kernel);
    question.port_low = static_cast<std::uint32_t>(defaults.local_port_low);
    question.port_high = static_cast<std::uint32_t>(defaults.local_port_high);
    if (!options.ports.empty()) {
        const auto dash = std::min(options.ports.find('-'), options.ports.size() - 1);
        const auto low = number_of<std::uint16_t>(std::string_view(options.ports).substr(0, dash));
        const auto high = number_of<std::uint16_t>(std::string_view(options.ports).substr(dash + 1));
        if (!low || !high || *low == 0 || *low > *high) {
            return refuse("--ports: '" + options.ports + "' is no range of ports like 32768-60999");
        }
        question.port_low = *low;
        question.port_high = *high;
    }
    const auto rtt = duration("--rtt", options.rtt, question.rtt_ns);
    const auto hold = duration("--hold", options.hold, 0);
    if (!rtt || !hold) return std::unexpected(ExitCode::usage);
    question.rtt_ns = *rtt;
    question.hold_ns = *hold;
    question.kernel = std::move(kernel);
    question.rate = *options.rate;
    question.destinations = options.destinations;
    question.tw_reuse = options.tw_reuse;
    question.closer = options.close_first == "client" ? sim::Closer::client : sim::Closer::server;
    question.seed = options.seed;
    question.connections = options.connections;
    return question;
}

}  // namespace synwhy::cli
