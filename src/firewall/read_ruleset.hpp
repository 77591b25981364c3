// How do the texts of nft and iptables become one ruleset?
//
// nft -j is the source for all of nf_tables. Where iptables-nft used x_tables parts, nft prints only their names; there
// the rules are taken from iptables-nft-save and keep nft's handles. Text is never trusted: what is broken is a
// complaint, and what is missing a rule that may do anything.
#pragma once

#include <expected>
#include <string_view>

#include "core/error.hpp"
#include "firewall/ruleset.hpp"

namespace synwhy::firewall {

/// Appends the tables of `nft -j list ruleset`. An error leaves what came before it, and a rule that may do anything is
/// not added: the caller says so.
std::expected<void, core::Error> read_nft(std::string_view json, Ruleset& into);

/// Appends the tables of one `iptables-save -c` document. Broken lines become complaints.
void read_iptables(std::string_view text, core::Family family, core::FilterSystem system, Ruleset& into);

/// Replaces what nft could not show by what iptables-nft-save printed. A table whose chains do not have the same number
/// of rules on both sides stays as it is.
void complete_from_iptables(Ruleset& nft, Ruleset&& saved);

/// All of it. What was there and could not be read stands in Ruleset::complaints.
Ruleset read_ruleset(const core::FilterTexts& texts);

}  // namespace synwhy::firewall
