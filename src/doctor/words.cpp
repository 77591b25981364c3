// How does a finding name things?
#include "doctor/words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace synwhy::doctor {

std::string counted(std::uint64_t number, std::string_view noun) {
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

Examination unmoved(const Chart& chart, const std::string& counter, std::string reading) {
    if (chart.moved(counter)) return ruled_out(std::move(reading));
    const auto total = chart.total(counter);
    if (!total) return not_examinable(std::move(reading));
    return *total > 0 ? past(std::move(reading)) : ruled_out(std::move(reading));
}

std::string kernel_name(const core::Kernel& kernel) {
    const std::string& text = kernel.release.text;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        if (end > at && text[at] >= '0' && text[at] <= '9') return text.substr(at, end - at);
        at = end + 1;
    }
    return text;
}

std::string listener_name(const Chart& chart, const core::Listener& listener) {
    const std::string endpoint = core::to_string(listener.local);
    if (listener.pids.empty()) return endpoint;
    const int pid = listener.pids.front();
    const auto process = chart.now().processes.find(pid);
    const std::string name = process == chart.now().processes.end() ? "" : process->second.name + ", ";
    const std::string more = listener.pids.size() == 1 ? "" : fmt::format(" and {} more", listener.pids.size() - 1);
    return fmt::format("{} ({}pid {}{})", endpoint, name, pid, more);
}

std::string server_name(const Chart& chart, const core::Endpoint& server) {
    const auto listeners = chart.listeners_for(server);
    if (listeners.empty() || listeners.front()->pids.empty()) return core::to_string(server);
    const int pid = listeners.front()->pids.front();
    const auto process = chart.now().processes.find(pid);
    if (process == chart.now().processes.end()) return fmt::format("{} (pid {})", core::to_string(server), pid);
    return fmt::format("{} ({}, pid {})", core::to_string(server), process->second.name, pid);
}

std::string rule_name(const core::FilterRule& rule) {
    if (rule.system == core::FilterSystem::nft) {
        if (rule.position == 0 && rule.handle == 0) {
            return fmt::format("the policy of nft chain {} {} {}", rule.family, rule.table, rule.chain);
        }
        return fmt::format("nft {} {} {} handle {}: {}", rule.family, rule.table, rule.chain, rule.handle, rule.text);
    }
    const char* tool = rule.system == core::FilterSystem::iptables_legacy
                           ? (rule.family == "ip6" ? "ip6tables-legacy" : "iptables-legacy")
                           : (rule.family == "ip6" ? "ip6tables" : "iptables");
    if (rule.position == 0) return fmt::format("the policy of {} -t {} {}", tool, rule.table, rule.chain);
    return fmt::format("{} -t {} {} rule {}: {}", tool, rule.table, rule.chain, rule.position, rule.text);
}

}  // namespace synwhy::doctor
