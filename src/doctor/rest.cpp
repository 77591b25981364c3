// What of the causes that need no judgement of their own?
//
// Where the catalogue names a counter that only one cause moves, the counter decides. For the others a host shows
// nothing, and the command that would show it is named.
#include <fmt/format.h>

#include <algorithm>

#include "core/catalogue.hpp"
#include "doctor/results.hpp"
#include "doctor/words.hpp"

namespace synwhy::doctor {

namespace {

using core::Confidence;

bool spoken_of(const Results& results, core::Cause cause) {
    return std::ranges::any_of(results.all(), [&](const Result& result) { return result.cause == cause; });
}

const core::PageCounter* direct_counter(const Chart& chart, const core::CausePage& cause_page) {
    for (const core::PageCounter& counter : cause_page.counters) {
        if (counter.direct && chart.total(std::string(counter.name))) return &counter;
    }
    return nullptr;
}

Examination by_counter(const Chart& chart, const core::CausePage& cause_page, const core::PageCounter& counter) {
    const std::string name(counter.name);
    const std::string reading = stillness(chart, name);
    const std::int64_t moved = chart.moved(name).value_or(0);
    if (moved == 0) return unmoved(chart, name, reading);
    Examination examination{.standing = Standing::found,
                            .confidence = Confidence::certain,
                            .syns = static_cast<std::uint64_t>(moved),
                            .headline = std::string(cause_page.title),
                            .evidence = {reading, std::string(cause_page.summary)}};
    for (const core::WatchedGroup& group : chart.inputs().watched.groups) {
        if (group.unanswered == 0) continue;
        examination.servers.push_back(group.server);
        examination.clients.push_back(group.client);
    }
    return examination;
}

Examination without_counter(const Chart& chart, const core::CausePage& cause_page) {
    if (const core::Kernel* kernel = chart.kernel()) {
        if (!core::possible_in(cause_page, kernel->release)) {
            return ruled_out(fmt::format("not in kernel {}", kernel_name(*kernel)));
        }
    }
    if (chart.unanswered().value_or(1) == 0) return ruled_out("every SYN that was seen got an answer");
    return not_examinable(fmt::format("no counter or state of a host shows it; {}", cause_page.settle));
}

}  // namespace

void examine_rest(const Chart& chart, Results& results) {
    for (const core::CausePage& cause_page : core::all_pages()) {
        if (spoken_of(results, cause_page.cause)) continue;
        const core::PageCounter* counter = direct_counter(chart, cause_page);
        results.add(cause_page.cause,
                    counter != nullptr ? by_counter(chart, cause_page, *counter) : without_counter(chart, cause_page));
    }
}

}  // namespace synwhy::doctor
