#include "cli/emulate_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <vector>

#include "host/netstat_sentences.hpp"

namespace synwhy::cli {
namespace {

std::vector<std::string> fields_of(std::string_view line) {
    std::vector<std::string> fields;
    while (true) {
        const auto tab = line.find('\t');
        fields.emplace_back(line.substr(0, tab));
        if (tab == std::string_view::npos) return fields;
        line.remove_prefix(tab + 1);
    }
}

/// `ss -lnt`, with the SYN queue in columns of its own behind.
std::string as_ss_listening(const emit::ControlTable& table) {
    std::string out = fmt::format("{:<7}{:<7}{:<7}{:>28} {:<18}{:>8}{:>7}{:>7}{:>9}\n", "State", "Recv-Q", "Send-Q",
                                  "Local Address:Port", "Peer Address:Port", "SYN-RECV", "young", "room", "drops");
    for (const auto& row : table.rows) {
        const bool ipv6 = row[0].starts_with('[');
        fmt::format_to(std::back_inserter(out), "{:<7}{:<7}{:<7}{:>28} {:<18}{:>8}{:>7}{:>7}{:>9}\n", "LISTEN", row[1],
                       row[2], row[0], ipv6 ? "[::]:*" : "0.0.0.0:*", row[3], row[4], row[5], row[6]);
    }
    return out;
}

/// `ip tcp_metrics show`
std::string as_tcp_metrics(const emit::ControlTable& table) {
    std::string out;
    for (const auto& row : table.rows) {
        out += row[0];
        if (row[2] != "-") out += fmt::format(" tw_ts {}/{}sec ago", row[2], row[3]);
        if (row[4] == "1") out += " rtt known";
        if (row[1] != "*") out += " source " + row[1];
        out += '\n';
    }
    if (table.left_out != 0) out += fmt::format("... {} more\n", table.left_out);
    return out;
}

/// `netstat -s`: sentences where net-tools has one, "Name: value" elsewhere, no zeros.
std::string as_netstat(const emit::ControlTable& table) {
    std::string out;
    std::string section;
    for (const auto& row : table.rows) {
        const auto dot = row[0].find('.');
        if (row[1] == "0" || dot == std::string::npos) continue;
        const std::string_view name = std::string_view(row[0]).substr(dot + 1);
        if (section != row[0].substr(0, dot)) {
            section = row[0].substr(0, dot);
            out += section + ":\n";
        }
        std::string line(host::sentence_of_counter(section, name));
        if (const auto number = line.find('#'); number != std::string::npos) {
            line.replace(number, 1, row[1]);
        } else {
            line = fmt::format("{}: {}", name, row[1]);
        }
        out += "    " + line + '\n';
    }
    return out;
}

/// `ss -nt`
std::string as_ss(const emit::ControlTable& table) {
    std::string out = fmt::format("{:<12}{:<7}{:<7}{:>28} {:>28}\n", "State", "Recv-Q", "Send-Q", "Local Address:Port",
                                  "Peer Address:Port");
    for (const auto& row : table.rows) {
        fmt::format_to(std::back_inserter(out), "{:<12}{:<7}{:<7}{:>28} {:>28}\n", row[0], row[1], row[2], row[3],
                       row[4]);
    }
    if (table.left_out != 0) out += fmt::format("... {} more\n", table.left_out);
    return out;
}

}  // namespace

emit::ControlTable parse_table(std::string_view name, std::string_view text) {
    emit::ControlTable table;
    table.name = name;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.starts_with("# ")) {
            std::from_chars(line.data() + 2, line.data() + line.size(), table.left_out);
        } else if (table.columns.empty()) {
            table.columns = fields_of(line);
        } else if (auto fields = fields_of(line); fields.size() == table.columns.size()) {
            table.rows.push_back(std::move(fields));
        }
    }
    return table;
}

std::string table_as_tool(const emit::ControlTable& table) {
    const auto has = [&table](std::size_t columns) { return table.columns.size() == columns; };
    if (table.name == "queues" && has(7)) return as_ss_listening(table);
    if (table.name == "peers" && has(5)) return as_tcp_metrics(table);
    if (table.name == "counters" && has(2)) return as_netstat(table);
    if (table.name == "sockets" && has(5)) return as_ss(table);
    return emit::table_text(table);
}

}  // namespace synwhy::cli
