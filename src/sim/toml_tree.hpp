// What values does a TOML text hold, and where does each stand?
//
// A plain tree, so that only toml_tree.cpp pays for the parser library and every message can name a place.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace synwhy::sim {

struct Place {
    int line = 0;  ///< from 1
    int column = 0;
};

struct TomlValue {
    enum class Kind : std::uint8_t {
        string,
        integer,
        real,
        boolean,
        array,
        table,
        other,  ///< dates and times
    } kind = Kind::table;
    Place place{};
    std::string key{};  ///< as a member of a table
    Place key_place{};
    std::string text{};
    std::int64_t integer = 0;
    double real = 0;
    bool boolean = false;
    std::vector<TomlValue> items{};  ///< of an array or a table

    [[nodiscard]] const TomlValue* find(std::string_view name) const;
};

/// The root table. The error's place is "file:line:column".
std::expected<TomlValue, core::Error> read_toml(std::string_view text, std::string_view file_name);

}  // namespace synwhy::sim
