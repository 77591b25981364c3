// Does a packet meet a match: yes, no, or not to be said?
#pragma once

#include <string>

#include "firewall/packet.hpp"
#include "firewall/ruleset.hpp"

namespace synwhy::firewall {

enum class Truth : std::uint8_t { no, yes, unknown };

/// An answer, and what would have to be known when there is none.
struct Judgement {
    Truth truth = Truth::yes;
    core::FilterDoubt doubt = core::FilterDoubt::none;
    std::string why{};
};

/// What a walk has spent: comparisons of set elements count too.
struct Budget {
    std::uint64_t left = 0;

    /// @return false when it is used up
    bool spend(std::uint64_t amount) {
        if (amount > left) return left = 0, false;
        left -= amount;
        return true;
    }
};

/// @param tracked as in read_field
Judgement judge(const Match& match, const Packet& packet, const Table& table, bool tracked, Budget& budget);

/// The answer for each element of a verdict map that is not a plain no.
struct MapAnswer {
    std::vector<std::pair<const Verdict*, Truth>> hits{};
    Judgement reason{};    ///< of the uncertain ones
    bool may_miss = true;  ///< no element need match
};
MapAnswer judge(const VerdictMap& map, const Packet& packet, const Table& table, bool tracked, Budget& budget);

}  // namespace synwhy::firewall
