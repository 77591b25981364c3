#include "diagnose/diagnose.hpp"

#include <algorithm>

#include "diagnose/explain.hpp"
#include "diagnose/verdicts.hpp"

namespace synwhy::diagnose {

core::Report analyse(const capture::Fold& fold, const core::HostFacts& facts, const Options& options) {
    (void)options;
    core::Report report;
    std::vector<Reading> readings;
    std::vector<HostView> views = build_host_views(fold, facts, readings);
    for (HostView& view : views) {
        const Premises premises = make_premises(facts, view, readings);
        const HostExplanation explanation = explain_host(fold, readings, premises, view);
        std::vector<core::HandshakeVerdict> verdicts = make_verdicts(fold, readings, view, explanation);
        report.handshakes.insert(report.handshakes.end(), std::make_move_iterator(verdicts.begin()), std::make_move_iterator(verdicts.end()));
    }
    std::stable_sort(report.handshakes.begin(), report.handshakes.end(),
                     [](const core::HandshakeVerdict& a, const core::HandshakeVerdict& b) { return a.first_ns < b.first_ns; });
    return report;
}

}  // namespace synwhy::diagnose
