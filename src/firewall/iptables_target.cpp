#include "firewall/iptables_target.hpp"

#include <algorithm>
#include <array>

#include "firewall/names.hpp"
#include "firewall/nft_text.hpp"

namespace synwhy::firewall {

namespace {

using core::FilterAction;
using Maker = std::vector<Statement> (*)(const Section& target);

template <FilterAction action>
std::vector<Statement> simple(const Section& /*target*/) {
    return {Verdict{action, {}, {}}};
}

std::vector<Statement> reject(const Section& target) {
    const Option* with = target.find("--reject-with");
    const bool reset = with != nullptr && with->argument() == "tcp-reset";
    return {Verdict{reset ? FilterAction::reject_reset : FilterAction::reject_icmp, {}, {}}};
}

std::vector<Statement> queue(const Section& target) {
    return {Verdict{FilterAction::queue, {}, shown_text("a program decides: " + target.text)}};
}

/// net/netfilter/xt_TPROXY.c drops when no proxy listens, and accepts otherwise.
std::vector<Statement> tproxy(const Section& /*target*/) {
    return {Verdict{FilterAction::tproxy, {}, "without a listening transparent proxy TPROXY drops"},
            Verdict{FilterAction::accept, {}, {}}};
}

std::optional<std::uint16_t> port_of(std::string_view text) {
    const auto number = parse_number(text);
    return number && *number <= 65'535 ? std::optional(static_cast<std::uint16_t>(*number)) : std::nullopt;
}

/// "10.0.0.1", "10.0.0.1:80", ":80", "[2001:db8::1]:80"; ranges are not known.
std::vector<Statement> dnat(const Section& target) {
    Translate translate;
    translate.destination = true;
    const Option* to = target.find("--to-destination");
    std::string_view text = to == nullptr ? std::string_view{} : to->argument();
    std::string_view port;
    const auto bracket = text.find(']');
    const bool bare6 = bracket == std::string_view::npos && std::ranges::count(text, ':') > 1;
    const auto colon = bare6 ? std::string_view::npos : text.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon != std::string_view::npos) {
        port = text.substr(colon + 1);
        text = text.substr(0, colon);
    }
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    translate.address = core::parse_address(text);
    translate.port = port_of(port);
    translate.known = to != nullptr && (text.empty() || translate.address) && (port.empty() || translate.port);
    return {translate};
}

std::vector<Statement> redirect(const Section& target) {
    Translate translate;
    translate.destination = true;
    translate.to_this_host = true;
    if (const Option* to = target.find("--to-ports"); to != nullptr) {
        translate.port = port_of(to->argument());
        translate.known = translate.port.has_value();
    }
    return {translate};
}

std::vector<Statement> source_nat(const Section& /*target*/) { return {Translate{}}; }

/// In PREROUTING a NETMAP maps the destination, elsewhere the source; which address comes out is not computed.
std::vector<Statement> netmap(const Section& /*target*/) {
    Translate translate;
    translate.destination = true;
    translate.known = false;
    return {translate};
}

/// "VALUE/MASK": the bits of MASK are cleared, then VALUE is xor-ed in. --set-mark ors, which is the same on cleared
/// bits.
std::vector<Statement> mark(const Section& target, bool connection) {
    SetMark set;
    set.connection = connection;
    const Option* value = target.find("--set-xmark");
    if (value == nullptr) value = target.find("--set-mark");
    if (value != nullptr) {
        const auto parts = split(value->argument(), '/');
        const auto number = parse_number(parts[0]);
        const auto mask = parts.size() > 1 ? parse_number(parts[1]) : std::optional<std::uint64_t>(0xffffffffU);
        if (number && mask) {
            set.source = SetMark::Source::value;
            set.value = static_cast<std::uint32_t>(*number);
            set.keep = ~static_cast<std::uint32_t>(*mask);
        }
        return {set};
    }
    const bool whole = target.options.size() == 1;
    if (connection && target.find("--restore-mark") != nullptr) set.connection = false;
    if (connection && whole && (target.find("--restore-mark") != nullptr || target.find("--save-mark") != nullptr)) {
        set.source = SetMark::Source::other_mark;
    }
    return {set};
}

std::vector<Statement> packet_mark(const Section& target) { return mark(target, false); }
std::vector<Statement> connection_mark(const Section& target) { return mark(target, true); }

std::vector<Statement> ct(const Section& target) {
    if (target.name == "NOTRACK" || target.find("--notrack") != nullptr) return {NoTrack{}};
    return {};
}

struct Row {
    std::string_view name;
    Maker maker;
};
constexpr auto kTargets = std::to_array<Row>({
    {"ACCEPT", simple<FilterAction::accept>},
    {"DROP", simple<FilterAction::drop>},
    {"RETURN", simple<FilterAction::leave>},
    {"SYNPROXY", simple<FilterAction::synproxy>},
    {"TARPIT", simple<FilterAction::not_understood>},
    {"REJECT", reject},
    {"QUEUE", queue},
    {"NFQUEUE", queue},
    {"TPROXY", tproxy},
    {"DNAT", dnat},
    {"REDIRECT", redirect},
    {"SNAT", source_nat},
    {"MASQUERADE", source_nat},
    {"NETMAP", netmap},
    {"MARK", packet_mark},
    {"CONNMARK", connection_mark},
    {"CT", ct},
    {"NOTRACK", ct},
});
constexpr auto kPassive = std::to_array<std::string_view>(
    {"LOG",      "NFLOG",    "ULOG", "AUDIT", "TRACE",       "TCPMSS",  "TOS",         "DSCP",
     "CLASSIFY", "CHECKSUM", "SET",  "TTL",   "HL",          "SECMARK", "CONNSECMARK", "IDLETIMER",
     "LED",      "RATEEST",  "TEE",  "ECN",   "TCPOPTSTRIP", "HMARK",   "ACCOUNT"});

}  // namespace

bool is_passive_target(std::string_view name) { return std::ranges::find(kPassive, name) != kPassive.end(); }

std::vector<Statement> target_statements(const RuleLine& line) {
    const Section& target = line.target;
    if (target.name.empty() || is_passive_target(target.name)) return {};
    if (line.go_to) return {Verdict{FilterAction::go_to, target.name, {}}};
    const auto row = std::ranges::find(kTargets, target.name, &Row::name);
    if (row != kTargets.end()) return row->maker(target);
    return {Verdict{FilterAction::jump, target.name, {}}};
}

}  // namespace synwhy::firewall
