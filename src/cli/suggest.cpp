// Near matches by optimal string alignment; see suggest.hpp.
#include "cli/suggest.hpp"

#include <algorithm>
#include <utility>

namespace synwhy::cli {
namespace {

constexpr std::size_t kMaxLength = 64;  // longer input is no mistyped slug

std::size_t edits(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> previous(b.size() + 1);
    std::vector<std::size_t> current(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replaced});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
        }
        std::swap(before, previous);
        std::swap(previous, current);
    }
    return previous[b.size()];
}

}  // namespace

std::vector<std::string_view> near_matches(std::string_view text, std::span<const std::string_view> known,
                                           std::size_t limit) {
    std::string wanted(text.substr(0, kMaxLength));
    std::ranges::transform(wanted, wanted.begin(), [](char c) {
        if (c >= 'A' && c <= 'Z') return static_cast<char>(c + 32);
        return c == '_' || c == ' ' ? '-' : c;
    });
    std::vector<std::pair<std::size_t, std::string_view>> ranked;
    for (const std::string_view name : known) {
        const bool part = wanted.size() >= 3 && (name.contains(wanted) || wanted.contains(name));
        const std::size_t distance = part ? 0 : edits(wanted, name);
        if (part || distance <= std::max<std::size_t>(name.size() / 3, 1)) ranked.emplace_back(distance, name);
    }
    std::ranges::stable_sort(ranked, {}, &std::pair<std::size_t, std::string_view>::first);
    std::vector<std::string_view> names;
    for (const auto& [distance, name] : ranked) {
        if (names.size() == limit) break;
        names.push_back(name);
    }
    return names;
}

std::string either(const std::vector<std::string_view>& names) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
        text += names[i];
    }
    return text;
}

}  // namespace synwhy::cli
