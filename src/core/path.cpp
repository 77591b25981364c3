// Which row of the path decides about this SYN?
//
// Walks the table in order and asks each row that can be decided from facts. Left out: state (the model keeps it)
// and the table itself (path_rows.cpp).
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

namespace {

/// The rows of tcp_conn_request that can be decided from facts, collected once: the model asks for every SYN.
struct ListenRows {
    static constexpr std::size_t kCapacity = 16;
    const Row* rows[kCapacity]{};
    std::size_t count = 0;

    ListenRows() {
        for (const auto& row : path_rows()) {
            if (row.stage == Stage::listen && row.applies != nullptr && count < kCapacity) rows[count++] = &row;
        }
    }
};

}  // namespace

ListenDecision decide_listen(const Behaviours& kernel, const Facts& facts) {
    static const ListenRows listen;
    ListenDecision decision;
    for (std::size_t i = 0; i < listen.count; ++i) {
        const Row* row = listen.rows[i];
        if (!row->applies(kernel, facts)) continue;
        decision.row = row;
        if (row->seen != Seen::cookie) {
            decision.kind = ListenDecision::Kind::refuse;
            return decision;
        }
        decision.kind = ListenDecision::Kind::cookie;
        decision.cookie_chosen = true;
    }
    return decision;
}

std::uint32_t syn_table_size(std::uint32_t backlog, std::uint32_t max_syn_backlog) {
    constexpr std::uint32_t kSmallest = 8;
    constexpr std::uint32_t kLargest = 0x40000000;  // bit_ceil beyond 2^31 is undefined
    const std::uint32_t wanted = std::clamp(std::min(backlog, max_syn_backlog), kSmallest, kLargest);
    return std::bit_ceil(wanted + 1);
}

}  // namespace synwhy::core
