#include "model/settings.hpp"

#include <charconv>
#include <climits>

#include "core/sysctl_history.hpp"
#include "core/version.hpp"

namespace synwhy::model {

namespace {

using core::Kernel;
using core::since;

/// One modelled sysctl: its name and its place in Settings.
struct Entry {
    std::string_view name;
    int Settings::* value;
};

constexpr Entry kEntries[] = {
    {"net.core.somaxconn", &Settings::somaxconn},
    {"net.ipv4.tcp_max_syn_backlog", &Settings::max_syn_backlog},
    {"net.ipv4.tcp_syncookies", &Settings::syncookies},
    {"net.ipv4.tcp_abort_on_overflow", &Settings::abort_on_overflow},
    {"net.ipv4.tcp_synack_retries", &Settings::synack_retries},
    {"net.ipv4.tcp_timestamps", &Settings::timestamps},
    {"net.ipv4.tcp_tw_recycle", &Settings::tw_recycle},
    {"net.ipv4.tcp_tw_reuse", &Settings::tw_reuse},
    {"net.ipv4.tcp_tw_reuse_delay", &Settings::tw_reuse_delay_ms},
    {"net.ipv4.tcp_max_tw_buckets", &Settings::max_tw_buckets},
    {"net.ipv4.tcp_fin_timeout", &Settings::fin_timeout_s},
    {"net.ipv4.tcp_rfc1337", &Settings::rfc1337},
    {"net.ipv4.tcp_invalid_ratelimit", &Settings::invalid_ratelimit_ms},
    {"net.ipv4.tcp_challenge_ack_limit", &Settings::challenge_ack_limit},
    {"net.ipv4.tcp_fastopen", &Settings::fastopen},
    {"net.ipv4.tcp_sack", &Settings::sack},
    {"net.ipv4.tcp_window_scaling", &Settings::window_scaling},
    {"net.ipv4.ip_forward", &Settings::ip_forward},
    {"net.ipv4.tcp_syn_retries", &Settings::syn_retries},
    {"net.ipv4.tcp_syn_linear_timeouts", &Settings::syn_linear_timeouts},
    {"net.ipv4.conf.all.rp_filter", &Settings::rp_filter_all},
    {"net.ipv4.conf.all.accept_source_route", &Settings::accept_source_route_all},
    {"net.ipv4.conf.all.accept_local", &Settings::accept_local},
};

/// The number at the start of `text`, as /proc/sys reads it; false when there is none.
bool parse_int(std::string_view text, int& value) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    int parsed = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), parsed).ec != std::errc{}) return false;
    value = parsed;
    return true;
}

/// The numbers of "4096 131072 6291456": the one at `position`, counted from 0.
bool parse_field(std::string_view text, std::size_t position, int& value) {
    for (std::size_t i = 0; i < position; ++i) {
        const auto digits = text.find_first_not_of(" \t");
        const auto gap = digits == std::string_view::npos ? digits : text.find_first_of(" \t", digits);
        if (gap == std::string_view::npos) return false;
        text.remove_prefix(gap);
    }
    return parse_int(text, value);
}

/// "net.ipv4.conf.eth0.rp_filter" -> "rp_filter"; empty when it is no setting of one interface.
std::string_view interface_setting(std::string_view name) {
    constexpr std::string_view kPrefix = "net.ipv4.conf.";
    if (!name.starts_with(kPrefix)) return {};
    const auto rest = name.substr(kPrefix.size());
    const auto dot = rest.rfind('.');
    const auto device = rest.substr(0, dot);
    if (dot == std::string_view::npos || device == "all" || device == "default") return {};
    return rest.substr(dot + 1);
}

}  // namespace

Settings Settings::defaults_of(const Kernel& kernel) {
    Settings s;
    s.somaxconn = kernel.behaviours.default_somaxconn;
    s.syncookies = kernel.behaviours.default_syncookies;
    s.syn_retries = kernel.behaviours.default_syn_retries;
    s.syn_linear_timeouts = kernel.behaviours.linear_syn_timeouts ? 4 : 0;
    s.tw_reuse = since(kernel, 4, 19) ? 2 : 0;
    s.fastopen = since(kernel, 3, 13) ? 1 : 0;
    s.challenge_ack_limit = since(kernel, 6, 1) ? INT_MAX : 1000;
    s.local_port_high = since(kernel, 4, 2) ? 60999 : 61000;
    return s;
}

Settings::SetResult Settings::set(std::string_view name, std::string_view text, const Kernel& kernel) {
    for (const Entry& entry : kEntries) {
        if (entry.name != name) continue;
        if (!core::has_sysctl(kernel, name)) return SetResult::absent;
        parse_int(text, this->*entry.value);
        return SetResult::ok;
    }
    if (name == "net.ipv4.tcp_rmem") {
        parse_field(text, 2, rmem_max_bytes);
        return SetResult::ok;
    }
    if (name == "net.ipv4.ip_local_port_range") {
        parse_field(text, 0, local_port_low);
        parse_field(text, 1, local_port_high);
        return SetResult::ok;
    }
    const auto setting = interface_setting(name);
    if (setting == "rp_filter") return parse_int(text, rp_filter_interface), SetResult::ok;
    if (setting == "accept_source_route") return parse_int(text, accept_source_route_interface), SetResult::ok;
    return SetResult::not_modelled;
}

}  // namespace synwhy::model
