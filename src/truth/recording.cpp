#include "truth/recording.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <sstream>

namespace synwhy::truth {

namespace {

using core::Endpoint;
using core::Segment;
using nlohmann::json;

std::optional<Endpoint> parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto address = core::parse_address(text.substr(0, colon));
    unsigned port = 0;
    const auto digits = text.substr(colon + 1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (!address || parsed.ec != std::errc{} || port > 65535) return std::nullopt;
    return Endpoint{*address, static_cast<std::uint16_t>(port)};
}

std::uint8_t parse_flags(std::string_view text) {
    constexpr std::string_view kLetters = "FSRPAUEC";
    std::uint8_t flags = 0;
    for (const char letter : text) {
        const auto bit = kLetters.find(letter);
        if (bit != std::string_view::npos) flags = static_cast<std::uint8_t>(flags | 1U << bit);
    }
    return flags;
}

template <class T>
T number(const json& from, const char* name) {
    const auto found = from.find(name);
    return found != from.end() && found->is_number() ? found->get<T>() : T{};
}

std::string text(const json& from, const char* name) {
    const auto found = from.find(name);
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// nullopt when it is no TCP segment with two endpoints.
std::optional<Segment> parse_segment(const json& from) {
    const auto source = parse_endpoint(text(from, "src"));
    const auto destination = parse_endpoint(text(from, "dst"));
    if (!source || !destination || !from.contains("flags")) return std::nullopt;
    Segment s;
    s.source = *source;
    s.destination = *destination;
    s.flags = parse_flags(text(from, "flags"));
    s.sequence = number<std::uint32_t>(from, "seq");
    s.acknowledgment = number<std::uint32_t>(from, "ack");
    s.window = number<std::uint16_t>(from, "win");
    s.payload_length = number<std::uint32_t>(from, "dlen");
    s.ttl = number<std::uint8_t>(from, "ttl");
    s.options.has_mss = from.contains("mss");
    s.options.mss = number<std::uint16_t>(from, "mss");
    s.options.has_window_scale = from.contains("ws");
    s.options.window_scale = number<std::uint8_t>(from, "ws");
    s.options.has_sack_permitted = from.contains("sackok");
    const auto ts = from.find("ts");
    if (ts != from.end() && ts->is_array() && ts->size() == 2) {
        s.options.has_timestamps = true;
        s.options.ts_value = (*ts)[0].get<std::uint32_t>();
        s.options.ts_echo = (*ts)[1].get<std::uint32_t>();
    }
    return s;
}

std::map<std::string, std::int64_t> parse_counts(const json& from) {
    std::map<std::string, std::int64_t> counts;
    for (const auto& [name, value] : from.items()) {
        if (value.is_number()) counts[name] = value.get<std::int64_t>();
    }
    return counts;
}

/// A moment or a length in seconds; an experiment of more than a hundred days is no experiment.
double seconds(const json& from, const char* name) {
    constexpr double kMost_s = 1e7;
    const auto value = number<double>(from, name);
    return value >= -kMost_s && value <= kMost_s ? value : 0;
}

Sent parse_sent(const json& from) {
    Sent sent;
    sent.t = seconds(from, "t");
    sent.kind = text(from, "kind");
    if (const auto segment = parse_segment(from)) {
        sent.is_tcp = true;
        sent.segment = *segment;
    }
    return sent;
}

void split_line(Step& step) {
    std::istringstream words(step.line);
    for (std::string word; words >> word;) {
        const auto equals = word.find('=');
        if (equals != std::string::npos) step.keys[word.substr(0, equals)] = word.substr(equals + 1);
        step.words.push_back(std::move(word));
    }
}

Step parse_step(const json& from) {
    Step step;
    step.number = number<int>(from, "n");
    step.t = seconds(from, "t");
    step.line = text(from, "line");
    step.op = text(from, "op");
    split_line(step);
    if (const auto sent = from.find("sent"); sent != from.end()) step.injected = parse_segment(*sent);
    step.t_injected = from.contains("t_inj") ? seconds(from, "t_inj") : step.t;
    step.write_failed = from.contains("write_err");
    if (const auto rx = from.find("rx"); rx != from.end()) {
        for (const json& packet : *rx) step.received.push_back(parse_sent(packet));
    }
    step.verdict = text(from, "verdict");
    if (const auto c = from.find("counters"); c != from.end()) step.counters = parse_counts(*c);
    if (const auto s = from.find("socks"); s != from.end()) step.sockets = parse_counts(*s);
    step.result = text(from, "result");
    step.text = text(from, "text");
    step.gone_at = from.contains("gone_at") ? seconds(from, "gone_at") : -1;
    step.watched_s = seconds(from, "watched_s");
    return step;
}

}  // namespace

bool Step::has_word(std::string_view word) const { return std::ranges::find(words, word) != words.end(); }

std::string_view Step::key(const std::string& name) const {
    const auto found = keys.find(name);
    return found == keys.end() ? std::string_view{} : found->second;
}

std::expected<Recording, core::Error> parse_recording(std::string_view document, const std::string& name) {
    json root;
    try {
        root = json::parse(document);
    } catch (const json::parse_error& error) {
        return std::unexpected(core::Error{"not a recorded experiment: " + std::string(error.what()),
                                           name + ": offset " + std::to_string(error.byte),
                                           {}});
    }
    if (!root.is_object() || !root.contains("steps") || !root["steps"].is_array() || !root.contains("kernel")) {
        return std::unexpected(core::Error{"not a recorded experiment: no \"kernel\" and \"steps\"", name, {}});
    }
    try {
        Recording r;
        r.scenario = text(root, "scenario");
        r.kernel = text(root, "kernel");
        r.kernel_version = text(root, "kernel_version");
        r.hz = std::clamp(number<int>(root, "hz"), 1, 10'000);
        constexpr double kLatest_s = 4e9;  // the year 2096
        r.wall_start_s = std::clamp(number<double>(root, "wall_start"), 0.0, kLatest_s);
        r.duration_s = seconds(root, "duration");
        if (const auto sysctls = root.find("sysctls_at_start"); sysctls != root.end()) {
            for (const auto& [key, value] : sysctls->items()) {
                if (value.is_string()) r.sysctls[key] = value.get<std::string>();
            }
        }
        for (const json& step : root["steps"]) r.steps.push_back(parse_step(step));
        return r;
    } catch (const json::exception& error) {
        return std::unexpected(core::Error{
            "a recorded experiment with a field of the wrong kind: " + std::string(error.what()), name, {}});
    }
}

}  // namespace synwhy::truth
