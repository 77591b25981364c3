// Which rulesets are loaded into the running kernel, and what does a client see of a SYN then?
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace synwhy::firewall {

constexpr std::string_view kServer4 = "10.99.0.1";
constexpr std::string_view kClient4 = "10.99.0.2";
constexpr std::string_view kServer6 = "fd00:99::1";
constexpr std::string_view kClient6 = "fd00:99::2";
constexpr std::uint16_t kClientPort = 45'678;
constexpr int kPatience_ms = 400;  // less than the first retransmission: one SYN a row

/// What the client sees.
enum class Seen { answer, refusal, silence };

struct Row {
    std::string_view name;
    std::string_view nft;                      ///< one nft script
    std::vector<std::string_view> commands{};  ///< iptables commands, one a string
    std::uint16_t port = 80;
    Seen seen = Seen::silence;
    bool sure = true;            ///< the walk must not say "may"
    std::string_view rule = {};  ///< part of the text of the rule that must be named
    bool ipv6 = false;
    bool counted = true;  ///< the named rule's counter moves
};

inline const std::vector<Row>& rows() {
    static const std::vector<Row> kRows{
        {"nothing at all", "", {}, 80, Seen::answer},
        {"jump to a user chain",
         "table inet t { chain web { tcp dport 80 counter drop; }; chain in { type filter hook input priority 0; jump "
         "web; }; }",
         {},
         80,
         Seen::silence,
         true,
         "tcp dport 80 drop"},
        {"the same, another port",
         "table inet t { chain web { tcp dport 80 counter drop; }; chain in { type filter hook input priority 0; jump "
         "web; }; }",
         {},
         81,
         Seen::answer},
        {"goto does not come back",
         "table inet t { chain web { tcp dport 81 counter drop; }; chain in { type filter hook input priority 0; goto "
         "web; "
         "tcp dport 80 counter drop; }; }",
         {},
         80,
         Seen::answer},
        {"return skips the rest of a chain",
         "table inet t { chain web { tcp dport 80 return; counter drop; }; chain in { type filter hook input priority "
         "0; jump "
         "web; tcp dport 80 counter reject with tcp reset; }; }",
         {},
         80,
         Seen::refusal,
         true,
         "reject with tcp reset"},
        {"named set",
         "table ip t { set bad { type ipv4_addr; elements = { 10.99.0.9, 10.99.0.2 }; }; chain in { type filter hook "
         "input "
         "priority 0; ip saddr @bad counter drop; }; }",
         {},
         80,
         Seen::silence,
         true,
         "ip saddr @bad drop"},
        {"verdict map",
         "table inet t { chain in { type filter hook input priority 0; tcp dport vmap { 80 : drop, 81 : accept }; }; }",
         {},
         80,
         Seen::silence,
         true,
         "tcp dport vmap",
         false,
         false},
        {"verdict map, the other key",
         "table inet t { chain in { type filter hook input priority 0; policy drop; tcp dport vmap { 80 : drop, 81 : "
         "accept }; "
         "}; }",
         {},
         81,
         Seen::answer},
        {"interval set and prefix",
         "table inet t { set nets { type ipv4_addr; flags interval; elements = { 10.98.0.0/16, 10.99.0.0-10.99.0.127 "
         "}; }; "
         "chain in { type filter hook input priority 0; ip saddr @nets tcp dport 70-90 counter drop; }; }",
         {},
         80,
         Seen::silence,
         true,
         "ip saddr @nets tcp dport 70-90 drop"},
        {"concatenated intervals",
         "table inet t { set c { type ipv4_addr . inet_service; flags interval; elements = { 10.99.0.0/24 . 75-85 }; "
         "}; chain "
         "in { type filter hook input priority 0; ip saddr . tcp dport @c counter drop; }; }",
         {},
         80,
         Seen::silence,
         true,
         "ip saddr . tcp dport @c drop"},
        {"rate limit that is not used up",
         "table inet t { chain in { type filter hook input priority 0; tcp dport 80 limit rate over 100/second counter "
         "drop; }; }",
         {},
         80,
         Seen::answer,
         false,
         "limit rate over 100/second"},
        {"rate limit under which all are dropped",
         "table inet t { chain in { type filter hook input priority 0; tcp dport 80 limit rate 100/second counter "
         "drop; }; }",
         {},
         80,
         Seen::silence,
         false,
         "limit rate 100/second"},
        {"policy drop",
         "table inet t { chain in { type filter hook input priority 0; policy drop; tcp dport 81 accept; }; }",
         {},
         80,
         Seen::silence,
         true,
         "policy drop",
         false,
         false},
        {"accept ends one base chain only",
         "table inet a { chain in { type filter hook input priority -10; accept; }; }; table inet b { chain in { type "
         "filter hook "
         "input priority 0; tcp dport 80 counter drop; }; }",
         {},
         80,
         Seen::silence,
         true,
         "tcp dport 80 drop"},
        {"the lower priority comes first",
         "table inet a { chain in { type filter hook input priority 10; tcp dport 80 counter drop; }; }; table inet b "
         "{ "
         "chain in "
         "{ type filter hook input priority -10; tcp dport 80 counter reject with tcp reset; }; }",
         {},
         80,
         Seen::refusal,
         true,
         "reject with tcp reset"},
        {"of equal priorities the later one comes first",
         "table inet a { chain in { type filter hook input priority 0; tcp dport 80 counter drop; }; }; table inet b { "
         "chain in { "
         "type filter hook input priority 0; tcp dport 80 counter reject with tcp reset; }; }",
         {},
         80,
         Seen::refusal,
         true,
         "reject with tcp reset"},
        {"reject with ICMP",
         "table inet t { chain in { type filter hook input priority 0; tcp dport 80 counter reject; }; }",
         {},
         80,
         Seen::refusal,
         true,
         "reject with icmpx port-unreachable"},
        {"output drop",
         "table inet t { chain out { type filter hook output priority 0; tcp sport 80 tcp flags syn / fin,syn counter "
         "drop; }; }",
         {},
         80,
         Seen::silence,
         true,
         "tcp sport 80"},
        {"output lets established out",
         "table inet t { chain out { type filter hook output priority 0; policy drop; ct state established accept; "
         "oifname \"lo\" "
         "accept; icmpv6 type != echo-request accept; }; }",
         {},
         80,
         Seen::answer},
        {"postrouting drop",
         "table ip t { chain out { type filter hook postrouting priority 0; ip daddr 10.99.0.2 tcp sport 80 counter "
         "drop; }; }",
         {},
         80,
         Seen::silence,
         true,
         "ip daddr 10.99.0.2"},
        {"netdev ingress",
         "table netdev t { chain in { type filter hook ingress device sv0 priority 0; tcp dport 80 counter drop; }; }",
         {},
         80,
         Seen::silence,
         false,
         "tcp dport 80 drop"},
        {"a first SYN is not invalid",
         "table inet t { chain in { type filter hook input priority 0; ct state invalid counter drop; ct state new "
         "accept; "
         "counter drop; }; }",
         {},
         80,
         Seen::answer},
        {"before connection tracking every state is invalid",
         "table inet t { chain pre { type filter hook prerouting priority -300; tcp dport 80 ct state invalid counter "
         "drop; }; }",
         {},
         80,
         Seen::silence,
         true,
         "ct state invalid drop"},
        {"notrack, and then the answer is invalid",
         "table inet t { chain pre { type filter hook prerouting priority -300; tcp dport 80 notrack; }; chain out { "
         "type filter "
         "hook output priority 0; ct state established accept; tcp sport 80 counter drop; }; }",
         {},
         80,
         Seen::silence,
         true,
         "tcp sport 80 drop"},
        {"untracked at input",
         "table inet t { chain pre { type filter hook prerouting priority -300; tcp dport 80 notrack; }; chain in { "
         "type filter "
         "hook input priority 0; ct state new accept; tcp dport 80 ct state untracked counter drop; }; }",
         {},
         80,
         Seen::silence,
         true,
         "ct state untracked drop"},
        {"redirect to the listening port",
         "table inet t { chain pre { type nat hook prerouting priority -100; tcp dport 8080 redirect to :80; }; chain "
         "in { type "
         "filter hook input priority 0; tcp dport 8080 counter drop; }; }",
         {},
         8080,
         Seen::answer},
        {"redirect into a drop",
         "table inet t { chain pre { type nat hook prerouting priority -100; tcp dport 8080 redirect to :80; }; chain "
         "in { type "
         "filter hook input priority 0; ct status dnat tcp dport 80 counter drop; }; }",
         {},
         8080,
         Seen::silence,
         true,
         "tcp dport 80 drop"},
        {"DNAT to another host",
         "table ip t { chain pre { type nat hook prerouting priority -100; tcp dport 80 counter dnat to 10.99.0.77; }; "
         "}",
         {},
         80,
         Seen::silence,
         true,
         "dnat"},
        {"drop in a NAT chain",
         "table ip t { chain pre { type nat hook prerouting priority -100; tcp dport 80 counter drop; }; chain in { "
         "type filter "
         "hook input priority 0; ct state established accept; }; }",
         {},
         80,
         Seen::silence,
         true,
         "tcp dport 80 drop"},
        {"drop in a NAT chain, and nothing needs connection tracking",
         "table ip t { chain pre { type nat hook prerouting priority -100; tcp dport 80 counter drop; }; }",
         {},
         80,
         Seen::answer,
         false,
         "tcp dport 80 drop"},
        {"marks",
         "table inet t { chain pre { type filter hook prerouting priority -150; tcp dport 80 meta mark set 0x15; }; "
         "chain in { "
         "type filter hook input priority 0; meta mark & 0xf == 5 counter drop; }; }",
         {},
         80,
         Seen::silence,
         true,
         "== 5 drop"},
        {"interface names",
         "table inet t { chain in { type filter hook input priority 0; iifname != \"sv*\" accept; iifname { \"lo\", "
         "\"sv0\" } tcp "
         "dport 80 counter drop; }; }",
         {},
         80,
         Seen::silence,
         true,
         "tcp dport 80 drop"},
        {"flags and routing type",
         "table inet t { chain in { type filter hook input priority 0; tcp flags & (fin|syn|rst|ack) == syn fib daddr "
         "type local "
         "counter reject with tcp reset; }; }",
         {},
         80,
         Seen::refusal,
         true,
         "fib daddr type local"},
        {"a field that is not known",
         "table inet t { chain in { type filter hook input priority 0; ip ttl < 65 counter drop; }; }",
         {},
         80,
         Seen::silence,
         false,
         "ip ttl < 65"},
        {"IPv6 in inet",
         "table inet t { chain in { type filter hook input priority 0; ip saddr 0.0.0.0/0 tcp dport 80 counter reject; "
         "ip6 saddr "
         "fd00:99::/64 tcp dport 80 counter drop; }; }",
         {},
         80,
         Seen::silence,
         true,
         "ip6 saddr",
         true},
        {"an IPv4 table does not see IPv6",
         "table ip t { chain in { type filter hook input priority 0; policy drop; }; }",
         {},
         80,
         Seen::answer,
         true,
         "",
         true},
        {"SYN proxy",
         "table ip t { chain pre { type filter hook prerouting priority -300; tcp dport 80 notrack; }; chain in { type "
         "filter "
         "hook input priority 0; tcp dport 80 ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp "
         "sack-perm; }; }",
         {},
         80,
         Seen::answer,
         true,
         "synproxy",
         false,
         false},
        {"iptables-nft, native matches",
         "",
         {"iptables-nft -A INPUT -s 10.99.0.0/24 -p tcp --dport 80 -j DROP"},
         80,
         Seen::silence,
         true,
         "tcp dport 80 drop"},
        {"iptables-nft with x_tables parts",
         "",
         {"iptables-nft -A INPUT -p tcp -m multiport --dports 22,443 -m conntrack --ctstate NEW -j ACCEPT",
          "iptables-nft -A INPUT -p tcp -m multiport --dports 79,80:81 -m conntrack --ctstate NEW -m comment --comment "
          "closed "
          "-j REJECT --reject-with tcp-reset"},
         80,
         Seen::refusal,
         true,
         "--reject-with tcp-reset"},
        {"iptables-nft, connection count",
         "",
         {"iptables-nft -A INPUT -p tcp --dport 80 -m connlimit --connlimit-above 50 -j DROP"},
         80,
         Seen::answer,
         false,
         "--connlimit-above 50"},
        {"legacy drop",
         "",
         {"iptables-legacy -A INPUT -i sv+ -p tcp --syn --dport 80 -j DROP"},
         80,
         Seen::silence,
         true,
         "--dport 80"},
        {"legacy user chain and return",
         "",
         {"iptables-legacy -N web", "iptables-legacy -A web -p tcp --dport 81 -j RETURN",
          "iptables-legacy -A web -p tcp -j REJECT --reject-with icmp-port-unreachable",
          "iptables-legacy -A INPUT -j web", "iptables-legacy -A INPUT -p tcp --dport 81 -j DROP"},
         80,
         Seen::refusal,
         true,
         "-A web -p tcp -j REJECT"},
        {"legacy policy",
         "",
         {"iptables-legacy -A INPUT -p tcp ! --dport 80 -j ACCEPT", "iptables-legacy -P INPUT DROP"},
         80,
         Seen::silence,
         true,
         "policy drop"},
        {"legacy marks",
         "",
         {"iptables-legacy -t mangle -A PREROUTING -p tcp -j MARK --set-mark 5",
          "iptables-legacy -A INPUT -p tcp -m mark --mark 0x4/0x4 -j DROP"},
         80,
         Seen::silence,
         true,
         "--mark 0x4/0x4"},
        {"legacy raw and connection tracking",
         "",
         {"iptables-legacy -t raw -A PREROUTING -p tcp --dport 80 -j CT --notrack",
          "iptables-legacy -A INPUT -m conntrack --ctstate NEW -j ACCEPT",
          "iptables-legacy -A INPUT -p tcp -m conntrack --ctstate UNTRACKED -j DROP"},
         80,
         Seen::silence,
         true,
         "UNTRACKED"},
        {"legacy redirect",
         "",
         {"iptables-legacy -t nat -A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 80",
          "iptables-legacy -A INPUT -p tcp --dport 8080 -j DROP"},
         8080,
         Seen::answer},
        {"legacy hashlimit",
         "",
         {"iptables-legacy -A INPUT -p tcp --dport 80 -m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 3 "
          "--hashlimit-name "
          "a -j DROP"},
         80,
         Seen::silence,
         false,
         "hashlimit"},
        {"legacy IPv6 output",
         "",
         {"ip6tables-legacy -A OUTPUT -p tcp --sport 80 -d fd00:99::2 -j DROP"},
         80,
         Seen::silence,
         true,
         "--sport 80",
         true},
    };
    return kRows;
}

}  // namespace synwhy::firewall
