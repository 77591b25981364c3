// Can any text as nft's JSON or iptables-save's lines hurt us, or make the walk contradict itself?
//
// The first byte says how the text is read; a text that can be read both ways is completed from itself.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "firewall/movement.hpp"
#include "firewall/read_ruleset.hpp"
#include "firewall/walk.hpp"
#include "read_to_the_end.hpp"

namespace {

using namespace synwhy;
using core::FilterOutcome;

/// What every verdict promises.
void check(const core::FilterVerdict& verdict) {
    const bool stopped = verdict.outcome == FilterOutcome::dropped || verdict.outcome == FilterOutcome::rejected ||
                         verdict.outcome == FilterOutcome::sent_elsewhere ||
                         verdict.outcome == FilterOutcome::answered_by_proxy ||
                         verdict.outcome == FilterOutcome::may_be_dropped;
    if (stopped) fuzz::require(!verdict.suspects.empty());
    if (verdict.outcome == FilterOutcome::passes) fuzz::require(verdict.suspects.empty());
    fuzz::require(verdict.suspects.size() <= firewall::kMaxSuspects + 1);
    fuzz::require(verdict.steps.size() <= firewall::kMaxSteps);
    for (const auto& suspect : verdict.suspects) {
        fuzz::require(suspect.rule.text.size() <= firewall::kMaxRuleTextBytes);
        fuzz::require(suspect.surely == (suspect.doubt == core::FilterDoubt::none));
    }
}

void walk_both_ways(const firewall::Ruleset& ruleset, const char* client, const char* server) {
    const core::Endpoint from{*core::parse_address(client), 40'000};
    const core::Endpoint to{*core::parse_address(server), 80};
    firewall::Packet packet = firewall::syn(from, to);
    packet.in_interface = "eth0";
    packet.local_addresses = {to.address};
    const firewall::Walk in = firewall::walk(ruleset, packet);
    check(in.verdict);
    check(firewall::walk(ruleset, firewall::answer_to(in.after)).verdict);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    firewall::Ruleset ruleset;
    if (data[0] != 'i') {
        const auto done = firewall::read_nft(text, ruleset);
        if (!done) fuzz::require(!done.error().where.empty());
    }
    firewall::Ruleset saved;
    if (data[0] != 'n') {
        const auto family = data[0] == '6' ? core::Family::ipv6 : core::Family::ipv4;
        firewall::read_iptables(text, family, core::FilterSystem::iptables_legacy, saved);
    }
    if (data[0] == 'b') {
        firewall::complete_from_iptables(ruleset, std::move(saved));
    } else {
        for (firewall::Table& table : saved.tables) ruleset.tables.push_back(std::move(table));
    }
    fuzz::require(ruleset.complaints.size() <= firewall::kMaxComplaints);
    walk_both_ways(ruleset, "192.0.2.1", "192.0.2.250");
    walk_both_ways(ruleset, "2001:db8::1", "2001:db8::2");
    check(firewall::walk(ruleset, firewall::Packet{}).verdict);
    fuzz::require(firewall::movements(ruleset, ruleset).empty());
    return 0;
}
