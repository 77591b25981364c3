// Plots over time; see svg_plot.hpp.
#include "emit/svg_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "emit/text.hpp"

namespace synwhy::emit {
namespace {

constexpr std::int64_t kTicks = 4;
constexpr std::int64_t kLabelHeight = 130;  // tenths of a pixel

std::string tenths(std::int64_t value) {
    return value % 10 == 0 ? fmt::format("{}", value / 10) : fmt::format("{}.{}", value / 10, value % 10);
}

/// The smallest of 1, 2, 5, 10, ... that gives at most kTicks steps.
std::int64_t nice_step(std::int64_t range) {
    for (std::int64_t power = 1; power < INT64_MAX / 100; power *= 10) {
        for (const std::int64_t factor : {1, 2, 5}) {
            if (range / (factor * power) <= kTicks) return factor * power;
        }
    }
    return range;
}

/// The same for time, in ms.
std::int64_t nice_time(std::int64_t length_ms) {
    constexpr std::array<std::int64_t, 22> kSteps{
        1,    2,      5,      10,     20,     50,      100,     200,     500,       1000,       2000,
        5000, 10'000, 20'000, 30'000, 60'000, 120'000, 300'000, 600'000, 3'600'000, 21'600'000, 86'400'000};
    for (const std::int64_t step : kSteps) {
        if (length_ms / step <= 8) return step;
    }
    return length_ms;
}

std::string time_label(std::int64_t ms, std::int64_t step) {
    if (step < 1000) return fmt::format("{} ms", ms);
    if (step < 60'000 || ms == 0) return fmt::format("{} s", ms / 1000);
    if (step < 3'600'000) return fmt::format("{} min", ms / 60'000);
    return fmt::format("{} h", ms / 3'600'000);
}

std::string value_label(std::int64_t value) {
    if (value >= 1'000'000 && value % 1'000'000 == 0) {
        return fmt::format("{} M", grouped(static_cast<std::uint64_t>(value / 1'000'000)));
    }
    return grouped(static_cast<std::uint64_t>(value));
}

}  // namespace

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : printable(text)) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

Plot::Plot(std::int64_t length_ms, std::int64_t low, std::int64_t high, std::int64_t height)
    : length_ms_(std::max<std::int64_t>(length_ms, 1)), low_(low), high_(std::max(high, low + 1)), height_(height) {}

std::string Plot::x(std::int64_t ms) const {
    const std::int64_t inner = kWidth - kLeft - kRight;
    return tenths(kLeft * 10 + std::clamp<std::int64_t>(ms, 0, length_ms_) * inner * 10 / length_ms_);
}

std::int64_t Plot::y_tenths(std::int64_t value) const {
    const std::int64_t inner = height_ - kTop - kBottom;
    return (height_ - kBottom) * 10 - (std::clamp(value, low_, high_) - low_) * inner * 10 / (high_ - low_);
}

std::string Plot::y(std::int64_t value) const { return tenths(y_tenths(value)); }

void Plot::steps(std::string_view css, const std::vector<PlotPoint>& points, bool filled) {
    if (points.empty()) return;
    std::string path = fmt::format("M{} {}", x(points[0].ms), y(points[0].value));
    for (std::size_t i = 1; i < points.size(); ++i) {
        if (points[i].value == points[i - 1].value && i + 1 < points.size()) continue;
        path += fmt::format("H{}V{}", x(points[i].ms), y(points[i].value));
    }
    path += fmt::format("H{}", x(length_ms_));
    if (filled) {
        body_ += fmt::format("<path class=\"{}-area\" d=\"{}V{}H{}Z\"/>", css, path, y(low_), x(points[0].ms));
    }
    body_ += fmt::format("<path class=\"{}\" d=\"{}\"/>\n", css, path);
}

void Plot::line(std::string_view css, const std::vector<PlotPoint>& points) {
    if (points.size() < 2) return;
    std::string path;
    for (const PlotPoint& point : points) {
        path += fmt::format("{}{} {}", path.empty() ? "M" : "L", x(point.ms), y(point.value));
    }
    body_ += fmt::format("<path class=\"{}\" d=\"{}\"/>\n", css, path);
}

void Plot::dots(std::string_view css, const std::vector<PlotPoint>& points) {
    if (points.empty()) return;
    std::string path;
    for (const PlotPoint& point : points) path += fmt::format("M{} {}h0", x(point.ms), y(point.value));
    body_ += fmt::format("<path class=\"{}\" d=\"{}\"/>\n", css, path);
}

void Plot::bar(std::string_view css, std::int64_t start_ms, std::int64_t end_ms, std::int64_t from, std::int64_t to) {
    if (from >= to) return;
    body_ += fmt::format("<path class=\"{}\" d=\"M{} {}V{}H{}V{}Z\"/>", css, x(start_ms), y(from), y(to), x(end_ms),
                         y(from));
}

void Plot::vertical(std::int64_t ms, std::string_view label) {
    body_ += fmt::format(
        "<path class=\"mark\" d=\"M{0} {1}V{2}\"/><text class=\"mark-text\" x=\"{0}\" y=\"{3}\" "
        "dx=\"4\">{4}</text>\n",
        x(ms), kTop, height_ - kBottom, kTop + 8, escaped(label));
}

void Plot::label(std::string_view css, std::int64_t value, std::string_view text) {
    std::int64_t at = y_tenths(value);
    // A label that would cover an earlier one moves down until it is free.
    for (bool moved = true; moved;) {
        moved = false;
        for (const std::int64_t taken : labels_) {
            if (at - taken >= kLabelHeight || taken - at >= kLabelHeight) continue;
            at = taken + kLabelHeight;
            moved = true;
        }
    }
    labels_.push_back(at);
    body_ += fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\" dy=\"4\">{}</text>\n", css, kWidth - kRight + 8,
                         tenths(at), escaped(text));
}

std::string Plot::axes() const {
    std::string out;
    const std::int64_t step = nice_step(high_ - low_);
    for (std::int64_t tick = (low_ + step - 1) / step * step; tick <= high_; tick += step) {
        out += fmt::format("<path class=\"grid\" d=\"M{} {}H{}\"/>", kLeft, y(tick), kWidth - kRight);
        out += fmt::format("<text class=\"tick\" text-anchor=\"end\" x=\"{}\" y=\"{}\" dy=\"4\">{}</text>", kLeft - 8,
                           y(tick), value_label(tick));
    }
    const std::int64_t time_step = nice_time(length_ms_);
    for (std::int64_t tick = 0; tick <= length_ms_; tick += time_step) {
        out += fmt::format("<text class=\"tick\" text-anchor=\"middle\" x=\"{}\" y=\"{}\">{}</text>", x(tick),
                           height_ - 8, time_label(tick, time_step));
    }
    return out + fmt::format("<path class=\"axis\" d=\"M{} {}H{}\"/>\n", kLeft, y(low_), kWidth - kRight);
}

std::string Plot::svg(std::string_view name) const {
    return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n{}{}</svg>\n", kWidth, height_,
                       escaped(name), axes(), body_);
}

}  // namespace synwhy::emit
