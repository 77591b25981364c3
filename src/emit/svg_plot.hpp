// How is one plot over time drawn as SVG?
//
// Integer arithmetic in tenths of a pixel, colours by CSS class only, so that the page decides light or dark. The x
// axis is milliseconds from the start of the run. Private to the HTML reports.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace synwhy::emit {

/// Text for HTML and SVG: & < > " ' become entities, control characters U+FFFD.
std::string escaped(std::string_view text);

struct PlotPoint {
    std::int64_t ms = 0;
    std::int64_t value = 0;
};

class Plot {
  public:
    static constexpr std::int64_t kWidth = 920, kLeft = 98, kRight = 110, kTop = 14, kBottom = 26;

    /// The y axis shows low .. high; high > low.
    Plot(std::int64_t length_ms, std::int64_t low, std::int64_t high, std::int64_t height = 190);

    /// A value that holds until the next one; runs of equal values are drawn as one.
    void steps(std::string_view css, const std::vector<PlotPoint>& points, bool filled = false);
    void line(std::string_view css, const std::vector<PlotPoint>& points);
    /// All dots of one class are one path.
    void dots(std::string_view css, const std::vector<PlotPoint>& points);
    /// One bar from `from` to `to`.
    void bar(std::string_view css, std::int64_t start_ms, std::int64_t end_ms, std::int64_t from, std::int64_t to);
    void vertical(std::int64_t ms, std::string_view label);
    /// Behind the right edge at a height.
    void label(std::string_view css, std::int64_t value, std::string_view text);

    /// @param name for readers that do not see it
    [[nodiscard]] std::string svg(std::string_view name) const;

  private:
    [[nodiscard]] std::string x(std::int64_t ms) const;
    [[nodiscard]] std::string y(std::int64_t value) const;
    [[nodiscard]] std::int64_t y_tenths(std::int64_t value) const;
    [[nodiscard]] std::string axes() const;

    std::int64_t length_ms_, low_, high_, height_;
    std::string body_{};
    std::vector<std::int64_t> labels_{};  ///< heights taken at the right edge, tenths of a pixel
};

}  // namespace synwhy::emit
