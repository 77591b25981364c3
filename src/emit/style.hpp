// When and how is terminal output coloured?
//
// A Style paints finished pieces of text; it never measures, so wrap first and paint afterwards. Meaning is never
// carried by colour alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/verdict.hpp"

namespace synwhy::emit {

enum class ColourMode : std::uint8_t { automatic, always, never };

/// --color wins over NO_COLOR (https://no-color.org: set and not empty), which wins over the terminal.
/// @param no_color,term values of NO_COLOR and TERM, nullptr when unset
bool decide_colour(ColourMode mode, bool is_terminal, const char* no_color, const char* term);

class Style {
  public:
    explicit Style(bool colour) : colour_(colour) {}

    [[nodiscard]] std::string strong(std::string_view text) const { return paint("1", text); }
    [[nodiscard]] std::string faint(std::string_view text) const { return paint("2", text); }
    [[nodiscard]] std::string bad(std::string_view text) const { return paint("1;31", text); }
    [[nodiscard]] std::string good(std::string_view text) const { return paint("32", text); }
    [[nodiscard]] std::string warning(std::string_view text) const { return paint("33", text); }
    [[nodiscard]] std::string command(std::string_view text) const { return paint("36", text); }
    /// green: certain; plain: likely; yellow: possible and unknown
    [[nodiscard]] std::string confidence(core::Confidence confidence) const;

  private:
    [[nodiscard]] std::string paint(std::string_view code, std::string_view text) const;

    bool colour_;
};

}  // namespace synwhy::emit
