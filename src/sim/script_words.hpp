// Which words does each step of a script take?
//
// The grammar as two tables: operations with the names, keys and flags they know, and keys with the form of their
// value. Private to the script files.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "sim/script.hpp"

namespace synwhy::sim::detail {

enum class Form : std::uint8_t {
    integer,     ///< within [low, high]
    address,     ///< IPv4 or IPv6
    timestamp,   ///< a number, +N or -N, or "none"
    relative,    ///< a number, +N, -N (from the flow's own state) or @N (from the ISN)
    hex,         ///< an even number of hex digits, at most `high` bytes
    flags,       ///< letters of FSRPAUEC, or 0
    bad_or_sum,  ///< "bad", or a number
    text,
};

struct Key {
    std::string_view name;
    Form form = Form::text;
    std::int64_t low = 0;
    std::int64_t high = 0;
};

struct Grammar {
    Op op;
    std::string_view word;
    std::size_t least_names;
    std::size_t most_names;
    std::span<const std::string_view> keys;
    std::span<const std::string_view> flags;
};

/// nullptr: no such operation.
const Grammar* find_grammar(std::string_view word);
const Key& find_key(std::string_view name);
/// What is wrong with the value; empty when nothing.
std::string complaint(const Key& key, std::string_view value);
/// Decimal or 0x..., optional sign; nullopt when it is no number.
std::optional<std::int64_t> parse_number(std::string_view text);

}  // namespace synwhy::sim::detail
