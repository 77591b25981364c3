// Ends of attempts as text; see attempts_text.hpp.
#include "emit/attempts_text.hpp"

#include <fmt/format.h>

#include "emit/text.hpp"
#include "emit/time_text.hpp"

namespace synwhy::emit {
namespace {

std::string ending_text(sim::Ending ending) {
    switch (ending) {
        case sim::Ending::served: return "served";
        case sim::Ending::refused: return "ECONNREFUSED";
        case sim::Ending::timed_out: return "ETIMEDOUT";
        case sim::Ending::reset: return "ECONNRESET";
        case sim::Ending::gave_up: return "gave up waiting";
        case sim::Ending::no_port: return "EADDRNOTAVAIL";
        case sim::Ending::closed: return "closed without the whole response";
        case sim::Ending::unfinished: return "connected, not served at the end";
        case sim::Ending::pending: return "still connecting at the end";
    }
    return {};
}

}  // namespace

std::string endings_text(const sim::Attempts& attempts) {
    std::string text;
    for (std::size_t i = 0; i < sim::kEndings; ++i) {
        if (attempts.by_ending[i] == 0) continue;
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", grouped(attempts.by_ending[i]),
                            ending_text(static_cast<sim::Ending>(i)));
    }
    return text;
}

std::string short_time(std::int64_t length_ns) {
    return length_ns < 1'000'000 ? fmt::format("{} us", length_ns / 1000) : duration(length_ns);
}

}  // namespace synwhy::emit
