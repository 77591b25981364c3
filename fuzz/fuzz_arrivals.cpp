// Can a file of arrival times hurt us? What parses is sorted and begins at 0; an error has its place.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sim/scenario.hpp"
#include "size/arrivals.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synwhy;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto times = size::parse_arrivals(text, "input");
    if (!times) {
        if (!times.error().where.starts_with("input")) std::abort();
        return 0;
    }
    if (times->size() < 2 || times->front() != 0 || times->back() <= 0) std::abort();
    if (times->back() >= sim::kMaxDuration_ns || !std::ranges::is_sorted(*times)) std::abort();
    return 0;
}
