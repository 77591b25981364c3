// How does `nft -j list ruleset` become values without ever holding the whole document?
//
// The document is one long array of small objects; each is handed over when it ends and then forgotten. Depth and array
// lengths are bounded, so that hostile text costs no more than a large ruleset. Everything behind this header is free
// of the JSON library. Left out: fractions, which nft does not print.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace synwhy::firewall {

inline constexpr std::size_t kMaxJsonDepth = 48;
/// Members of one array or object; the rest is counted in Node::left_out.
inline constexpr std::size_t kMaxJsonItems = 1U << 18;

/// One JSON value.
struct Node {
    enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
    Kind kind = Kind::null;
    bool negative = false;             ///< of a number
    std::uint64_t number = 0;          ///< its magnitude; boolean: 0 or 1
    std::string text{};                ///< of a string
    std::vector<std::string> names{};  ///< of an object, one for each item
    std::vector<Node> items{};         ///< of an array or an object
    std::uint64_t left_out = 0;        ///< items beyond kMaxJsonItems

    [[nodiscard]] bool is(Kind wanted) const { return kind == wanted; }
    /// An object's member. @return nullptr when absent, or when this is no object
    [[nodiscard]] const Node* find(std::string_view name) const;
    /// A member's text; empty when it is absent or no string.
    [[nodiscard]] std::string_view text_of(std::string_view name) const;
    /// A member's number, 0 when it is absent or no number.
    [[nodiscard]] std::uint64_t number_of(std::string_view name) const;
};

/// Calls `handle` for every member of the top-level array "nftables", in order.
/// @return what broke and at which byte; members before it were handed over
std::expected<void, core::Error> for_each_member(std::string_view text, const std::function<void(const Node&)>& handle);

}  // namespace synwhy::firewall
