// How far is a long reading?
//
// One line that is overwritten in place, from the first second on, at most ten times a second. The clock comes in as
// an argument and the text goes out as a value; whether a terminal is there is the caller's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace synwhy::emit {

class Progress {
  public:
    /// @param start_ns of the same clock as update()'s
    /// @param width columns of the terminal
    Progress(std::int64_t start_ns, std::size_t width, bool utf8) : start_ns_(start_ns), width_(width), utf8_(utf8) {}

    /// What to write now; empty when it is too early for a change.
    /// @param fraction of the input that was read, 0..1, nullopt when its size is unknown
    std::string update(std::int64_t now_ns, std::optional<double> fraction, std::uint64_t packets);
    /// What to write at the end: erases the line if there is one.
    std::string erase();

  private:
    std::int64_t start_ns_;
    std::int64_t shown_ns_ = INT64_MIN;
    std::size_t width_;
    bool utf8_;
};

}  // namespace synwhy::emit
