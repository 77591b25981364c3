#include "size/knobs.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "core/version.hpp"
#include "model/settings.hpp"

namespace synwhy::size {
namespace {

constexpr std::uint32_t kWidest16 = 65535;
constexpr std::uint32_t kWidestSimulated = 1U << 20U;

Knob application_knob(const ListenerQuestion& question, const ListenerAnswer& answer) {
    Knob knob{.name = "backlog given to listen()", .matters = true, .at_least = answer.chosen.backlog};
    knob.why = "set in the application's configuration; it takes effect when listen() is called again";
    if (question.kernel.behaviours.backlog_is_16_bit) {
        knob.why += core::is_el6(question.kernel) ? "; 16 bits wide on this kernel: 65536 becomes 0"
                                                  : "; 16 bits wide on this kernel: 65535 is the most";
    }
    return knob;
}

Knob somaxconn_knob(const ListenerQuestion& question, const ListenerAnswer& answer) {
    const int by_default = question.kernel.behaviours.default_somaxconn;
    Knob knob{.name = "net.core.somaxconn", .at_least = answer.chosen.backlog};
    knob.by_default = static_cast<std::uint64_t>(by_default);
    knob.matters = setting_of(question, by_default, "net.core.somaxconn") < static_cast<std::int64_t>(knob.at_least);
    knob.why = knob.matters ? "cuts every backlog down to itself at listen()"
                            : "is large enough; it only cuts down what the application asks for";
    return knob;
}

Knob syn_backlog_knob(const ListenerQuestion& question, const ListenerAnswer& answer) {
    Knob knob{.name = "net.ipv4.tcp_max_syn_backlog"};
    knob.matters = syn_backlog_matters(question);
    const bool table = question.kernel.behaviours.syn_queue_rule == core::SynQueueRule::table;
    if (!knob.matters) {
        knob.why =
            "since 4.4 the listener's backlog bounds the SYN queue, and with tcp_syncookies on this limit is not "
            "looked at";
        return knob;
    }
    knob.at_least = needed_syn_backlog(question, answer.chosen.longest_request);
    if (!cookies_on(question)) {
        knob.why = "with tcp_syncookies=0 the last quarter of it is kept for clients that are known already";
    } else if (table) {
        knob.why =
            "up to 4.3 the SYN table is sized at the first listen() by the smallest of it, the backlog and "
            "somaxconn; beyond, cookies are sent";
    }
    return knob;
}

}  // namespace

std::uint32_t widest_backlog(const core::Kernel& kernel) {
    return kernel.behaviours.backlog_is_16_bit ? kWidest16 : kWidestSimulated;
}

int setting_of(const ListenerQuestion& question, int model_default, const char* name) {
    int value = model_default;
    for (const sim::SysctlSetting& setting : question.sysctls) {
        if (setting.name != name) continue;
        std::from_chars(setting.value.data(), setting.value.data() + setting.value.size(), value);
    }
    return value;
}

bool cookies_on(const ListenerQuestion& question) {
    const int by_default = model::Settings::defaults_of(question.kernel).syncookies;
    return setting_of(question, by_default, "net.ipv4.tcp_syncookies") != 0;
}

bool syn_backlog_matters(const ListenerQuestion& question) {
    return question.kernel.behaviours.syn_queue_rule == core::SynQueueRule::table || !cookies_on(question);
}

std::uint32_t needed_syn_backlog(const ListenerQuestion& question, std::uint32_t requests) {
    std::uint32_t limit = std::max(requests, 8U);
    if (cookies_on(question)) return limit;
    while (limit - (limit >> 2U) + 1 < requests) ++limit;
    return limit;
}

std::vector<Knob> knobs_of(const ListenerQuestion& question, const ListenerAnswer& answer) {
    if (answer.verdict == Verdict::overload) return {};
    return {application_knob(question, answer), somaxconn_knob(question, answer), syn_backlog_knob(question, answer)};
}

}  // namespace synwhy::size
