#include "fix/watch.hpp"

#include "host/netstat_file.hpp"
#include "host/text_file.hpp"

namespace synwhy::fix {

std::expected<CounterValues, core::Error> read_counters(const std::string& root) {
    std::string text;
    for (const char* name : {"/proc/net/netstat", "/proc/net/snmp"}) {
        const auto part = host::read_text_file(root + name);
        if (!part) return std::unexpected(part.error());
        text += *part;
    }
    auto file = host::parse_counters(text, root + "/proc/net/netstat");
    if (!file) return std::unexpected(file.error());
    return std::move(file->readings.back());
}

std::vector<WatchedCounter> compare_counters(const core::CausePage& page, const CounterValues& start,
                                             const CounterValues& change, const CounterValues& end) {
    std::vector<WatchedCounter> watched;
    for (const core::PageCounter& counter : page.counters) {
        const std::string name(counter.name);
        const auto first = start.find(name);
        const auto middle = change.find(name);
        const auto last = end.find(name);
        if (first == start.end() || middle == change.end() || last == end.end()) continue;
        watched.push_back({name, middle->second - first->second, last->second - middle->second});
    }
    return watched;
}

}  // namespace synwhy::fix
