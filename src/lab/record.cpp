#include "lab/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace synwhy::lab {
namespace {

using sim::ReplyKind;
using sim::StepResult;

double seconds(std::int64_t t_ns) { return static_cast<double>(t_ns) / 1e9; }

/// Text is ASCII here: sysctls, addresses, and lines of a script, whose other bytes are UTF-8 that JSON takes as it is.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    return out + '"';
}

/// "10.0.0.1:80", and "fd00::1:80" without brackets, as the measured data has it.
std::string endpoint_text(const core::Endpoint& endpoint) {
    return core::to_string(endpoint.address) + ':' + std::to_string(endpoint.port);
}

std::string flags_text(std::uint8_t flags) {
    constexpr std::string_view kLetters = "FSRPAUEC";
    std::string text;
    for (std::size_t i = 0; i < kLetters.size(); ++i) {
        if ((flags >> i & 1U) != 0) text += kLetters[i];
    }
    return text;
}

std::string segment_fields(const core::Segment& s, std::string_view flow) {
    std::string out = fmt::format(R"("flags":"{}","src":"{}","dst":"{}","seq":{},"ack":{},"win":{},"dlen":{},"ttl":{})",
                                  flags_text(s.flags), endpoint_text(s.source), endpoint_text(s.destination),
                                  s.sequence, s.acknowledgment, s.window, s.payload_length, s.ttl);
    if (!flow.empty()) out += ",\"flow\":" + quoted(flow);
    return out;
}

std::string option_fields(const core::TcpOptions& o) {
    std::string out;
    if (o.has_mss) out += fmt::format(",\"mss\":{}", o.mss);
    if (o.has_sack_permitted) out += ",\"sackok\":1";
    if (o.has_timestamps) out += fmt::format(",\"ts\":[{},{}]", o.ts_value, o.ts_echo);
    if (o.has_window_scale) out += fmt::format(",\"ws\":{}", o.window_scale);
    return out;
}

/// A packet as sent, well-formed or not.
std::string sent_object(const StepResult& result) {
    const auto decoded = core::decode(core::LinkType::raw, result.sent, static_cast<std::uint32_t>(result.sent.size()));
    if (decoded.kind != core::FrameKind::tcp && decoded.kind != core::FrameKind::tcp_malformed) {
        return fmt::format("{{\"short\":{}}}", result.sent.size());
    }
    return '{' + segment_fields(decoded.segment, result.sent_flow) + option_fields(decoded.segment.options) + '}';
}

std::string kind_text(const sim::Reply& reply) {
    if (reply.kind == ReplyKind::icmp) return fmt::format("icmp({},{})", reply.icmp_type, reply.icmp_code);
    return std::string(sim::to_string(reply.kind));
}

std::string reply_object(const sim::Reply& reply) {
    std::string out = fmt::format("{{\"t\":{:.4f},", seconds(reply.t_ns));
    if (reply.kind == ReplyKind::icmp) {
        out += fmt::format("\"icmp\":[{},{}]", reply.icmp_type, reply.icmp_code);
    } else if (reply.kind == ReplyKind::other) {
        out += fmt::format("\"len\":{}", reply.bytes.size());
    } else {
        out += segment_fields(reply.segment, reply.flow);
        if (!reply.flow.empty()) out += fmt::format(",\"ack_isn\":{}", reply.ack_isn);
        out += option_fields(reply.segment.options);
        if (reply.seq_iss) out += fmt::format(",\"seq_iss\":{}", *reply.seq_iss);
    }
    return out + ",\"kind\":" + quoted(kind_text(reply)) + '}';
}

std::string verdict_text(const StepResult& result) {
    const auto challenges = result.counters.find("TcpExt.TCPChallengeACK");
    const bool challenged = challenges != result.counters.end() && challenges->second > 0;
    if (result.verdict == "ack" && challenged) return "ack(challenge)";
    if (result.verdict != "icmp") return result.verdict;
    const auto reply = std::ranges::find_if(result.replies, [](const auto& r) { return r.kind == ReplyKind::icmp; });
    return kind_text(*reply);
}

/// Results of calls in the words of the measured data.
std::string result_text(const StepResult& result) {
    const sim::Op op = result.step.op;
    if (op == sim::Op::listen) return result.result == "ok" ? "bind=ok listen=ok" : "bind=Address already in use";
    if (op == sim::Op::accept && result.result == "nothing queued") return "Resource temporarily unavailable";
    if (op == sim::Op::close || op == sim::Op::rstclose || op == sim::Op::shut) {
        return result.result == "ok" ? "0" : "-1 Bad file descriptor";
    }
    return result.result;
}

template <class Map>
std::string number_object(const Map& map) {
    std::string out = "{";
    for (const auto& [name, value] : map) out += fmt::format("{}{}:{}", out.size() > 1 ? "," : "", quoted(name), value);
    return out + '}';
}

std::string text_object(const sim::SysctlValues& values) {
    std::string out = "{";
    for (const auto& [name, value] : values) {
        out += fmt::format("{}{}:{}", out.size() > 1 ? "," : "", quoted(name), quoted(value));
    }
    return out + '}';
}

std::string sockets_object(const sim::Sockets& sockets) {
    std::map<std::string, std::uint64_t> all = sockets.states;
    for (const auto& [port, length] : sockets.accept_queues) all["acceptq:" + std::to_string(port)] = length;
    return number_object(all);
}

std::string watch_fields(const StepResult& result) {
    std::string transitions;
    for (const sim::Transition& t : result.transitions) {
        transitions += fmt::format("{}{{\"t\":{:.3f},\"st\":{}}}", transitions.empty() ? "" : ",", seconds(t.t_ns),
                                   quoted(t.state));
    }
    const bool gone = result.result == "gone";
    const double gone_at = gone ? seconds(result.transitions.back().t_ns) : -1;
    return fmt::format(",\"transitions\":[{}],\"watched_s\":{:.3f},\"gone_at\":{:.3f}", transitions,
                       seconds(result.watched_ns), gone_at);
}

std::string step_object(std::size_t number, const StepResult& result) {
    std::string out = fmt::format("{{\"n\":{},\"t\":{:.4f},\"line\":{},\"op\":\"{}\"", number, seconds(result.began_ns),
                                  quoted(result.step.text), sim::to_string(result.step.op));
    if (!result.sent.empty()) {
        out += fmt::format(",\"sent\":{},\"t_inj\":{:.4f}", sent_object(result), seconds(result.injected_ns));
    }
    const bool watch = result.step.op == sim::Op::watch;
    if (!result.result.empty() && !watch) out += ",\"result\":" + quoted(result_text(result));
    if (result.step.op == sim::Op::set) {
        out += ",\"old\":" + quoted(result.old_value) + ",\"new\":" + quoted(result.new_value);
    }
    if (result.looked || !result.sent.empty()) {
        std::string replies;
        for (const sim::Reply& reply : result.replies) replies += (replies.empty() ? "" : ",") + reply_object(reply);
        out += ",\"rx\":[" + replies + ']';
    }
    if (watch) out += watch_fields(result);
    if (!result.verdict.empty()) out += ",\"verdict\":" + quoted(verdict_text(result));
    if (result.looked) {
        out += ",\"counters\":" + number_object(result.counters) + ",\"socks\":" + sockets_object(result.sockets);
    } else if (!result.sent.empty()) {
        out += ",\"counters\":{}";
    }
    return out + '}';
}

}  // namespace

std::string to_json(const Recording& recording) {
    std::string out = fmt::format(
        "{{\"v\":1,\"tool\":\"synwhy lab\",\"scenario\":{},\"title\":{},\"kernel\":{},\"kernel_version\":{},\"hz\":{},"
        "\"wall_start\":{:.3f},\n\"sysctls_at_start\":{},\n\"steps\":[\n",
        quoted(recording.script.name), quoted(recording.script.title), quoted(recording.kernel.release),
        quoted(recording.kernel.version), recording.kernel.hz, recording.wall_start_s,
        text_object(recording.sysctls_at_start));
    for (std::size_t i = 0; i < recording.steps.size(); ++i) {
        out += (i == 0 ? "" : ",\n") + step_object(i + 1, recording.steps[i]);
    }
    out += fmt::format("\n],\n\"sysctls_at_end\":{},\"duration\":{:.3f}}}\n", text_object(recording.sysctls_at_end),
                       seconds(recording.duration_ns));
    return out;
}

}  // namespace synwhy::lab
