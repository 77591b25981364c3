#include "sim/script_words.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/address.hpp"

namespace synwhy::sim::detail {
namespace {

using std::string_view;

constexpr std::int64_t kMaxU32 = 0xffff'ffff;
constexpr std::int64_t kMaxListeningBacklog = 0x7fff'ffff;
constexpr std::int64_t kMaxPayload = 1400;

constexpr auto kKeys = std::to_array<Key>({
    {"ack", Form::relative},
    {"addr", Form::address},
    {"as", Form::text},
    {"backlog", Form::integer, -1, kMaxListeningBacklog},
    {"csum", Form::bad_or_sum},
    {"defer", Form::integer, 0, 32767},
    {"doff", Form::integer, 0, 15},
    {"dport", Form::integer, 0, 65535},
    {"dst", Form::address},
    {"filter", Form::integer, 0, 1},
    {"flags", Form::flags},
    {"frag", Form::integer, 0, 65535},
    {"ihl", Form::integer, 0, 15},
    {"ipcsum", Form::bad_or_sum},
    {"ipopts", Form::hex, 0, 40},
    {"ipver", Form::integer, 0, 15},
    {"isn", Form::integer, 0, kMaxU32},
    {"len", Form::integer, 0, kMaxPayload},
    {"minttl", Form::integer, 0, 255},
    {"mss", Form::integer, 0, 65535},
    {"opts", Form::hex, 0, 40},
    {"port", Form::integer, 1, 65535},
    {"proto", Form::integer, 0, 255},
    {"rcvbuf", Form::integer, 0, kMaxListeningBacklog},
    {"rcvnxt", Form::integer, 0, kMaxU32},
    {"res", Form::integer, 0, 15},
    {"sack", Form::integer, 0, 1},
    {"seq", Form::relative},
    {"sndnxt", Form::integer, 0, kMaxU32},
    {"sport", Form::integer, 0, 65535},
    {"src", Form::address},
    {"synrexmt", Form::integer, 0, 255},
    {"tag", Form::text},
    {"tos", Form::integer, 0, 255},
    {"totlen", Form::integer, 0, 65535},
    {"trunc", Form::integer, 1, 65535},
    {"ts", Form::timestamp},
    {"tsecr", Form::integer, 0, kMaxU32},
    {"ttl", Form::integer, 0, 255},
    {"urg", Form::integer, 0, 65535},
    {"w", Form::integer, 0, kMaxStepWait_ms},
    {"win", Form::integer, 0, 65535},
    {"ws", Form::integer, -1, 255},
    {"xopts", Form::hex, 0, 40},
});

constexpr auto kSegmentKeys = std::to_array<string_view>(
    {"src", "dst",   "sport",  "dport", "isn",  "ts",    "mss",    "ws",    "sack",   "flags", "seq",
     "ack", "len",   "win",    "urg",   "opts", "xopts", "ipopts", "csum",  "ipcsum", "doff",  "res",
     "ihl", "ipver", "totlen", "frag",  "ttl",  "proto", "tos",    "trunc", "tsecr",  "w",     "tag"});
constexpr auto kFlowKeys = std::to_array<string_view>(
    {"src", "dst", "sport", "dport", "isn", "ts", "mss", "ws", "sack", "sndnxt", "rcvnxt", "tag"});
constexpr auto kListenKeys =
    std::to_array<string_view>({"port", "backlog", "defer", "minttl", "synrexmt", "filter", "rcvbuf", "addr", "tag"});
constexpr auto kAcceptKeys = std::to_array<string_view>({"as", "w", "tag"});
constexpr auto kRelistenKeys = std::to_array<string_view>({"backlog", "tag"});
constexpr auto kWaitKeys = std::to_array<string_view>({"w", "tag"});
constexpr auto kTransferKeys = std::to_array<string_view>({"len", "w", "tag"});
constexpr auto kTagKey = std::to_array<string_view>({"tag"});

constexpr auto kSegmentFlags = std::to_array<string_view>({"fast", "noadv"});
constexpr auto kListenFlags = std::to_array<string_view>({"v6", "v6only", "md5"});
constexpr auto kMarkFlags = std::to_array<string_view>({"inj"});

constexpr std::size_t kManyNames = 1000;

constexpr auto kGrammars = std::to_array<Grammar>({
    {Op::desc, "desc", 0, kManyNames, {}, {}},
    {Op::desc, "note", 0, kManyNames, {}, {}},
    {Op::set, "set", 2, 5, {}, {}},
    {Op::listen, "listen", 1, 1, kListenKeys, kListenFlags},
    {Op::relisten, "relisten", 1, 1, kRelistenKeys, {}},
    {Op::accept, "accept", 1, 1, kAcceptKeys, {}},
    {Op::close, "close", 1, 1, kWaitKeys, {}},
    {Op::rstclose, "rstclose", 1, 1, kWaitKeys, {}},
    {Op::shut, "shut", 1, 1, kWaitKeys, {}},
    {Op::write, "write", 1, 1, kTransferKeys, {}},
    {Op::read, "read", 1, 1, kWaitKeys, {}},
    {Op::flow, "flow", 1, 1, kFlowKeys, {}},
    {Op::like, "like", 2, 2, kFlowKeys, {}},
    {Op::syn, "syn", 1, 1, kSegmentKeys, kSegmentFlags},
    {Op::ack, "ack", 1, 1, kSegmentKeys, kSegmentFlags},
    {Op::data, "data", 1, 1, kSegmentKeys, kSegmentFlags},
    {Op::fin, "fin", 1, 1, kSegmentKeys, kSegmentFlags},
    {Op::rst, "rst", 1, 1, kSegmentKeys, kSegmentFlags},
    {Op::seg, "seg", 1, 1, kSegmentKeys, kSegmentFlags},
    {Op::resend, "resend", 1, 1, kWaitKeys, kSegmentFlags},
    {Op::wait, "wait", 1, 1, kTagKey, {}},
    {Op::until, "until", 1, 1, kTagKey, {}},
    {Op::mark, "mark", 0, 0, kTagKey, kMarkFlags},
    {Op::watch, "watch", 2, 2, kTagKey, {}},
    {Op::route, "route", 1, 1, kTagKey, {}},
    {Op::socks, "socks", 0, 0, kTagKey, {}},
    {Op::needs, "needs", 1, 1, {}, {}},
    {Op::only, "only", 1, 1, {}, {}},
});

bool is_hex(string_view text) {
    return std::ranges::all_of(text, [](char c) { return string_view("0123456789abcdefABCDEF").contains(c); });
}

std::string range_of(const Key& key) { return std::to_string(key.low) + " to " + std::to_string(key.high); }

}  // namespace

const Grammar* find_grammar(string_view word) {
    const auto found = std::ranges::find(kGrammars, word, &Grammar::word);
    return found == kGrammars.end() ? nullptr : &*found;
}

const Key& find_key(string_view name) { return *std::ranges::find(kKeys, name, &Key::name); }

std::optional<std::int64_t> parse_number(string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    const bool sixteen = text.starts_with("0x") || text.starts_with("0X");
    if (sixteen) text.remove_prefix(2);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, sixteen ? 16 : 10);
    if (text.empty() || text.front() == '-' || error != std::errc{} || end != text.data() + text.size()) return {};
    return negative ? -value : value;
}

std::string complaint(const Key& key, string_view value) {
    const auto number_within = [&](string_view text, std::int64_t low, std::int64_t high) {
        const auto number = parse_number(text);
        return number && *number >= low && *number <= high;
    };
    switch (key.form) {
        case Form::integer: return number_within(value, key.low, key.high) ? "" : "a number from " + range_of(key);
        case Form::address: return core::parse_address(value) ? "" : "an IPv4 or IPv6 address";
        case Form::timestamp:
            return value == "none" || number_within(value, -kMaxU32, kMaxU32) ? "" : "a number, +N, -N or none";
        case Form::relative:
            if (value.starts_with('@')) value.remove_prefix(1);
            return number_within(value, -kMaxU32, kMaxU32) ? "" : "a number, +N, -N or @N";
        case Form::hex:
            if (value.size() % 2 != 0 || !is_hex(value)) return "an even number of hex digits";
            return value.size() / 2 <= static_cast<std::size_t>(key.high) ? "" : "at most 40 bytes";
        case Form::flags:
            return value == "0" || (!value.empty() && value.find_first_not_of("FSRPAUEC") == string_view::npos)
                       ? ""
                       : "letters of FSRPAUEC, or 0";
        case Form::bad_or_sum: return value == "bad" || number_within(value, 0, 65535) ? "" : "bad, or a 16-bit number";
        case Form::text: return value.empty() ? "not empty" : "";
    }
    return {};
}

}  // namespace synwhy::sim::detail
