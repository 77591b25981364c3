// The text of a simulation's result; see sim_text.hpp.
#include "emit/sim_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "core/catalogue.hpp"
#include "core/path.hpp"
#include "emit/attempts_text.hpp"
#include "emit/finding_print.hpp"
#include "emit/style.hpp"
#include "emit/text.hpp"
#include "emit/time_text.hpp"
#include "emit/timeline_print.hpp"

namespace synwhy::emit {
namespace {

constexpr std::array<std::string_view, 9> kBlocks{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, 9> kAscii{" ", ".", ":", "-", "=", "+", "*", "#", "@"};
constexpr std::size_t kLabel = 13;
constexpr std::size_t kCountersShown = 14;
constexpr std::size_t kClientsShown = 5;

std::string seen_text(core::Seen seen) {
    switch (seen) {
        case core::Seen::silence: return "no answer";
        case core::Seen::rst: return "RST";
        case core::Seen::bare_ack: return "a bare ACK";
        case core::Seen::cookie: return "a SYN cookie";
        case core::Seen::icmp: return "ICMP error";
        case core::Seen::synack_repeated: return "SYN+ACK repeated";
        case core::Seen::synack: return "SYN+ACK";
    }
    return {};
}

using Member = std::uint32_t sim::QueueSample::*;

/// One line of blocks, the highest of its samples in each column.
std::string graph(std::string_view label, const std::vector<std::uint32_t>& samples, std::uint32_t scale,
                  std::string_view caption, const SimTextOptions& options) {
    const std::size_t room = std::max<std::size_t>(options.width, 40) - kLabel - 22;
    const std::size_t columns = std::min(room, samples.size());
    std::string bars;
    for (std::size_t c = 0; c < columns; ++c) {
        std::uint32_t peak = 0;
        const std::size_t end = (c + 1) * samples.size() / columns;
        for (std::size_t i = c * samples.size() / columns; i < end; ++i) peak = std::max(peak, samples[i]);
        const std::uint64_t level = (std::uint64_t{std::min(peak, scale)} * 8 + scale - 1) / std::max(scale, 1U);
        bars += options.utf8 ? kBlocks[level] : kAscii[level];
    }
    return fmt::format("{:<{}}{}  {}\n", label, kLabel, bars, caption);
}

std::uint32_t peak_of(const sim::ServerResult& server, Member member) {
    std::uint32_t peak = 0;
    for (const sim::QueueSample& sample : server.samples) peak = std::max(peak, sample.*member);
    return peak;
}

void append_queues(std::string& out, const sim::ServerResult& server, const SimTextOptions& options) {
    std::uint32_t accept = 0;
    std::uint32_t request = 0;
    for (const sim::ListenerResult& listener : server.listeners) {
        accept = std::max(accept, listener.longest_accept);
        request = std::max(request, listener.longest_request);
    }
    if (server.samples.empty()) return;
    const auto line = [&](std::string_view label, Member member, std::uint64_t most, std::string_view limit) {
        const std::uint32_t scale = std::max(peak_of(server, member), 1U);
        std::vector<std::uint32_t> values;
        for (const sim::QueueSample& sample : server.samples) values.push_back(sample.*member);
        out += graph(label, values, scale, fmt::format("max {}{}", grouped(most), limit), options);
    };
    const std::uint32_t limit = peak_of(server, &sim::QueueSample::accept_limit);
    const std::uint32_t capacity = peak_of(server, &sim::QueueSample::request_capacity);
    line("accept queue", &sim::QueueSample::accept_length, accept, fmt::format(" of {}", grouped(limit + 1ULL)));
    line("SYN queue", &sim::QueueSample::request_length, request, fmt::format(" of {}", grouped(capacity)));
    line("TIME_WAIT", &sim::QueueSample::buckets, server.most_buckets, "");
}

void append_rows(std::string& out, const sim::ServerResult& server, const SimTextOptions& options) {
    for (const sim::RowCount& row : server.rows) {
        const core::Row* known = core::find_row(row.row);
        std::string text = fmt::format("{}: {}", core::slug(row.cause), counted(row.syns, "SYN"));
        if (row.segments != 0) {
            if (row.syns == 0) text = fmt::format("{}: ", core::slug(row.cause));
            text += fmt::format("{}{}", row.syns == 0 ? "" : ", ", counted(row.segments, "other segment"));
        }
        if (row.attempts != 0) {
            text += fmt::format(" of {}", counted(row.attempts, "attempt"));
            if (row.attempts_lost != 0) text += fmt::format(", {} of them never connected", grouped(row.attempts_lost));
        }
        if (known != nullptr) text += fmt::format("; {}: {}", seen_text(known->seen), known->condition);
        append_wrapped(out, "  - ", text, options.width);
    }
}

void append_counters(std::string& out, const sim::ServerResult& server, const SimTextOptions& options) {
    std::size_t shown = 0;
    for (const sim::CounterResult& counter : server.counters) {
        if (!options.verbose && (!is_telling(counter.name) || shown == kCountersShown)) continue;
        ++shown;
        append_wrapped(out, "  ", counter_sentence(counter), options.width);
    }
}

void append_server(std::string& out, const sim::ServerResult& server, const sim::Result& result,
                   const SimTextOptions& options) {
    const Style style(options.colour);
    out += '\n';
    append_heading(
        out, style,
        fmt::format("Server {} ({}, Linux {})", server.name, core::to_string(server.address), server.kernel));
    append_wrapped(out, "",
                   fmt::format("{} in: {} answered, {} with a cookie, {} answered again, {} RST, {} bare ACK, {} not "
                               "answered",
                               counted(server.syns_in(), "SYN"), grouped(server.of(sim::SynFate::answered)),
                               grouped(server.of(sim::SynFate::cookie)), grouped(server.of(sim::SynFate::synack_again)),
                               grouped(server.of(sim::SynFate::reset)), grouped(server.of(sim::SynFate::bare_ack)),
                               grouped(server.of(sim::SynFate::silence))),
                   options.width);
    append_rows(out, server, options);
    if (server.syns_in() != 0) {
        out += '\n';
        for (const std::string& line :
             print_timeline(server.timeline, result.bucket_ns, {.width = options.width, .utf8 = options.utf8})) {
            out += line + '\n';
        }
    }
    append_queues(out, server, options);
    if (server.counters.empty()) return;
    out += '\n';
    append_heading(out, style, "Counters (netstat -s)");
    append_counters(out, server, options);
}

/// TIME_WAIT of all clients, where there is any.
void append_client_graph(std::string& out, const sim::Result& result, const SimTextOptions& options) {
    std::vector<std::uint32_t> values;
    for (const sim::ClientSample& sample : result.client_samples) values.push_back(sample.waiting);
    const std::uint32_t peak = values.empty() ? 0 : *std::ranges::max_element(values);
    if (peak > 1) out += graph("TIME_WAIT", values, peak, fmt::format("max {}", grouped(peak)), options);
}

void append_clients(std::string& out, const sim::Result& result, const SimTextOptions& options) {
    if (result.groups.empty()) return;
    out += '\n';
    append_heading(out, Style(options.colour), "Clients");
    append_client_graph(out, result, options);
    for (const sim::GroupResult& group : result.groups) {
        const sim::Attempts& a = group.attempts;
        std::string text =
            fmt::format("{} ({}Linux {}{}{}): {}", group.name,
                        group.count > 1 ? fmt::format("{} hosts, ", grouped(group.count)) : "", group.kernel,
                        group.gateway.empty() ? "" : ", behind ", group.gateway, counted(a.total, "attempt"));
        if (a.total != 0) text += fmt::format(": {}", endings_text(a));
        if (a.hindered != 0) text += fmt::format("; {} met a refusal", grouped(a.hindered));
        if (a.connected != 0) {
            text +=
                fmt::format("; SYN+ACK after {} on average, {} at most",
                            short_time(a.sum_ns / static_cast<std::int64_t>(a.connected)), short_time(a.longest_ns));
        }
        append_wrapped(out, "  - ", text, options.width);
    }
    const std::size_t most = options.verbose ? result.clients.size() : kClientsShown;
    for (std::size_t i = 0; i < result.clients.size() && i < most; ++i) {
        const sim::ClientResult& client = result.clients[i];
        append_wrapped(out, "    ",
                       fmt::format("{} {} ({}): {} of {} met a refusal, {} served", client.group, client.number + 1,
                                   core::to_string(client.address), grouped(client.hindered),
                                   counted(client.attempts, "attempt"), grouped(client.served)),
                       options.width);
    }
    if (result.clients_hindered > most) {
        out += fmt::format("    {} met a refusal in all\n", counted(result.clients_hindered, "client"));
    }
    if (result.ports_reused != 0) {
        append_wrapped(
            out, "  - ",
            fmt::format("{} taken from TIME_WAIT by connect() (tcp_tw_reuse)", counted(result.ports_reused, "port")),
            options.width);
    }
}

void append_network(std::string& out, const sim::Result& result, const SimTextOptions& options) {
    const sim::NetworkResult& n = result.network;
    std::string text;
    const auto add = [&](std::uint64_t count, std::string_view what) {
        if (count != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", grouped(count), what);
    };
    add(n.lost, "packets lost");
    add(n.reordered, "reordered");
    add(n.duplicated, "duplicated");
    add(n.nowhere, "replies to addresses nobody has");
    add(n.no_mapping, "replies a gateway had no mapping for");
    add(n.no_nat_port, "packets dropped by a gateway without a free port");
    if (!text.empty()) append_wrapped(out, "Network: ", text, options.width);
    for (const sim::ServerResult& server : result.servers) {
        if (server.old_arrived == 0) continue;
        append_wrapped(out, "Old duplicates: ",
                       fmt::format("{} arrived, {} of them taken for new data", grouped(server.old_arrived),
                                   counted(server.old_accepted_bytes, "byte")),
                       options.width);
    }
    for (const std::string& remark : result.remarks) append_wrapped(out, "Note: ", remark, options.width);
}

bool took_old_data(const sim::Result& result) {
    return std::ranges::any_of(result.servers, [](const auto& server) { return server.old_accepted_bytes != 0; });
}

}  // namespace

std::optional<sim::RowCount> worst_row(const sim::Result& result) {
    std::optional<sim::RowCount> worst;
    for (const sim::ServerResult& server : result.servers) {
        for (const sim::RowCount& row : server.rows) {
            if (row.attempts > (worst ? worst->attempts : 0)) worst = row;
        }
    }
    return worst;
}

bool anything_wrong(const sim::Result& result) {
    return worst_row(result).has_value() || result.attempts.ended(sim::Ending::no_port) != 0 || took_old_data(result);
}

std::string sim_verdict(const sim::Result& result) {
    const sim::Attempts& a = result.attempts;
    const std::string all = counted(a.total, "connection attempt");
    for (const sim::ServerResult& server : result.servers) {
        if (server.old_accepted_bytes == 0) continue;
        return fmt::format("{} of an old duplicate segment were taken for new data.",
                           counted(server.old_accepted_bytes, "byte"));
    }
    const auto worst = worst_row(result);
    const std::uint64_t no_port = a.ended(sim::Ending::no_port);
    if (no_port > (worst ? worst->attempts : 0)) {
        return fmt::format("{} of {} found no free source port (EADDRNOTAVAIL): {}", grouped(no_port), all,
                           core::page(core::Cause::port_exhausted).title);
    }
    if (worst) {
        const std::string lost =
            worst->attempts_lost == 0 ? "" : fmt::format(", {} never connected", grouped(worst->attempts_lost));
        const bool late = worst->syns == 0;
        return fmt::format("{} of {} {}{}: {}", grouped(worst->attempts), all,
                           late ? "had their final ACK refused" : "had a SYN refused", lost,
                           core::page(worst->cause).title);
    }
    if (std::ranges::any_of(result.servers, [](const auto& server) { return server.old_arrived != 0; })) {
        return "The old duplicate was rejected: no byte of it was taken for new data.";
    }
    if (a.total == 0) return "No client connected.";
    if (a.connected == a.total && a.total == 1) return "The only connection attempt was answered.";
    if (a.connected == a.total) return fmt::format("All {} were answered.", all);
    return fmt::format("{} of {} were answered, the server refused none.", grouped(a.connected), all);
}

std::string counter_sentence(const sim::CounterResult& counter) {
    for (const core::CausePage& page : core::all_pages()) {
        for (const core::PageCounter& known : page.counters) {
            if (known.name != counter.name || known.netstat.empty()) continue;
            std::string text(known.netstat);
            const auto number = text.find('N');
            const bool sentence = text.starts_with("N ");
            if (!sentence || number == std::string::npos) continue;
            return fmt::format("{}{}  ({})", grouped(counter.value), text.substr(1), counter.name);
        }
    }
    const auto dot = counter.name.find('.');
    return fmt::format("{}: {}", counter.name.substr(dot == std::string_view::npos ? 0 : dot + 1),
                       grouped(counter.value));
}

bool is_telling(std::string_view counter) {
    return counter.starts_with("TcpExt.") || counter == "Ip.OutNoRoutes" || counter == "Tcp.OutRsts" ||
           counter == "Tcp.PassiveOpens";
}

std::string render_sim(const sim::Result& result, const SimTextOptions& options) {
    const Style style(options.colour);
    std::string out;
    const bool wrong = anything_wrong(result);
    for (const std::string& line : wrap(sim_verdict(result), options.width)) {
        out += (wrong ? style.bad(line) : style.good(line)) + '\n';
    }
    const std::string about =
        fmt::format("{}{}{}; {} simulated, seed {}, {}", result.name, result.title.empty() ? "" : ": ", result.title,
                    duration(result.duration_ns), result.seed, counted(result.events, "event"));
    for (const std::string& line : wrap(about, options.width)) out += style.faint(line) + '\n';
    for (const sim::ServerResult& server : result.servers) append_server(out, server, result, options);
    append_clients(out, result, options);
    out += '\n';
    append_network(out, result, options);
    if (const auto worst = worst_row(result)) {
        out += style.command(fmt::format("synwhy explain {}", core::slug(worst->cause))) + '\n';
    }
    std::string names;
    for (const std::string& name : result.variants) names += (names.empty() ? "" : ", ") + name;
    if (!names.empty()) append_wrapped(out, "Variants: ", names, options.width);
    return out;
}

}  // namespace synwhy::emit
