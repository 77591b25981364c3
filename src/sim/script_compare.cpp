// Do two engines agree about a script?
#include <algorithm>
#include <set>

#include "sim/script.hpp"

namespace synwhy::sim {
namespace {

using Differences = std::vector<Difference>;

/// Collects what differs in one step.
class StepComparison {
  public:
    StepComparison(std::size_t number, const Step& step, Differences& differences)
        : number_(number), step_(step), differences_(differences) {}

    void check(std::string field, std::string expected, std::string got) {
        if (expected == got) return;
        differences_.push_back(
            {number_, step_.line, step_.text, std::move(field), std::move(expected), std::move(got)});
    }
    void check(std::string field, std::int64_t expected, std::int64_t got) {
        check(std::move(field), std::to_string(expected), std::to_string(got));
    }

  private:
    std::size_t number_;
    const Step& step_;
    Differences& differences_;
};

/// The options of a reply: what is there, and the values that are not random.
std::string options_text(const core::TcpOptions& o) {
    std::string text;
    if (o.has_mss) text += " mss=" + std::to_string(o.mss);
    if (o.has_sack_permitted) text += " sackok";
    if (o.has_window_scale) text += " ws=" + std::to_string(o.window_scale);
    if (o.has_timestamps) text += " tsecr=" + std::to_string(o.ts_echo);
    return text.empty() ? "none" : text.substr(1);
}

/// Replies of different flows within a waiting step come in any order.
std::vector<const Reply*> ordered(const StepResult& result) {
    std::vector<const Reply*> replies;
    for (const Reply& reply : result.replies) replies.push_back(&reply);
    std::ranges::stable_sort(replies, {}, [](const Reply* reply) { return reply->flow; });
    return replies;
}

std::string kinds_of(const std::vector<const Reply*>& replies) {
    std::string text;
    for (const Reply* reply : replies) {
        if (!text.empty()) text += '+';
        text += to_string(reply->kind);
        if (!reply->flow.empty()) text += '(' + reply->flow + ')';
    }
    return text.empty() ? "none" : text;
}

void compare_replies(const StepResult& reference, const StepResult& other, StepComparison& step) {
    const auto expected = ordered(reference);
    const auto got = ordered(other);
    const std::string kinds = kinds_of(expected);
    step.check("replies", kinds, kinds_of(got));
    if (kinds != kinds_of(got)) return;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const Reply& a = *expected[i];
        const Reply& b = *got[i];
        if (a.kind == ReplyKind::icmp || a.kind == ReplyKind::other) continue;
        const std::string name = "reply " + std::to_string(i + 1) + ' ';
        const bool has_ack = (a.segment.flags & core::tcp_flag::ack) != 0;
        step.check(name + "flags", a.segment.flags, b.segment.flags);
        if (has_ack) step.check(name + "ack", a.ack_isn, b.ack_isn);
        if (a.seq_iss && b.seq_iss) step.check(name + "seq", *a.seq_iss, *b.seq_iss);
        step.check(name + "length", a.segment.payload_length, b.segment.payload_length);
        step.check(name + "options", options_text(a.segment.options), options_text(b.segment.options));
    }
}

void compare_sockets(const Sockets& reference, const Sockets& other, StepComparison& step) {
    for (const auto& [port, length] : reference.accept_queues) {
        const auto found = other.accept_queues.find(port);
        step.check("accept queue " + std::to_string(port), std::to_string(length),
                   found == other.accept_queues.end() ? "no listener" : std::to_string(found->second));
    }
    std::set<std::string> states;
    for (const auto& [state, count] : reference.states) states.insert(state);
    for (const auto& [state, count] : other.states) states.insert(state);
    const auto count_of = [](const Sockets& sockets, const std::string& state) {
        const auto found = sockets.states.find(state);
        return found == sockets.states.end() ? 0 : static_cast<std::int64_t>(found->second);
    };
    for (const std::string& state : states) step.check(state, count_of(reference, state), count_of(other, state));
}

std::int64_t value_of(const CounterValues& values, const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? 0 : found->second;
}

}  // namespace

std::vector<Difference> compare_results(std::span<const StepResult> reference, const CounterValues& reference_counters,
                                        std::span<const StepResult> other, const CounterValues& other_counters) {
    std::set<std::string> shared;
    for (const auto& [name, value] : reference_counters) {
        if (other_counters.contains(name)) shared.insert(name);
    }
    Differences differences;
    // A fast step leaves its counters to the next one that looks: a loss counts until then.
    bool lost = false;
    for (std::size_t i = 0; i < std::min(reference.size(), other.size()); ++i) {
        const StepResult& a = reference[i];
        const StepResult& b = other[i];
        StepComparison step(i + 1, a.step, differences);
        step.check("verdict", a.verdict, b.verdict);
        step.check("result", a.result, b.result);
        compare_replies(a, b, step);
        lost |= a.lost || b.lost;
        if (!a.looked || !b.looked) continue;
        compare_sockets(a.sockets, b.sockets, step);
        for (const std::string& name : shared) {
            if (!lost) step.check(name, value_of(a.counters, name), value_of(b.counters, name));
        }
        lost = false;
    }
    return differences;
}

}  // namespace synwhy::sim
