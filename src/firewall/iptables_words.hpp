// How is one line of iptables-save divided into matches and a target?
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synwhy::firewall {

/// "--dport 80", "! --ctstate NEW,RELATED"
struct Option {
    std::string name{};  ///< with its dashes
    std::vector<std::string> arguments{};
    bool inverted = false;

    [[nodiscard]] std::string_view argument(std::size_t index = 0) const {
        return index < arguments.size() ? std::string_view(arguments[index]) : std::string_view{};
    }
};

/// A match module or a target with its options.
struct Section {
    std::string name{};
    std::vector<Option> options{};
    std::string text{};  ///< as written, for a sentence

    [[nodiscard]] const Option* find(std::string_view option) const;
};

/// A rule's line.
struct RuleLine {
    std::string chain{};
    std::vector<Option> header{};    ///< -s -d -i -o -p -f
    std::vector<Section> matches{};  ///< each -m
    Section target{};                ///< -j or -g; an empty name: none
    bool go_to = false;              ///< -g
};

inline constexpr std::size_t kMaxWords = 4096;

/// @param line from "-A" on. @return nullopt when it is no such line: an open quote, no chain, too many words
std::optional<RuleLine> parse_rule_line(std::string_view line);
/// "80,443,8000:8010" at its commas; empty parts are kept.
std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace synwhy::firewall
