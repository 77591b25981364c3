#include "tun/control.hpp"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <optional>

#include "core/catalogue.hpp"
#include "tun/sysctl.hpp"

namespace synwhy::tun {

namespace {

constexpr std::string_view kOk = "ok\n";

std::string refusal(std::string_view why) { return fmt::format("error {}\n", why); }

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::string rows_left_out(std::size_t all) {
    return all > kMaxControlRows ? fmt::format("# {} more\n", all - kMaxControlRows) : std::string();
}

// ---------------------------------------------------------------------------------------------------------- tables

std::string queues(const Emulation& emulation) {
    std::string text = "local\taccept_queue\tbacklog\tsyn_queue\tyoung\tsyn_capacity\tdrops\n";
    for (const model::ListenerId id : emulation.server().listeners()) {
        const model::ListenerView v = emulation.server().view_listener(id);
        fmt::format_to(std::back_inserter(text), "{}\t{}\t{}\t{}\t{}\t{}\t{}\n", core::to_string(v.local),
                       v.accept_length, v.backlog, v.request_length, v.young_requests, v.syn_capacity, v.sk_drops);
    }
    return text;
}

std::string peers(const Emulation& emulation, std::int64_t now_ns) {
    std::string text = "peer\tlocal\tts\tage_s\trtt_known\n";
    for (const model::PeerView& v : emulation.server().peers(now_ns, kMaxControlRows)) {
        const bool any_local = v.local == core::Address{};
        fmt::format_to(std::back_inserter(text), "{}\t{}\t{}\t{}\t{}\n", core::to_string(v.peer),
                       any_local ? "*" : core::to_string(v.local), v.has_stamp ? std::to_string(v.ts) : "-",
                       v.has_stamp ? std::to_string(v.age_s) : "-", v.has_rtt ? 1 : 0);
    }
    return text + rows_left_out(emulation.server().occupied().peers);
}

std::string counters(const Emulation& emulation) {
    std::string text = "counter\tvalue\n";
    const model::Counters& all = emulation.server().counters();
    for (std::size_t i = 0; i < model::kCounters; ++i) {
        const auto counter = static_cast<model::Counter>(i);
        if (!all.has(counter)) continue;
        fmt::format_to(std::back_inserter(text), "{}\t{}\n", model::counter_name(counter), all[counter]);
    }
    return text;
}

std::string sockets(const Emulation& emulation) {
    std::string text = "state\trecv_q\tsend_q\tlocal\tpeer\n";
    for (const model::SocketId id : emulation.application().connections(kMaxControlRows)) {
        const auto v = emulation.server().view(id);
        if (!v || v->state == model::State::closed) continue;
        fmt::format_to(std::back_inserter(text), "{}\t{}\t{}\t{}\t{}\n", model::to_string(v->state), v->unread_bytes,
                       v->unsent_bytes + v->unacked_bytes, core::to_string(v->tuple.server),
                       core::to_string(v->tuple.client));
    }
    return text + rows_left_out(emulation.application().size());
}

std::string states(const Emulation& emulation) {
    std::string text = "state\tsockets\n";
    const auto counts = emulation.server().count_states();
    for (std::size_t i = 0; i < counts.size(); ++i) {
        fmt::format_to(std::back_inserter(text), "{}\t{}\n", model::to_string(static_cast<model::State>(i)), counts[i]);
    }
    return text;
}

std::string syns(const Emulation& emulation) {
    std::string text = "fate\trow\tcause\tsyns\n";
    for (const Tally& tally : emulation.tallies()) {
        if (!tally.syn) continue;
        fmt::format_to(std::back_inserter(text), "{}\t{}\t{}\t{}\n", model::to_string(tally.fate),
                       tally.row == nullptr ? "-" : tally.row->id,
                       tally.row == nullptr ? "-" : core::slug(tally.row->cause), tally.segments);
    }
    return text;
}

std::string application(const Emulation& emulation, std::int64_t now_ns) {
    const Application& process = emulation.application();
    const ApplicationCounts& c = process.counts();
    return fmt::format(
        "name\tvalue\nstalled\t{}\nconnections\t{}\naccepted\t{}\nrequests\t{}\nrefused_requests\t{}\nclosed\t{}\n"
        "idle_closed\t{}\nresets_seen\t{}\n",
        process.stalled(now_ns) ? 1 : 0, process.size(), c.accepted, c.requests, c.refused_requests, c.closed,
        c.idle_closed, c.resets_seen);
}

std::string show(const Emulation& emulation, std::string_view table, std::int64_t now_ns) {
    const auto answered = [](std::string text) { return std::string(kOk) + text; };
    if (table == "queues") return answered(queues(emulation));
    if (table == "peers") return answered(peers(emulation, now_ns));
    if (table == "counters") return answered(counters(emulation));
    if (table == "sockets") return answered(sockets(emulation));
    if (table == "states") return answered(states(emulation));
    if (table == "syns") return answered(syns(emulation));
    if (table == "application") return answered(application(emulation, now_ns));
    return refusal(fmt::format("nothing is called '{}'; there are: {}", table, fmt::join(kControlTables, ", ")));
}

// --------------------------------------------------------------------------------------------------------- changes

std::string set(Emulation& emulation, std::string_view assignment) {
    const auto equals = assignment.find('=');
    if (equals == std::string_view::npos) return refusal("set wants NAME=VALUE");
    model::Server& server = emulation.server();
    const auto modelled = set_sysctl(server.settings(), server.config().kernel, assignment.substr(0, equals),
                                     assignment.substr(equals + 1));
    if (!modelled) return refusal(core::to_string(modelled.error()));
    if (!*modelled) return refusal("the model does not depend on this sysctl");
    return std::string(kOk);
}

/// listen() again on every listening socket, as a process would.
std::string backlog(Emulation& emulation, std::string_view number) {
    const auto wanted = number_of<int>(number);
    if (!wanted) return refusal("backlog wants a number");
    for (const model::ListenerId id : emulation.server().listeners()) emulation.server().relisten(id, *wanted);
    return std::string(kOk);
}

std::string accept_rate(Emulation& emulation, std::string_view number) {
    if (number == "off") {
        emulation.application().set_accept_rate(std::nullopt);
        return std::string(kOk);
    }
    const auto wanted = number_of<double>(number);
    if (!wanted || !(*wanted >= 0)) return refusal("accept-rate wants connections per second, or off");
    emulation.application().set_accept_rate(*wanted);
    return std::string(kOk);
}

}  // namespace

std::string answer_control(Emulation& emulation, std::string_view command, std::int64_t now_ns) {
    while (command.ends_with('\n') || command.ends_with('\r') || command.ends_with(' ')) command.remove_suffix(1);
    const auto space = command.find(' ');
    const auto verb = command.substr(0, space);
    const auto rest = space == std::string_view::npos ? std::string_view{} : command.substr(space + 1);
    if (verb == "show") return show(emulation, rest, now_ns);
    if (verb == "stall" && rest.empty()) return emulation.application().stall(), std::string(kOk);
    if (verb == "resume" && rest.empty()) return emulation.application().resume(), std::string(kOk);
    if (verb == "set") return set(emulation, rest);
    if (verb == "backlog") return backlog(emulation, rest);
    if (verb == "accept-rate") return accept_rate(emulation, rest);
    return refusal(
        fmt::format("unknown command '{}'; there are: show TABLE, stall, resume, set NAME=VALUE, backlog N, "
                    "accept-rate N|off",
                    verb));
}

}  // namespace synwhy::tun
