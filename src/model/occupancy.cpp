#include "model/occupancy.hpp"

#include <algorithm>

namespace synwhy::model {

void Occupancy::add(std::int64_t start_ns, std::int64_t end_ns) {
    starts_.push_back(start_ns);
    ends_.push_back(end_ns);
}

void Occupancy::sort() {
    std::sort(starts_.begin(), starts_.end());
    std::sort(ends_.begin(), ends_.end());
}

std::uint32_t Occupancy::at(std::int64_t time_ns) const {
    const auto begun = std::lower_bound(starts_.begin(), starts_.end(), time_ns) - starts_.begin();
    const auto ended = std::lower_bound(ends_.begin(), ends_.end(), time_ns) - ends_.begin();
    return begun > ended ? static_cast<std::uint32_t>(begun - ended) : 0;
}

}  // namespace synwhy::model
