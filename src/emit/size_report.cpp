// The text of `synwhy size`; see size_report.hpp.
#include "emit/size_report.hpp"

#include <fmt/format.h>

#include <cmath>

#include "emit/style.hpp"
#include "emit/text.hpp"

namespace synwhy::emit {
namespace {

using size::Verdict;

std::string number(double value) {
    if (value != 0 && std::abs(value) < 0.01) return fmt::format("{:.1e}", value);
    return value >= 1000 ? grouped(static_cast<std::uint64_t>(std::llround(value))) : fmt::format("{:.3g}", value);
}

/// Without the `uname -v` that may follow.
std::string_view release_of(const core::Kernel& kernel) {
    const std::string_view text = kernel.release.text;
    return text.substr(0, text.find(' '));
}

/// "6.0e-05 (95 %: 1e-05 to 2e-04)"
std::string probability(const size::Probability& p) {
    return fmt::format("{} (95 %: {} to {})", number(p.value), number(p.low), number(p.high));
}

std::string support(const size::Probability& p) {
    const std::string bursts = p.stopped == 0 ? "" : fmt::format(", in {}", counted(p.bursts, "burst"));
    return fmt::format("{} of {} simulated connections met a full queue{}", grouped(p.stopped), grouped(p.connections),
                       bursts);
}

std::string heading(std::string_view text, std::size_t width, bool colour) {
    std::string out;
    const Style style(colour);
    for (const std::string& line : wrap(text, width)) out += style.strong(line) + '\n';
    return out;
}

std::string knob_text(const size::Knob& knob, const ListenerReport& report) {
    std::optional<std::uint64_t> now;
    if (knob.name == "net.core.somaxconn") now = report.somaxconn_now;
    if (knob.name == "net.ipv4.tcp_max_syn_backlog") now = report.syn_backlog_now;
    std::string text = knob.name;
    if (knob.at_least == 0) {
        text += ": irrelevant here";
    } else {
        text += fmt::format(": at least {}", grouped(knob.at_least));
    }
    if (now) {
        text += fmt::format(" (now {})", grouped(*now));
    } else if (knob.by_default) {
        text += fmt::format(" (default {})", grouped(*knob.by_default));
    }
    return text + "; " + knob.why;
}

std::string formula_text(const ListenerReport& report) {
    const size::ListenerAnswer& answer = report.answer;
    if (answer.formula_backlog == 0)
        return "no formula fits measured arrivals; a pause alone collects " + number(answer.pause_arrivals) +
               " connections on average";
    const std::string backlog = answer.formula_backlog > answer.widest_backlog
                                    ? "more than " + grouped(answer.widest_backlog)
                                    : grouped(answer.formula_backlog);
    return fmt::format("a backlog of {} by queueing theory alone, which gives {} for {}", backlog,
                       number(answer.formula_probability), grouped(answer.chosen.backlog));
}

std::string cookie_text(const size::Trial& trial) {
    if (trial.cookies <= 0) return {};
    return fmt::format(
        "{} of the SYNs would be answered with a cookie, as the SYN queue is full at {} half-open requests",
        number(trial.cookies), grouped(trial.longest_request));
}

void append_now(std::string& out, const ListenerReport& report, std::size_t width) {
    if (!report.answer.now) return;
    const size::Trial& now = *report.answer.now;
    append_wrapped(
        out, "  now        ",
        fmt::format("backlog {}: {}, {}", grouped(now.backlog), probability(now.overflow), support(now.overflow)),
        width);
}

}  // namespace

bool wants_change(const ListenerReport& report) {
    if (report.answer.verdict == Verdict::overload || report.answer.verdict == Verdict::too_long) return true;
    const auto& now = report.answer.now;
    const bool cut = report.somaxconn_now && *report.somaxconn_now < report.answer.chosen.backlog;
    return cut || (now && now->overflow.value > report.question.target);
}

std::string listener_verdict(const ListenerReport& report) {
    const size::ListenerAnswer& answer = report.answer;
    const std::string now =
        report.question.backlog_now ? fmt::format(" (now {})", grouped(*report.question.backlog_now)) : "";
    switch (answer.verdict) {
        case Verdict::overload:
            return fmt::format("No backlog helps: the program is busy {} % of the time it has. It must accept faster.",
                               number(answer.utilisation * 100));
        case Verdict::too_long:
            return fmt::format(
                "No backlog that Linux {} can hold is long enough: at {} the overflow probability is {}.",
                release_of(report.question.kernel), grouped(answer.chosen.backlog),
                probability(answer.chosen.overflow));
        case Verdict::shown:
            return fmt::format("backlog {}{} keeps the overflow probability under {}.", grouped(answer.chosen.backlog),
                               now, number(report.question.target));
        case Verdict::not_shown:
            return fmt::format(
                "backlog {}{} is the estimate, but {} connections do not show that the overflow probability stays "
                "under "
                "{}: up to {} fits what was seen. --connections allows more.",
                grouped(answer.chosen.backlog), now, grouped(answer.chosen.overflow.connections),
                number(report.question.target), number(answer.chosen.overflow.high));
    }
    return {};
}

std::string listener_text(const ListenerReport& report, std::size_t width, bool colour) {
    const size::ListenerAnswer& answer = report.answer;
    std::string out = heading(listener_verdict(report), width, colour);
    for (const size::Knob& knob : answer.knobs) append_wrapped(out, "  * ", knob_text(knob, report), width);
    out += '\n';
    if (answer.chosen.overflow.connections != 0) {
        append_wrapped(out, "  simulated  ",
                       fmt::format("{}: {}; {} over all {}, Linux {}", probability(answer.chosen.overflow),
                                   support(answer.chosen.overflow), grouped(answer.simulated),
                                   counted(answer.tried.size(), "trial"), release_of(report.question.kernel)),
                       width);
        append_wrapped(out, "  formula    ", formula_text(report), width);
        append_wrapped(
            out, "  queues     ",
            fmt::format("at most {} waited for accept(), {} were half open",
                        counted(answer.chosen.longest_accept, "connection"), grouped(answer.chosen.longest_request)),
            width);
    }
    if (const std::string cookies = cookie_text(answer.chosen); !cookies.empty()) {
        append_wrapped(out, "  cookies    ", cookies, width);
    }
    append_now(out, report, width);
    append_wrapped(out, "  program    ",
                   fmt::format("busy {} % of its time, {} connections per second; a pause collects {} on average",
                               number(answer.utilisation * 100), number(answer.rate), number(answer.pause_arrivals)),
                   width);
    for (const std::string& source : report.sources) append_wrapped(out, "  load       ", source, width);
    if (!report.question.arrivals_ns.empty()) {
        append_wrapped(
            out, "  limits     ",
            "every run has the same measured arrivals: the interval is about the program's pauses, not about "
            "another day's traffic",
            width);
    }
    return out;
}

std::string client_verdict(const size::ClientQuestion& question, const size::ClientAnswer& answer) {
    const std::string ceiling = fmt::format("{} connections per second are the ceiling", number(answer.ceiling));
    if (answer.enough) return fmt::format("{} per second fit: {}.", number(question.rate), ceiling);
    if (answer.ceiling < question.rate) {
        return fmt::format("{} per second do not fit: {}. Beyond, connect() fails with EADDRNOTAVAIL.",
                           number(question.rate), ceiling);
    }
    return fmt::format("{} per second fit only on average: {}, and {} of {} simulated connects found no port.",
                       number(question.rate), ceiling, grouped(answer.asked.no_port), grouped(answer.asked.attempts));
}

std::string client_text(const size::ClientQuestion& question, const size::ClientAnswer& answer, std::size_t width,
                        bool colour) {
    std::string out = heading(client_verdict(question, answer), width, colour);
    const auto line = [&](std::string_view first, const std::string& text) { append_wrapped(out, first, text, width); };
    line("  ports      ",
         fmt::format("{} ({} to {}) towards each of {}; {} needed for this rate", grouped(answer.ports),
                     question.port_low, question.port_high, counted(question.destinations, "destination"),
                     number(std::ceil(answer.ports_needed))));
    if (answer.blocked_s > 0) {
        line(
            "  TIME_WAIT  ",
            fmt::format("the client closes first, so each port is blocked for {} s after {} s of use; "
                        "{} at once, and net.ipv4.tcp_max_tw_buckets must be larger: beyond it they are closed without "
                        "TIME_WAIT (its default follows the memory, {} were simulated)",
                        number(answer.blocked_s), number(answer.open_s), number(answer.time_wait),
                        grouped(static_cast<std::uint64_t>(answer.max_tw_buckets))));
    } else {
        line("  TIME_WAIT  ", "the server closes first and keeps it: a port is free as soon as the connection is gone");
    }
    line("  tw_reuse   ",
         fmt::format("{}; with tcp_tw_reuse=1 and timestamps at both ends Linux {} takes a port from "
                     "TIME_WAIT {}. It does nothing for connections that the server closed first",
                     question.tw_reuse ? "on" : "off", release_of(question.kernel), answer.reuse_rule));
    line("  simulated  ",
         fmt::format("{} in {} s towards one destination: {} found no port, {} took one from "
                     "TIME_WAIT, at most {} waited{}",
                     counted(answer.asked.attempts, "connect"), number(answer.asked.seconds),
                     grouped(answer.asked.no_port), grouped(answer.asked.reused), grouped(answer.asked.most_waiting),
                     answer.asked.steady ? "" : "; too short for the first port to come back"));
    if (answer.saturated) {
        line("  ceiling    ",
             fmt::format("{} per second by arithmetic, {} in the simulation at {} per second", number(answer.ceiling),
                         number(answer.measured_ceiling(question.destinations)),
                         number(answer.saturated->rate * question.destinations)));
    }
    if (!answer.enough) {
        line("  helps      ",
             "persistent connections; more source addresses, server addresses or server ports; a wider "
             "ip_local_port_range; tcp_tw_reuse=1 on the client; letting the server close first");
    }
    return out;
}

}  // namespace synwhy::emit
