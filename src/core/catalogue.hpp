// What is known about each cause, and what can be done about it?
//
// The facts and the prose come from causes/*.md, embedded at build time; this header is how the code asks for them.
// Rendering is for emit/explain.hpp. Nothing here allocates but fixes_for().
#pragma once

#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/cause.hpp"
#include "core/kernel.hpp"

namespace synwhy::core {

struct PageCounter {
    std::string_view name;     ///< "TcpExt.PAWSPassive", the names of /proc/net/netstat and /proc/net/snmp
    std::string_view netstat;  ///< its sentence in `netstat -s`, N for the number
    std::string_view kernels;  ///< since which kernel, and when it moves
    bool direct;               ///< only this cause moves it
};

struct PageCheck {
    std::string_view command;
    std::string_view look;  ///< what to look for in its output
};

/// How a setting's advice meets the value that is there. A limit that is beyond the advice already is left alone.
enum class SettingRule : std::uint8_t {
    set,       ///< exactly this
    at_least,  ///< raise to it, never lower
    at_most,   ///< lower to it, never raise
    widen,     ///< two numbers: the first may only fall, the second only grow
};

/// One sysctl that a fix writes.
struct PageSetting {
    std::string_view name;   ///< in dots; a part "IF" stands for an interface
    std::string_view value;  ///< one or more decimal numbers, blanks between them
    SettingRule rule;
};

enum class FixApply : std::uint8_t {
    by_default,  ///< `synwhy fix CAUSE --apply` makes it
    asked,       ///< only when its number is asked for: it costs something, or is one way of several
    never,       ///< shown, never made: not a sysctl, or it would weaken the host
};

struct PageFix {
    std::string_view kernels;     ///< for humans
    std::string_view kernel_min;  ///< mainline version, "" = open; "4.11" includes 4.11.9
    std::string_view kernel_max;
    std::span<const std::string_view> also;    ///< vendor kernels outside the bounds: "el7"
    std::span<const std::string_view> except;  ///< vendor kernels inside the bounds that are not meant
    std::string_view command;                  ///< may be empty: then `says` is an instruction
    std::string_view says;
    std::string_view risk;                  ///< never empty when there is a command
    std::span<const PageSetting> settings;  ///< what `command` sets, when it is sysctl -w
    FixApply apply;
    bool backlog;  ///< works only together with the application's own listen backlog: listen_backlogs()
};

/// How a server program is told the backlog of its listeners.
struct ListenBacklog {
    std::string_view server;
    std::string_view setting;  ///< N stands for the number
    std::string_view usual;    ///< what it is when nobody sets it
    std::string_view applies;  ///< what has to happen until listen() is called with it
};

struct PageNoHelp {
    std::string_view what;
    std::string_view why;
};

struct PageSection {
    std::string_view heading;
    std::string_view text;  ///< Markdown
};

/// One page of causes/. Everything points into static data.
struct CausePage {
    Cause cause;
    std::string_view slug;           ///< "per-host-paws"; slugs are forever
    std::string_view title;          ///< short, for humans
    std::string_view summary;        ///< one sentence: what happened to the SYN
    std::string_view stage;          ///< name of a core::Stage
    std::string_view seen;           ///< what the client sees: silence rst bare_ack cookie icmp synack_repeated
    std::string_view capture_class;  ///< silent: looks like any other silence; visible: the capture shows it;
                                     ///< absent: the SYN is not in a capture taken at the server
    std::string_view kernels;
    std::string_view kernel_min;
    std::string_view kernel_max;
    std::span<const std::string_view> also;
    std::span<const std::string_view> except;
    std::span<const PageCounter> counters;
    std::span<const PageCheck> confirm;
    std::string_view settle;         ///< the single most decisive command
    std::span<const PageFix> fixes;  ///< least invasive first
    std::span<const PageNoHelp> no_help;
    std::span<const Cause> related;
    std::span<const PageSection> sections;
};

/// All pages in path order; the index of a page is the value of its Cause.
std::span<const CausePage> all_pages();

/// Common server programs, causes/listen_backlog.toml.
std::span<const ListenBacklog> listen_backlogs();

/// The page of a cause. A value that is no enumerator yields the first page.
const CausePage& page(Cause cause);

/// "per-host-paws" for Cause::per_host_paws.
std::string_view slug(Cause cause);

/// The cause of a slug, exact spelling; nullopt when there is none.
std::optional<Cause> parse_cause(std::string_view text);

/// A section's Markdown by its heading ("Fix"); empty when there is none.
std::string_view section(const CausePage& cause_page, std::string_view heading);

/// Can this kernel have the cause at all, as far as its release tells?
bool possible_in(const CausePage& cause_page, const Release& release);

/// The fixes that hold for a kernel, in the page's order. A bound finer than the release is known (6.12.19 against
/// "6.12") does not exclude.
std::vector<const PageFix*> fixes_for(const CausePage& cause_page, const Release& release);

}  // namespace synwhy::core
