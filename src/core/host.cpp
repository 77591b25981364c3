// How is a fact about the host looked up by name?
//
// People write a sysctl with or without its prefix, so "net.ipv4.tcp_tw_recycle", "ipv4.tcp_tw_recycle" and
// "tcp_tw_recycle" find the same entry. A value that is not a
// plain integer ("4096 87380 6291456") is no number, never the first of several.
#include "core/host.hpp"

#include <charconv>
#include <string_view>

namespace synwhy::core {

namespace {

std::optional<long> to_integer(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\n')) text.remove_suffix(1);
    long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::optional<long> HostFacts::sysctl(const std::string& name) const {
    for (const char* prefix : {"", "net.", "net.ipv4.", "net.core."}) {
        const auto found = sysctls.find(prefix + name);
        if (found != sysctls.end()) return to_integer(found->second);
    }
    return std::nullopt;
}

std::optional<std::int64_t> HostFacts::moved(const std::string& counter) const {
    const auto found = counter_deltas.find(counter);
    if (found == counter_deltas.end()) return std::nullopt;
    return found->second;
}

}  // namespace synwhy::core
