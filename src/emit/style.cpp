// Colours; see style.hpp.
#include "emit/style.hpp"

namespace synwhy::emit {

bool decide_colour(ColourMode mode, bool is_terminal, const char* no_color, const char* term) {
    switch (mode) {
        case ColourMode::always: return true;
        case ColourMode::never: return false;
        case ColourMode::automatic: break;
    }
    if (no_color != nullptr && *no_color != '\0') return false;
    const bool dumb = term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
    return is_terminal && !dumb;
}

std::string Style::confidence(core::Confidence confidence) const {
    const char* text = core::to_string(confidence);
    switch (confidence) {
        case core::Confidence::certain: return good(text);
        case core::Confidence::likely: return strong(text);
        case core::Confidence::possible:
        case core::Confidence::unknown: return warning(text);
    }
    return text;
}

std::string Style::paint(std::string_view code, std::string_view text) const {
    if (!colour_ || text.empty()) return std::string(text);
    std::string out = "\x1b[";
    out += code;
    out += 'm';
    out += text;
    out += "\x1b[0m";
    return out;
}

}  // namespace synwhy::emit
