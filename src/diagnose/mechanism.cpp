#include "diagnose/mechanism.hpp"

namespace synwhy::diagnose {

namespace {

/// A lossless capture lets one counter-example kill a hypothesis; captures lose packets, so it costs three supports.
constexpr double kRefutePenalty = 3.0;

}  // namespace

void tally(const HostView& view, Mechanism& mechanism) {
    mechanism.support = mechanism.refute = mechanism.spared = 0;
    for (std::size_t i = 0; i < view.attempts.size(); ++i) {
        const Attempt& attempt = view.attempts[i];
        if (!judged(attempt)) continue;
        switch (mechanism.predictions[i]) {
            case Prediction::refuse: (attempt.silent() ? mechanism.support : mechanism.refute) += 1; break;
            case Prediction::answer: mechanism.spared += attempt.answered(); break;
            case Prediction::no_opinion: break;
        }
    }
}

double gain(const HostView& view, const Mechanism& mechanism, const std::vector<bool>& explained) {
    double fresh = 0;
    for (std::size_t i = 0; i < view.attempts.size(); ++i) {
        if (judged(view.attempts[i]) && view.attempts[i].silent() && !explained[i] && mechanism.refuses(i)) fresh += 1;
    }
    return fresh - kRefutePenalty * static_cast<double>(mechanism.refute) - mechanism.cost;
}

}  // namespace synwhy::diagnose
