// How are outcomes and confidences written in machine-readable output?
//
// The spellings are part of the published schema: additions only. Sentences about verdicts belong to emit/.
#include "core/verdict.hpp"

namespace synwhy::core {

const char* to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::synack: return "synack";
        case Outcome::cookie: return "cookie";
        case Outcome::rst: return "rst";
        case Outcome::ack: return "ack";
        case Outcome::icmp: return "icmp";
        case Outcome::none: return "none";
    }
    return "none";
}

const char* to_string(Confidence confidence) {
    switch (confidence) {
        case Confidence::certain: return "certain";
        case Confidence::likely: return "likely";
        case Confidence::possible: return "possible";
        case Confidence::unknown: return "unknown";
    }
    return "unknown";
}

}  // namespace synwhy::core
