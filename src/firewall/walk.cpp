#include "firewall/walk.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "firewall/judge.hpp"

namespace synwhy::firewall {

namespace {

using core::FilterAction;
using core::FilterDoubt;
using core::FilterHook;
using core::FilterOutcome;

/// What a verdict costs of a walk's budget, beside the rule's 1: it may allocate.
constexpr std::uint64_t kVerdictCost = 20;

/// Connection tracking stands here in prerouting and output: NF_IP_PRI_CONNTRACK.
constexpr int kConntrackPriority = -200;

/// A base chain at its place.
struct Station {
    const Table* table = nullptr;
    const Chain* chain = nullptr;
    int effective_priority = 0;  ///< NAT chains run where the NAT core stands, whatever their own priority
    std::size_t sequence = 0;    ///< in the order they were printed
};

bool sees_family(const Table& table, core::Family family) {
    return table.family == "inet" || table.family == "netdev" ||
           table.family == (family == core::Family::ipv4 ? "ip" : "ip6");
}

int effective_priority(const Base& base) {
    if (!base.nat) return base.priority;
    return base.hook == FilterHook::prerouting || base.hook == FilterHook::output ? -100 : 100;
}

/// Of two chains with the same priority, the one registered later comes first:
/// net/netfilter/core.c:nf_hook_entries_grow, v6.1. The order of registration is taken from the order of printing;
/// legacy tables are taken as the older ones.
std::vector<Station> stations_at(const Ruleset& ruleset, FilterHook hook, core::Family family) {
    std::vector<Station> stations;
    for (const Table& table : ruleset.tables) {
        if (table.dormant || !sees_family(table, family)) continue;
        const bool legacy = table.system == core::FilterSystem::iptables_legacy;
        for (const Chain& chain : table.chains) {
            if (!chain.base || chain.base->hook != hook) continue;
            const std::size_t sequence = stations.size() + 1;
            stations.push_back({&table, &chain, effective_priority(*chain.base), legacy ? 0 : sequence});
        }
    }
    std::ranges::sort(stations, [](const Station& a, const Station& b) {
        const int own_a = a.chain->base->priority;
        const int own_b = b.chain->base->priority;
        if (a.effective_priority != b.effective_priority) return a.effective_priority < b.effective_priority;
        if (own_a != own_b) return own_a < own_b;
        return a.sequence > b.sequence;
    });
    return stations;
}

/// One base chain being walked.
struct Run {
    const Table* table = nullptr;
    const Base* base = nullptr;
    bool tracked = false;
    bool may_accept = false;
    bool leaked = false;  ///< some packets have left by accept: what follows holds for the others
    Judgement leak{};     ///< what decided that
};

/// One chain in it.
struct Frame {
    const Chain* chain = nullptr;
    bool certain = true;     ///< every packet that is still in the base chain gets to the next rule
    bool may_leave = false;  ///< some packets have returned to the caller
    Judgement reason{};      ///< why not certain
    std::size_t depth = 0;
};

/// What becomes of the packets that matched.
enum class Flow : std::uint8_t {
    in_rule,    ///< to the next statement
    next_rule,  ///< some or all go on behind this rule
    ended,      ///< none goes on in this chain
};

bool reads_connection(const std::vector<Operand>& operands) {
    return std::ranges::any_of(operands, [](const Operand& one) {
        return one.field == Field::ct_state || one.field == Field::ct_direction || one.field == Field::ct_mark ||
               one.field == Field::ct_status;
    });
}

bool needs_tracking(const Statement& statement) {
    if (const auto* match = std::get_if<Match>(&statement)) return reads_connection(match->operands);
    if (const auto* map = std::get_if<VerdictMap>(&statement)) return reads_connection(map->operands);
    if (const auto* mark = std::get_if<SetMark>(&statement)) return mark->connection;
    return std::holds_alternative<Translate>(statement);
}

/// Connection tracking runs in a namespace only while a rule needs it: nf_conntrack_proto.c:nf_ct_netns_get, v6.1.
/// Without it NAT chains see no packet.
bool asks_for_tracking(const Ruleset& ruleset, core::Family family) {
    for (const Table& table : ruleset.tables) {
        if (!sees_family(table, family)) continue;
        for (const Chain& chain : table.chains) {
            for (const Rule& rule : chain.rules) {
                if (std::ranges::any_of(rule.statements, needs_tracking)) return true;
            }
        }
    }
    return false;
}

class Walker {
  public:
    Walker(const Ruleset& ruleset, const Packet& packet) : ruleset_(ruleset), packet_(packet) {
        budget_.left = kMaxWalkWork;
    }

    Walk run() {
        tracking_ = asks_for_tracking(ruleset_, packet_.family);
        const bool inbound = !packet_.is_synack();
        const auto hooks = inbound ? std::array{FilterHook::ingress, FilterHook::prerouting, FilterHook::input}
                                   : std::array{FilterHook::output, FilterHook::postrouting, FilterHook::egress};
        bool alive = true;
        for (const FilterHook hook : hooks) {
            if (hook == FilterHook::input) alive = alive && route();
            translated_here_ = Truth::no;
            for (const Station& station : stations_at(ruleset_, hook, packet_.family)) {
                if (alive) alive = enter(station);
            }
        }
        verdict_.outcome = outcome(alive);
        verdict_.complete = ruleset_.complaints.empty();
        return {std::move(verdict_), std::move(packet_)};
    }

  private:
    // Each returns whether packets survive.
    bool enter(const Station& station);
    bool route();

    bool run_chain(Run& run, Frame& frame);
    Flow run_rule(Run& run, Frame& frame, std::size_t index);
    Flow apply(Run& run, Frame& frame, std::size_t index, const Verdict& verdict, const Judgement& condition);
    Flow apply_map(Run& run, Frame& frame, std::size_t index, const VerdictMap& map, const Judgement& condition);
    Flow jump(Run& run, Frame& frame, std::size_t index, const Verdict& verdict, const Judgement& condition);
    Flow open_ended(Run& run, Frame& frame, std::size_t index, const Judgement& condition, FilterAction action);
    void accept(Run& run, const Judgement& condition);
    void translate(Run& run, Frame& frame, std::size_t index, const Translate& change, bool sure);
    void add_change(const Run& run, const Frame& frame, std::size_t index, FilterAction action);
    void set_mark(const Run& run, const SetMark& change, bool sure);

    static bool is_certain(const Run& run, const Frame& frame) { return frame.certain && !run.leaked; }
    core::FilterRule describe(const Run& run, const Chain& chain, std::size_t index, FilterAction action) const;
    void step(const Run& run, const Chain& chain, std::size_t index, FilterAction action, bool surely);
    void suspect(const Run& run, const Frame& frame, std::size_t index, FilterAction action,
                 const Judgement& condition);
    [[nodiscard]] FilterOutcome outcome(bool alive) const;

    const Ruleset& ruleset_;
    Packet packet_;
    core::FilterVerdict verdict_{};
    Budget budget_{};
    bool tracking_ = false;              ///< some rule makes connection tracking run
    Truth translated_here_ = Truth::no;  ///< by an earlier NAT chain of this hook
    std::set<std::pair<const Rule*, FilterHook>> suspected_;
};

core::FilterRule Walker::describe(const Run& run, const Chain& chain, std::size_t index, FilterAction action) const {
    core::FilterRule shown;
    shown.system = run.table->system;
    shown.family = run.table->family;
    shown.table = run.table->name;
    shown.chain = chain.name;
    shown.hook = run.base->hook;
    shown.priority = run.base->priority;
    shown.action = action;
    if (index < chain.rules.size()) {
        const Rule& rule = chain.rules[index];
        shown.handle = rule.handle;
        shown.position = static_cast<std::uint32_t>(index + 1);
        shown.text = rule.text;
        shown.comment = rule.comment;
        shown.packets = rule.packets;
    } else {
        shown.text = action == FilterAction::drop ? "policy drop" : "policy accept";
        shown.packets = chain.policy_packets;
    }
    return shown;
}

void Walker::step(const Run& run, const Chain& chain, std::size_t index, FilterAction action, bool surely) {
    if (verdict_.steps.size() < kMaxSteps) {
        verdict_.steps.push_back({describe(run, chain, index, action), surely});
    } else {
        ++verdict_.steps_left_out;
    }
}

void Walker::suspect(const Run& run, const Frame& frame, std::size_t index, FilterAction action,
                     const Judgement& condition) {
    const bool surely = condition.truth == Truth::yes && is_certain(run, frame);
    const bool policy = index >= frame.chain->rules.size();
    if (!surely && !policy && !suspected_.emplace(&frame.chain->rules[index], run.base->hook).second) return;
    if (verdict_.suspects.size() >= kMaxSuspects) {
        ++verdict_.suspects_left_out;
        return;
    }
    core::FilterSuspect suspect{describe(run, *frame.chain, index, action), surely, FilterDoubt::none, {}};
    if (!surely) {
        const Judgement& why = condition.truth == Truth::unknown ? condition : !frame.certain ? frame.reason : run.leak;
        suspect.doubt = why.doubt;
        suspect.why = why.why;
    }
    verdict_.suspects.push_back(std::move(suspect));
}

void Walker::accept(Run& run, const Judgement& condition) {
    run.may_accept = true;
    if (!run.leaked) run.leak = condition;
    run.leaked = true;
}

/// A rule whose end is not known: it may stop, accept, return, or let go on.
Flow Walker::open_ended(Run& run, Frame& frame, std::size_t index, const Judgement& condition, FilterAction action) {
    suspect(run, frame, index, action, condition);
    accept(run, condition);
    frame.may_leave = true;
    frame.certain = false;
    frame.reason = condition;
    return Flow::next_rule;
}

Flow Walker::jump(Run& run, Frame& frame, std::size_t index, const Verdict& verdict, const Judgement& condition) {
    const Chain* target = run.table->find_chain(verdict.chain);
    if (target == nullptr || frame.depth >= kMaxJumpDepth) {
        const std::string why = target == nullptr ? "the chain or target " + verdict.chain + " was not read"
                                                  : "chains that jump too deep into each other";
        return open_ended(run, frame, index, {Truth::unknown, FilterDoubt::not_understood, why},
                          FilterAction::not_understood);
    }
    const bool sure = condition.truth == Truth::yes;
    Frame inner{target, frame.certain && sure, false, sure ? frame.reason : condition, frame.depth + 1};
    const bool comes_back = run_chain(run, inner);
    if (verdict.action == FilterAction::jump) return sure && !comes_back ? Flow::ended : Flow::next_rule;
    if (comes_back) {
        frame.may_leave = true;
        frame.certain = false;
        frame.reason = condition;
    }
    return sure ? Flow::ended : Flow::next_rule;
}

Flow Walker::apply(Run& run, Frame& frame, std::size_t index, const Verdict& verdict, const Judgement& condition) {
    const bool sure = condition.truth == Truth::yes;
    const Flow after = sure ? Flow::ended : Flow::next_rule;
    budget_.spend(kVerdictCost);
    const bool is_end = verdict.action == FilterAction::synproxy && packet_.is_synack();
    if (!is_end) step(run, *frame.chain, index, verdict.action, sure && is_certain(run, frame));
    switch (verdict.action) {
        case FilterAction::accept:
            accept(run, condition.truth == Truth::unknown || frame.certain ? condition : frame.reason);
            return after;
        case FilterAction::synproxy:
            if (packet_.is_synack()) return Flow::in_rule;
            [[fallthrough]];
        case FilterAction::drop:
        case FilterAction::reject_reset:
        case FilterAction::reject_icmp:
        case FilterAction::forward: suspect(run, frame, index, verdict.action, condition); return after;
        case FilterAction::queue: {
            const Judgement program{Truth::unknown, FilterDoubt::state, verdict.why};
            suspect(run, frame, index, verdict.action, sure ? program : condition);
            accept(run, program);
            return after;
        }
        case FilterAction::tproxy:
            add_change(run, frame, index, verdict.action);
            if (!verdict.why.empty()) {
                suspect(run, frame, index, verdict.action, {Truth::unknown, FilterDoubt::state, verdict.why});
            }
            return Flow::in_rule;
        case FilterAction::jump:
        case FilterAction::go_to: return jump(run, frame, index, verdict, condition);
        case FilterAction::leave:
            frame.may_leave = true;
            if (!sure) {
                frame.certain = false;
                frame.reason = condition;
            }
            return after;
        case FilterAction::proceed:
        case FilterAction::translate: return Flow::next_rule;
        case FilterAction::not_understood:
            return open_ended(run, frame, index, {Truth::unknown, FilterDoubt::not_understood, verdict.why},
                              verdict.action);
    }
    return Flow::next_rule;
}

Flow Walker::apply_map(Run& run, Frame& frame, std::size_t index, const VerdictMap& map, const Judgement& condition) {
    const MapAnswer answer = judge(map, packet_, *run.table, run.tracked, budget_);
    Flow flow = Flow::next_rule;
    for (const auto& [verdict, truth] : answer.hits) {
        const Judgement& why = truth == Truth::yes ? condition : answer.reason;
        flow = apply(run, frame, index, *verdict, why);
    }
    return answer.may_miss ? Flow::next_rule : flow;
}

void Walker::add_change(const Run& run, const Frame& frame, std::size_t index, FilterAction action) {
    if (verdict_.changes.size() < kMaxSteps) verdict_.changes.push_back(describe(run, *frame.chain, index, action));
}

void Walker::translate(Run& run, Frame& frame, std::size_t index, const Translate& change, bool sure) {
    if (translated_here_ != Truth::yes) translated_here_ = sure ? Truth::yes : Truth::unknown;
    if (!change.destination || run.base->hook != FilterHook::prerouting) return;
    add_change(run, frame, index, FilterAction::translate);
    const auto& locals = packet_.local_addresses;
    if (!sure || !change.known) {
        packet_.translated = sure ? std::optional(true) : std::nullopt;
        if (!change.known || change.port) packet_.destination_port.reset();
        if (!change.to_this_host && (!change.known || change.address != packet_.destination))
            packet_.to_this_host.reset();
        packet_.destination.reset();
        return;
    }
    packet_.translated = true;
    if (change.port) packet_.destination_port = change.port;
    if (change.to_this_host) {
        // It becomes the incoming interface's first address, which is the same one on a host with only one.
        if (locals.size() != 1 || packet_.destination != locals[0]) packet_.destination.reset();
    } else if (change.address && change.address != packet_.destination) {
        packet_.destination = change.address;
        packet_.to_this_host.reset();
        if (!locals.empty()) packet_.to_this_host = std::ranges::find(locals, *change.address) != locals.end();
    }
}

void Walker::set_mark(const Run& run, const SetMark& change, bool sure) {
    const bool no_connection = !run.tracked || packet_.ct_state == ct_untracked || packet_.ct_state == ct_invalid;
    if (change.connection && no_connection) return;
    auto& mark = change.connection ? packet_.ct_mark : packet_.mark;
    std::optional<std::uint32_t> wanted;
    if (change.source == SetMark::Source::other_mark) wanted = change.connection ? packet_.mark : packet_.ct_mark;
    if (change.source == SetMark::Source::value) {
        // With nothing kept, the old value does not matter.
        if (mark || change.keep == 0) wanted = (mark.value_or(0) & change.keep) ^ change.value;
    }
    if (sure || wanted != mark) mark = sure ? wanted : std::nullopt;
}

Flow Walker::run_rule(Run& run, Frame& frame, std::size_t index) {
    Judgement condition;
    for (const Statement& statement : frame.chain->rules[index].statements) {
        const bool sure = condition.truth == Truth::yes && is_certain(run, frame);
        if (const auto* match = std::get_if<Match>(&statement)) {
            Judgement one = judge(*match, packet_, *run.table, run.tracked, budget_);
            if (one.truth == Truth::no) return Flow::next_rule;
            if (one.truth == Truth::unknown && condition.truth == Truth::yes) condition = std::move(one);
        } else if (const auto* verdict = std::get_if<Verdict>(&statement)) {
            const Flow flow = apply(run, frame, index, *verdict, condition);
            if (flow != Flow::in_rule) return flow;
        } else if (const auto* map = std::get_if<VerdictMap>(&statement)) {
            return apply_map(run, frame, index, *map, condition);
        } else if (const auto* change = std::get_if<Translate>(&statement)) {
            step(run, *frame.chain, index, FilterAction::translate, sure);
            translate(run, frame, index, *change, sure);
            accept(run, condition.truth == Truth::unknown || frame.certain ? condition : frame.reason);
            return condition.truth == Truth::yes ? Flow::ended : Flow::next_rule;
        } else if (const auto* mark = std::get_if<SetMark>(&statement)) {
            set_mark(run, *mark, sure);
        } else if (!run.tracked) {  // NoTrack; later it would change nothing
            packet_.ct_state = sure ? std::optional<std::uint8_t>(ct_untracked) : std::nullopt;
        }
    }
    return Flow::next_rule;
}

/// @return whether packets come back to the caller, or to the policy
bool Walker::run_chain(Run& run, Frame& frame) {
    for (std::size_t index = 0; index < frame.chain->rules.size(); ++index) {
        if (!budget_.spend(1)) return true;
        if (run_rule(run, frame, index) == Flow::ended) return frame.may_leave;
    }
    return true;
}

/// Whether packets enter a chain at all.
Judgement entry(const Base& base, const Packet& packet, bool tracking) {
    const bool at_device = base.hook == FilterHook::ingress || base.hook == FilterHook::egress;
    if (at_device) {
        const auto& device = base.hook == FilterHook::ingress ? packet.in_interface : packet.out_interface;
        if (base.devices.empty())
            return {Truth::unknown, FilterDoubt::not_understood, "nft does not print the chain's device"};
        if (!device) return {Truth::unknown, FilterDoubt::field, "the packet's interface is not known"};
        return {std::ranges::find(base.devices, *device) != base.devices.end() ? Truth::yes : Truth::no,
                FilterDoubt::none,
                {}};
    }
    if (!base.nat) return {};
    if (!packet.ct_state) return {Truth::unknown, FilterDoubt::field, "the connection tracking state is not known"};
    if (*packet.ct_state != ct_new) return {Truth::no, FilterDoubt::none, {}};
    if (tracking) return {};
    return {Truth::unknown, FilterDoubt::state, "a NAT chain sees packets only where connection tracking is in use"};
}

bool Walker::enter(const Station& station) {
    const Base& base = *station.chain->base;
    Judgement enters = entry(base, packet_, tracking_);
    if (base.nat && enters.truth == Truth::yes && translated_here_ == Truth::unknown) {
        enters = {Truth::unknown, FilterDoubt::state, "whether an earlier chain translated the packet is not settled"};
    }
    if (enters.truth == Truth::no || (base.nat && translated_here_ == Truth::yes)) return true;
    Run run;
    run.table = station.table;
    run.base = &base;
    const bool before_tracking = base.hook == FilterHook::prerouting || base.hook == FilterHook::output;
    run.tracked = before_tracking ? base.priority > kConntrackPriority : base.hook != FilterHook::ingress;
    Frame frame{station.chain, enters.truth == Truth::yes, false, enters, 0};
    const bool at_policy = run_chain(run, frame);
    bool survives = run.may_accept || enters.truth == Truth::unknown;
    if (!at_policy) return survives;
    // Whoever returned is at the policy too: only those who were accepted, or never entered, are not.
    frame.certain = enters.truth == Truth::yes;
    frame.reason = enters;
    const auto action = base.policy_drop ? FilterAction::drop : FilterAction::accept;
    step(run, *station.chain, station.chain->rules.size(), action, is_certain(run, frame));
    if (!base.policy_drop) return true;
    suspect(run, frame, station.chain->rules.size(), action, {});
    return survives;
}

/// Where the routing decision takes a SYN that was translated.
bool Walker::route() {
    if (packet_.to_this_host == true || verdict_.changes.empty()) return true;
    core::FilterSuspect away{verdict_.changes.back(), packet_.to_this_host == false, FilterDoubt::none, {}};
    if (!away.surely) {
        away.doubt = FilterDoubt::field;
        away.why = "whether the new destination is this host is not known";
    }
    const bool gone = away.surely;
    verdict_.suspects.push_back(std::move(away));
    return !gone;
}

FilterOutcome outcome_of(FilterAction action) {
    switch (action) {
        case FilterAction::reject_reset:
        case FilterAction::reject_icmp: return FilterOutcome::rejected;
        case FilterAction::synproxy: return FilterOutcome::answered_by_proxy;
        case FilterAction::translate:
        case FilterAction::forward: return FilterOutcome::sent_elsewhere;
        case FilterAction::accept:
        case FilterAction::drop:
        case FilterAction::queue:
        case FilterAction::tproxy:
        case FilterAction::jump:
        case FilterAction::go_to:
        case FilterAction::leave:
        case FilterAction::proceed:
        case FilterAction::not_understood: return FilterOutcome::dropped;
    }
    return FilterOutcome::dropped;
}

FilterOutcome Walker::outcome(bool alive) const {
    if (budget_.left == 0) return FilterOutcome::undecided;
    if (alive) return verdict_.suspects.empty() ? FilterOutcome::passes : FilterOutcome::may_be_dropped;
    const FilterOutcome last = outcome_of(verdict_.suspects.back().rule.action);
    const bool all_alike = std::ranges::all_of(
        verdict_.suspects, [&](const core::FilterSuspect& suspect) { return outcome_of(suspect.rule.action) == last; });
    return all_alike ? last : FilterOutcome::dropped;
}

}  // namespace

Walk walk(const Ruleset& ruleset, const Packet& packet) { return Walker(ruleset, packet).run(); }

}  // namespace synwhy::firewall
