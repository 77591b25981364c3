#include "lab/print.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace synwhy::lab {
namespace {

constexpr std::size_t kTimeColumn = 9;
constexpr std::size_t kMaxStepColumn = 48;

/// Counters of IP and of segments as such move with everything and tell nothing.
bool is_telling(std::string_view counter) {
    return !counter.starts_with("Ip.") && !counter.starts_with("Snmp6.") && counter != "Tcp.InSegs" &&
           counter != "Tcp.OutSegs" && counter != "TcpExt.TCPPureAcks" && counter != "TcpExt.TCPOrigDataSent" &&
           counter != "TcpExt.TCPDelivered" && counter != "TcpExt.TCPHPHits" && counter != "TcpExt.TCPHPAcks";
}

std::string counters_text(const sim::CounterValues& counters) {
    std::string text;
    for (const auto& [name, change] : counters) {
        if (is_telling(name)) text += fmt::format(" {}{:+}", name.substr(name.find('.') + 1), change);
    }
    return text.empty() ? text : text.substr(1);
}

/// What came back, or how a call ended.
std::string answer_text(const sim::StepResult& result) {
    std::string text = result.verdict.empty() ? result.result : result.verdict;
    if (result.verdict.empty()) {
        for (const sim::Reply& reply : result.replies) {
            text += fmt::format("{}{}{}", text.empty() ? "" : " ", sim::to_string(reply.kind),
                                reply.flow.empty() ? "" : '(' + reply.flow + ')');
        }
    }
    for (const auto& [port, length] : result.sockets.accept_queues) {
        if (length != 0) text += fmt::format(" [queue {}: {}]", port, length);
    }
    return text;
}

}  // namespace

std::string step_text(const sim::StepResult& result, std::size_t width) {
    if (result.step.op == sim::Op::desc || result.step.op == sim::Op::needs || result.step.op == sim::Op::only)
        return {};
    const std::size_t column = std::min(kMaxStepColumn, width / 2);
    const std::string answer = answer_text(result);
    const std::string counters = counters_text(result.counters);
    std::string line = fmt::format("{:>{}.3f}  {:<{}}  {}", static_cast<double>(result.began_ns) / 1e9, kTimeColumn - 2,
                                   result.step.text, column, answer);
    if (counters.empty()) return line + '\n';
    if (line.size() + 2 + counters.size() <= width) return line + "  " + counters + '\n';
    return line + '\n' + std::string(kTimeColumn + column + 2, ' ') + counters + '\n';
}

std::string difference_text(const sim::Difference& d, std::string_view reference, std::string_view other) {
    return fmt::format("  step {} (line {}): {}\n    {}: {} says {}, {} says {}\n", d.number, d.line, d.step, d.field,
                       reference, d.expected, other, d.got);
}

}  // namespace synwhy::lab
