// How is one table of a scenario read, key by key?
//
// Typed getters with units and ranges; what is wrong becomes the first error with file:line:column, and a key that
// nobody asked for is an error that names the nearest known one. After an error the getters return their defaults.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.hpp"
#include "core/error.hpp"
#include "sim/scenario.hpp"
#include "sim/toml_tree.hpp"

namespace synwhy::sim {

/// The first thing that is wrong with a file.
struct Problem {
    std::string file{};
    std::optional<core::Error> error{};

    void complain(const Place& place, std::string what, std::string remedy = {});
};

/// "250 ms", "1.5s", "2 d" in nanoseconds; units ns, us, ms, s, min, h, d. nullopt: no duration, or too long.
std::optional<std::int64_t> parse_duration(std::string_view text);

class Fields {
  public:
    Fields(const TomlValue& table, Problem& problem) : table_(table), problem_(problem) {}

    [[nodiscard]] bool has(std::string_view key) const { return table_.find(key) != nullptr; }
    [[nodiscard]] int line() const { return table_.place.line; }

    std::string text(std::string_view key, std::string fallback = {});
    std::int64_t number(std::string_view key, std::int64_t fallback, std::int64_t least, std::int64_t most);
    bool flag(std::string_view key, bool fallback);
    std::int64_t duration(std::string_view key, std::int64_t fallback_ns);
    /// A probability 0..1 in millionths.
    std::uint32_t ppm(std::string_view key);
    /// One of `names`; the index.
    std::size_t one_of(std::string_view key, std::size_t fallback, std::vector<std::string_view> names);
    /// "10 ms", {exponential = "10 ms"}, {uniform = ["1 ms", "2 ms"]}
    Distribution durations(std::string_view key, Distribution fallback);
    /// The same of whole numbers.
    Distribution numbers(std::string_view key, Distribution fallback);
    std::vector<SysctlSetting> sysctls(std::string_view key);
    std::optional<core::Address> address(std::string_view key);
    std::vector<core::Address> addresses(std::string_view key);
    /// "10.0.0.0/8"; an address alone is one host.
    std::optional<std::pair<core::Address, int>> prefix(std::string_view key);
    /// [["10 s", "20 s"], ...], sorted and apart.
    std::vector<Interval> intervals(std::string_view key);
    std::vector<ScriptStep> steps(std::string_view key);
    /// [[key]] or [key]: the tables, none when it is absent.
    std::vector<const TomlValue*> tables(std::string_view key, std::size_t most);
    /// Complains about the value of `key`, or about the table when it has none.
    void complain(std::string_view key, std::string what, std::string remedy = {});
    /// Call last: unknown keys are errors.
    void finish();

  private:
    const TomlValue* get(std::string_view key);
    std::optional<std::int64_t> amount(const TomlValue& value, bool time);
    Distribution distribution(std::string_view key, Distribution fallback, bool time);

    const TomlValue& table_;
    Problem& problem_;
    std::vector<std::string_view> asked_{};
};

}  // namespace synwhy::sim
