#include "emit/emulation_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "core/catalogue.hpp"
#include "emit/style.hpp"
#include "emit/text.hpp"
#include "emit/time_text.hpp"

namespace synwhy::emit {
namespace {

using Json = nlohmann::ordered_json;

bool is_number(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Causes of unanswered SYNs, or of refused final ACKs, most frequent first.
std::vector<std::pair<core::Cause, std::uint64_t>> causes_of(const EmulationReport& report, bool syn) {
    std::map<core::Cause, std::uint64_t> counts;
    for (const FateLine& line : report.fates) {
        if (line.unanswered && line.syn == syn && line.row != nullptr) counts[line.row->cause] += line.segments;
    }
    std::vector<std::pair<core::Cause, std::uint64_t>> sorted(counts.begin(), counts.end());
    std::ranges::stable_sort(sorted, [](const auto& a, const auto& b) { return a.second > b.second; });
    return sorted;
}

std::string titles(const std::vector<std::pair<core::Cause, std::uint64_t>>& causes) {
    if (causes.empty()) return "no row of the path says why";
    std::string text(core::page(causes.front().first).title);
    if (causes.size() > 1) text += ", and " + counted(causes.size() - 1, "other cause");
    return text;
}

std::string verdict(const EmulationReport& report) {
    const std::uint64_t syns = report.syns();
    const std::uint64_t unanswered = report.unanswered();
    if (syns == 0) return "No SYN came in.";
    if (unanswered != 0) {
        return fmt::format("{} of {} got no SYN+ACK: {}", grouped(unanswered), counted(syns, "SYN"),
                           titles(causes_of(report, true)));
    }
    if (const auto causes = causes_of(report, false); !causes.empty()) {
        return fmt::format(
            "{} got a SYN+ACK, but {} refused: {}", counted(syns, "SYN"),
            counted(causes.front().second, "final ACK") + (causes.front().second == 1 ? " was" : " were"),
            titles(causes));
    }
    return counted(syns, "SYN") + (syns == 1 ? ", answered" : ", all answered");
}

void append_fates(std::string& out, const EmulationReport& report, bool syn) {
    for (const FateLine& line : report.fates) {
        if (line.syn != syn || (!syn && line.row == nullptr)) continue;
        fmt::format_to(std::back_inserter(out), "  {:>10}  {:<12}", grouped(line.segments), line.fate);
        if (line.row != nullptr) {
            fmt::format_to(std::back_inserter(out), "  {:<28}  {}", line.row->id, core::slug(line.row->cause));
        }
        while (out.ends_with(' ')) out.pop_back();
        out += '\n';
    }
}

void append_numbers(std::string& out, const std::vector<std::pair<std::string, std::uint64_t>>& numbers) {
    for (const auto& [name, value] : numbers) {
        if (value != 0) fmt::format_to(std::back_inserter(out), "  {:>10}  {}\n", grouped(value), name);
    }
}

Json number_object(const std::vector<std::pair<std::string, std::uint64_t>>& numbers) {
    Json object = Json::object();
    for (const auto& [name, value] : numbers) object[name] = value;
    return object;
}

Json field_of(const std::string& text) {
    std::uint64_t number = 0;
    if (text == "-") return {};
    if (is_number(text) && std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc{}) {
        return number;
    }
    return text;
}

}  // namespace

std::uint64_t EmulationReport::syns() const {
    std::uint64_t sum = 0;
    for (const FateLine& line : fates) sum += line.syn ? line.segments : 0;
    return sum;
}

std::uint64_t EmulationReport::unanswered() const {
    std::uint64_t sum = 0;
    for (const FateLine& line : fates) sum += line.syn && line.unanswered ? line.segments : 0;
    return sum;
}

bool EmulationReport::found_cause() const {
    return std::ranges::any_of(fates, [](const FateLine& line) { return line.unanswered; });
}

std::string emulation_text(const EmulationReport& report, std::size_t width, bool colour) {
    const Style style(colour);
    std::string out;
    for (const std::string& line : wrap(verdict(report), width)) {
        out += (report.found_cause() ? style.bad(line) : style.strong(line)) + '\n';
    }
    std::string where;
    for (const std::string& listener : report.listeners) where += (where.empty() ? "" : ", ") + listener;
    append_wrapped(out, "",
                   fmt::format("kernel {} on {}, {}, {}", report.kernel, report.device, where,
                               time_span(report.first_ns, report.last_ns, Zone::utc)),
                   width);
    if (report.syns() != 0) out += style.strong("SYNs") + '\n';
    append_fates(out, report, true);
    std::string others;
    append_fates(others, report, false);
    if (!others.empty()) out += style.strong("Other segments that met a row of the path") + '\n' + others;
    if (!report.counters.empty()) out += style.strong("Counters that moved") + '\n';
    append_numbers(out, report.counters);
    out += style.strong("Traffic") + '\n';
    append_numbers(out, report.traffic);
    if (!report.missing.empty()) out += style.strong("Ignored or lost") + '\n';
    for (const std::string& text : report.missing) append_wrapped(out, "  - ", text, width);
    for (const auto& [cause, count] : causes_of(report, true)) {
        out += style.command(fmt::format("synwhy explain {}", core::slug(cause))) + '\n';
    }
    return out;
}

std::string emulation_json(const EmulationReport& report) {
    Json fates = Json::array();
    Json findings = Json::array();
    for (const FateLine& line : report.fates) {
        Json json = {{"syn", line.syn},
                     {"fate", line.fate},
                     {"row", line.row == nullptr ? Json() : Json(line.row->id)},
                     {"cause", line.row == nullptr ? Json() : Json(core::slug(line.row->cause))},
                     {"segments", line.segments}};
        fates.push_back(std::move(json));
    }
    for (const auto& [cause, count] : causes_of(report, true)) {
        findings.push_back({{"cause", core::slug(cause)}, {"syns", count}});
    }
    const Json document = {{"v", 1},
                           {"tool", "synwhy"},
                           {"type", "emulation"},
                           {"verdict", verdict(report)},
                           {"kernel", report.kernel},
                           {"device", report.device},
                           {"listeners", report.listeners},
                           {"first", rfc3339(report.first_ns)},
                           {"last", rfc3339(report.last_ns)},
                           {"syns", report.syns()},
                           {"unanswered", report.unanswered()},
                           {"findings", findings},
                           {"fates", fates},
                           {"counters", number_object(report.counters)},
                           {"traffic", number_object(report.traffic)},
                           {"missing", report.missing}};
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string tables_json(const std::vector<ControlTable>& tables) {
    Json document = {{"v", 1}, {"tool", "synwhy"}, {"type", "emulation-state"}};
    for (const ControlTable& table : tables) {
        Json rows = Json::array();
        for (const auto& row : table.rows) {
            Json object = Json::object();
            for (std::size_t i = 0; i < row.size() && i < table.columns.size(); ++i) {
                object[table.columns[i]] = field_of(row[i]);
            }
            rows.push_back(std::move(object));
        }
        document[table.name] = std::move(rows);
        if (table.left_out != 0) document[table.name + "_left_out"] = table.left_out;
    }
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string table_text(const ControlTable& table) {
    std::vector<std::size_t> widths;
    std::vector<bool> numeric(table.columns.size(), true);
    for (const std::string& column : table.columns) widths.push_back(column.size());
    for (const auto& row : table.rows) {
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
            widths[i] = std::max(widths[i], display_width(row[i]));
            numeric[i] = numeric[i] && (is_number(row[i]) || row[i] == "-");
        }
    }
    std::string out;
    const auto append_row = [&](const std::vector<std::string>& row) {
        std::string line;
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
            const std::string cell = printable(row[i]);
            const std::string blanks(widths[i] - std::min(widths[i], display_width(cell)), ' ');
            line += (i == 0 ? "" : "  ") + (numeric[i] ? blanks + cell : cell + blanks);
        }
        while (line.ends_with(' ')) line.pop_back();
        out += line + '\n';
    };
    append_row(table.columns);
    for (const auto& row : table.rows) append_row(row);
    if (table.left_out != 0) out += fmt::format("... {}\n", counted(table.left_out, "more row"));
    return out;
}

}  // namespace synwhy::emit
