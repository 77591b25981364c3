// The search: an unlimited run bounds the answer, halving finds it with few connections each, and the find is confirmed
// with many. The same seed gives the same arrivals for every backlog, so that the search compares like with like.
#include "size/listener.hpp"

#include <algorithm>
#include <cmath>

#include "size/formula.hpp"
#include "size/knobs.hpp"
#include "size/trial.hpp"

namespace synwhy::size {
namespace {

constexpr std::uint64_t kSearchConnections = 100'000;
constexpr double kBurstsWanted = 10;  ///< bursts' worth of connections behind the target
constexpr int kConfirmations = 8;
constexpr std::uint32_t kFinest = 50;  ///< the search ends within a 50th

class Search {
  public:
    Search(const ListenerQuestion& question, const std::function<void(std::size_t)>& progress)
        : question_(question), progress_(progress), bench_(question) {}

    ListenerAnswer run();

  private:
    Trial attempt(std::uint32_t backlog, std::uint64_t connections);
    void look_at_now();
    void finish();
    std::uint32_t halve(std::uint32_t low, std::uint32_t high);
    void confirm(std::uint32_t backlog);
    [[nodiscard]] std::uint64_t needed() const;

    const ListenerQuestion& question_;
    const std::function<void(std::size_t)>& progress_;
    TestBench bench_;
    ListenerAnswer answer_{};
    double burst_size_ = 1;  ///< of the smallest backlog's bursts above the target: what an unseen one would hit
};

Trial Search::attempt(std::uint32_t backlog, std::uint64_t connections) {
    progress_(answer_.tried.size());
    const Trial trial = bench_.run(backlog, connections, burst_size_);
    answer_.simulated += trial.overflow.connections;
    if (trial.overflow.bursts != 0) {
        burst_size_ = static_cast<double>(trial.overflow.stopped) / static_cast<double>(trial.overflow.bursts);
    }
    return trial;
}

/// So many connections hold enough bursts to judge the target.
std::uint64_t Search::needed() const {
    const double wanted = kBurstsWanted * std::max(1.0, burst_size_) / question_.target;
    const auto most = static_cast<double>(question_.connections);
    return static_cast<std::uint64_t>(std::clamp(wanted, std::min<double>(kSearchConnections, most), most));
}

std::uint32_t Search::halve(std::uint32_t low, std::uint32_t high) {
    while (high - low > std::max(1U, high / kFinest)) {
        const std::uint32_t middle = low + (high - low) / 2;
        const Trial trial = attempt(middle, std::min(kSearchConnections, question_.connections));
        answer_.tried.push_back(trial);
        (trial.overflow.value > question_.target ? low : high) = middle;
    }
    return high;
}

void Search::confirm(std::uint32_t backlog) {
    for (int round = 0; round < kConfirmations; ++round) {
        const Trial trial = attempt(backlog, needed());
        answer_.tried.push_back(trial);
        answer_.chosen = trial;
        const bool shown = trial.overflow.high <= question_.target;
        answer_.verdict = shown ? Verdict::shown : Verdict::not_shown;
        // Nothing seen and still not shown: a longer queue would not show more.
        if (shown || (trial.overflow.stopped == 0 && needed() >= question_.connections)) return;
        if (backlog >= answer_.widest_backlog) break;
        backlog = std::min(answer_.widest_backlog, backlog + std::max(1U, backlog / 16));
    }
    const bool widest = answer_.chosen.backlog >= answer_.widest_backlog;
    if (widest && answer_.chosen.overflow.value > question_.target) answer_.verdict = Verdict::too_long;
}

void Search::look_at_now() {
    if (!question_.backlog_now) return;
    answer_.now = attempt(std::min(*question_.backlog_now, answer_.widest_backlog), needed());
}

void Search::finish() {
    answer_.runs = bench_.runs();
    answer_.knobs = knobs_of(question_, answer_);
    if (!question_.arrivals_ns.empty()) return;
    answer_.formula_backlog =
        smallest_backlog(question_.application, answer_.rate, question_.target, answer_.widest_backlog);
    answer_.formula_probability = overflow_probability(question_.application, answer_.rate, answer_.chosen.backlog);
}

ListenerAnswer Search::run() {
    answer_.rate = bench_.rate();
    answer_.utilisation = utilisation(question_.application, answer_.rate);
    answer_.pause_arrivals = answer_.rate * mean_of(question_.application.stall_length) / 1e9;
    answer_.widest_backlog = widest_backlog(question_.kernel);
    burst_size_ = std::max(1.0, std::sqrt(answer_.pause_arrivals));
    if (answer_.utilisation >= 1) {
        answer_.verdict = Verdict::overload;
        look_at_now();
        answer_.knobs = knobs_of(question_, answer_);
        return answer_;
    }
    const Trial unlimited = attempt(answer_.widest_backlog, std::min(kSearchConnections, question_.connections));
    answer_.tried.push_back(unlimited);
    if (unlimited.overflow.value > question_.target) {
        answer_.chosen = unlimited;
        answer_.verdict = Verdict::too_long;
    } else {
        bench_.expect_requests(unlimited.longest_request);
        confirm(halve(0, std::clamp(unlimited.longest_accept, 1U, answer_.widest_backlog)));
    }
    look_at_now();
    finish();
    return answer_;
}

}  // namespace

ListenerAnswer size_listener(const ListenerQuestion& question, const std::function<void(std::size_t)>& progress) {
    return Search(question, progress).run();
}

}  // namespace synwhy::size
