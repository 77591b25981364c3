// The HTML report of a simulation; see sim_html.hpp. Plots are svg_plot.hpp's; here stands which, and the page around.
#include "emit/sim_html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "core/catalogue.hpp"
#include "core/path.hpp"
#include "emit/sim_text.hpp"
#include "emit/svg_plot.hpp"
#include "emit/text.hpp"
#include "emit/time_text.hpp"

namespace synwhy::emit {
namespace {

constexpr std::size_t kMaxClockPlots = 4;  ///< source addresses with a plot of their own
constexpr std::size_t kMaxClockLines = 6;  ///< hosts of one address that get a line and a name
constexpr std::size_t kMaxTableRows = 40;

constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--page:#fbfaf7;--card:#fff;--ink:#1d2330;--soft:#667085;--rule:#e6e3db;--good:#2f74c0;
--bad:#cf3f52;--mid:#c98a16;--cookie:#2a9d8f;--line:#5b6bb5}
@media(prefers-color-scheme:dark){:root{--page:#14171d;--card:#1c2028;--ink:#e6e8ee;--soft:#98a2b3;--rule:#2c323d;
--good:#6fb0f2;--bad:#ff7688;--mid:#e9b252;--cookie:#5fcfc0;--line:#a3b0f0}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1000px;margin:0 auto;padding:40px 20px 64px}
h1{font-size:1.75rem;line-height:1.25;margin:0 0 8px;letter-spacing:-.01em;text-wrap:balance}
h1.bad{color:var(--bad)}h1.good{color:var(--good)}
h2{font-size:1.1rem;margin:40px 0 4px}
p{margin:6px 0;max-width:75ch}.soft{color:var(--soft)}
.tiles{display:flex;flex-wrap:wrap;gap:12px;margin:24px 0 8px}
.tile{flex:1 1 130px;background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:12px 16px}
.tile b{display:block;font-size:1.5rem;font-weight:650;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:.85rem}
figure{margin:12px 0 0;background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:14px 12px 6px}
figcaption{padding:0 6px 6px;font-size:.92rem}figcaption .soft{display:block;font-size:.85rem}
.key:first-child{margin-left:0}
svg{display:block;width:100%;height:auto;font:12px system-ui,-apple-system,"Segoe UI",sans-serif}
svg path{fill:none;stroke-width:1.6;stroke-linejoin:round}
.grid{stroke:var(--rule);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1}.tick{fill:var(--soft)}
.mark{stroke:var(--soft);stroke-dasharray:4 4;stroke-width:1}.mark-text{fill:var(--soft)}
svg .b-good,svg .b-mid,svg .b-bad{stroke:none}
svg .b-good{fill:var(--good)}svg .b-mid{fill:var(--mid)}svg .b-bad{fill:var(--bad)}
svg .queue{stroke:var(--line)}svg .queue-area{fill:var(--line);fill-opacity:.16;stroke:none}
svg .limit{stroke:var(--bad);stroke-dasharray:6 4;stroke-width:1.2}.t-queue{fill:var(--line)}.t-limit{fill:var(--bad)}
svg .host{stroke:var(--soft);stroke-opacity:.45;stroke-width:1}.t-host{fill:var(--ink)}
svg .d-good,svg .d-cookie,svg .d-mid,svg .d-bad{stroke-width:5;stroke-linecap:round;stroke-opacity:.8}
svg .d-good{stroke:var(--good)}svg .d-cookie{stroke:var(--cookie)}svg .d-mid{stroke:var(--mid)}
svg .d-bad{stroke:var(--bad)}
.key{display:inline-block;width:.7em;height:.7em;border-radius:50%;margin:0 .3em 0 .8em}
.k-good{background:var(--good)}.k-cookie{background:var(--cookie)}.k-mid{background:var(--mid)}.k-bad{background:var(--bad)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem;margin-top:8px}
td,th{text-align:left;padding:6px 12px 6px 0;border-bottom:1px solid var(--rule);vertical-align:top}
th{color:var(--soft);font-weight:500}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code{font:.92em ui-monospace,"SF Mono",Consolas,monospace}
ul{columns:2 380px;margin:8px 0;padding-left:1.2em;font-size:.92rem}
footer{margin-top:48px;color:var(--soft);font-size:.85rem}
)css";

std::int64_t ms_of(const sim::Result& result, std::int64_t time_ns) { return (time_ns - result.start_ns) / 1'000'000; }

std::string figure(std::string_view title, std::string_view note, std::string_view svg) {
    return fmt::format(
        "<figure><figcaption><strong>{}</strong><span class=\"soft\">{}</span></figcaption>\n{}"
        "</figure>\n",
        title, note, svg);
}

void mark_changes(Plot& plot, const sim::Result& result) {
    for (const std::int64_t change : result.changes) plot.vertical(ms_of(result, change), "change");
}

std::string syn_figure(const sim::Result& result, const sim::ServerResult& server) {
    std::uint64_t most = 1;
    for (const core::TimeBucket& b : server.timeline) most = std::max(most, b.answered + b.refused + b.unanswered);
    const std::int64_t length_ms = result.duration_ns / 1'000'000;
    Plot plot(length_ms, 0, static_cast<std::int64_t>(most));
    const std::int64_t bucket_ms = std::max<std::int64_t>(result.bucket_ns / 1'000'000, 1);
    for (const core::TimeBucket& b : server.timeline) {
        const std::int64_t start = ms_of(result, b.start_ns);
        const std::int64_t end = start + bucket_ms - bucket_ms / 6;
        const auto answered = static_cast<std::int64_t>(b.answered);
        const auto refused = answered + static_cast<std::int64_t>(b.refused);
        plot.bar("b-good", start, end, 0, answered);
        plot.bar("b-mid", start, end, answered, refused);
        plot.bar("b-bad", start, end, refused, refused + static_cast<std::int64_t>(b.unanswered));
    }
    mark_changes(plot, result);
    return figure("SYNs that arrived",
                  fmt::format("<i class=\"key k-good\"></i>answered<i class=\"key k-mid\"></i>RST or bare ACK"
                              "<i class=\"key k-bad\"></i>no answer &middot; one bar is {}",
                              duration(result.bucket_ns)),
                  plot.svg("SYNs over time by fate"));
}

using Member = std::uint32_t sim::QueueSample::*;

/// @param beyond how many more than the limit fit
std::string queue_figure(const sim::Result& result, const sim::ServerResult& server, std::string_view title,
                         std::string_view note, Member length, Member limit, std::uint32_t beyond) {
    std::vector<PlotPoint> lengths;
    std::vector<PlotPoint> limits;
    std::int64_t longest = 0;
    std::int64_t highest = 0;
    for (const sim::QueueSample& s : server.samples) {
        const std::int64_t ms = ms_of(result, s.time_ns);
        lengths.push_back({ms, s.*length});
        longest = std::max<std::int64_t>(longest, s.*length);
        if (limit == nullptr) continue;
        limits.push_back({ms, std::int64_t{s.*limit} + beyond});
        highest = std::max(highest, limits.back().value);
    }
    // A limit far above everything would flatten the curve: then it is only named.
    const bool show_limit = limit != nullptr && highest <= longest * 20;
    if (longest == 0) return {};
    Plot plot(result.duration_ns / 1'000'000, 0, std::max(longest, show_limit ? highest : 0) * 21 / 20 + 1, 150);
    plot.steps("queue", lengths, true);
    if (show_limit) {
        plot.steps("limit", limits);
        plot.label("t-limit", limits.back().value,
                   fmt::format("room for {}", grouped(static_cast<std::uint64_t>(limits.back().value))));
    }
    mark_changes(plot, result);
    std::string text(note);
    if (limit != nullptr && !show_limit) {
        text += fmt::format("; room for {}", grouped(static_cast<std::uint64_t>(highest)));
    }
    return figure(title, text, plot.svg(title));
}

std::string client_figure(const sim::Result& result) {
    std::vector<PlotPoint> points;
    std::int64_t most = 0;
    for (const sim::ClientSample& s : result.client_samples) {
        points.push_back({ms_of(result, s.time_ns), s.waiting});
        most = std::max<std::int64_t>(most, s.waiting);
    }
    if (most < 2) return {};
    Plot plot(result.duration_ns / 1'000'000, 0, most * 21 / 20 + 1, 150);
    plot.steps("queue", points, true);
    mark_changes(plot, result);
    return figure("TIME_WAIT at the clients", "each takes a source port towards this server",
                  plot.svg("TIME_WAIT at the clients"));
}

/// Does the clock of one host run forward nearly always?
bool runs_forward(const std::vector<PlotPoint>& points) {
    std::size_t back = 0;
    for (std::size_t i = 1; i < points.size(); ++i) back += points[i].value < points[i - 1].value ? 1 : 0;
    return points.size() > 1 && back * 20 <= points.size();
}

std::string clock_figure(const sim::Result& result, const sim::ServerResult& server, std::uint32_t address) {
    std::map<std::uint32_t, std::vector<PlotPoint>> hosts;
    std::vector<PlotPoint> good, cookie, mid, bad;
    std::int64_t low = INT64_MAX;
    std::int64_t high = 0;
    for (const sim::Dot& dot : server.dots) {
        if (dot.address != address) continue;
        const PlotPoint point{ms_of(result, dot.time_ns), dot.tsval};
        hosts[dot.host].push_back(point);
        low = std::min(low, point.value);
        high = std::max(high, point.value);
        switch (dot.fate) {
            case sim::SynFate::answered:
            case sim::SynFate::synack_again: good.push_back(point); break;
            case sim::SynFate::cookie: cookie.push_back(point); break;
            case sim::SynFate::reset:
            case sim::SynFate::bare_ack: mid.push_back(point); break;
            case sim::SynFate::silence: bad.push_back(point); break;
        }
    }
    if (good.size() + cookie.size() + mid.size() + bad.size() < 3) return {};
    const std::int64_t margin = std::max<std::int64_t>((high - low) / 12, 10);
    Plot plot(result.duration_ns / 1'000'000, std::max<std::int64_t>(low - margin, 0), high + margin, 260);
    if (hosts.size() <= kMaxClockLines) {
        for (const auto& [host, points] : hosts) {
            if (!runs_forward(points)) continue;
            plot.line("host", points);
            plot.label("t-host", points.back().value, server.hosts[host]);
        }
    }
    plot.dots("d-good", good);
    plot.dots("d-cookie", cookie);
    plot.dots("d-mid", mid);
    plot.dots("d-bad", bad);
    mark_changes(plot, result);
    return figure(
        fmt::format("Timestamps from {}", core::to_string(server.sources[address])),
        "<i class=\"key k-good\"></i>answered<i class=\"key k-cookie\"></i>cookie<i class=\"key k-mid\"></i>"
        "RST or bare ACK<i class=\"key k-bad\"></i>no answer &middot; TSval of each SYN; a line is one host's clock",
        plot.svg("TSval of SYNs over time"));
}

std::string tile(std::uint64_t number, std::string_view text) {
    return fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>", grouped(number), text);
}

std::string tiles(const sim::Result& result) {
    const sim::Attempts& a = result.attempts;
    std::uint64_t syns = 0;
    std::uint64_t unanswered = 0;
    for (const sim::ServerResult& server : result.servers) {
        syns += server.syns_in();
        unanswered += server.of(sim::SynFate::silence);
    }
    std::string out = "<div class=\"tiles\">";
    out += tile(a.total, "connection attempts") + tile(a.ended(sim::Ending::served), "served");
    out += tile(a.hindered, "met a refusal") + tile(syns, "SYNs arrived") + tile(unanswered, "got no answer");
    return out + "</div>\n";
}

std::string causes_table(const sim::ServerResult& server) {
    if (server.rows.empty()) return {};
    std::string out =
        "<h2>Why</h2><div class=\"scroll\"><table><tr><th>Cause</th><th class=\"n\">SYNs</th><th class=\"n\">Other "
        "segments</th><th class=\"n\">Attempts</th><th class=\"n\">never connected</th><th>Condition</th></tr>\n";
    for (const sim::RowCount& row : server.rows) {
        const core::Row* known = core::find_row(row.row);
        out += fmt::format(
            "<tr><td>{}<br><code>{}</code></td><td class=\"n\">{}</td><td class=\"n\">{}</td><td "
            "class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
            escaped(core::page(row.cause).title), core::slug(row.cause), grouped(row.syns), grouped(row.segments),
            grouped(row.attempts), grouped(row.attempts_lost), known == nullptr ? "" : escaped(known->condition));
    }
    return out + "</table></div>\n";
}

std::string counters_table(const sim::ServerResult& server) {
    std::string out = "<h2>Counters</h2><ul>";
    std::size_t shown = 0;
    for (const sim::CounterResult& counter : server.counters) {
        if (!is_telling(counter.name)) continue;
        if (++shown > kMaxTableRows) break;
        out += fmt::format("<li>{}</li>\n", escaped(counter_sentence(counter)));
    }
    return out + "</ul>\n";
}

std::string clients_table(const sim::Result& result) {
    std::string out =
        "<h2>Clients</h2><div class=\"scroll\"><table><tr><th>Group</th><th>Kernel</th><th class=\"n\">Hosts</th><th "
        "class=\"n\">Attempts</th><th class=\"n\">Served</th><th class=\"n\">Met a refusal</th><th class=\"n\">Longest "
        "wait</th></tr>\n";
    for (const sim::GroupResult& group : result.groups) {
        const sim::Attempts& a = group.attempts;
        out += fmt::format(
            "<tr><td>{}{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td "
            "class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
            escaped(group.name), group.gateway.empty() ? "" : " behind " + escaped(group.gateway),
            escaped(group.kernel), grouped(group.count), grouped(a.total), grouped(a.ended(sim::Ending::served)),
            grouped(a.hindered), duration(a.longest_ns));
    }
    return out + "</table></div>\n";
}

std::string server_part(const sim::Result& result, const sim::ServerResult& server) {
    std::string out =
        fmt::format("<h2>{}, Linux {}</h2>\n", escaped(core::to_string(server.address)), escaped(server.kernel));
    out += syn_figure(result, server);
    std::string clocks;
    for (std::uint32_t i = 0; i < server.sources.size() && i < kMaxClockPlots; ++i) {
        clocks += clock_figure(result, server, i);
    }
    // Where timestamps decide, their picture comes before the queues.
    const bool by_clock = !server.rows.empty() && (server.rows[0].cause == core::Cause::per_host_paws ||
                                                   server.rows[0].cause == core::Cause::time_wait_refused);
    if (by_clock) out += clocks;
    out += queue_figure(result, server, "Accept queue", "connections that wait for accept()",
                        &sim::QueueSample::accept_length, &sim::QueueSample::accept_limit, 1);
    out += queue_figure(result, server, "SYN queue", "requests that wait for the final ACK",
                        &sim::QueueSample::request_length, &sim::QueueSample::request_capacity, 0);
    out += queue_figure(result, server, "TIME_WAIT", "entries at the server", &sim::QueueSample::buckets, nullptr, 0);
    if (!by_clock) out += clocks;
    return out + causes_table(server) + counters_table(server);
}

}  // namespace

std::string sim_html(const sim::Result& result) {
    const bool wrong = anything_wrong(result);
    std::string out =
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width,initial-scale=1\">\n";
    const std::string title = escaped(result.title.empty() ? result.name : result.title);
    out += fmt::format("<title>synwhy sim: {}</title>\n<style>{}</style></head>\n<body><main>\n", title, kStyle);
    out += fmt::format("<h1 class=\"{}\">{}</h1>\n<p><strong>{}</strong></p>\n", wrong ? "bad" : "good",
                       escaped(sim_verdict(result)), title);
    if (!result.description.empty()) out += fmt::format("<p class=\"soft\">{}</p>\n", escaped(result.description));
    for (const std::string& remark : result.remarks) out += fmt::format("<p class=\"soft\">{}</p>\n", escaped(remark));
    out += tiles(result);
    for (const sim::ServerResult& server : result.servers) out += server_part(result, server);
    out += client_figure(result) + clients_table(result);
    out += fmt::format(
        "<footer>Simulated by synwhy: scenario <code>{}</code>, seed {}, {}. No packet left the machine."
        "</footer>\n</main></body>\n</html>\n",
        escaped(result.name), result.seed, duration(result.duration_ns));
    return out;
}

}  // namespace synwhy::emit
