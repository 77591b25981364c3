#include "emit/replay.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace synwhy::emit {

namespace {

struct Totals {
    long steps = 0, comparable = 0, agree = 0, known = 0;
};

Totals sum(const std::vector<truth::Replayed>& results) {
    Totals t;
    for (const truth::Replayed& r : results) {
        t.steps += r.steps;
        t.comparable += r.comparable;
        t.agree += r.agree;
        t.known += r.known;
    }
    return t;
}

}  // namespace

std::string replay_json(const std::vector<truth::Replayed>& results) {
    const Totals totals = sum(results);
    nlohmann::ordered_json differences = nlohmann::ordered_json::array();
    for (const truth::Replayed& r : results) {
        for (const truth::Difference& d : r.differences) {
            differences.push_back({{"scenario", d.scenario},
                                   {"kernel", d.kernel},
                                   {"step", d.step},
                                   {"line", d.line},
                                   {"field", d.field},
                                   {"expected", d.expected},
                                   {"got", d.got},
                                   {"row", d.row},
                                   {"known", d.known}});
        }
    }
    const nlohmann::ordered_json document{{"v", 1},
                                          {"scenarios", results.size()},
                                          {"steps", totals.steps},
                                          {"comparable", totals.comparable},
                                          {"agree", totals.agree},
                                          {"known", totals.known},
                                          {"differences", std::move(differences)}};
    return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string replay_text(const std::vector<truth::Replayed>& results, bool verbose) {
    std::string text;
    for (const truth::Replayed& r : results) {
        for (const truth::Difference& d : r.differences) {
            if (!d.known.empty() && !verbose) continue;
            text += fmt::format("{} on {}, step {}: {}\n  {}: the kernel {}, the model {}{}{}\n", d.scenario, d.kernel,
                                d.step, d.line, d.field, d.expected, d.got, d.row.empty() ? "" : ", by ", d.row);
            if (!d.known.empty()) text += fmt::format("  known: {}\n", d.known);
        }
        if (!verbose) continue;
        for (const std::string& why : r.not_comparable) {
            text += fmt::format("{} on {}, not comparable: step {}\n", r.scenario, r.kernel, why);
        }
    }
    const Totals totals = sum(results);
    text += fmt::format("{} scenarios, {} steps, {} comparable, {} agree", results.size(), totals.steps,
                        totals.comparable, totals.agree);
    if (totals.known != 0) text += fmt::format(", {} differ for a known reason", totals.known);
    return text + "\n";
}

}  // namespace synwhy::emit
