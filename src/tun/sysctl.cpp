#include "tun/sysctl.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace synwhy::tun {

namespace {

/// One or more integers with blanks between them, as /proc/sys shows them.
bool holds_numbers(std::string_view text) {
    constexpr std::string_view kBlanks = " \t";
    bool any = false;
    while (true) {
        const auto start = text.find_first_not_of(kBlanks);
        if (start == std::string_view::npos) return any;
        text.remove_prefix(start);
        const auto length = std::min(text.find_first_of(kBlanks), text.size());
        int number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + length, number);
        if (error != std::errc{} || end != text.data() + length) return false;
        any = true;
        text.remove_prefix(length);
    }
}

}  // namespace

std::expected<bool, core::Error> set_sysctl(model::Settings& settings, const core::Kernel& kernel,
                                            std::string_view name, std::string_view value) {
    if (!holds_numbers(value)) {
        return std::unexpected(core::Error{"'" + std::string(value) + "' is no number", std::string(name), {}});
    }
    switch (settings.set(name, value, kernel)) {
        case model::Settings::SetResult::ok: return true;
        case model::Settings::SetResult::not_modelled: return false;
        case model::Settings::SetResult::absent: break;
    }
    return std::unexpected(core::Error{"kernel " + kernel.release.text + " has no such sysctl", std::string(name), {}});
}

}  // namespace synwhy::tun
