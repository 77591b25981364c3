// Does the model do what a real kernel was measured to do?
//
// Replays a recording through model::Server of that release and compares, step by step: what came back and its
// determined fields, the counters, the queues, when SYN+ACKs were repeated and when sockets were gone.
#pragma once

#include <string>
#include <vector>

#include "truth/recording.hpp"

namespace synwhy::truth {

struct Difference {
    std::string scenario;
    std::string kernel;
    int step = 0;
    std::string line;
    std::string field;  ///< "verdict", "ack", "TcpExt.ListenDrops", "SYN_RECV", ...
    std::string expected;
    std::string got;
    std::string row;    ///< the path row by which the model decided, may be empty
    std::string known;  ///< why this difference is known, empty when it is not
};

struct Replayed {
    std::string scenario;
    std::string kernel;
    int steps = 0;       ///< those that inject a segment or wait for one
    int comparable = 0;  ///< of these, what the recording and the model both speak of
    int agree = 0;
    int known = 0;  ///< comparable steps that differ for known reasons only
    std::vector<Difference> differences{};
    std::vector<std::string> not_comparable{};  ///< "step: why"
};

Replayed replay(const Recording& recording);

}  // namespace synwhy::truth
