// One explanation of silences, fitted to one server host.
//
// A mechanism is a cause with its parameters (a threshold, a prefix, an interval). It predicts every SYN that reached
// LISTEN: refused, answered, or no opinion. Its worth is what it predicts rightly; every answered SYN that it would
// have refused counts against it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/cause.hpp"
#include "diagnose/host_view.hpp"
#include "diagnose/premises.hpp"

namespace synwhy::diagnose {

/// Attempts that explanations are judged by: all others were answered by other means, are malformed, or met an
/// existing socket.
[[nodiscard]] inline bool judged(const Attempt& attempt) {
    return attempt.reaches_listen && !attempt.own_request && (attempt.answered() || attempt.silent());
}

enum class Prediction : std::int8_t { answer = -1, no_opinion = 0, refuse = 1 };

struct Mechanism {
    core::Cause cause{};
    std::uint32_t listener = kNone;          ///< kNone: the whole host
    std::vector<std::uint32_t> refusals{};   ///< attempts it predicts to be refused, ascending
    std::uint64_t support = 0;               ///< silent attempts it predicts
    std::uint64_t refute = 0;                ///< answered attempts it would have refused
    std::uint64_t spared = 0;                ///< answered attempts it predicts to be answered
    std::uint64_t unique = 0;                ///< silences nothing chosen before it explains
    double cost = 0;                         ///< parameters to be paid for, in attempts
    std::vector<std::uint32_t> stretched{};  ///< attempts just outside its prediction that belong to it all the same
    bool assumed = false;                    ///< rests on something before or outside the capture
    std::uint32_t threshold = 0;             ///< queue length, TTL: meaning by cause
    core::Address prefix{};                  ///< constant causes
    std::uint8_t prefix_length = 0;
    std::int64_t from_ns = INT64_MIN;  ///< active interval
    std::int64_t to_ns = INT64_MAX;
    std::vector<core::Cause> siblings{};  ///< causes that predict exactly the same here
    std::string kernel_note{};            ///< which variant fitted, if it matters

    [[nodiscard]] bool refuses(std::size_t attempt) const {
        return std::binary_search(refusals.begin(), refusals.end(), static_cast<std::uint32_t>(attempt));
    }
    /// Takes up a prediction and counts whether it came true. In ascending order; only judged attempts count.
    void predict(std::size_t index, const Attempt& attempt, Prediction prediction);
};

/// A setting may have changed while the capture ran: keeps the interval in which the mechanism predicts best, and
/// charges for each end that is needed.
void fit_interval(const HostView& view, Mechanism& mechanism);

/// Adds the silences that a chosen explanation misses by a hair: a queue all but full within two seconds of a
/// refusal by it, another copy of a SYN that per-host PAWS refused.
void stretch(const HostView& view, Mechanism& mechanism, std::vector<bool>& explained);

/// Worth of explaining the still unexplained attempts.
double gain(const HostView& view, const Mechanism& mechanism, const std::vector<bool>& explained);
/// The same with nothing explained yet.
double gain(const Mechanism& mechanism);

std::vector<Mechanism> fit_host_paws(const HostView& view, const Premises& premises);
/// Silences that stamps from before the capture would explain, where per-host PAWS is believed anyway.
std::vector<Mechanism> assume_earlier_stamps(const HostView& view, const capture::Fold& fold, const Premises& premises,
                                             const std::vector<Mechanism>& chosen, const std::vector<bool>& explained);
std::vector<Mechanism> fit_accept_queues(const HostView& view, const Premises& premises);
std::vector<Mechanism> fit_syn_queues(const HostView& view, const Premises& premises);
std::vector<Mechanism> fit_min_ttl(const HostView& view, const capture::Fold& fold, const Premises& premises);
/// Constant refusals by source prefix among the attempts nobody has explained yet.
std::vector<Mechanism> fit_prefixes(const HostView& view, const Premises& premises, const std::vector<bool>& explained);

}  // namespace synwhy::diagnose
