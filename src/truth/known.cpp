#include "truth/known.hpp"

#include <charconv>
#include <climits>
#include <map>
#include <sstream>

namespace synwhy::truth {

namespace {

bool parse_range(std::string_view text, Known& known) {
    if (text == "*") {
        known.last = INT_MAX;
        return true;
    }
    const char* const end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, known.first);
    if (first.ec != std::errc{}) return false;
    known.last = known.first;
    if (first.ptr == end) return true;
    if (*first.ptr != '-') return false;
    const auto last = std::from_chars(first.ptr + 1, end, known.last);
    return last.ec == std::errc{} && last.ptr == end && known.last >= known.first;
}

}  // namespace

std::expected<std::vector<Known>, core::Error> parse_known(std::string_view text, const std::string& name) {
    std::vector<Known> all;
    std::istringstream lines{std::string(text)};
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        if (line.empty() || line[0] == '#') continue;
        const auto colon = line.find(": ");
        std::istringstream words(line.substr(0, colon));
        Known known;
        std::string range;
        words >> known.kernel >> known.scenario >> range;
        if (colon == std::string::npos || !parse_range(range, known)) {
            return std::unexpected(
                core::Error{"expected \"KERNEL SCENARIO STEP: reason\"", name + ":" + std::to_string(number), {}});
        }
        known.reason = line.substr(colon + 2);
        all.push_back(std::move(known));
    }
    return all;
}

void mark_known(Replayed& replayed, const std::vector<Known>& known) {
    std::map<int, bool> steps;  // step -> all its differences are known
    for (Difference& d : replayed.differences) {
        for (const Known& k : known) {
            const bool same = k.kernel == d.kernel && k.scenario == d.scenario;
            if (same && d.step >= k.first && d.step <= k.last) d.known = k.reason;
        }
        const auto [place, is_new] = steps.try_emplace(d.step, true);
        place->second = place->second && !d.known.empty();
    }
    for (const auto& [step, all] : steps) replayed.known += all ? 1 : 0;
}

}  // namespace synwhy::truth
