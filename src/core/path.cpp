// Which row of the path is it?
//
// Looks rows up and walks the table in order, asking each row that can be decided from facts. Left out: state (the
// model keeps it), the table itself and its hot walk through tcp_conn_request (path_rows.cpp).
#include "core/path.hpp"

#include <algorithm>
#include <bit>

namespace synwhy::core {

const Row* find_row(std::string_view id) {
    const auto rows = path_rows();
    const auto found = std::ranges::find(rows, id, &Row::id);
    return found == rows.end() ? nullptr : &*found;
}

const Row* first_refusal(Stage first, Stage last, const Behaviours& kernel, const Facts& facts) {
    for (const auto& row : path_rows()) {
        const bool between = row.stage >= first && row.stage <= last;
        const bool stops = row.seen != Seen::cookie && row.applies != nullptr;
        if (between && stops && row.applies(kernel, facts)) return &row;
    }
    return nullptr;
}

std::uint32_t syn_table_size(std::uint32_t backlog, std::uint32_t max_syn_backlog) {
    constexpr std::uint32_t kSmallest = 8;
    constexpr std::uint32_t kLargest = 0x40000000;  // bit_ceil beyond 2^31 is undefined
    const std::uint32_t wanted = std::clamp(std::min(backlog, max_syn_backlog), kSmallest, kLargest);
    return std::bit_ceil(wanted + 1);
}

}  // namespace synwhy::core
