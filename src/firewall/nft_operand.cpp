#include "firewall/nft_operand.hpp"

#include <algorithm>
#include <array>

#include "firewall/nft_text.hpp"

namespace synwhy::firewall {

namespace {

using core::FilterAction;
using core::FilterDoubt;
using NodeKind = Node::Kind;

struct PayloadField {
    std::string_view protocol;
    std::string_view field;
    Field meaning;
};
constexpr auto kPayload = std::to_array<PayloadField>({
    {"ip", "saddr", Field::source4},
    {"ip", "daddr", Field::destination4},
    {"ip", "protocol", Field::ip4_protocol},
    {"ip", "version", Field::ip4_version},
    {"ip", "ttl", Field::ttl4},
    {"ip", "length", Field::length4},
    {"ip", "frag-off", Field::fragment_offset},
    {"ip6", "saddr", Field::source6},
    {"ip6", "daddr", Field::destination6},
    {"ip6", "nexthdr", Field::ip6_next},
    {"ip6", "hoplimit", Field::hop_limit6},
    {"ip6", "version", Field::ip6_version},
    {"tcp", "sport", Field::source_port},
    {"tcp", "dport", Field::destination_port},
    {"tcp", "flags", Field::tcp_flags},
    {"th", "sport", Field::source_port},
    {"th", "dport", Field::destination_port},
});

/// Headers a TCP segment does not have.
constexpr auto kForeignHeaders = std::to_array<std::string_view>(
    {"udp", "udplite", "sctp", "dccp", "icmp", "icmpv6", "igmp", "esp", "ah", "comp", "arp"});

struct NamedField {
    std::string_view key;
    Field meaning;
};
constexpr auto kMeta = std::to_array<NamedField>({
    {"iifname", Field::in_interface},
    {"iif", Field::in_interface},
    {"oifname", Field::out_interface},
    {"oif", Field::out_interface},
    {"nfproto", Field::nfproto},
    {"protocol", Field::ether_type},
    {"l4proto", Field::l4proto},
    {"mark", Field::mark},
    {"pkttype", Field::packet_type},
});
constexpr auto kCt = std::to_array<NamedField>({
    {"state", Field::ct_state},
    {"direction", Field::ct_direction},
    {"mark", Field::ct_mark},
    {"status", Field::ct_status},
});

template <std::size_t size>
Field find_named(const std::array<NamedField, size>& table, std::string_view key) {
    const auto found = std::ranges::find(table, key, &NamedField::key);
    return found == table.end() ? Field::other : found->meaning;
}

Field payload_field(const Node& payload) {
    const std::string_view protocol = payload.text_of("protocol");
    if (std::ranges::find(kForeignHeaders, protocol) != kForeignHeaders.end()) return Field::absent;
    const auto found = std::ranges::find_if(kPayload, [&](const PayloadField& entry) {
        return entry.protocol == protocol && entry.field == payload.text_of("field");
    });
    return found == kPayload.end() ? Field::other : found->meaning;
}

/// `fib daddr type`, with or without the interface, is what routing decides anyway.
Field fib_field(const Node& fib) {
    const Node* flags = fib.find("flags");
    if (fib.text_of("result") != "type" || flags == nullptr) return Field::other;
    for (const Node& flag : flags->items) {
        if (flag.text == "daddr") return Field::destination_type;
    }
    return flags->text == "daddr" ? Field::destination_type : Field::other;
}

/// Expressions whose value is a fact of the machine and not of the packet.
constexpr auto kStateful = std::to_array<std::string_view>({"fib", "numgen", "socket", "rt", "ct", "ipsec"});

Operand plain_operand(const Node& left) {
    Operand operand;
    operand.text = nft_text(left);
    operand.doubt = FilterDoubt::field;
    if (!left.is(NodeKind::object) || left.items.size() != 1) {
        operand.doubt = FilterDoubt::not_understood;
        return operand;
    }
    const std::string& name = left.names[0];
    const Node& value = left.items[0];
    if (name == "payload") {
        operand.field = payload_field(value);
    } else if (name == "meta") {
        operand.field = find_named(kMeta, value.text_of("key"));
    } else if (name == "ct" && value.find("dir") == nullptr) {
        operand.field = find_named(kCt, value.text_of("key"));
    } else if (name == "fib") {
        operand.field = fib_field(value);
    } else if (name.find("icmp") != std::string::npos || name.find("sctp") != std::string::npos) {
        operand.field = Field::absent;
    }
    if (operand.field == Field::other && std::ranges::find(kStateful, name) != kStateful.end()) {
        operand.doubt = FilterDoubt::state;
    }
    return operand;
}

/// One number from a number, a word or a list of words that are or-ed.
std::optional<Key> flags_of(const Node& value, Kind kind) {
    if (value.is(NodeKind::array)) {
        Key all{};
        for (const Node& item : value.items) {
            const auto one = nft_scalar(item, kind);
            if (!one) return std::nullopt;
            all = all | *one;
        }
        return all;
    }
    if (const Node* list = value.find("|"); list != nullptr && list->is(NodeKind::array)) return flags_of(*list, kind);
    return nft_scalar(value, kind);
}

std::optional<Key> scalar_of_text(std::string_view text, Kind kind) {
    switch (kind) {
        case Kind::address4:
        case Kind::address6: {
            const auto address = core::parse_address(text);
            const auto family = kind == Kind::address4 ? core::Family::ipv4 : core::Family::ipv6;
            if (!address || address->family != family) return std::nullopt;
            return key_of_address(*address);
        }
        case Kind::interface: return key_of_interface(text);
        case Kind::number:
        case Kind::protocol:
        case Kind::family:
        case Kind::ether_type:
        case Kind::tcp_flag:
        case Kind::ct_state:
        case Kind::ct_direction:
        case Kind::ct_status:
        case Kind::address_type:
        case Kind::packet_type: {
            auto number = number_of_word(kind, text);
            if (!number) number = parse_number(text);
            if (!number) return std::nullopt;
            return key_of_number(*number);
        }
    }
    return std::nullopt;
}

std::optional<Interval> prefix_interval(const Node& prefix, Kind kind) {
    const Node* length = prefix.find("len");
    const auto address = core::parse_address(prefix.text_of("addr"));
    if (length == nullptr || !length->is(NodeKind::number) || length->number > 128 || !address) return std::nullopt;
    if (kind != (address->family == core::Family::ipv4 ? Kind::address4 : Kind::address6)) return std::nullopt;
    return prefix_of(*address, static_cast<unsigned>(length->number));
}

/// The value inside {"elem": {"val": ..., "timeout": ...}}, or the node itself.
const Node& inner_value(const Node& element) {
    const Node* wrapped = element.find("elem");
    const Node* value = wrapped == nullptr ? nullptr : wrapped->find("val");
    return value == nullptr ? element : *value;
}

bool add_element(Set& set, const Node& element, const std::vector<Kind>& kinds) {
    const Node& value = inner_value(element);
    std::vector<Interval> parts;
    const Node* concatenation = value.find("concat");
    if (concatenation == nullptr && kinds.size() == 1) {
        const auto part = nft_interval(value, kinds[0]);
        if (!part) return false;
        parts.push_back(*part);
    } else if (concatenation != nullptr && concatenation->items.size() == kinds.size()) {
        for (std::size_t i = 0; i < kinds.size(); ++i) {
            const auto part = nft_interval(concatenation->items[i], kinds[i]);
            if (!part) return false;
            parts.push_back(*part);
        }
    } else {
        return false;
    }
    set.parts.insert(set.parts.end(), parts.begin(), parts.end());
    return true;
}

}  // namespace

Kind kind_of(Field field) {
    switch (field) {
        case Field::in_interface:
        case Field::out_interface: return Kind::interface;
        case Field::nfproto: return Kind::family;
        case Field::ether_type: return Kind::ether_type;
        case Field::l4proto:
        case Field::ip4_protocol:
        case Field::ip6_next: return Kind::protocol;
        case Field::source4:
        case Field::destination4: return Kind::address4;
        case Field::source6:
        case Field::destination6: return Kind::address6;
        case Field::tcp_flags: return Kind::tcp_flag;
        case Field::ct_state: return Kind::ct_state;
        case Field::ct_direction: return Kind::ct_direction;
        case Field::ct_status: return Kind::ct_status;
        case Field::destination_type: return Kind::address_type;
        case Field::packet_type: return Kind::packet_type;
        case Field::ip4_version:
        case Field::ip6_version:
        case Field::ttl4:
        case Field::hop_limit6:
        case Field::length4:
        case Field::length:
        case Field::fragment_offset:
        case Field::source_port:
        case Field::destination_port:
        case Field::mark:
        case Field::ct_mark:
        case Field::absent:
        case Field::other: return Kind::number;
    }
    return Kind::number;
}

std::vector<Operand> nft_operands(const Node& left) {
    if (const Node* parts = left.find("concat");
        parts != nullptr && parts->is(NodeKind::array) && !parts->items.empty()) {
        std::vector<Operand> operands;
        for (const Node& part : parts->items) operands.push_back(plain_operand(part));
        return operands;
    }
    const Node* masked = left.find("&");
    if (masked == nullptr || masked->items.size() != 2) return {plain_operand(left)};
    Operand operand = plain_operand(masked->items[0]);
    operand.mask = flags_of(masked->items[1], kind_of(operand.field));
    if (!operand.mask) {
        operand.field = Field::other;
        operand.doubt = FilterDoubt::not_understood;
    }
    return {operand};
}

std::vector<Kind> nft_set_kinds(const Node& type) {
    constexpr auto kTypes = std::to_array<std::pair<std::string_view, Kind>>({
        {"ipv4_addr", Kind::address4},
        {"ipv6_addr", Kind::address6},
        {"inet_service", Kind::number},
        {"inet_proto", Kind::protocol},
        {"ifname", Kind::interface},
        {"iface_index", Kind::interface},
        {"mark", Kind::number},
        {"ct_state", Kind::ct_state},
        {"ct_status", Kind::ct_status},
        {"tcp_flag", Kind::tcp_flag},
        {"nf_proto", Kind::family},
        {"ether_type", Kind::ether_type},
        {"pkt_type", Kind::packet_type},
        {"fib_addrtype", Kind::address_type},
        {"ct_dir", Kind::ct_direction},
        {"integer", Kind::number},
    });
    if (type.is(NodeKind::array)) {
        std::vector<Kind> kinds;
        for (const Node& part : type.items) {
            const auto one = part.is(NodeKind::string) ? nft_set_kinds(part) : std::vector<Kind>{};
            if (one.empty()) return {};
            kinds.push_back(one[0]);
        }
        return kinds;
    }
    const auto found =
        std::ranges::find(kTypes, std::string_view(type.text), [](const auto& entry) { return entry.first; });
    return found == kTypes.end() ? std::vector<Kind>{} : std::vector<Kind>{found->second};
}

std::optional<Key> nft_scalar(const Node& value, Kind kind) {
    if (value.is(NodeKind::number) && !value.negative && kind != Kind::interface && kind != Kind::address6) {
        return key_of_number(value.number);
    }
    if (value.is(NodeKind::string)) return scalar_of_text(value.text, kind);
    return std::nullopt;
}

std::optional<Interval> nft_interval(const Node& value, Kind kind) {
    if (value.is(NodeKind::string) && value.text == "*") {
        Interval all;
        all.high.fill(0xff);
        return all;
    }
    if (value.is(NodeKind::string) && kind == Kind::interface && value.text.ends_with('*')) {
        return interfaces_starting(std::string_view(value.text).substr(0, value.text.size() - 1));
    }
    if (const Node* range = value.find("range"); range != nullptr) {
        if (range->items.size() != 2) return std::nullopt;
        const auto low = nft_scalar(range->items[0], kind);
        const auto high = nft_scalar(range->items[1], kind);
        if (!low || !high || *high < *low) return std::nullopt;
        return Interval{*low, *high};
    }
    if (const Node* prefix = value.find("prefix"); prefix != nullptr) return prefix_interval(*prefix, kind);
    const auto key = flags_of(value, kind);
    return key ? std::optional(single(*key)) : std::nullopt;
}

Set nft_set(const Node& elements, const std::vector<Kind>& kinds, Elements form, std::size_t room) {
    const bool verdicts = form == Elements::verdict_pairs;
    Set set;
    set.arity = std::max<std::size_t>(kinds.size(), 1);
    set.left_out = elements.left_out;
    for (const Node& element : elements.items) {
        const bool pair = form != Elements::values && element.is(NodeKind::array) && element.items.size() == 2;
        std::optional<Verdict> verdict;
        if (verdicts && pair && element.items[1].items.size() == 1) {
            verdict =
                nft_verdict(element.items[1].names.empty() ? "" : element.items[1].names[0], element.items[1].items[0]);
        }
        const Node& value = pair ? element.items[0] : element;
        if (set.size() >= room || kinds.empty() || (verdicts && !verdict) || !add_element(set, value, kinds)) {
            ++set.left_out;
            continue;
        }
        if (verdict) set.verdicts.push_back(std::move(*verdict));
    }
    return set;
}

std::optional<Verdict> nft_verdict(std::string_view name, const Node& value) {
    constexpr auto kVerdicts = std::to_array<std::pair<std::string_view, FilterAction>>({
        {"accept", FilterAction::accept},
        {"drop", FilterAction::drop},
        {"continue", FilterAction::proceed},
        {"return", FilterAction::leave},
        {"jump", FilterAction::jump},
        {"goto", FilterAction::go_to},
    });
    const auto found = std::ranges::find(kVerdicts, name, [](const auto& entry) { return entry.first; });
    if (found == kVerdicts.end()) return std::nullopt;
    return Verdict{found->second, std::string(value.text_of("target")), {}};
}

}  // namespace synwhy::firewall
