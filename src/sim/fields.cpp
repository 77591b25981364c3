// One table of a scenario, key by key; see fields.hpp.
#include "sim/fields.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

namespace synwhy::sim {
namespace {

constexpr std::int64_t kMaxAmount = 1LL << 50;

/// Edits (insert, delete, replace) between two short words.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

std::string listed(const std::vector<std::string_view>& names) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        text += i == 0 ? "" : (i + 1 == names.size() ? " or " : ", ");
        text += '"' + std::string(names[i]) + '"';
    }
    return text;
}

std::string suggestion(std::string_view key, const std::vector<std::string_view>& known) {
    if (known.empty()) return {};
    const auto nearest = std::ranges::min_element(known, {}, [&](auto name) { return distance(key, name); });
    if (distance(key, *nearest) <= 1 + key.size() / 3) return "did you mean '" + std::string(*nearest) + "'?";
    std::vector<std::string_view> sorted = known;
    std::ranges::sort(sorted);
    std::string names;
    for (const auto name : sorted) names += (names.empty() ? "" : " ") + std::string(name);
    return "known here: " + names;
}

struct Unit {
    std::string_view name;
    std::int64_t ns;
};
constexpr std::array<Unit, 8> kUnits{{{"ns", 1},
                                      {"us", 1'000},
                                      {"µs", 1'000},
                                      {"ms", 1'000'000},
                                      {"s", 1'000'000'000},
                                      {"min", 60'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"d", 86'400'000'000'000}}};

/// Digits of `text` from `at` as a number; nullopt when there is none or it is too large.
std::optional<std::int64_t> digits(std::string_view text, std::size_t& at) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    if (error != std::errc{} || text[at] == '-') return std::nullopt;
    at = static_cast<std::size_t>(end - text.data());
    return value;
}

/// Address and prefix length.
std::optional<std::pair<core::Address, int>> parse_prefix(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = core::parse_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    const int bits = address->family == core::Family::ipv4 ? 32 : 128;
    if (slash == std::string_view::npos) return std::pair{*address, bits};
    std::size_t at = slash + 1;
    if (at >= text.size()) return std::nullopt;
    const auto length = digits(text, at);
    if (!length || at != text.size() || *length > bits) return std::nullopt;
    return std::pair{*address, static_cast<int>(*length)};
}

}  // namespace

void Problem::complain(const Place& place, std::string what, std::string remedy) {
    if (error) return;
    error = core::Error{std::move(what), file + ':' + std::to_string(place.line) + ':' + std::to_string(place.column),
                        std::move(remedy)};
}

std::optional<std::int64_t> parse_duration(std::string_view text) {
    if (text.empty()) return std::nullopt;
    std::size_t at = 0;
    const auto whole = digits(text, at);
    if (!whole) return std::nullopt;
    std::int64_t fraction = 0;  // in billionths
    if (at < text.size() && text[at] == '.') {
        std::int64_t weight = 100'000'000;
        const std::size_t first = ++at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, weight /= 10) {
            fraction += weight * (text[at] - '0');
        }
        if (at == first) return std::nullopt;
    }
    if (at < text.size() && text[at] == ' ') ++at;
    const auto unit = std::ranges::find(kUnits, text.substr(at), &Unit::name);
    if (unit == kUnits.end()) return std::nullopt;
    constexpr std::int64_t kMost = 20LL * 365 * 86'400'000'000'000;  // 20 years fit
    if (*whole > kMost / unit->ns) return std::nullopt;
    // A unit is a divisor or a multiple of a second: both products are exact where they matter.
    const std::int64_t part =
        unit->ns >= 1'000'000'000 ? fraction * (unit->ns / 1'000'000'000) : fraction / (1'000'000'000 / unit->ns);
    return *whole * unit->ns + part;
}

const TomlValue* Fields::get(std::string_view key) {
    asked_.push_back(key);
    return table_.find(key);
}

void Fields::complain(std::string_view key, std::string what, std::string remedy) {
    const TomlValue* value = table_.find(key);
    problem_.complain(value != nullptr ? value->place : table_.place, "'" + std::string(key) + "' " + std::move(what),
                      std::move(remedy));
}

std::string Fields::text(std::string_view key, std::string fallback) {
    const TomlValue* value = get(key);
    if (value == nullptr) return fallback;
    if (value->kind == TomlValue::Kind::string) return value->text;
    complain(key, "must be a string");
    return fallback;
}

std::int64_t Fields::number(std::string_view key, std::int64_t fallback, std::int64_t least, std::int64_t most) {
    const TomlValue* value = get(key);
    if (value == nullptr) return fallback;
    if (value->kind == TomlValue::Kind::integer && value->integer >= least && value->integer <= most) {
        return value->integer;
    }
    complain(key, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return fallback;
}

bool Fields::flag(std::string_view key, bool fallback) {
    const TomlValue* value = get(key);
    if (value == nullptr) return fallback;
    if (value->kind == TomlValue::Kind::boolean) return value->boolean;
    complain(key, "must be true or false");
    return fallback;
}

std::optional<std::int64_t> Fields::amount(const TomlValue& value, bool time) {
    if (!time) {
        const bool good = value.kind == TomlValue::Kind::integer && value.integer >= 0 && value.integer <= kMaxAmount;
        if (good) return value.integer;
        problem_.complain(value.place, "a whole number from 0 to " + std::to_string(kMaxAmount) + " is needed here");
        return std::nullopt;
    }
    if (value.kind == TomlValue::Kind::string) {
        if (const auto parsed = parse_duration(value.text)) return parsed;
    }
    problem_.complain(value.place, "a duration is needed here", "for example \"250 ms\"; units ns us ms s min h d");
    return std::nullopt;
}

std::int64_t Fields::duration(std::string_view key, std::int64_t fallback_ns) {
    const TomlValue* value = get(key);
    return value == nullptr ? fallback_ns : amount(*value, true).value_or(fallback_ns);
}

std::uint32_t Fields::ppm(std::string_view key) {
    const TomlValue* value = get(key);
    if (value == nullptr) return 0;
    const double share = value->kind == TomlValue::Kind::integer ? static_cast<double>(value->integer) : value->real;
    const bool number = value->kind == TomlValue::Kind::integer || value->kind == TomlValue::Kind::real;
    if (number && share >= 0 && share <= 1) return static_cast<std::uint32_t>(share * 1e6 + 0.5);
    complain(key, "must be a share from 0 to 1", "for example 0.01 for 1 %");
    return 0;
}

std::size_t Fields::one_of(std::string_view key, std::size_t fallback, std::vector<std::string_view> names) {
    const TomlValue* value = get(key);
    if (value == nullptr) return fallback;
    const auto found = std::ranges::find(names, std::string_view(value->text));
    if (value->kind == TomlValue::Kind::string && found != names.end()) {
        return static_cast<std::size_t>(found - names.begin());
    }
    complain(key, "must be " + listed(names));
    return fallback;
}

Distribution Fields::durations(std::string_view key, Distribution fallback) {
    return distribution(key, fallback, true);
}
Distribution Fields::numbers(std::string_view key, Distribution fallback) { return distribution(key, fallback, false); }

Distribution Fields::distribution(std::string_view key, Distribution fallback, bool time) {
    const TomlValue* value = get(key);
    if (value == nullptr) return fallback;
    if (value->kind != TomlValue::Kind::table) {
        const auto constant = amount(*value, time);
        return constant ? Distribution{.low = *constant} : fallback;
    }
    const TomlValue* mean = value->find("exponential");
    const TomlValue* range = value->find("uniform");
    if (value->items.size() == 1 && mean != nullptr) {
        const auto low = amount(*mean, time);
        return low ? Distribution{Distribution::Kind::exponential, *low, 0} : fallback;
    }
    if (value->items.size() == 1 && range != nullptr && range->items.size() == 2) {
        const auto low = amount(range->items[0], time);
        const auto high = amount(range->items[1], time);
        if (low && high && *low <= *high) return {Distribution::Kind::uniform, *low, *high};
        complain(key, "has a range whose end is before its start");
        return fallback;
    }
    complain(key, "must be a constant, { exponential = MEAN } or { uniform = [LOW, HIGH] }");
    return fallback;
}

std::vector<SysctlSetting> Fields::sysctls(std::string_view key) {
    std::vector<SysctlSetting> settings;
    const TomlValue* value = get(key);
    if (value == nullptr) return settings;
    if (value->kind != TomlValue::Kind::table) {
        complain(key, "must be a table of sysctls", "for example { \"net.ipv4.tcp_syncookies\" = 0 }");
        return settings;
    }
    for (const TomlValue& item : value->items) {
        SysctlSetting setting{item.key, item.text, item.key_place.line, item.key_place.column};
        if (item.kind == TomlValue::Kind::integer) {
            setting.value = std::to_string(item.integer);
        } else if (item.kind == TomlValue::Kind::table) {
            problem_.complain(item.key_place, "a sysctl's name has dots and needs quotes",
                              "for example \"net.ipv4.tcp_syncookies\" = 0");
        } else if (item.kind != TomlValue::Kind::string) {
            problem_.complain(item.place, "a sysctl's value is a whole number or a string");
        }
        settings.push_back(std::move(setting));
    }
    return settings;
}

std::optional<core::Address> Fields::address(std::string_view key) {
    const TomlValue* value = get(key);
    if (value == nullptr) return std::nullopt;
    const auto parsed = value->kind == TomlValue::Kind::string ? core::parse_address(value->text) : std::nullopt;
    if (!parsed) complain(key, "must be an IPv4 or IPv6 address");
    return parsed;
}

std::vector<core::Address> Fields::addresses(std::string_view key) {
    std::vector<core::Address> list;
    const TomlValue* value = get(key);
    if (value == nullptr) return list;
    if (value->kind != TomlValue::Kind::array) complain(key, "must be a list of addresses");
    for (const TomlValue& item : value->items) {
        if (const auto parsed = core::parse_address(item.text)) {
            list.push_back(*parsed);
        } else {
            problem_.complain(item.place, "an IPv4 or IPv6 address is needed here");
        }
    }
    return list;
}

std::optional<std::pair<core::Address, int>> Fields::prefix(std::string_view key) {
    const TomlValue* value = get(key);
    if (value == nullptr) return std::nullopt;
    const auto parsed = parse_prefix(value->text);
    if (!parsed) complain(key, "must be an address or a prefix", "for example \"198.18.0.0/15\"");
    return parsed;
}

std::vector<Interval> Fields::intervals(std::string_view key) {
    std::vector<Interval> list;
    const TomlValue* value = get(key);
    if (value == nullptr) return list;
    if (value->kind != TomlValue::Kind::array) complain(key, "must be a list of [start, end]");
    for (const TomlValue& item : value->items) {
        if (item.kind != TomlValue::Kind::array || item.items.size() != 2) {
            problem_.complain(item.place, "[start, end] is needed here", "for example [\"10 s\", \"20 s\"]");
            return {};
        }
        const auto start = amount(item.items[0], true);
        const auto end = amount(item.items[1], true);
        if (!start || !end) return {};
        if (*start >= *end || (!list.empty() && *start < list.back().end_ns)) {
            problem_.complain(item.place, "intervals must be sorted, apart and not empty");
        }
        list.push_back({*start, *end});
    }
    return list;
}

std::vector<ScriptStep> Fields::steps(std::string_view key) {
    std::vector<ScriptStep> list;
    const TomlValue* value = get(key);
    if (value == nullptr) return list;
    if (value->kind != TomlValue::Kind::array) complain(key, "must be a list of strings");
    if (value->items.size() > kMaxScriptSteps) {
        complain(key, "has more than " + std::to_string(kMaxScriptSteps) + " steps");
    }
    for (const TomlValue& item : value->items) {
        if (item.kind != TomlValue::Kind::string) problem_.complain(item.place, "a step is a string");
        // The value's place is its opening quote.
        list.push_back({item.text, item.place.line, item.place.column + 1});
    }
    return list;
}

std::vector<const TomlValue*> Fields::tables(std::string_view key, std::size_t most) {
    std::vector<const TomlValue*> list;
    const TomlValue* value = get(key);
    if (value == nullptr) return list;
    if (value->kind == TomlValue::Kind::table) {
        list.push_back(value);
    } else if (value->kind == TomlValue::Kind::array) {
        for (const TomlValue& item : value->items) list.push_back(&item);
    }
    const bool all_tables =
        std::ranges::all_of(list, [](const TomlValue* item) { return item->kind == TomlValue::Kind::table; });
    if (list.empty() || !all_tables) {
        complain(key, "must be a table", "[" + std::string(key) + "], or [[" + std::string(key) + "]] for several");
        return {};
    }
    if (list.size() > most) complain(key, "stands more than " + std::to_string(most) + " times");
    return list;
}

void Fields::finish() {
    for (const TomlValue& item : table_.items) {
        if (std::ranges::find(asked_, std::string_view(item.key)) != asked_.end()) continue;
        problem_.complain(item.key_place, "unknown key '" + item.key + "'", suggestion(item.key, asked_));
        return;
    }
}

}  // namespace synwhy::sim
