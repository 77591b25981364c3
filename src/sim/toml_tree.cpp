// TOML text as a tree; see toml_tree.hpp. The only file of this folder that knows toml++.
#include "sim/toml_tree.hpp"

#include <toml++/toml.h>

#include <algorithm>

namespace synwhy::sim {
namespace {

Place place_of(const toml::source_region& region) {
    return {static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

TomlValue converted(const toml::node& node) {
    TomlValue value;
    value.place = place_of(node.source());
    if (const auto* table = node.as_table()) {
        value.kind = TomlValue::Kind::table;
        for (const auto& [key, member] : *table) {
            value.items.push_back(converted(member));
            value.items.back().key = std::string(key.str());
            value.items.back().key_place = place_of(key.source());
        }
    } else if (const auto* array = node.as_array()) {
        value.kind = TomlValue::Kind::array;
        for (const auto& item : *array) value.items.push_back(converted(item));
    } else if (const auto* text = node.as_string()) {
        value.kind = TomlValue::Kind::string;
        value.text = text->get();
    } else if (const auto* integer = node.as_integer()) {
        value.kind = TomlValue::Kind::integer;
        value.integer = integer->get();
    } else if (const auto* real = node.as_floating_point()) {
        value.kind = TomlValue::Kind::real;
        value.real = real->get();
    } else if (const auto* boolean = node.as_boolean()) {
        value.kind = TomlValue::Kind::boolean;
        value.boolean = boolean->get();
    } else {
        value.kind = TomlValue::Kind::other;
    }
    return value;
}

}  // namespace

const TomlValue* TomlValue::find(std::string_view name) const {
    const auto found = std::ranges::find(items, name, &TomlValue::key);
    return kind == Kind::table && found != items.end() ? &*found : nullptr;
}

std::expected<TomlValue, core::Error> read_toml(std::string_view text, std::string_view file_name) {
    try {
        return converted(toml::parse(text));
    } catch (const toml::parse_error& error) {
        const Place place = place_of(error.source());
        return std::unexpected(core::Error{
            std::string(error.description()),
            std::string(file_name) + ':' + std::to_string(place.line) + ':' + std::to_string(place.column)});
    }
}

}  // namespace synwhy::sim
