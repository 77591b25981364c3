#include "firewall/iptables_match.hpp"

#include <algorithm>
#include <array>

#include "firewall/names.hpp"
#include "firewall/nft_text.hpp"

namespace synwhy::firewall {

namespace {

using core::FilterDoubt;

Match doubtful(FilterDoubt doubt, std::string why) {
    Match match;
    match.doubt = doubt;
    match.why = shown_text(why);
    return match;
}

/// An option's arguments as a match on a field; nullopt when they are not understood.
using Reader = std::optional<Match> (*)(const Option& option, Field field, core::Family family);

Match plain(Field field, std::vector<Interval> values, bool inverted) {
    Match match;
    match.operands.push_back({field, std::nullopt, FilterDoubt::field, {}});
    match.compare = inverted ? Compare::not_equal : Compare::equal;
    match.values.parts = std::move(values);
    return match;
}

Match masked(Field field, const Key& value, const Key& mask, bool inverted) {
    Match match = plain(field, {single(value)}, inverted);
    match.operands[0].mask = mask;
    return match;
}

/// "80", "1024:65535", ":1023", "1024:"
std::optional<Interval> number_range(std::string_view text, std::uint64_t highest) {
    const auto colon = text.find(':');
    const std::string_view first = text.substr(0, colon);
    const std::string_view second = colon == std::string_view::npos ? first : text.substr(colon + 1);
    const auto low =
        first.empty() && colon != std::string_view::npos ? std::optional<std::uint64_t>(0) : parse_number(first);
    const auto high = second.empty() && colon != std::string_view::npos ? std::optional(highest) : parse_number(second);
    if (!low || !high || *high < *low) return std::nullopt;
    return Interval{key_of_number(*low), key_of_number(*high)};
}

std::optional<Match> read_numbers(const Option& option, Field field, core::Family /*family*/) {
    constexpr std::uint64_t kHighest = 65'535;
    std::vector<Interval> values;
    for (const std::string_view part : split(option.argument(), ',')) {
        const auto range = number_range(part, kHighest);
        if (!range) return std::nullopt;
        values.push_back(*range);
    }
    return plain(field, std::move(values), option.inverted);
}

std::optional<Match> read_either_port(const Option& option, Field field, core::Family family) {
    auto match = read_numbers(option, field, family);
    if (!match) return std::nullopt;
    match->operands.push_back({Field::destination_port, std::nullopt, FilterDoubt::field, {}});
    match->either = true;
    return match;
}

template <Compare compare>
std::optional<Match> read_bound(const Option& option, Field field, core::Family /*family*/) {
    const auto number = parse_number(option.argument());
    if (!number || option.inverted) return std::nullopt;
    Match match = plain(field, {single(key_of_number(*number))}, false);
    match.compare = compare;
    return match;
}

std::optional<std::uint64_t> flags_of(std::string_view list, Kind kind) {
    std::uint64_t flags = 0;
    for (const std::string_view word : split(list, ',')) {
        const auto bit = number_of_word(kind, word);
        if (!bit) return std::nullopt;
        flags |= *bit;
    }
    return flags;
}

std::optional<Match> read_tcp_flags(const Option& option, Field field, core::Family /*family*/) {
    const auto mask = flags_of(option.argument(0), Kind::tcp_flag);
    const auto wanted = flags_of(option.argument(1), Kind::tcp_flag);
    if (!mask || !wanted) return std::nullopt;
    return masked(field, key_of_number(*wanted), key_of_number(*mask), option.inverted);
}

std::optional<Match> read_syn(const Option& option, Field field, core::Family /*family*/) {
    return masked(field, key_of_number(0x02), key_of_number(0x17), option.inverted);
}

/// --ctstate also takes SNAT and DNAT, which are the connection's status.
std::optional<Match> read_states(const Option& option, Field field, core::Family /*family*/) {
    auto flags = flags_of(option.argument(), Kind::ct_state);
    if (!flags) {
        flags = flags_of(option.argument(), Kind::ct_status);
        field = Field::ct_status;
    }
    if (!flags) return std::nullopt;
    Match match = plain(field, {single(key_of_number(*flags))}, false);
    match.compare = option.inverted ? Compare::no_bit : Compare::any_bit;
    return match;
}

/// "0x1/0xff"
std::optional<Match> read_mark(const Option& option, Field field, core::Family /*family*/) {
    const auto parts = split(option.argument(), '/');
    const auto value = parse_number(parts[0]);
    const auto mask = parts.size() > 1 ? parse_number(parts[1]) : std::optional<std::uint64_t>(0xffffffffU);
    if (!value || !mask) return std::nullopt;
    return masked(field, key_of_number(*value), key_of_number(*mask), option.inverted);
}

template <Kind kind>
std::optional<Match> read_words(const Option& option, Field field, core::Family /*family*/) {
    std::vector<Interval> values;
    for (const std::string_view word : split(option.argument(), ',')) {
        const auto number = number_of_word(kind, word);
        if (!number) return std::nullopt;
        values.push_back(single(key_of_number(*number)));
    }
    return plain(field, std::move(values), option.inverted);
}

/// The family's own field instead of IPv4's.
Field in_family(Field field, core::Family family) {
    if (family == core::Family::ipv4) return field;
    if (field == Field::source4) return Field::source6;
    if (field == Field::destination4) return Field::destination6;
    return field;
}

/// "10.0.0.1-10.0.0.9"
std::optional<Match> read_address_range(const Option& option, Field field, core::Family family) {
    const auto parts = split(option.argument(), '-');
    const auto low = core::parse_address(parts[0]);
    const auto high = core::parse_address(parts.back());
    if (parts.size() > 2 || !low || !high || low->family != family || high->family != family || *high < *low) {
        return std::nullopt;
    }
    return plain(in_family(field, family), {{key_of_address(*low), key_of_address(*high)}}, option.inverted);
}

/// "10.0.0.0/8", "10.0.0.1", "10.0.0.0/255.0.255.0"
std::optional<Match> read_address(const Option& option, Field field, core::Family family) {
    const auto parts = split(option.argument(), '/');
    const auto address = core::parse_address(parts[0]);
    if (!address || address->family != family || parts.size() > 2) return std::nullopt;
    const Field own = in_family(field, family);
    if (parts.size() == 1) return plain(own, {single(key_of_address(*address))}, option.inverted);
    if (const auto length = parse_number(parts[1]); length && *length <= 128) {
        const auto prefix = prefix_of(*address, static_cast<unsigned>(*length));
        if (!prefix) return std::nullopt;
        return plain(own, {*prefix}, option.inverted);
    }
    const auto mask = core::parse_address(parts[1]);
    if (!mask || mask->family != family) return std::nullopt;
    const Key bits = key_of_address(*mask);
    return masked(own, key_of_address(*address) & bits, bits, option.inverted);
}

std::optional<Match> read_interface(const Option& option, Field field, core::Family /*family*/) {
    const std::string_view name = option.argument();
    if (name.ends_with('+')) {
        const auto all = interfaces_starting(name.substr(0, name.size() - 1));
        return all ? std::optional(plain(field, {*all}, option.inverted)) : std::nullopt;
    }
    const auto key = key_of_interface(name);
    if (!key || name.empty()) return std::nullopt;
    return plain(field, {single(*key)}, option.inverted);
}

std::optional<Match> read_protocol(const Option& option, Field field, core::Family /*family*/) {
    auto number = number_of_word(Kind::protocol, option.argument());
    if (!number) number = parse_number(option.argument());
    if (!number) return std::nullopt;
    return plain(field, {single(key_of_number(*number))}, option.inverted);
}

/// A SYN is no fragment.
std::optional<Match> read_fragment(const Option& option, Field field, core::Family /*family*/) {
    return plain(field, {single(key_of_number(0))}, !option.inverted);
}

struct Row {
    std::string_view module;  ///< empty: the rule's header
    std::string_view option;
    Field field;
    Reader reader;
};
constexpr auto kRows = std::to_array<Row>({
    {"", "-s", Field::source4, read_address},
    {"", "-d", Field::destination4, read_address},
    {"", "-i", Field::in_interface, read_interface},
    {"", "-o", Field::out_interface, read_interface},
    {"", "-p", Field::l4proto, read_protocol},
    {"", "-f", Field::fragment_offset, read_fragment},
    {"tcp", "--sport", Field::source_port, read_numbers},
    {"tcp", "--dport", Field::destination_port, read_numbers},
    {"tcp", "--tcp-flags", Field::tcp_flags, read_tcp_flags},
    {"tcp", "--syn", Field::tcp_flags, read_syn},
    {"multiport", "--sports", Field::source_port, read_numbers},
    {"multiport", "--dports", Field::destination_port, read_numbers},
    {"multiport", "--ports", Field::source_port, read_either_port},
    {"state", "--state", Field::ct_state, read_states},
    {"conntrack", "--ctstate", Field::ct_state, read_states},
    {"conntrack", "--ctdir", Field::ct_direction, read_words<Kind::ct_direction>},
    {"mark", "--mark", Field::mark, read_mark},
    {"connmark", "--mark", Field::ct_mark, read_mark},
    {"iprange", "--src-range", Field::source4, read_address_range},
    {"iprange", "--dst-range", Field::destination4, read_address_range},
    {"addrtype", "--dst-type", Field::destination_type, read_words<Kind::address_type>},
    {"length", "--length", Field::length, read_numbers},
    {"ttl", "--ttl-eq", Field::ttl4, read_numbers},
    {"ttl", "--ttl-lt", Field::ttl4, read_bound<Compare::less>},
    {"ttl", "--ttl-gt", Field::ttl4, read_bound<Compare::greater>},
    {"hl", "--hl-eq", Field::hop_limit6, read_numbers},
    {"hl", "--hl-lt", Field::hop_limit6, read_bound<Compare::less>},
    {"hl", "--hl-gt", Field::hop_limit6, read_bound<Compare::greater>},
    {"pkttype", "--pkt-type", Field::packet_type, read_words<Kind::packet_type>},
});

/// Modules whose answer is not in the packet.
constexpr auto kStateful = std::to_array<std::string_view>(
    {"limit",     "hashlimit", "connlimit", "recent",   "quota", "statistic", "time",      "rateest",
     "connbytes", "rpfilter",  "socket",    "owner",    "set",   "cpu",       "connlabel", "cgroup",
     "cluster",   "condition", "geoip",     "dstlimit", "psd",   "quota2"});
/// Modules that only annotate or count.
constexpr auto kPassive = std::to_array<std::string_view>({"comment", "nfacct"});

bool contains(const auto& list, std::string_view name) { return std::ranges::find(list, name) != list.end(); }

Match read_option(std::string_view module, const Option& option, core::Family family) {
    const auto row =
        std::ranges::find_if(kRows, [&](const Row& one) { return one.module == module && one.option == option.name; });
    if (row == kRows.end()) {
        return doubtful(FilterDoubt::not_understood,
                        "an option that is not understood: " + std::string(module) + " " + option.name);
    }
    auto match = row->reader(option, row->field, family);
    if (!match) {
        return doubtful(FilterDoubt::not_understood,
                        "a value that is not understood: " + option.name + " " + std::string(option.argument()));
    }
    match->operands[0].text = std::string(name_of(match->operands[0].field));
    return std::move(*match);
}

}  // namespace

std::vector<Statement> header_matches(const std::vector<Option>& options, core::Family family) {
    std::vector<Statement> statements;
    for (const Option& option : options) statements.emplace_back(read_option("", option, family));
    return statements;
}

std::vector<Statement> module_matches(const Section& module, core::Family family) {
    if (contains(kPassive, module.name)) return {};
    if (contains(kStateful, module.name)) {
        // Without a condition, "recent" only notes the sender.
        const bool notes =
            module.name == "recent" && module.find("--set") != nullptr && !module.find("--set")->inverted;
        if (notes) return {};
        return {doubtful(FilterDoubt::state, "depends on more than the packet: " + module.text)};
    }
    std::vector<Statement> statements;
    for (const Option& option : module.options) statements.emplace_back(read_option(module.name, option, family));
    if (module.options.empty() && module.name != "tcp") {
        statements.emplace_back(
            doubtful(FilterDoubt::not_understood, "a match that is not understood: " + module.name));
    }
    return statements;
}

}  // namespace synwhy::firewall
