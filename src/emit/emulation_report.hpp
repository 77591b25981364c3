// What does an emulation report in the end, and how does it show what a running one holds?
//
// Values in, text or JSON out; schema/emulation.schema.json describes the JSON. Left out: where the values come from
// (the cli gathers them), the wording of counters (host/netstat_sentences.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/path.hpp"

namespace synwhy::emit {

/// How many segments met one fate at one place of the path.
struct FateLine {
    bool syn = false;
    bool unanswered = false;  ///< a SYN that got no SYN+ACK, or a final ACK that made no connection
    std::string_view fate{};
    const core::Row* row = nullptr;  ///< nullptr: nothing stood in the way
    std::uint64_t segments = 0;
};

struct EmulationReport {
    std::string kernel{};
    std::string device{};
    std::vector<std::string> listeners{};
    std::int64_t first_ns = 0;  ///< since 1970, when it started and ended
    std::int64_t last_ns = 0;
    std::vector<FateLine> fates{};                                  ///< SYNs first, in path order
    std::vector<std::pair<std::string, std::uint64_t>> counters{};  ///< the kernel's, those that moved
    std::vector<std::pair<std::string, std::uint64_t>> traffic{};   ///< packets, connections, requests
    std::vector<std::string> missing{};                             ///< what was ignored or lost

    [[nodiscard]] std::uint64_t syns() const;
    [[nodiscard]] std::uint64_t unanswered() const;  ///< SYNs only
    /// Something was refused: the exit status says so.
    [[nodiscard]] bool found_cause() const;
};

/// The verdict first, then what became of the SYNs, the counters, what was ignored. At most `width` columns.
std::string emulation_text(const EmulationReport& report, std::size_t width, bool colour);
/// One indented JSON object, ending in a newline.
std::string emulation_json(const EmulationReport& report);

/// A table as the control socket tells it: names of columns, rows of as many fields.
struct ControlTable {
    std::string name{};
    std::vector<std::string> columns{};
    std::vector<std::vector<std::string>> rows{};
    std::uint64_t left_out = 0;  ///< rows beyond the limit
};

/// All tables as one JSON object, numbers as numbers, "-" as null.
std::string tables_json(const std::vector<ControlTable>& tables);
/// Columns aligned under their names, numbers to the right.
std::string table_text(const ControlTable& table);

}  // namespace synwhy::emit
